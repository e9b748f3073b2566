"""How improbable a model holds a teacher's analysis: against sums over all analyses, and in its corners."""

import itertools
import math
import pickle
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from spacy_al import get_posteriors
from spacy_al.acquisition.disagreement_teacher import (
    CEILING,
    disagreement_teacher,
    improbable_parts,
    make_disagreement_teacher,
)
from spacy_al.acquisition.fusion import make_product, needs_said, wants_said
from spacy_al.acquisition.token import make_token_entropy
from spacy_al.errors import AlError, UsageError
from tests.helpers.ner_oracle import analyses, make_ner, marginals, random_doc

quick = settings(max_examples=40, deadline=None)
BEAM = {"factory": "beam_ner"}


@pytest.mark.parametrize("how", [{}, {"updates": 30}, {"scale": 5.0}, BEAM], ids=str)
def test_of_entities_it_is_the_probability_of_that_very_analysis(how):
    nlp = make_ner(**how)
    name, normalized = ("beam_ner", "globally") if how is BEAM else ("ner", "locally")
    rng = numpy.random.default_rng(3)
    docs = [random_doc(nlp, rng, n, spaces=True) for n in (1, 2, 4, 4, 5)]
    settings_of = {} if how is BEAM else {"epsilon": 0.0}
    for doc, own in zip(docs, get_posteriors(nlp, docs, **settings_of)):
        expected, _ = analyses(nlp.get_pipe(name), doc, normalized=normalized)
        assert_allclose(sum(math.exp(own.logprob(one)) for one in expected), 1, atol=1e-5)
        for analysis, prob in expected.items():
            assert_allclose(math.exp(own.logprob(reversed(analysis))), prob, atol=1e-5)
            (score,) = disagreement_teacher([own], said=[analysis])
            assert_allclose(score, min(-math.log(max(prob, 1e-300)), CEILING), rtol=1e-3, atol=1e-4)


def test_what_was_cut_and_what_was_answered():
    nlp = make_ner(updates=30)
    doc = random_doc(nlp, numpy.random.default_rng(5), 5)
    (cut,) = get_posteriors(nlp, [doc], epsilon=0.5)
    expected, _ = analyses(nlp.get_pipe("ner"), doc)
    for analysis, prob in expected.items():
        assert_allclose(math.exp(cut.logprob(analysis)), prob, atol=1e-5)
    # given an answer the others share what is left
    span = max(
        (one for one in marginals(expected) if one[1] - one[0] == 2), key=marginals(expected).get
    )
    (whole,) = get_posteriors(nlp, [doc], epsilon=0.0)
    given_ = whole.condition(accept=[span])
    total = sum(prob for analysis, prob in expected.items() if span in analysis)
    for analysis, prob in expected.items():
        wanted = prob / total if span in analysis else 0.0
        assert_allclose(math.exp(given_.logprob(analysis)), wanted, atol=1e-4)


def test_what_cannot_be_is_as_improbable_as_it_gets_and_finite():
    nlp = make_ner()
    (own,) = get_posteriors(nlp, [nlp.make_doc("aspirin gave him Paris")])
    for marks in (
        [(0, 1, "NEW")],
        [(0, 2, "DRUG"), (1, 3, "DRUG")],
        [(0, 1, "DRUG"), (0, 1, "PER")],
    ):
        assert own.logprob(marks) == -math.inf
        assert disagreement_teacher([own], said=[marks]).tolist() == [CEILING]
    with pytest.raises(AlError, match="AL009"):
        own.logprob([(0, 9, "DRUG")])


def test_by_span_the_least_probable_part_counts():
    nlp = make_ner(updates=30)
    doc = random_doc(nlp, numpy.random.default_rng(5), 5)
    (own,) = get_posteriors(nlp, [doc], epsilon=0.0)
    expected, _ = analyses(nlp.get_pipe("ner"), doc)
    probs = marginals(expected)
    for analysis in list(expected)[:20]:
        said = [probs[span] for span in analysis]
        lacks = [1 - p for span, p in probs.items() if span not in analysis]
        (score,) = disagreement_teacher([own], "span", said=[analysis])
        assert_allclose(score, -math.log(min([*said, *lacks])), rtol=1e-3, atol=1e-4)


distributions = st.lists(
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=4
)
LABELS = ("A", "B", "C")


@quick
@given(distributions, st.data())
def test_of_tokens_and_of_one_category_the_probabilities_are_multiplied(rows, data):
    probs = numpy.array(rows) / numpy.sum(rows, axis=1, keepdims=True)
    tags = [data.draw(st.sampled_from([*LABELS, None])) for _ in rows]
    said = [(i, i + 1, tag) for i, tag in enumerate(tags) if tag]
    own = SimpleNamespace(labels=LABELS, token_probs=probs)
    wanted = [-math.log(probs[i, LABELS.index(tag)]) for i, _, tag in said]
    assert_allclose(disagreement_teacher([own], said=[said]), [sum(wanted)], atol=1e-9)
    by_token = disagreement_teacher([own], "span", said=[said])
    assert_allclose(by_token, [max(wanted, default=0)], atol=1e-9)
    text = SimpleNamespace(labels=LABELS, probs=probs[0], exclusive=True)
    found = disagreement_teacher([text], said=[[(0, 0, "B")]])
    assert_allclose(found, [-math.log(probs[0, 1])])


