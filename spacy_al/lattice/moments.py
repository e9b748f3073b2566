"""How many segments an analysis has, and how many of some that are named: means, variances and covariance, over all analyses at once."""

import numpy

from spacy_al.lattice.chain import Chain, row_sums
from spacy_al.types import Floats, Ints


def segment_moments(chain: Chain, first: Ints, last: Ints, label: Ints) -> Floats:
    """Moments of the number of segments and of the number of named ones, exact under the distribution.

    A forward recursion carries the sums of probability, of counts, and of their products (Li and Eisner, 2009).

    chain (Chain): A batch of documents.
    first, last, label (Ints): (n,) the segments that are named: first and last token in the batch, index of the label.
    RETURNS (Floats): (n_docs, 5): mean of the named ones and of all, variance of the named ones, covariance, variance of all.
    """
    unit_hits, chunk_hits = numpy.zeros(len(chain.outside)), numpy.zeros(len(chain.first))
    single = first == last
    unit_hits[first[single]] = chain.unit[first[single], label[single]]
    if len(chain.first):
        size = len(chain.node)
        key, wanted = chain.first * size + chain.last, first * size + last
        row = numpy.minimum(numpy.searchsorted(key, wanted), len(key) - 1)
        there = ~single & (key[row] == wanted)
        chunk_hits[row[there]] = chain.chunk[row[there], label[there]]
    units, chunks = row_sums(chain.unit), row_sums(chain.chunk)
    # of each closed state: probability, sums of named, of all, of their squares and of the product
    value = numpy.zeros((len(chain.node) + len(chain.lengths), 6))
    ends = chain.offsets[1:] + numpy.arange(len(chain.lengths))
    value[chain.offsets[:-1] + numpy.arange(len(chain.lengths)), 0] = 1.0
    source, target = chain.node[chain.first], chain.node[chain.last] + 1
    for tokens, rows in zip(chain.by_position(None), chain.by_position(chain.last)):
        here = chain.node[tokens]
        value[here + 1] = chain.outside[tokens, None] * value[here]
        value[here + 1] += _with_segment(value[here], units[tokens], unit_hits[tokens])
        if len(rows):
            more = _with_segment(value[source[rows]], chunks[rows], chunk_hits[rows])
            numpy.add.at(value, target[rows], more)
    total = numpy.maximum(value[ends, :1], 1e-300)
    named, every, named2, product, every2 = (value[ends, 1:] / total).T
    return numpy.stack(
        [
            named,
            every,
            numpy.maximum(named2 - named**2, 0),
            product - named * every,
            numpy.maximum(every2 - every**2, 0),
        ],
        axis=1,
    )


def _with_segment(before: Floats, any_of: Floats, hit: Floats) -> Floats:
    """The sums of states after a step that makes a segment. any_of, hit (Floats): (n,) probability of the step, and of a named one."""
    mass, named, every = before.T[:3]
    found = any_of[:, None] * before
    found[:, 1] += hit * mass
    found[:, 2] += any_of * mass
    found[:, 3] += hit * (2 * named + mass)
    found[:, 4] += any_of * named + hit * (every + mass)
    found[:, 5] += any_of * (2 * every + mass)
    return found
