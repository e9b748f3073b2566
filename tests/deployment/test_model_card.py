"""The card of a promoted model: what it says, what people add, and that it does no harm to the model or the promotion."""

import sys
from pathlib import Path

import pytest
import spacy

from spacy_al.deployment.model_card import OPEN, YOURS, filled_in
from spacy_al.deployment.promote import promote, rollback
from spacy_al.errors import AlError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.measures.interval import f_interval
from spacy_al.store.store import Store
from spacy_al.training.made_from import hash_of
from tests.deployment.conftest import project

FIRST, SECOND = (Path("run", f"round-{k:03}", "model-best") for k in (0, 1))


def card(model=FIRST):
    return (model / "model_card.md").read_text("utf8")


def section(text, heading):
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_first_says_that_it_was_compared_with_nothing(run):
    promote(project())
    text = card()
    assert "compared with nothing" in section(text, "How it was compared")
    assert all(f"## {heading}\n" in text for heading in YOURS) and text.count(OPEN) == len(YOURS)
    # it is no part of the model
    with Store(Path("run", "al.db"), create=False) as store:
        assert store.models()[0]["hash"] == hash_of(FIRST)
    assert spacy.load(FIRST)("aspirin")


def test_its_scores_are_those_of_spacy_with_intervals(run, models):
    promote(project())
    rows = {
        cells[0]: cells[1:]
        for line in section(card(), "Scores").splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 5
    }
    right = evaluate(models / "some", models / "dev.spacy")
    assert rows["all"][0] == f"{right['score']:.3f}"
    assert rows["DRUG"][0] == f"{right['per_label']['DRUG']['f']:.3f}"
    low, high = (float(one) for one in rows["DRUG"][1:3])
    assert low <= float(rows["DRUG"][0]) <= high and int(rows["DRUG"][3]) > 10
    assert f_interval([1, 1], [1, 1], [1, 1]) is not None


def test_what_it_was_trained_on_and_by_what_it_was_chosen(run):
    hashes = {"train": "ab" * 16}
    metrics = {"texts": 60, "words": 360, "words_labelled": 300, "hashes": hashes}
    run("much")
    with Store(Path("run", "al.db"), create=False) as store:
        store.advance(0, "done", metrics={"strategy": "token_entropy", "answers": 20})
        dev = {"not_measured": {"<b>DOSE": "0 of 9 texts were asked about it"}, "labels": []}
        store.advance(1, "done", metrics={**metrics, "dev": dev, "balance": {"A|B": 3}})
    promote(project())
    text = card(SECOND)
    trained = section(text, "Training data")
    assert "60 texts with 360 words" in trained and "20 answers" in trained
    assert "token\\_entropy" in trained and "ab" * 16 in trained and "A\\|B" in trained
    assert "\\<b\\>DOSE" in section(text, "Limits") and "<b>" not in text


def test_how_it_was_compared(run):
    promote(project())
    run("much")
    verdict = promote(project()).verdict
    found = section(card(SECOND), "How it was compared")
    assert f"{verdict.score.new:.3f}" in found and f"{verdict.score.low:+.3f}".lstrip("+") in found
    assert "calibration error" in found and "95%" in found


def test_what_people_add_is_kept_for_the_next_one(run):
    promote(project())
    text = card()
    hint = YOURS["Intended use"]
    (FIRST / "model_card.md").write_text(
        text.replace(f"{OPEN} {hint}", "Ward 3 alone.\n\nNever for dosing."), "utf8"
    )
    run("much")
    promote(project())
    assert section(card(SECOND), "Intended use").strip() == "Ward 3 alone.\n\nNever for dosing."
    assert filled_in(SECOND / "model_card.md").keys() == {"Intended use"}
    rollback(project())
    assert "Ward 3 alone" in card()


def test_it_goes_with_what_is_deployed_and_not_with_what_fails(run):
    code = "import sys, shutil; shutil.copy(sys.argv[1] + '/model_card.md', 'live.md')"
    promote(project(), deploy=f'{sys.executable} -c "{code}" {{model}}')
    assert Path("live.md").read_text() == card()
    run("much")
    with pytest.raises(AlError, match="AL362"):
        promote(project(), deploy=f"{sys.executable} -c 1/0")
    assert not (SECOND / "model_card.md").exists()
    assert promote(project(), dry_run=True).is_dry and not (SECOND / "model_card.md").exists()


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_use_it(run, monkeypatch):
    lines = []

    def refuse(*_):
        raise AlError("[AL047] no")

    monkeypatch.setattr("spacy_al.deployment.promote.write_card", refuse)
    from dataclasses import replace

    found = promote(replace(project(), show=lines.append))
    assert found.champion.model == str(FIRST) and "No model card" in lines[-1]
