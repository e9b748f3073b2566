"""Acquisitions against slow references, and a contract that every registered one keeps."""

import inspect
import itertools
import math
import pickle
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import spacy
from confection import ConfigValidationError
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al.acquisition import default_acquisition, information_density, product, rank_fusion
from spacy_al.acquisition.inputs import FITS
from spacy_al.acquisition.reduce import WAYS, reduce
from spacy_al.arrays import distribution
from spacy_al.arrays.checks import round_significant
from spacy_al.errors import AlError, UsageError
from spacy_al.registry import al_acquisitions
from spacy_al.types import posterior_kind

OURS = {n: build for n, build in al_acquisitions.get_all().items() if n.startswith("spacy-al.")}
# those that are made of others, and what looks at a teacher beside the posteriors, have tests of their own
NAMES = sorted(
    name
    for name, build in OURS.items()
    if name != "spacy-al.disagreement_teacher.v1"
    and all(p.default is not p.empty for p in inspect.signature(build).parameters.values())
)
TOKEN_NAMES = [f"spacy-al.{name}.v1" for name in FITS["tokens"]]

quick = settings(max_examples=50, deadline=None)
weights = st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda ws: sum(ws) > 1e-3)
ragged = st.lists(st.lists(st.floats(-5, 5), max_size=6), max_size=6)


@dataclass
class Tokens:
    token_probs: Any


@dataclass
class Categories:
    probs: Any
    exclusive: bool


@dataclass
class Spans:
    """As a span categoriser gives them: probs of their own shape beside span_probs."""

    probs: Any
    exclusive: bool = False

    @property
    def span_probs(self):
        return self.probs.ravel()


@dataclass
class Entities:
    """Independent tokens, with what entity posteriors bring computed over every analysis."""

    token_probs: Any
    span_probs: Any

    @property
    def analyses(self):
        return [math.prod(labels) for labels in itertools.product(*self.token_probs.tolist())]

    @property
    def entropy(self):
        return -sum(p * math.log(p) for p in self.analyses if p > 0)

    @property
    def best_logprob(self):
        return math.log(max(self.analyses))

    @property
    def expected_errors(self):
        return sum(1 - max(row) for row in self.token_probs.tolist())


@dataclass
class Committee:
    members: Any

    def __getattr__(self, name):
        if name == "exclusive":
            return self.members[0].exclusive
        if not name.endswith("probs"):
            raise AttributeError(name)
        return numpy.stack([getattr(member, name) for member in self.members])


COMMITTEE = "committee of "


def make(kind, rows):
    """A posterior of a kind from distributions (n, 3).

    The members of a committee: one that says just this, one that is sure of the best label, and one that is sure of the second
    best where that has a chance.
    """
    rows = numpy.asarray(rows, dtype="f8").reshape(-1, 3)
    if kind.startswith(COMMITTEE):
        order = numpy.argsort(rows, axis=1)
        best, second = numpy.eye(3)[order[:, -1]], numpy.eye(3)[order[:, -2]]
        other = numpy.where(rows.max(axis=1, keepdims=True) > 0.9, best, second)
        plain = kind.removeprefix(COMMITTEE)
        return Committee([make(plain, member) for member in (rows, best, other)])
    if kind == "tokens":
        return Tokens(rows)
    if kind == "entities":
        return Entities(rows, rows.ravel())
    if kind == "spans":
        return Spans(rows)
    return Categories(rows[0], exclusive=kind == "exclusive categories")


def uniform(kind, n):
    """The posterior of greatest uncertainty: half for each yes or no, a third for each of three labels."""
    thirds, halves = numpy.full((n, 3), 1 / 3), numpy.full((n, 3), 1 / 2)
    if kind.startswith(COMMITTEE):
        # each member is sure of another answer
        plain = kind.removeprefix(COMMITTEE)
        one_of_three = plain in ("entities", "tokens", "exclusive categories")
        opinions = numpy.eye(3) if one_of_three else numpy.array([[0, 0, 0], [1, 1, 1]])
        return Committee([make(plain, numpy.tile(opinion, (n, 1))) for opinion in opinions])
    if kind == "entities":
        return Entities(thirds, halves.ravel())
    return make(kind, thirds if kind in ("tokens", "exclusive categories") else halves)


def random_rows(seed, n):
    return numpy.random.default_rng(seed).dirichlet(numpy.full(3, 0.4), n)


