"""A random order in which all strata of a pool advance alike."""

import numpy

from spacy_al.types import Floats, Ints


def spread_over_strata(strata: Ints, starts: Floats) -> tuple[Ints, Ints]:
    """Texts in random order, put in one of which each beginning has its share of each stratum, to within a text or so.

    The k-th text of a stratum of N comes at (k + start) / N: a systematic sample with a random start for each stratum (Madow and Madow,
    1944). So what comes before a place p holds every text of the pool with the probability p, whatever its stratum; among the first n
    texts those of one stratum have the same probability, and those of different strata nearly so.

    strata (Ints): (N,) the stratum of each text, from 0 on without gaps.
    starts (Floats): (n_strata,) in [0, 1), drawn once for each stratum.
    RETURNS (tuple[Ints, Ints]): (N,) rows in the order of their draws, and at each draw how many texts of its stratum were left to draw.
    """
    sizes = numpy.bincount(strata)
    ranks = numpy.empty(len(strata), dtype="i8")
    by_stratum = numpy.argsort(strata, kind="stable")
    ranks[by_stratum] = numpy.arange(len(strata)) - numpy.repeat(numpy.cumsum(sizes) - sizes, sizes)
    rows = numpy.argsort((ranks + starts[strata]) / sizes[strata], kind="stable")
    return rows, (sizes[strata] - ranks)[rows]
