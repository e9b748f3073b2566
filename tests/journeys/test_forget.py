"""A text is forgotten: five rare words that stand in everything that a run keeps are in none of it afterwards, and in no model made anew."""

import json
from pathlib import Path

import pytest

from spacy_al.store.store import Store
from tests.helpers.planted import (
    AFTER,
    ID,
    RARE,
    answer_all,
    begin,
    everything,
    found_in,
    in_vocabulary,
    make_project,
    plant,
    typed,
)


def known_in(*suffixes):
    """Kinds of files that know the text by its hash, which is all that they have of it."""
    as_written = (ID.encode(), int(ID, 16).to_bytes(8, "little"))
    return [
        path.suffix
        for path, data in everything()
        if path.suffix in suffixes and any(one in data for one in as_written)
    ]


@pytest.mark.slow
def test_five_rare_words_are_nowhere(tmp_path, monkeypatch):
    settings = make_project(tmp_path, monkeypatch)
    # what a model and a teacher say of the text is kept as well, the one outside the run's own folder
    patterns = [{"label": "DRUG", "pattern": "gave"}]
    block = {"component": {"factory": "entity_ruler", "patterns": patterns}}
    settings |= {"al.teacher": json.dumps(block), "al.pool.score_cache": "scores"}
    begin(settings)
    answer_all()
    done = typed("run", "my.cfg", "--once", settings=settings)
    assert done.exit_code in (0, 3), done.stderr
    assert set(known_in(".alscores", ".alsaid")) == {".alscores", ".alsaid"}
    plant()
    assert len(found_in()) > 8 and any(map(in_vocabulary, found_in()))
    with Store(Path("out/al.db")) as reader:
        # a page that is open keeps the log of the database
        assert reader.n_answers() == 14
        assert typed("report", "my.cfg").exit_code == 0
        shown = typed("forget", "my.cfg", ID, settings=settings, input="n\n")
        assert shown.exit_code == 0 and "Nothing was changed" in shown.stderr
        assert "zorblax" in shown.stderr and "that were trained with them: 1." in shown.stderr
        for what in ("pool/00000.spacy", "al.db", "report.html", "train.log", "encodings"):
            assert what in shown.stderr, what
        for what in ("scores/", "out/teacher/"):
            assert what in shown.stderr, what
        assert len(found_in()) > 8
        done = typed("forget", "my.cfg", "--patient", "patient.id=P-17", "--yes", settings=settings)
        assert done.exit_code == 0, done.stderr
        assert "Forgotten: 3 texts" in done.stderr
    left = found_in()
    assert left and all(map(in_vocabulary, left)), left
    # nothing of the sequence is left, wherever one looks
    assert not [path for path, data in everything() if " ".join(RARE).encode() in data]
    assert found_in([AFTER]) == [] and known_in(".alscores", ".alsaid") == []
    # others are still known, and the run goes on with what is kept of them
    assert {path.suffix for path, _ in everything()} >= {".alscores", ".alsaid"}
    again = typed("forget", "my.cfg", "--retrain", "--yes", settings=settings)
    assert again.exit_code == 0 and "Trained anew without them: rounds 1" in again.stderr
    assert found_in() == []