def kinds_of(name):
    """The kinds of posterior that an acquisition accepts. One for a new kind belongs in `make`."""
    kinds = []
    for kind in FITS:
        try:
            al_acquisitions.get(name)()([make(kind, random_rows(0, 2))])
        except AlError as error:
            assert "AL020" in str(error)
        else:
            kinds.append(kind)
    assert kinds, f"{name} accepts none of {list(FITS)}"
    return kinds


CASES = [(name, kind) for name in NAMES for kind in kinds_of(name)]
every = pytest.mark.parametrize("name,kind", CASES)
# what counts, and does not doubt: of a model that is sure it is not 0
COUNTS = {"spacy-al.tag_count.v1"}
every_doubt = pytest.mark.parametrize("name,kind", [c for c in CASES if c[0] not in COUNTS])
# members that are each sure of another answer have not changed in how sure they are
DOUBTS_OF_ONE = [c for c in CASES if c[0] not in {*COUNTS, "spacy-al.fluctuation.v1"}]


# the contract


@every_doubt
def test_zero_for_certainty(name, kind):
    certain = make(kind, numpy.eye(3)[[0, 2, 2, 1]])
    scores = al_acquisitions.get(name)()([certain])
    assert scores.tolist() == [0.0]
    assert not numpy.signbit(scores).any()


@pytest.mark.parametrize("name,kind", DOUBTS_OF_ONE)
def test_greatest_for_uniform(name, kind):
    acquisition = al_acquisitions.get(name)()
    (top,) = acquisition([uniform(kind, 4)])
    assert top > 0.1
    scores = acquisition([make(kind, random_rows(seed, 4)) for seed in range(60)])
    assert (scores < top).all()


@every
def test_shape_kind_and_sign(name, kind):
    posteriors = [make(kind, random_rows(seed, 1 + seed % 4)) for seed in range(20)]
    scores = al_acquisitions.get(name)()(posteriors)
    assert scores.shape == (20,) and scores.dtype == numpy.float64
    assert (scores >= 0).all() and numpy.isfinite(scores).all()
    # three members have few ways to vote, and rows that sum to 1 add up to whole numbers
    assert len(set(scores.tolist())) > (1 if "vote_entropy" in name or name in COUNTS else 10)
    assert al_acquisitions.get(name)()([]).shape == (0,)


@every_doubt
def test_order_of_labels_does_not_matter(name, kind):
    acquisition = al_acquisitions.get(name)()
    for seed in range(5):
        rows = random_rows(seed, 4)
        for order in itertools.permutations(range(3)):
            turned = acquisition([make(kind, rows[:, order])])
            assert_allclose(turned, acquisition([make(kind, rows)]), rtol=1e-9)


@every_doubt
def test_finite_at_zero_probability_and_in_single_precision(name, kind):
    rows = numpy.array([[0.5, 0.5, 0.0], [1 + 1e-7, 0.0, 0.0]])
    scores = al_acquisitions.get(name)()([make(kind, rows)])
    assert numpy.isfinite(scores).all() and (scores > 0).all()
    (nearly,) = al_acquisitions.get(name)()([make(kind, rows[1:])])
    assert 0 <= nearly < 1e-5


@every
def test_batch_equals_one_by_one(name, kind):
    acquisition = al_acquisitions.get(name)()
    posteriors = [make(kind, random_rows(seed, 1 + seed % 5)) for seed in range(12)]
    alone = numpy.concatenate([acquisition([posterior]) for posterior in posteriors])
    assert_allclose(acquisition(posteriors), alone, rtol=1e-12)


@every
@pytest.mark.parametrize("bad", [math.nan, math.inf, -3.0, 7.5])
def test_what_is_no_probability_is_an_error(name, kind, bad):
    rows = random_rows(0, 3)
    rows[0, 1] = bad
    posterior = make(kind, rows)
    if kind == "entities":
        posterior = SimpleNamespace(
            token_probs=rows, span_probs=rows.ravel(), entropy=-math.inf, best_logprob=math.nan
        )
        posterior.expected_errors = math.nan
    with pytest.raises(AlError, match="AL021"):
        al_acquisitions.get(name)()([make(kind, random_rows(1, 3)), posterior])


