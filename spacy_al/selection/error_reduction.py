"""Samplers that ask what an answer would do to the rest of the pool, without training once for each candidate."""

from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, finite, probabilities, round_significant, same_length
from spacy_al.arrays.distribution import row_entropy
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.selection.density import unit_rows
from spacy_al.selection.rank import top_k
from spacy_al.selection.rows import rows_of
from spacy_al.types import Floats, Ints, Sampler

# Entries of a table of joint probabilities that are made at a time
CHUNK = 500_000


@registry.al_samplers("spacy-al.error_reduction.v1")
def make_error_reduction(candidates: int = 512, targets: int = 2000, ridge: float = 0.1) -> Sampler:
    """Texts whose answers are expected to take most error from the predictions on the pool (Roy & McCallum, 2001).

    candidates (int): So many of the highest scores are looked at, and at least 2 * n of them.
    targets (int): The error is that on so many texts of the pool, drawn at random.
    ridge (float): Weight of the penalty of the regression, for embeddings of length 1.
    RETURNS (Sampler): See `error_reduction`; deterministic but for the choice of the targets.
    RAISES (UsageError): AL023.
    """
    at_least(1, candidates, "candidates")
    at_least(1, targets, "targets")
    at_least(1e-9, ridge, "ridge")
    return partial(error_reduction, candidates=candidates, targets=targets, ridge=ridge)


@registry.al_samplers("spacy-al.pool_information.v1")
def make_pool_information(candidates: int = 256, targets: int = 256) -> Sampler:
    """Texts whose answers tell most of the answers of the pool (Mussmann et al., 2022; Bickford Smith et al., 2023).

    candidates (int): So many of the highest scores are looked at, and at least 2 * n of them.
    targets (int): Information on so many texts of the pool, drawn at random.
    RETURNS (Sampler): See `pool_information`; deterministic but for the choice of the targets.
    RAISES (UsageError): AL023.
    """
    at_least(1, candidates, "candidates")
    at_least(1, targets, "targets")
    return partial(pool_information, candidates=candidates, targets=targets)


def error_reduction(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    label_probs: Any = None,
    labelled: Any = None,
    candidates: int = 512,
    targets: int = 2000,
    ridge: float = 0.1,
) -> tuple[Ints, Floats, Floats]:
    """Expected reduction of the squared error of a linear head on fixed embeddings.

    The head says which labels occur in a text: the category, the categories, or the labels of entities and spans. It
    is a ridge regression f on the labelled texts, so an answer y to x changes it at u by exactly
    (u'Kx) (y - f(x)) / (1 + x'Kx), where K is the inverse of X'X + ridge. Summed over targets u and averaged over y,
    the squared change is E|y - f(x)|^2 sum_u (u'Kx)^2 / (1 + x'Kx)^2. Where y is drawn from what the head itself
    believes, that is the error it loses (law of total variance), and noise that no answer removes cancels: it swamps
    the paper's criterion, the entropy after the answer (Mohamadi et al., 2022, find the change better as well). Here
    y is drawn from the component's probabilities where there are any. A pick enters K before the next, so that a
    batch does not repeat itself; f stays, since its answer is not known.

    scores (Floats): Shape (N,); the highest become candidates.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Draws the targets.
    embeddings (Any): Shape (N, d), dense, scipy sparse or `Factored` (then by their sketch); used at length 1.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    label_probs (Any): Probability that each label occurs, shape (N, K); without, the head's own are used.
    labelled (Any): `embeddings` (L, d) and `counts` (L, K) of what is labelled; without, f is `label_probs`.
    RETURNS (tuple[Ints, Floats, Floats]): Rows, best first; their propensities, all 1.0 (design: deterministic); the squared
        error that each takes from a target, a mean over targets, given those before it.
    RAISES (AlError): AL021, AL023, AL024; AL025 (UsageError) without embeddings.
    """
    if embeddings is None:
        raise UsageError(Errors.AL025.format(name="spacy-al.error_reduction.v1"))
    rows, sample = _candidates_targets(scores, n, rng, groups, candidates, targets)
    same_length(len(scores), embeddings, "The embeddings")
    asked, pool = _units(embeddings, rows), _units(embeddings, sample)
    known, counts = _labelled(labelled, asked.shape[1])
    probs = None
    if label_probs is not None:
        same_length(len(scores), label_probs, "The probabilities of labels")
        probs = probabilities(label_probs[rows], "The probabilities of labels")
    error = _expected_square(probs, known, counts, asked, ridge)
    reach = inverse_products(pool, asked, known, ridge)
    inner = inverse_products(asked, asked, known, ridge)
    chosen, gains = _greedy(error, reach.T @ reach, inner, n)
    return rows[chosen], numpy.ones(len(chosen)), gains / max(1, len(sample))


