"""Curves with and without a teacher: which cells there are, what a teacher is made of, and how a curve is read."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Span
from spacy.util import load_config

from spacy_al.bench.teacher_cells import FULL, NONE, Cell, curves_table, words_until
from spacy_al.bench.teacher_curves import (
    ALL,
    GAZETTEER,
    PIPELINE,
    Setup,
    cell_config,
    gazetteer,
    make_cells,
    measure_cell,
)
from spacy_al.config.settings import read_settings
from spacy_al.corpus.shard import write_shard
from spacy_al.teachers.ask import ask_pool
from spacy_al.teachers.marks import teacher_marks
from tests.helpers.teachers import UNTOLD
from tests.helpers.ward import ward

pytestmark = [
    pytest.mark.filterwarnings(UNTOLD),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

LABELS = ("DRUG", "PERSON")
CONFIG = Path(__file__).parents[2] / "configs" / "ner.cfg"


def make_data(folder, n=40):
    for seed, part in enumerate(("train", "dev", "test")):
        write_shard(ward(n, seed, LABELS), folder / "ward" / f"{part}.spacy")
    (folder / "ward" / "meta.json").write_text('{"lang": "en"}')
    return folder


def test_the_pipeline_teaches_only_the_corpus_whose_labels_it_has():
    cells = make_cells(("phee", "inlegal_ner"), 2, True)
    assert len(cells) == len({*cells}) == 2 * (2 * 8 + 2)
    assert {one.corpus for one in cells if one.teacher == PIPELINE} == {"inlegal_ner"}
    assert not [one for one in make_cells(("inlegal_ner",), 1, False) if one.teacher == PIPELINE]


def test_a_gazetteer_has_what_is_frequent_with_its_usual_label():
    nlp, docs = spacy.blank("en"), []
    for words, label in (("Aspirin", "DRUG"), ("aspirin", "DRUG"), ("aspirin", "X"), ("flu", "X")):
        doc = nlp.make_doc(words)
        doc.ents = [Span(doc, 0, 1, label)]
        docs.append(doc)
    assert gazetteer(docs) == [{"label": "DRUG", "pattern": "aspirin"}]


def test_words_until_a_score_by_straight_lines():
    curve = [(1000, 0.4), (2000, 0.5), (4000, 0.6)]
    assert words_until(curve, 0.55) == pytest.approx(3000)
    assert words_until(curve, 0.3) == 1000 and words_until(curve, 0.61) is None


def test_the_made_up_model_answers_through_the_task_itself(tmp_path):
    """As wrong as it is told to be, and nothing is right of what it invents."""
    pytest.importorskip("spacy_llm")
    from spacy_al.bench import fake_model

    assert fake_model.NAME
    setup = Setup(make_data(tmp_path), CONFIG, tmp_path / "work", None, None, pool=40)
    docs = ward(40, 0, LABELS)
    gold = {(doc.text, s.start, s.end, s.label_) for doc in docs for s in doc.ents}
    found = {}
    for name in ("model, careful", "model, rough"):
        cell = Cell("ward", name, ALL, 0)
        corpora = tmp_path / "corpora"
        write_shard(docs, corpora / "gold.spacy")
        settings = read_settings(cell_config(setup, cell, corpora, tmp_path / name))
        ask_pool(settings)
        marks = teacher_marks(settings)
        said = {(doc.text, *mark) for doc in docs for mark in marks.of(doc)}
        found[name] = len(said & gold) / len(gold)
    assert found["model, careful"] > found["model, rough"] > 0.3


@pytest.mark.slow
def test_a_cell_is_a_run_that_goes_on(tmp_path):
    # a model that has learned next to nothing will do
    quick = tmp_path / "quick.cfg"
    made = load_config(CONFIG, interpolate=False)
    made["training"]["max_steps"] = 10
    quick.write_text(made.to_str(interpolate=False))
    setup = Setup(make_data(tmp_path), quick, tmp_path / "work", None, None, 40, 20, (5,))
    for cell in (Cell("ward", FULL, "", 0), Cell("ward", GAZETTEER, ALL, 0)):
        rows = list(measure_cell(setup, cell))
        assert [row["corpus"] for row in rows] == ["ward"] * len(rows)
        if cell.teacher == FULL:
            assert [(row["round"], row["words"]) for row in rows] == [(0, 0)]
        else:
            # what the gazetteer says trains before anybody has answered
            assert [row["texts"] for row in rows] == [0, 5]
            assert rows[0]["taught"] > 0 == rows[0]["words"] < rows[1]["words"]
    # nothing is trained again
    assert list(measure_cell(setup, cell)) == rows
    shown = curves_table(rows)
    assert shown.count("ward") == 1 and GAZETTEER in shown and NONE not in shown