@pytest.mark.parametrize("name", NAMES)
def test_pickles_and_resolves_from_config(name):
    resolved = spacy.registry.resolve({"x": {"@al_acquisitions": name}})["x"]
    kind = kinds_of(name)[0]
    posteriors = [make(kind, random_rows(seed, 3)) for seed in range(3)]
    again = pickle.loads(pickle.dumps(resolved))
    assert_allclose(again(posteriors), resolved(posteriors))
    with pytest.raises(ConfigValidationError):
        spacy.registry.resolve({"x": {"@al_acquisitions": name, "no_such_key": 1}})


RAGGED = [(n, kind) for n, kind in CASES if kind.endswith(("tokens", "entities", "spans"))]


@pytest.mark.parametrize("name,kind", RAGGED)
def test_empty_documents_score_zero(name, kind):
    posteriors = [make(kind, random_rows(0, n)) for n in (0, 2, 0, 3, 0)]
    scores = al_acquisitions.get(name)()(posteriors)
    assert (scores == 0).tolist() == [True, False, True, False, True]
    assert al_acquisitions.get(name)()(posteriors[:1]).tolist() == [0.0]


def test_table_of_what_fits_is_true():
    listed = {(f"spacy-al.{name}.v1", kind) for kind, names in FITS.items() for name in names}
    assert listed == set(CASES)


def test_a_misfit_names_what_fits():
    with pytest.raises(
        AlError, match=r"AL020.*spacy-al\.mnlp\.v1.*exclusive.*spacy-al\.margin\.v1"
    ):
        al_acquisitions.get("spacy-al.mnlp.v1")()([make("exclusive categories", [[1, 0, 0]])])
    with pytest.raises(AlError, match=r"AL020.*binary_entropy.*tokens.*spacy-al\.token_entropy"):
        al_acquisitions.get("spacy-al.binary_entropy.v1")()([make("tokens", [[1, 0, 0]])])


def test_committees_and_mixed_labels_are_refused():
    acquisition = al_acquisitions.get("spacy-al.token_entropy.v1")()
    with pytest.raises(AlError, match="AL024"):
        acquisition([Tokens(numpy.full((5, 4, 3), 1 / 3))])
    with pytest.raises(AlError, match="AL024"):
        acquisition([Tokens(numpy.full((4, 3), 1 / 3)), Tokens(numpy.full((4, 2), 1 / 2))])
    with pytest.raises(AlError, match="AL024"):
        al_acquisitions.get("spacy-al.entropy.v1")()(
            [Categories(numpy.ones(1), True), Categories(numpy.array([0.5, 0.5]), True)]
        )


@pytest.mark.parametrize("kind", FITS)
def test_default(kind):
    posteriors = [make(kind, random_rows(seed, 4)) for seed in range(5)]
    assert posterior_kind(posteriors[0]) == kind
    expected = {"exclusive categories": "margin", "tokens": "token_entropy"}
    name = expected.get(kind, "token_entropy" if kind == "entities" else "binary_entropy")
    if kind.startswith(COMMITTEE):
        name = "consensus_entropy" if "exclusive" in kind else "bald"
    reference = al_acquisitions.get(f"spacy-al.{name}.v1")()(posteriors)
    assert default_acquisition(posteriors[0])(posteriors).tolist() == reference.tolist()


def test_default_of_an_unknown_kind():
    with pytest.raises(AlError, match="AL020"):
        default_acquisition(SimpleNamespace(labels=()))


# formulas


@quick
@given(weights)
def test_distributions_against_plain_python(ws):
    ps = [w / sum(ws) for w in ws]
    probs = numpy.array(ps)
    ranked = sorted(ps, reverse=True)
    assert_allclose(
        distribution.row_entropy(probs), sum(-p * math.log(p) for p in ps if p > 0), atol=1e-12
    )
    assert_allclose(distribution.row_least_confidence(probs), 1 - max(ps), atol=1e-12)
    margin = 1 - (ranked[0] - ranked[1]) if len(ps) > 1 else 0
    assert_allclose(distribution.row_margin(probs), margin, atol=1e-12)


@quick
@given(st.floats(0, 1))
def test_binary_entropy_is_entropy_of_two(p):
    pair = distribution.row_entropy(numpy.array([p, 1 - p]))
    assert_allclose(distribution.bernoulli_entropy(numpy.array([p]))[0], pair, atol=1e-12)


