"""The backup of a store: whole or absent, restored as the docs say; and a run whose database is gone does not begin anew."""

import random
import resource
import shutil
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.store.backup import BESIDE, backup_of
from spacy_al.store.schema import connect
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import entities, make_run

NONE = {"answer": "accept", "spans": []}
CONFIG = ROOT / "configs" / "ner.cfg"


@pytest.fixture
def path(tmp_path):
    """A run that waits for four answers, with the folder of its round."""
    made = make_run(tmp_path / "al" / "al.db", [entities(k) for k in range(4)])
    (tmp_path / "al" / "round-000").mkdir()
    return made


def command(verb, path, *more):
    words = ["--al.output", str(path.parent)]
    for name, part in {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}.items():
        words += [f"--paths.{name}", str(ROOT / "corpus" / f"{part}.spacy")]
    return CliRunner().invoke(app, [verb, str(CONFIG), *more, *words])


def answer_all(path):
    with Store(path) as store:
        for stored in store.unanswered():
            store.add_answer(stored.id, NONE, id=f"a-{stored.id}", annotator="ann")


def lose(path, how):
    if how == "without any round":
        # as an earlier version made one that was asked for its status
        path.unlink()
        connect(path).close()
    else:
        for end in ("", *BESIDE):
            path.with_name(path.name + end).unlink(missing_ok=True)
        if how == "empty":
            path.write_bytes(b"")


@pytest.mark.parametrize("how", ["missing", "empty", "without any round"])
@pytest.mark.parametrize("verb", ["run", "status", "report", "export", "import", "select"])
def test_a_run_whose_database_is_gone_does_not_begin_anew(path, tmp_path, verb, how):
    lose(path, how)
    more = {"run": ["--once"], "export": ["-o", str(tmp_path / "out")], "import": [__file__]}
    if verb == "select":
        config = ["--config", str(CONFIG), "--cold", "--al.output", str(path.parent)]
        pool = str(ROOT / "corpus" / "pool.spacy")
        result = CliRunner().invoke(app, ["select", pool, *config, "-o", str(tmp_path / "b.jsonl")])
    else:
        result = command(verb, path, *more.get(verb, ()))
    assert result.exit_code == 1 and "[AL123]" in result.stderr, result.output
    assert f"is {how}, and" in result.stderr and "There is no backup" in result.stderr
    assert "import" in result.stderr


def test_the_error_names_what_restores_the_run(path):
    answer_all(path)
    with Store(path) as store:
        before = [*store.answers()]
        store.back_up()
    lose(path, "missing")
    result = command("status", path)
    (how,) = [line for line in result.stderr.splitlines() if "[AL123]" in line]
    assert str(backup_of(path)) in how
    subprocess.run(
        how.split("Put its backup in its place: ")[1].rstrip("."), shell=True, check=True
    )
    with Store(path, create=False) as store:
        assert [*store.answers()] == before


def test_the_log_of_another_state_is_not_read_with_the_backup(path):
    """The commands delete it: SQLite would take it for the backup's own."""
    with Store(path) as store:
        store.back_up()
        answer_all(path)
        shutil.copy(f"{path}-wal", f"{path}-kept")
    lose(path, "missing")
    shutil.move(f"{path}-kept", f"{path}-wal")
    with pytest.raises(AlError, match="AL123") as error:
        Store(path)
    how = error.value.text.split("Put its backup in its place: ")[1].rstrip(".")
    subprocess.run(how, shell=True, check=True)
    with Store(path) as store:
        assert store.n_answers() == 0 and len([*store.tasks()]) == 4


def test_a_backup_is_one_file_and_is_replaced_by_a_later_one(path):
    with Store(path) as store:
        store.back_up()
        answer_all(path)
        store.back_up()
        assert store.n_answers() == 4
    assert sorted(file.name for file in path.parent.iterdir() if "backup" in file.name) == [
        "al.db.backup"
    ]
    assert backup_of(path).stat().st_mode == path.stat().st_mode
    shutil.copy(backup_of(path), path.parent / "other.db")
    with Store(path.parent / "other.db") as other:
        assert other.n_answers() == 4


def test_a_damaged_database_does_not_replace_a_good_backup(path):
    with Store(path) as store:
        store.back_up()
        for k in range(300):
            store.log("something", why=f"{k} " + "x" * 300)
    good, rng = backup_of(path).read_bytes(), random.Random(0)
    data, refused = bytearray(path.read_bytes()), 0
    for page in rng.sample(range(2, len(data) // 4096), 12):
        damaged = bytearray(data)
        damaged[page * 4096 : page * 4096 + 4096] = bytes(4096)
        path.write_bytes(damaged)
        try:
            with Store(path) as store:
                store.back_up()
        except AlError as error:
            assert error.code == "AL112"
            refused += 1
            assert backup_of(path).read_bytes() == good
    assert refused > 5


def test_a_full_disk_leaves_the_old_backup(path):
    with Store(path) as store:
        store.back_up()
        for k in range(300):
            store.log("something", why=f"{k} " + "x" * 300)
        good = backup_of(path).read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(good), hard))
        try:
            with pytest.raises(AlError, match="AL113"):
                store.back_up()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
    assert backup_of(path).read_bytes() == good
    assert [file.name for file in path.parent.glob(".al.db*")] == []


KILLED = """
import os, sqlite3, sys
from pathlib import Path
from spacy_al.store.schema import connect
from spacy_al.store.store import Store
import spacy_al.store.backup as backup
# killed between the copy and its name
backup.os.replace = lambda *names: os.kill(os.getpid(), 9)
with Store(Path(sys.argv[1])) as store:
    store.back_up()
"""


def test_a_backup_that_was_killed_leaves_the_old_one_and_is_swept(path):
    with Store(path) as store:
        store.back_up()
    good = backup_of(path).read_bytes()
    answer_all(path)
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert backup_of(path).read_bytes() == good and [*path.parent.glob(".al.db.backup.*")]
    with Store(path) as store:
        store.back_up()
    assert not [*path.parent.glob(".al.db.backup.*")]
