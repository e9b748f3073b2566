"""Scores by what an answer costs, and what annotators' times say of that."""

import numpy
import pytest
from numpy.testing import assert_allclose
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_al.errors import AlError, UsageError
from spacy_al.oracle.annotator import make_oracle
from spacy_al.query.costs import Seconds, fit_seconds, fit_seconds_on, per_cost
from spacy_al.store.store import Store
from spacy_al.tasks.records import task_id
from spacy_al.tasks.task import make_task

VIEWS = {"entities": "ner_manual", "tags": "pos_manual", "categories": "choice"}
LABELS = ["A", "B", "C"]


def rng(seed=0):
    return numpy.random.default_rng(seed)


def test_per_cost():
    scores, costs = numpy.array([4.0, 3.0, 0.0]), numpy.array([4.0, 0.25, 9.0])
    assert per_cost(scores, costs).tolist() == [1.0, 3.0, 0.0]
    assert per_cost(scores, costs, 0.5).tolist() == [2.0, 3.0, 0.0]
    assert per_cost(scores, costs, 0.0).tolist() == scores.tolist()
    for bad in (numpy.array([1.0, -1.0, 1.0]), numpy.array([1.0, numpy.nan, 1.0])):
        with pytest.raises(AlError, match="AL021"):
            per_cost(scores, bad)
        with pytest.raises(AlError, match="AL021"):
            per_cost(bad, costs)
    with pytest.raises(AlError, match="AL024"):
        per_cost(scores, costs[:2])
    with pytest.raises(UsageError, match="AL023"):
        per_cost(scores, costs, -1.0)


def gold_doc(number, vocab):
    """A text that no other is equal to, with entities, tags and categories."""
    source = rng(number)
    n = int(source.integers(4, 40))
    doc = Doc(vocab, words=[f"w{number}", *source.choice(["so", "it", "is"], n - 1).tolist()])
    starts = numpy.flatnonzero(source.random(n) < 0.3).tolist()
    doc.set_ents([Span(doc, start, start + 1, "A") for start in starts], default="outside")
    for token in doc:
        token.tag_ = str(source.choice(LABELS))
    doc.cats = {label: float(source.random() < 0.5) for label in LABELS}
    return doc


def answered(path, kind, size=60, breaks=(), noise=0.0):
    """A run whose tasks the oracle answers, after its breaks."""
    vocab = Vocab()
    oracle = make_oracle(seconds_per_text=3.0, seconds_per_token=0.5, seconds_per_entity=4.0)
    store = Store(path / "al.db")
    store.open_round(0)
    tasks, docs = [], [gold_doc(number, vocab) for number in range(size)]
    for doc in docs:
        suggestions = [(i, i + 1, "A", 0.9) for i in range(len(doc))] if kind == "tags" else []
        how = {"component_kind": kind, "view_id": VIEWS[kind], "exclusive": False, "meta": {}}
        tasks.append(make_task(doc, suggestions=suggestions, labels=LABELS, **how))
    store.advance(0, "wait", tasks=[("train", task) for task in tasks])
    for number, (task, doc) in enumerate(zip(tasks, docs)):
        payload, seconds = oracle(task, doc, kind=kind)
        seconds *= numpy.exp(noise * rng(number).normal())
        seconds += 2700.0 if number in breaks else 0.0
        identity = task_id(0, task["text"], "train")
        store.add_answer(identity, payload, id=str(number), annotator="me", seconds=seconds)
    return store


@pytest.mark.slow
@pytest.mark.parametrize("kind", VIEWS)
@pytest.mark.parametrize("breaks", [(), (3, 17, 40)])
def test_the_oracles_own_law_is_found(tmp_path, kind, breaks):
    with answered(tmp_path, kind, breaks=breaks) as store:
        model = fit_seconds(store)
    assert_allclose([model.per_text, model.per_token, model.per_mark], [3, 0.5, 4], rtol=1e-6)
    assert (model.answers, model.breaks) == (60 - len(breaks), len(breaks))
    found = model.predict(numpy.array([10, 0]), numpy.array([1.5, 0.0]))
    assert_allclose(found, [3 + 5 + 6, 3], rtol=1e-6)


@pytest.mark.slow
def test_noise_and_breaks_together(tmp_path):
    with answered(tmp_path, "entities", 300, breaks=range(0, 300, 20), noise=0.2) as store:
        model = fit_seconds(store)
    assert model.breaks >= 15
    # a text of 20 tokens and 6 entities takes 37 seconds, and two per cent more with this noise
    assert_allclose(model.predict(numpy.array([20]), numpy.array([6.0])), [37.7], rtol=0.05)


def test_what_has_no_time_or_was_ignored_does_not_count(tmp_path):
    with answered(tmp_path, "entities", 20) as store:
        assert fit_seconds(store).answers == 20
        first = next(store.tasks())
        store.add_answer(first.id, {"answer": "ignore"}, id="x", annotator="me", seconds=1.0)
        assert fit_seconds(store) is None
        store.add_answer(first.id, {"answer": "accept", "spans": []}, id="y", annotator="me")
        assert fit_seconds(store) is None


def test_too_few_answers():
    few = numpy.ones(19)
    assert fit_seconds_on(few, few, few) is None
    assert fit_seconds_on(few[:0], few[:0], few[:0]) is None
    # half of twenty are breaks: too few are left
    seconds = numpy.where(numpy.arange(20) < 8, 5000.0, 10.0)
    assert fit_seconds_on(rng().random(20), rng(1).random(20), seconds) is None


def test_no_coefficient_is_negative():
    lengths, marks = rng(0).integers(1, 30, 50), rng(1).integers(0, 4, 50)
    model = fit_seconds_on(lengths, marks, 30.0 - 0.5 * lengths)
    assert model.per_token == 0 and model.per_text > 0 and model.per_mark >= 0
    assert Seconds(1.0, 2.0, 3.0).predict(lengths[:0], marks[:0]).shape == (0,)


def test_long_texts_are_no_breaks():
    lengths = numpy.array([10] * 40 + [200, 300, 400])
    model = fit_seconds_on(lengths, numpy.zeros(43), 2.0 + 0.5 * lengths)
    assert model.breaks == 0
    assert_allclose([model.per_text, model.per_token], [2.0, 0.5], rtol=1e-6)