def inverse_products(left: Any, right: Any, known: Any, ridge: float) -> Floats:
    """u'Kx of each pair of rows, where K is the inverse of X'X + ridge, by the smaller of two equal systems.

    left (Any): Rows u, shape (m, d), dense or scipy sparse.
    right (Any): Rows x, shape (n, d).
    known (Any): X, shape (L, d); L may be 0.
    RETURNS (Floats): Shape (m, n).
    """
    size, width = known.shape
    if width <= size:
        inverse = numpy.linalg.solve(
            _dense(known.T @ known) + ridge * numpy.eye(width), _dense(right.T)
        )
        return left @ inverse
    gram = _dense(known @ known.T) + ridge * numpy.eye(size)
    inside = _dense(left @ known.T) @ numpy.linalg.solve(gram, _dense(known @ right.T))
    return (_dense(left @ right.T) - inside) / ridge


def pool_information(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    members: Any = None,
    candidates: int = 256,
    targets: int = 256,
) -> tuple[Ints, Floats, Floats]:
    """The mean mutual information of a text's answer and those of the targets, under a committee.

    Given a member, answers are independent; what they share is which member is right. So the joint distribution of two
    answers is the mean over members of products, and the reduction of the expected error under log loss needs no
    training. The highest are taken; within a batch, information that two of them share is counted twice.

    scores (Floats): Shape (N,); the highest become candidates.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): Draws the targets.
    embeddings (Any): Not used.
    groups (Ints | None): Group of each row, shape (N,); at most one row of each is chosen.
    members (Any): Category probabilities of each member, shape (N, M, K), exclusive.
    RETURNS (tuple[Ints, Floats, Floats]): Rows, best first; their propensities, all 1.0 (design: deterministic); their
        information in nats.
    RAISES (AlError): AL021, AL023, AL024; AL240 (UsageError) without members, AL241 for categories that are not exclusive.
    """
    if members is None:
        raise UsageError(Errors.AL240)
    rows, sample = _candidates_targets(scores, n, rng, groups, candidates, targets)
    same_length(len(scores), members, "The members")
    information = shared_information(members[sample], members[rows])
    chosen, propensities = top_k(information, n, rng)
    return rows[chosen], propensities, information[chosen]