def test_distributions_keep_nan():
    probs = numpy.array([[0.5, math.nan, 0.2, 0.1]])
    for measure in (
        distribution.row_entropy,
        distribution.row_margin,
        distribution.row_least_confidence,
    ):
        assert numpy.isnan(measure(probs)).all()
    assert numpy.isnan(distribution.row_margin(probs[:, 1:2])).all()
    assert numpy.isnan(distribution.bernoulli_entropy(probs)).sum() == 1


@quick
@given(ragged, st.sampled_from(WAYS), st.integers(1, 4))
def test_reduce_against_plain_python(docs, how, k):
    def slow(doc):
        if not doc:
            return 0.0
        if how == "topk":
            best = sorted(doc, reverse=True)[:k]
            return sum(best) / len(best)
        return {"max": max(doc), "sum": sum(doc), "mean": sum(doc) / len(doc)}[how]

    values = numpy.array([value for doc in docs for value in doc], dtype="f8")
    lengths = numpy.array([len(doc) for doc in docs], dtype="i8")
    assert_allclose(reduce(values, lengths, how, k), [slow(doc) for doc in docs], atol=1e-12)


def test_reduce_refuses():
    values, lengths = numpy.ones(3), numpy.array([1, 2])
    with pytest.raises(UsageError, match=r"AL022.*max, mean, sum, topk"):
        reduce(values, lengths, "median")
    with pytest.raises(UsageError, match="AL023"):
        reduce(values, lengths, "topk", k=0)
    with pytest.raises(AlError, match="AL024"):
        reduce(values, numpy.array([1, 1]))
    for how in WAYS:
        with pytest.raises(AlError, match="AL021"):
            reduce(numpy.array([1.0, math.nan, 0.0]), lengths, how)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "reduce" in str(al_acquisitions.get(name).__annotations__)]
)
def test_a_wrong_reduction_fails_when_it_is_built(name):
    with pytest.raises(UsageError, match="AL022"):
        al_acquisitions.get(name)(reduce="median")


TOKEN_REFERENCES = {
    "token_entropy": lambda row: -sum(p * math.log(p) for p in row if p > 0),
    "token_margin": lambda row: 1 - (sorted(row)[-1] - sorted(row)[-2]),
    "token_least_confidence": lambda row: 1 - max(row),
}


@pytest.mark.parametrize("name", TOKEN_REFERENCES)
def test_token_scores_are_reduced_measures(name):
    batch = [random_rows(seed, seed) for seed in range(1, 6)]
    posteriors = [Tokens(rows) for rows in batch]
    slow = [sorted(map(TOKEN_REFERENCES[name], rows.tolist()), reverse=True) for rows in batch]
    build = al_acquisitions.get(f"spacy-al.{name}.v1")
    assert_allclose(build()(posteriors), [doc[0] for doc in slow])
    assert_allclose(build(reduce="sum")(posteriors), [sum(doc) for doc in slow])
    assert_allclose(
        build(reduce="topk", k=2)(posteriors), [sum(doc[:2]) / len(doc[:2]) for doc in slow]
    )


def analyses(rows):
    """Every analysis of independent tokens: (labels, probability)."""
    for labels in itertools.product(range(rows.shape[1]), repeat=len(rows)):
        yield labels, math.prod(rows[i, label] for i, label in enumerate(labels))


@pytest.mark.parametrize("kind", ["tokens", "entities"])
@pytest.mark.parametrize("seed", range(4))
def test_sequence_scores_against_enumeration(kind, seed):
    rows = random_rows(seed, 4)
    every_one = list(analyses(rows))
    best_labels, best = max(every_one, key=lambda pair: pair[1])
    entropy = -sum(p * math.log(p) for _, p in every_one if p > 0)
    errors = sum(p * sum(a != b for a, b in zip(labels, best_labels)) for labels, p in every_one)
    lowest = min(max(row) for row in rows.tolist())

    def score(name, **options):
        return al_acquisitions.get(f"spacy-al.{name}.v1")(**options)([make(kind, rows)])[0]

    assert_allclose(score("sequence_entropy"), entropy)
    assert_allclose(score("sequence_entropy", normalize=True), entropy / 4)
    assert_allclose(score("sequence_least_confidence"), 1 - best)
    assert_allclose(score("mnlp"), -math.log(best) / 4)
    assert_allclose(score("expected_errors"), errors)
    assert_allclose(score("expected_errors", normalize=True), errors / 4)
    assert_allclose(score("lowest_token_prob"), 1 - lowest)


