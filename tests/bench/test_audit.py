"""Planted mistakes and how a ranking finds them; beside cleanlab where it is installed."""

import json
import sys
from collections import Counter

import numpy
import pytest
import spacy
from spacy.tokens import Span

from spacy_al.bench.audit import format_bench, judge_of, measure_audit
from spacy_al.bench.planted_errors import DROPPED, SWAPPED, Planted, differences, plant
from spacy_al.bench.ranked import Place, hits, join_tokens, ranking_figures
from spacy_al.corpus.shard import write_shard
from spacy_al.errors import AlError
from spacy_al.measures.mark_errors import BOUNDARY, LABEL, SPURIOUS
from tests.auditing.test_audit import labelled
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import make
from tests.query.test_select import save_light


def entity_docs(n, labels=("A", "B")):
    nlp, docs = spacy.blank("en"), []
    for row in range(n):
        doc = nlp.make_doc("aspirin and two mg of ibuprofen for Dr Smith in Paris now")
        doc.set_ents([Span(doc, 0, 1, labels[row % len(labels)]), Span(doc, 5, 6, labels[0])])
        docs.append(doc)
    return docs


def marks(doc):
    return {(span.start, span.end, span.label_) for span in doc.ents}


@pytest.mark.parametrize("labels", [("A", "B"), ("A",)])
def test_as_many_are_planted_as_was_said(labels):
    docs = entity_docs(1500, labels)
    before = [marks(doc) for doc in docs]
    made, planted = plant(docs, 0.05, 0)
    assert [marks(doc) for doc in docs] == before
    # 5% of 3000, within four standard deviations
    assert abs(len(planted) - 150) < 4 * 150**0.5
    kinds = Counter(one.kind for one in planted)
    assert set(kinds) == {DROPPED, BOUNDARY, SPURIOUS} | ({LABEL} if len(labels) > 1 else set())
    rows = {one.row for one in planted}
    for row, (doc, right) in enumerate(zip(made, before)):
        assert (marks(doc) != right) == (row in rows)
    again, same = plant(docs, 0.05, 0)
    assert same == planted and [marks(doc) for doc in again] == [marks(doc) for doc in made]


def test_kinds_say_what_was_done():
    right = {(0, 1, "A"), (3, 5, "A")}
    assert differences(7, right, {(3, 5, "A")}) == [Planted(7, 0, 1, DROPPED)]
    assert differences(7, right, {(0, 1, "B"), (3, 5, "A")}) == [Planted(7, 0, 1, LABEL)]
    assert differences(7, right, {(0, 1, "A"), (3, 6, "A")}) == [Planted(7, 3, 6, BOUNDARY)]
    assert differences(7, right, {*right, (8, 9, "A")}) == [Planted(7, 8, 9, SPURIOUS)]


def test_categories_are_swapped():
    docs = labelled(100)
    made, planted = plant(docs, 0.05, 0)
    assert [one.kind for one in planted] == [SWAPPED] * 5
    changed = {row for row, (a, b) in enumerate(zip(docs, made)) if a.cats != b.cats}
    assert changed == {one.row for one in planted}


def test_a_mistake_is_found_once():
    places = [Place(0, 0, 2, 0.9), Place(0, 1, 2, 0.8), Place(1, 0, 1, 0.7), Place(2, 3, 4, 0.6)]
    right = hits(reversed(places), [(0, 1, 3), (2, 3, 4), (5, 0, 1)])
    assert right.tolist() == [True, False, False, True]
    figures = ranking_figures(right, 3, (2, 4))
    assert figures["average precision"] == pytest.approx((1 + 2 / 4) / 3)
    assert figures["precision at 2"] == 0.5 and figures["recall at 4"] == pytest.approx(2 / 3)
    assert ranking_figures(hits([], []), 0, (5,))["precision at 5"] == 0


def test_tokens_beside_each_other_are_one_place():
    found = join_tokens([numpy.array([0.1, 0.9, 0.8, 0.2]), numpy.array([0.5])])
    assert [(p.row, p.start, p.end, p.score) for p in found] == [(0, 0, 4, 0.9), (1, 0, 1, 0.5)]
    apart = join_tokens([numpy.array([0.9, 0.1, 0.8])])
    assert [(p.start, p.end) for p in apart] == [(0, 2), (2, 3)]


def test_without_cleanlab_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(AlError, match="AL426"):
        measure_audit(tmp_path / "x.spacy", lambda docs, look: None)


# not among what the tests install
@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ner", "textcat"])
def test_beside_cleanlab(tmp_path, kind):
    pytest.importorskip("cleanlab")
    nlp = make_ner(("A", "B"), updates=3) if kind == "ner" else make("textcat", architecture="bow")
    docs = entity_docs(40) if kind == "ner" else labelled(40)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("test", "dev"):
        write_shard(docs, folder / f"{name}.spacy")
    (tmp_path / "models" / "mine").mkdir(parents=True)
    save_light(nlp, tmp_path / "models" / "mine" / "model-best")
    path = folder / "test.spacy"
    judge = judge_of(path, path, tmp_path, tmp_path / "models", n_folds=3, seed=0, max_steps=1)
    found = measure_audit(path, judge, rate=0.2)
    json.dumps(found)
    assert found["texts"] == 40 and found["wrong texts"] > 0
    units = ("places", "text") if kind == "ner" else ("text",)
    for unit in units:
        assert {"audit", "cleanlab, self confidence"} <= set(found[unit])
        for figures in found[unit].values():
            assert all(0 <= value <= 1 for value in figures.values())
    assert "mine" in format_bench([found])