@quick
@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3), st.sets(st.sampled_from(LABELS)))
def test_of_several_categories_each_is_a_yes_or_no(probs, applies):
    own = SimpleNamespace(labels=LABELS, probs=numpy.array(probs), exclusive=False)
    said = [(0, 0, label) for label in applies]
    parts = [-math.log(p if label in applies else 1 - p) for label, p in zip(LABELS, probs)]
    assert_allclose(disagreement_teacher([own], said=[said]), [sum(parts)])
    assert_allclose(disagreement_teacher([own], "span", said=[said]), [max(parts)])
    # over all that a teacher could say the probabilities add up to one
    every = itertools.chain.from_iterable(itertools.combinations(LABELS, n) for n in range(4))
    scores = [disagreement_teacher([own], said=[[(0, 0, x) for x in one]])[0] for one in every]
    assert_allclose(numpy.exp(-numpy.array(scores)).sum(), 1)
    assert disagreement_teacher([own], said=[[(0, 0, "NEW")]]).tolist() == [CEILING]


@pytest.mark.parametrize("exclusive", [True, False])
def test_of_spans_each_candidate_is_a_question(exclusive):
    probs = numpy.array([[0.5, 0.2], [0.1, 0.3]])
    negative = numpy.array([0.3, 0.6]) if exclusive else None
    own = SimpleNamespace(
        labels=("A", "B"),
        start=numpy.array([0, 0]),
        end=numpy.array([1, 2]),
        probs=probs,
        span_probs=probs.ravel(),
        negative=negative,
        exclusive=exclusive,
    )
    wanted = 0.2 * 0.6 if exclusive else 0.5 * 0.2 * 0.9 * 0.7
    assert_allclose(disagreement_teacher([own], said=[[(0, 1, "B")]]), [-math.log(wanted)])
    # what the suggester does not suggest; a label that is not there; two of which one can be
    impossible = [[(1, 2, "A")], [(0, 1, "NEW")]] + (
        [[(0, 1, "A"), (0, 1, "B")]] if exclusive else []
    )
    for said in impossible:
        assert disagreement_teacher([own], said=[said]).tolist() == [CEILING]


def test_a_sure_model_that_agrees_scores_zero_and_the_unasked_too():
    sure = SimpleNamespace(labels=LABELS, probs=numpy.array([0.0, 1.0, 0.0]), exclusive=True)
    scores = disagreement_teacher([sure, sure, sure], said=[[(0, 0, "B")], None, [(0, 0, "A")]])
    assert scores.tolist() == [0.0, 0.0, CEILING] and not numpy.signbit(scores).any()
    assert disagreement_teacher([], said=[]).shape == disagreement_teacher([]).shape == (0,)


def test_of_a_committee_the_model_itself_counts():
    own = SimpleNamespace(labels=LABELS, probs=numpy.array([0.2, 0.5, 0.3]), exclusive=True)
    both = SimpleNamespace(own=own, members=(own, own))
    assert_allclose(improbable_parts(both, [(0, 0, "A")]), [-math.log(0.2)])


def test_without_a_teacher_or_a_level_it_says_so():
    acquisition = make_disagreement_teacher("span")
    assert pickle.loads(pickle.dumps(acquisition)).keywords == {"level": "span"}
    own = SimpleNamespace(labels=LABELS, probs=numpy.array([0.2, 0.5, 0.3]), exclusive=True)
    with pytest.raises(UsageError, match="AL440"):
        acquisition([own])
    with pytest.raises(UsageError, match="AL022"):
        make_disagreement_teacher("token")
    with pytest.raises(AlError, match="AL020"):
        disagreement_teacher([SimpleNamespace(labels=LABELS)], said=[[]])
    off = SimpleNamespace(labels=LABELS, probs=numpy.array([2.0, 0.5, 0.3]), exclusive=True)
    with pytest.raises(AlError, match="AL021"):
        disagreement_teacher([off], said=[[(0, 0, "A")]])


def test_a_product_hands_on_what_the_teacher_says():
    own = SimpleNamespace(labels=("A", "B"), token_probs=numpy.array([[0.5, 0.5]]))
    entropy = make_token_entropy()
    made: Any = make_product({"a": entropy, "b": make_disagreement_teacher()})
    (score,) = made([own], said=[[(0, 1, "A")]])
    assert_allclose(score, math.log(2) ** 2)
    assert needs_said(made) and wants_said(made) and not needs_said(make_product({"a": entropy}))
    assert not wants_said(entropy)