def test_a_best_probability_that_underflows_still_ranks():
    rows = numpy.full((9000, 2), 0.5)
    posterior = SimpleNamespace(token_probs=rows, best_logprob=9000 * math.log(0.5))
    for found in (posterior, Tokens(rows)):
        assert_allclose(al_acquisitions.get("spacy-al.mnlp.v1")()([found]), math.log(2))
        (score,) = al_acquisitions.get("spacy-al.sequence_least_confidence.v1")()([found])
        assert score == 1


@pytest.mark.parametrize(
    "name,slow",
    [
        ("entropy", lambda ps: -sum(p * math.log(p) for p in ps if p > 0)),
        ("margin", lambda ps: 1 - (sorted(ps)[-1] - sorted(ps)[-2])),
        ("least_confidence", lambda ps: 1 - max(ps)),
    ],
)
def test_category_scores(name, slow):
    rows = random_rows(1, 8)
    posteriors = [make("exclusive categories", row) for row in rows]
    scores = al_acquisitions.get(f"spacy-al.{name}.v1")()(posteriors)
    assert_allclose(scores, [slow(row) for row in rows.tolist()])


@pytest.mark.parametrize("kind", ["multilabel categories", "spans", "entities"])
def test_binary_scores(kind):
    def slow(p):
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    batch = [random_rows(seed, 1) for seed in range(8)]
    posteriors = [make(kind, rows) for rows in batch]
    build = al_acquisitions.get("spacy-al.binary_entropy.v1")
    questions = [[slow(p) for p in rows.ravel().tolist()] for rows in batch]
    assert_allclose(build()(posteriors), [max(qs) for qs in questions])
    assert_allclose(build(reduce="mean")(posteriors), [sum(qs) / 3 for qs in questions])


# combinations


@quick
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=8))
def test_rank_fusion_against_counting(pairs):
    def rank(column, value):
        below = sum(other < value for other in column)
        equal = sum(other == value for other in column) - 1
        return (below + equal / 2) / (len(column) - 1)

    columns = list(zip(*pairs))
    slow = [sum(rank(c, v) for c, v in zip(columns, pair)) / 2 for pair in pairs]
    scores = [numpy.array(column, dtype="f8") for column in columns]
    assert_allclose(rank_fusion(scores), slow, atol=1e-12)
    # the scale of a score does not count, nor does float noise
    assert_allclose(rank_fusion([scores[0] * 1e-9 * (1 + 1e-12), scores[1]]), slow, atol=1e-12)


def test_product_and_information_density():
    scores, density = numpy.array([2.0, 0.0, 4.0]), numpy.array([0.5, 0.9, 0.25])
    assert product([scores, density]).tolist() == [1.0, 0.0, 1.0]
    assert information_density(scores, density, 2.0).tolist() == [0.5, 0.0, 0.25]
    assert information_density(scores, density, 0.0).tolist() == scores.tolist()
    assert rank_fusion([numpy.ones(1)]).tolist() == [0.0]


def test_combinations_refuse():
    ones, nan = numpy.ones(2), numpy.array([1.0, math.nan])
    for call in (
        lambda: product([ones, nan]),
        lambda: rank_fusion([ones, nan]),
        lambda: information_density(nan, ones),
        lambda: information_density(ones, nan),
        lambda: product([ones, -ones]),
    ):
        with pytest.raises(AlError, match="AL021"):
            call()
    with pytest.raises(AlError, match="AL024"):
        product([ones, numpy.ones(3)])
    with pytest.raises(AlError, match="AL024"):
        information_density(ones, numpy.ones(3))
    for call in (lambda: product([]), lambda: information_density(ones, ones, -1.0)):
        with pytest.raises(UsageError, match="AL023"):
            call()


@quick
@given(st.floats(1e-150, 1e150), st.booleans())
def test_round_significant_is_decimal_rounding(value, negative):
    value = -value if negative else value
    (rounded,) = round_significant(numpy.array([value]))
    # half a unit of the sixth digit, whatever happens at an exact half
    assert abs(rounded - value) <= 0.500001 * 10 ** (math.floor(math.log10(abs(value))) - 5)
    assert float(f"{rounded:.5e}") == pytest.approx(rounded, rel=1e-14)
