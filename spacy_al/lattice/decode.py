"""Whole analyses of one document: the most probable ones, and random ones."""

from collections import defaultdict
from heapq import nlargest

import numpy

from spacy_al.lattice.chain import Chain
from spacy_al.types import Floats

# (first token, end exclusive, label index)
Segment = tuple[int, int, int]
Analysis = tuple[Segment, ...]


def nbest(chain: Chain, k: int) -> list[tuple[float, Analysis]]:
    """The k most probable analyses of a chain of one document, most probable first, with their log probabilities.

    Exact: every closed state keeps its k best histories (Viterbi, 1967, for k > 1). Equal ones keep a fixed order.
    """
    arriving = _arriving(chain)
    # a history is (log probability, state it came from, rank there, segment or None)
    table: list[list[tuple[float, int, int, Segment | None]]] = [[(0.0, -1, 0, None)]]
    for node in range(1, int(chain.lengths[0]) + 1):
        candidates = [
            (score + logp, source, rank, segment)
            for logp, source, segment in arriving[node]
            for rank, (score, *_) in enumerate(table[source])
        ]
        table.append(nlargest(k, candidates, key=lambda item: item[0]))
    found = []
    for rank, (score, *_) in enumerate(table[-1]):
        segments: list[Segment] = []
        node, place = len(table) - 1, rank
        while node > 0:
            _, node, place, segment = table[node][place]
            if segment is not None:
                segments.append(segment)
        found.append((score, tuple(reversed(segments))))
    return found


def sample(chain: Chain, rng: numpy.random.Generator) -> Analysis:
    """One analysis drawn from a chain of one document (ancestral sampling)."""
    steps: dict[int, list[tuple[float, int, Segment | None]]] = defaultdict(list)
    for target, arrivals in _arriving(chain).items():
        for logp, source, segment in arrivals:
            steps[source].append((numpy.exp(logp), target, segment))
    segments: list[Segment] = []
    node = 0
    while node < int(chain.lengths[0]):
        weights: Floats = numpy.array([weight for weight, *_ in steps[node]])
        _, node, segment = steps[node][int(rng.choice(len(weights), p=weights / weights.sum()))]
        if segment is not None:
            segments.append(segment)
    return tuple(segments)


def _arriving(chain: Chain) -> dict[int, list[tuple[float, int, Segment | None]]]:
    """Steps by the state they lead to: (log probability, state they leave, segment)."""
    arriving: dict[int, list[tuple[float, int, Segment | None]]] = defaultdict(list)
    for token in numpy.flatnonzero(chain.outside > 0).tolist():
        arriving[token + 1].append((float(numpy.log(chain.outside[token])), token, None))
    for token, label in numpy.argwhere(chain.unit > 0).tolist():
        arriving[token + 1].append(
            (float(numpy.log(chain.unit[token, label])), token, (token, token + 1, label))
        )
    for row, label in numpy.argwhere(chain.chunk > 0).tolist():
        first, end = int(chain.first[row]), int(chain.last[row]) + 1
        arriving[end].append(
            (float(numpy.log(chain.chunk[row, label])), first, (first, end, label))
        )
    return arriving
