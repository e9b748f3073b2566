"""A text is forgotten: five rare words that stand in everything that a run keeps are in none of it afterwards, and in no model made anew."""

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


@pytest.mark.slow
def test_five_rare_words_are_nowhere(tmp_path, monkeypatch):
    settings = make_project(tmp_path, monkeypatch)
    begin(settings)
    answer_all()
    done = typed("run", "my.cfg", "--once", settings=settings)
    assert done.exit_code in (0, 3), done.stderr
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
        assert len(found_in()) > 8
        done = typed("forget", "my.cfg", "--patient", "patient.id=P-17", "--yes", settings=settings)
        assert done.exit_code == 0, done.stderr
        assert "Forgotten: 3 texts" in done.stderr
    left = found_in()
    assert left and all(map(in_vocabulary, left)), left
    # nothing of the sequence is left, wherever one looks
    assert not [path for path, data in everything() if " ".join(RARE).encode() in data]
    assert found_in([AFTER]) == []
    again = typed("forget", "my.cfg", "--retrain", "--yes", settings=settings)
    assert again.exit_code == 0 and "Trained anew without them: rounds 1" in again.stderr
    assert found_in() == []
