"""Which tokens of a text are worth a question: an uncertain stretch, never a part of an entity (Tomanek and Hahn, 2009)."""

import numpy
from numpy.typing import ArrayLike

from spacy_al.arrays.checks import probabilities
from spacy_al.types import Floats


def asked_tokens(
    token_probs: Floats,
    starts: ArrayLike,
    ends: ArrayLike,
    *,
    threshold: float,
    margin: int,
) -> list[int]:
    """The tokens to ask about: those of which the model is not sure, some on each side, and whole entities.

    A text that was chosen is asked about something: where the model is sure of all of it, its least certain token. Tomanek
    and Hahn (2009) ask for single tokens below the threshold; a person who is to decide on a token has to decide where its entity
    ends, hence the entities, and sees how far it goes, hence the margin.

    token_probs (Floats): Shape (n_tokens, n_labels), the marginal distribution of each token.
    starts, ends (ArrayLike): Shape (n_candidates,), entities that are possible, the end exclusive.
    threshold (float): A token is uncertain if its greatest marginal is below this.
    margin (int): Tokens that are asked on each side of an uncertain one.
    RETURNS (list[int]): In order; empty only of an empty text.
    RAISES (AlError): AL021 for what is no probability.
    """
    if not len(token_probs):
        return []
    sure = probabilities(token_probs, "Marginals of tokens").max(axis=1)
    uncertain = numpy.flatnonzero(sure < max(threshold, numpy.nextafter(sure.min(), 2.0)))
    asked = numpy.zeros(len(sure), dtype=bool)
    for token in uncertain:
        asked[max(token - margin, 0) : token + margin + 1] = True
    starts, ends = numpy.asarray(starts, dtype=int), numpy.asarray(ends, dtype=int)
    while True:
        # an entity that is added can touch another
        covered = numpy.concatenate(([0], numpy.cumsum(asked)))
        touched = covered[ends] - covered[starts]
        grow = numpy.flatnonzero((touched > 0) & (touched < ends - starts))
        if not len(grow):
            return numpy.flatnonzero(asked).tolist()
        for row in grow:
            asked[starts[row] : ends[row]] = True
