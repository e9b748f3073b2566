"""The share that a row has in the chance of its group: what a draw says of the texts that it makes ineligible."""

from collections.abc import Mapping
from typing import Any

import numpy

from spacy_al.selection.active_testing import active_testing, measuring_weights
from spacy_al.selection.near_positives import near_positives
from spacy_al.selection.quotas import quotas
from spacy_al.selection.rank import uniform
from spacy_al.selection.stochastic import log_weights, stochastic
from spacy_al.types import Floats, Ints

# Samplers whose draws by chance are uniform
EVEN = (uniform, quotas, near_positives)


def within_groups(
    take: Any, scores: Floats, groups: Ints, rows: Ints, given: Mapping[str, Any]
) -> Floats | None:
    """Of the probability that a draw gave to the group of its row, the share of the row itself.

    take (Sampler): What drew, a partial of one of the functions here.
    scores (Floats): (N,) that it was given.
    groups (Ints): (N,) of which a draw makes all ineligible.
    rows (Ints): (n,) that were drawn.
    given (Mapping): What else it looked at.
    RETURNS (Floats | None): (n,) above 0 and up to 1; None for a sampler of which that is not known.
    """
    function, settings = getattr(take, "func", take), getattr(take, "keywords", {})
    if function in EVEN:
        logs: Floats = numpy.zeros(len(scores))
    elif function is stochastic:
        logs, last = log_weights(scores, settings.get("beta", 1.0), settings.get("explore", 0.0))
        if last.any():
            # they come after all others, so that nothing is known of them
            return None
    elif function is active_testing:
        doubts = measuring_weights(scores, given.get("answer_counts"))
        logs, _ = log_weights(doubts, 1.0, settings["explore"])
    else:
        return None
    numbers = numpy.unique(groups, return_inverse=True)[1]
    weights = numpy.exp(logs - logs.max())
    whole = numpy.bincount(numbers, weights)
    return numpy.minimum(weights[rows] / whole[numbers[rows]], 1.0)
