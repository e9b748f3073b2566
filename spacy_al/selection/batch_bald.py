"""Batches of texts whose answers would together say most of which member of a committee is right: BatchBALD."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, probabilities, round_significant, same_length
from spacy_al.arrays.distribution import mutual_information, row_entropy
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.selection.rank import check_rows, top_k
from spacy_al.types import Floats, Ints, Sampler

# Numbers in the largest table of one step
CELLS = 4_000_000


@registry.al_samplers("spacy-al.batch_bald.v1")
def make_batch_bald(candidates: int = 1000, configurations: int = 300) -> Sampler:
    """The batch whose answers share most information with the committee, for exclusive categories; deterministic given its seed.

    candidates (int): Rows that take part: the highest scores, and at least 2 * n of them.
    configurations (int): Sets of answers to the batch so far that are told apart. As long as there are no more of them, all
        gains are exact; of more, this many are drawn.
    RETURNS (Sampler): See `batch_bald`.
    RAISES (UsageError): AL023 for a number below 1.
    """
    at_least(1, candidates, "candidates")
    at_least(1, configurations, "configurations")
    return partial(batch_bald, candidates=candidates, configurations=configurations)


def batch_bald(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    members: Floats | None = None,
    candidates: int = 1000,
    configurations: int = 300,
) -> tuple[Ints, Floats]:
    """Rows one by one, each with the greatest gain in I(answers of the batch; member) (Kirsch et al., 2019).

    They compare joint entropies of the whole batch. The gain of one more row is the mean, over the answers there may be to the
    batch so far, of its mutual information with the member given these answers, which is the same number and cannot
    underflow. It only falls while the batch grows, so rows whose gain was too small before are not looked at again.

    scores (Floats): Acquisition scores, shape (N,); they say which rows take part, and order rows of equal gain.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Draws configurations where there are too many.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); only the row of each with the highest score takes part.
    members (Floats | None): What each member says of each row, shape (N, n_members, n_labels).
    RETURNS (tuple[Ints, Floats]): Rows, and their propensities, all 1.0 (design: deterministic).
    RAISES (AlError): AL021 for NaN, AL023 for a negative n, AL024 for unequal lengths, AL205 without members.
    """
    scores, n = check_rows(scores, n, groups)
    if members is None:
        raise UsageError(Errors.AL205)
    same_length(len(scores), members, "The members' probabilities")
    if numpy.ndim(members) != 3:
        expected, found = "(n, n_members, n_labels)", numpy.shape(members)
        what = "The members' probabilities"
        raise AlError(Errors.AL024.format(what=what, expected=expected, found=found))
    eligible, _ = top_k(scores, max(candidates, 2 * n), rng, groups=groups)
    probs = probabilities(members[eligible], "The members' probabilities")
    # a stream of its own: one draw a row would be a draw for the rows' texts
    own = numpy.random.default_rng(int(rng.integers(2**63)))
    chosen = _greedy(probs, min(n, len(eligible)), own, configurations)
    return eligible[chosen], numpy.ones(len(chosen))


def gains(probs: Floats, beliefs: Floats, weights: Floats) -> Floats:
    """I(answer of each row; member), given the answers to the batch so far.

    probs (Floats): Shape (n_rows, n_members, n_labels).
    beliefs (Floats): How probable each member is after each configuration of answers, shape (n_configurations, n_members).
    weights (Floats): Probability of each configuration, shape (n_configurations,).
    RETURNS (Floats): Shape (n_rows,), in nats.
    """
    n_rows, n_members, n_labels = probs.shape
    known = row_entropy(probs) @ (weights @ beliefs)
    flat = probs.transpose(1, 0, 2).reshape(n_members, -1)
    predicted = numpy.zeros(n_rows)
    step = max(1, CELLS // max(flat.shape[1], 1))
    for start in range(0, len(beliefs), step):
        part = slice(start, start + step)
        mixed = (beliefs[part] @ flat).reshape(-1, n_rows, n_labels)
        predicted += weights[part] @ row_entropy(mixed)
    return numpy.maximum(predicted - known, 0.0)


def _greedy(probs: Floats, n: int, rng: numpy.random.Generator, most: int) -> Ints:
    """Rows in the order in which they are chosen."""
    n_rows, n_members, n_labels = probs.shape
    beliefs: Floats = numpy.full((1, n_members), 1.0 / n_members)
    weights: Floats = numpy.ones(1)
    bound = round_significant(mutual_information(probs.transpose(1, 0, 2)))
    chosen: list[int] = []
    # a handful at a time, as a product of matrices costs little more for a few rows
    block = max(1, min(64, CELLS // max(most * n_labels, 1)))
    while len(chosen) < n:
        order = numpy.argsort(-bound, kind="stable")[: n_rows - len(chosen)]
        best, gain = -1, -1.0
        for start in range(0, len(order), block):
            rows = order[start : start + block]
            # what stands here bounds all that comes after, and among equals the earlier row is first
            if (bound[rows[0]], -rows[0]) < (gain, -best):
                break
            bound[rows] = round_significant(gains(probs[rows], beliefs, weights))
            for row in rows:
                if (bound[row], -row) > (gain, -best):
                    best, gain = int(row), float(bound[row])
        chosen.append(best)
        bound[best] = -1.0
        beliefs, weights = _answered(probs[best], beliefs, weights, rng, most)
    return numpy.array(chosen, dtype="i8")


def _answered(
    probs: Floats, beliefs: Floats, weights: Any, rng: numpy.random.Generator, most: int
) -> tuple[Floats, Floats]:
    """Beliefs and weights after every configuration with each answer to one more row; a fair sample of them if they are too many."""
    joint = (weights[:, None, None] * beliefs[:, None, :] * probs.T).reshape(-1, len(probs))
    joint = joint[joint.sum(axis=1) > 0]
    weights = joint.sum(axis=1)
    beliefs = joint / weights[:, None]
    if len(weights) > most:
        # one draw for all (systematic resampling), so that hardly more chance enters than must
        points = (numpy.arange(most) + rng.random()) / most * weights.sum()
        found = numpy.searchsorted(weights.cumsum(), points, side="right")
        beliefs, weights = beliefs[numpy.minimum(found, len(weights) - 1)], numpy.ones(most)
    return beliefs, weights / weights.sum()