def shared_information(targets: Any, candidates: Any) -> Floats:
    """The mean over targets u of I(Y_u; Y_x) = H(Y_u) + H(Y_x) - H(Y_u, Y_x), in nats.

    targets (Any): Probabilities of each member, shape (T, M, K).
    candidates (Any): The same, shape (B, M, K).
    RETURNS (Floats): Shape (B,), 0 or more.
    RAISES (AlError): AL021, AL241.
    """
    left, right = _exclusive(targets), _exclusive(candidates)
    size, n_members, n_labels = left.shape
    single = row_entropy(left.mean(axis=1)).mean() if size else 0.0
    information = row_entropy(right.mean(axis=1)) + single
    flat = left.transpose(0, 2, 1).reshape(-1, n_members) / n_members
    step = max(1, CHUNK // max(1, size * n_labels * n_labels))
    for start in range(0, len(right), step):
        block = right[start : start + step].transpose(1, 0, 2)
        joint = (flat @ block.reshape(n_members, -1)).reshape(size * n_labels, -1, n_labels)
        # `row_entropy` over the axes around that of the candidates, without turning the table, which takes longer
        logs = numpy.log(numpy.maximum(joint, 1e-300))
        information[start : start + step] += numpy.einsum("uxk,uxk->x", joint, logs) / size
    return numpy.maximum(information, 0.0)


def _candidates_targets(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    groups: Ints | None,
    candidates: int,
    targets: int,
) -> tuple[Ints, Ints]:
    """The rows with the highest scores, one of each group, and a sample of all rows."""
    at_least(0, n, "n")
    rows, _ = top_k(scores, max(2 * n, candidates), rng, groups=groups)
    # one number for each text, and not for each row, so that a shuffled pool has the same targets
    sample = numpy.argsort(rng.random(len(scores)), kind="stable")[:targets]
    return rows, numpy.sort(sample)


def _labelled(labelled: Any, width: int) -> tuple[Any, Floats]:
    """Unit embeddings (L, d) of the labelled texts, and which labels occur in each (L, K); L is 0 if there are none."""
    if labelled is None or labelled.embeddings is None:
        return numpy.zeros((0, width)), numpy.zeros((0, 0))
    known, counts = _units(labelled.embeddings), numpy.asarray(labelled.counts)
    same_length(known.shape[0], counts, "The counts of labels")
    if known.shape[1] != width:
        what, expected = "The labelled embeddings", f"(n, {width}), as the pool's"
        raise AlError(Errors.AL024.format(what=what, expected=expected, found=known.shape))
    return known, (counts > 0).astype("f8")


def _expected_square(
    probs: Floats | None, known: Any, occurs: Floats, asked: Any, ridge: float
) -> Floats:
    """E|y - f(x)|^2 of each candidate: the sum over labels of p (1 - f)^2 + (1 - p) f^2, exclusive or not."""
    if not occurs.size:
        return numpy.ones(asked.shape[0]) if probs is None else (probs * (1 - probs)).sum(axis=1)
    # the penalty draws to how often each label is, not to 0
    share = occurs.mean(axis=0)
    head = share + inverse_products(asked, known, known, ridge) @ (occurs - share)
    if probs is None:
        probs = numpy.clip(head, 0.0, 1.0)
    elif probs.shape != head.shape:
        what, expected = "The probabilities of labels", f"(N, {head.shape[1]}), as the counts"
        raise AlError(Errors.AL024.format(what=what, expected=expected, found=probs.shape))
    return (probs - 2 * probs * head + head**2).sum(axis=1)


def _greedy(error: Floats, reach: Floats, inner: Floats, n: int) -> tuple[Ints, Floats]:
    """Candidates in the order of their gain, each given those before, and these gains.

    error (Floats): Shape (B,), E|y - f(x)|^2.
    reach (Floats): Shape (B, B), the sum over targets u of x'Ku u'Kz.
    inner (Floats): Shape (B, B), x'Kz.
    """
    n, size = min(n, len(error)), len(error)
    eligible, chosen = numpy.ones(size, dtype=bool), numpy.zeros(n, dtype="i8")
    reached, joined, shrunk = numpy.zeros((3, n, size))
    peaks, found = numpy.zeros((2, n))
    gains, lengths = reach.diagonal().copy(), inner.diagonal().copy()
    for i in range(n):
        gain = error * numpy.maximum(gains, 0.0) / (1.0 + lengths) ** 2
        best = chosen[i] = int(numpy.argmax(numpy.where(eligible, round_significant(gain), -1.0)))
        eligible[best], found[i] = False, gain[best]
        # K - K x x'K / (1 + x'Kx) on both sides of the targets, of which only this row and the diagonals are made
        past, own = shrunk[:i], shrunk[:i, best]
        joined[i] = inner[best] - own @ joined[:i]
        ahead = reached[:i, best] - peaks[:i] * own
        reached[i] = reach[best] - own @ reached[:i] - ahead @ past
        peaks[i] = reached[i, best]
        shrunk[i] = joined[i] / (1.0 + joined[i, best])
        lengths -= joined[i] * shrunk[i]
        gains -= (2.0 * reached[i] - peaks[i] * shrunk[i]) * shrunk[i]
    return chosen, found


def _units(vectors: Any, rows: Any = slice(None)) -> Any:
    """Unit rows in double precision, dense or sparse; those that are kept as factors become their sketches."""
    vectors = rows_of(vectors, rows)
    return unit_rows(vectors.sketch() if hasattr(vectors, "sketch") else vectors)


def _dense(matrix: Any) -> Floats:
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix


def _exclusive(members: Any) -> Floats:
    probs = finite(members, "The members' probabilities", 0.0, 1.001)
    if probs.ndim != 3 or (numpy.abs(probs.sum(axis=2) - 1.0) > 1e-2).any():
        raise AlError(Errors.AL241.format(found=probs.shape))
    return probs
