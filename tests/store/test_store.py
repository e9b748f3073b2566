"""The store: nothing lost and nothing twice, whoever writes at once, dies half way or runs out of disk."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import spacy

import spacy_al
from spacy_al.errors import AlError
from spacy_al.store import desk
from spacy_al.store import store as store_module
from spacy_al.store.desk import annotator_progress, n_left, next_tasks
from spacy_al.store.labels import change_labels
from spacy_al.store.schema import MIGRATIONS, SECOND, connect
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check
from spacy_al.tasks.records import task_id
from spacy_al.tasks.task import make_task
from spacy_al.util import content_hash

NLP = spacy.blank("en")
SPAWN, FORK = map(multiprocessing.get_context, ("spawn", "fork"))
SPAN = {"start": 0, "end": 4, "token_start": 0, "token_end": 0, "label": "DRUG"}
NONE = {"answer": "accept", "spans": []}
SOME = {"answer": "accept", "spans": [SPAN]}


def tasks(number, count, purpose="train", prefix="Text"):
    made = (
        make_task(
            NLP.make_doc(f"{prefix} {number} {k}"),
            suggestions=[],
            component_kind="entities",
            labels=["DRUG", "\ud800"],
            meta={"round": number, "doc": f"note-{k}"},
            view_id="ner_manual",
        )
        for k in range(count)
    )
    return [(purpose, task) for task in made]


@pytest.fixture
def path(tmp_path):
    """A run whose first round waits for three answers."""
    path = tmp_path / "al" / "al.db"
    with Store(path) as store:
        store.open_round(0)
        store.advance(0, "wait", tasks=tasks(0, 3))
    return path


@pytest.fixture
def store(path):
    with Store(path, create=False) as store:
        yield store


def ids(found):
    return [stored.id for stored in found]


def next_task(store, annotator, **how):
    return next(iter(next_tasks(store, annotator, n=1, **how)), None)


# Rounds


def test_rounds(tmp_path):
    with Store(tmp_path / "al.db") as store:
        assert store.round() is None and store.rounds() == [] and store.metrics() == {}
        store.open_round(0)
        model = {"hash": "12ab", "path": Path("x/model-best"), "seconds": 1.5, "versions": {"a": 1}}
        store.advance(0, "evaluate", metrics={"score": 1 / 3, "none": None}, model=model)
        store.log("trained", round=0, state="evaluate")
        store.advance(0, "wait", metrics={"score": 0.5}, tasks=tasks(0, 2))
        store.open_round(0)  # which is open
        assert (store.round().number, store.round().state, store.round().upto) == (0, "wait", 0)
        store.log("started", version="\ud800")
    with Store(tmp_path / "al.db") as store:
        assert store.metrics() == {0: {"score": 0.5, "none": None}}
        assert store.models() == {0: {**model, "path": "x/model-best"}}
        events = [(event["seq"], event["kind"], event["data"]) for event in store.events()]
        assert events == [
            (1, "trained", {"round": 0, "state": "evaluate"}),
            (2, "started", {"version": "\ud800"}),
        ]


def test_a_round_trains_on_the_answers_there_were_when_it_opened(store):
    first, second, _ = ids(store.tasks())
    store.add_answer(first, NONE, id="1", annotator="a")
    store.open_round(1)
    store.add_answer(second, NONE, id="2", annotator="a")
    store.open_round(1)
    assert [round.upto for round in store.rounds()] == [0, 1]
    assert [answer.id for answer in store.answers(upto=store.round().upto)] == ["1"]
    assert store.n_answers() == 2


def test_all_that_belongs_to_a_state_or_nothing(store):
    changed = tasks(0, 5)
    changed[2][1]["labels"] = ["OTHER"]
    with pytest.raises(AlError, match=r"AL118.*another one"):
        store.advance(0, "done", metrics={"a": 1}, tasks=changed)
    assert store.round().state == "wait" and store.metrics() == {} and not list(store.events())
    assert len(list(store.tasks())) == 3
    with pytest.raises(AlError, match=r"AL118.*no round 7"):
        store.advance(7, "wait", tasks=tasks(7, 1))
    with pytest.raises(ValueError):
        store.advance(0, "done", metrics={"a": float("nan")})
    store.advance(0, "wait", tasks=tasks(0, 5))  # three of them are there
    assert [stored.rank for stored in store.tasks()] == [1, 2, 3, 4, 5]


# Tasks


def test_tasks_come_back_as_they_went_in_by_round_and_rank(store):
    store.advance(0, "wait", tasks=tasks(0, 2, "dev", "Dev") + tasks(0, 1, "review"))
    store.open_round(1)
    store.advance(1, "wait", tasks=tasks(1, 1))
    found = list(store.tasks())
    # in the order in which they were given, whatever they are for
    expected = [*(("train", k) for k in (1, 2, 3)), ("dev", 4), ("dev", 5), ("review", 6)]
    assert [(stored.purpose, stored.rank) for stored in found] == [*expected, ("train", 1)]
    assert [stored.task for stored in found if stored.round == 0 and stored.purpose == "train"] == [
        task for _, task in tasks(0, 3)
    ]
    text = "Text 0 0"
    assert found[5].id == f"r000-{content_hash(text)}-review" == task_id(0, text, "review")
    assert found[0].id == f"r000-{content_hash(text)}" and found[0].item == content_hash(text)
    assert ids(store.tasks(0, purpose="dev")) == ids(found[3:5])
    assert ids(store.tasks(1)) == ids(store.unanswered(1)) == ids(found[-1:])
    assert ids(store.unanswered()) == ids(found)
    assert len(store.asked_ids()) == 6 and len(store.asked_ids(before_round=1)) == 5
    assert store.asked_ids(before_round=0) == set()


def test_texts_are_kept_once_with_where_they_are_from(store):
    store.advance(0, "wait", tasks=tasks(0, 1, "review"))
    rows = store._connection.execute("SELECT text, source FROM items").fetchall()
    assert len(rows) == 3 and ('"Text 0 0"', '{"doc": "note-0"}') in rows


def test_next_task_is_held_until_it_is_answered(store):
    one, two, three = ids(store.tasks())
    assert [next_task(store, "a").id, next_task(store, "a").id, next_task(store, "b").id] == [
        one,
        one,
        two,
    ]
    store.add_answer(one, NONE, id="1", annotator="a")
    assert next_task(store, "a").id == three
    assert next_task(store, "c") is None
    store.add_answer(two, NONE, id="2", annotator="b")
    assert next_task(store, "b") is None
    store.open_round(1)
    assert next_task(store, "a") is None  # the latest round asks nothing yet


def test_overlap(store):
    one, two, three = ids(store.tasks())
    first = [next_task(store, who, overlap=2).id for who in "abc"]
    assert first == [one, one, two]
    store.add_answer(one, NONE, id="1", annotator="a")
    assert next_task(store, "a", overlap=2).id == two
    assert next_task(store, "d", overlap=2).id == three
    store.add_answer(one, NONE, id="2", annotator="b")
    assert one not in [next_task(store, who, overlap=2) for who in "bd"]


def test_a_task_of_one_who_went_away_goes_to_others(store, monkeypatch):
    one, two, three = ids(store.tasks())
    next_task(store, "a")
    now = time.time()
    monkeypatch.setattr(desk.time, "time", lambda: now + desk.HELD + 1)
    assert next_task(store, "b").id == one
    assert next_task(store, "a").id == two
    store.add_answer(one, NONE, id="1", annotator="b")
    assert [next_task(store, "a").id, next_task(store, "b").id] == [two, three]


def test_a_review_is_for_one_person(store):
    store.advance(0, "wait", tasks=tasks(0, 4, "review")[3:])
    assert n_left(store, 2) == 4
    (review,) = (stored for stored in store.tasks() if stored.purpose == "review")
    # asked in its turn; the loop puts reviews first
    for k in range(3):
        store.add_answer(next_task(store, "a", overlap=2).id, NONE, id=f"a{k}", annotator="a")
    assert next_task(store, "a", overlap=2) == review
    store.add_answer(review.id, NONE, id="1", annotator="a")
    assert n_left(store, 2) == 3 and next_task(store, "b", overlap=2).purpose == "train"


# Answers


def test_an_answer_comes_back(store):
    one, *_ = ids(store.tasks())
    payload = {"answer": "accept", "spans": [{**SPAN, "label": "\ud800"}]}
    assert store.add_answer(one, payload, id="1", annotator="Zoë 😀", seconds=2, at=10.5)
    (found,) = store.answers()
    assert (found.seq, found.id, found.task, found.annotator) == (1, "1", one, "Zoë 😀")
    assert (found.payload, found.seconds, found.at) == (payload, 2.0, 10.5)


def test_the_same_id_is_one_answer(store):
    one, two, _ = ids(store.tasks())
    assert store.add_answer(one, NONE, id="1", annotator="a")
    assert not store.add_answer(one, NONE, id="1", annotator="a")
    with pytest.raises(AlError, match="AL124"):
        store.add_answer(one, SOME, id="1", annotator="a")
    assert [answer.payload for answer in store.answers()] == [NONE]
    for task, annotator in ((two, "a"), (one, "b")):
        with pytest.raises(AlError, match="AL116"):
            store.add_answer(task, NONE, id="1", annotator=annotator)
    assert store.n_answers() == 1


def test_the_last_answer_of_each_annotator_counts(store):
    one, two, _ = ids(store.tasks())
    given = [
        (two, "b", NONE),
        (one, "b", NONE),
        (one, "a", NONE),
        (one, "b", SOME),
        (two, "b", SOME),
    ]
    for number, (task, annotator, payload) in enumerate(given):
        store.add_answer(task, payload, id=str(number), annotator=annotator)
    found = [(answer.task, answer.annotator, answer.seq) for answer in store.answers()]
    assert found == [(one, "a", 3), (one, "b", 4), (two, "b", 5)]
    assert [answer.seq for answer in store.answers(upto=3)] == [3, 2, 1]
    assert store.n_answers() == 3


@pytest.mark.parametrize(
    "change, code",
    [
        ({"task_id": "r000-0000000000000000"}, "AL114"),
        ({"task_id": None}, "AL115"),
        ({"payload": {"answer": "accept", "spans": [{**SPAN, "label": "CITY"}]}}, "AL115"),
        ({"id": ""}, "AL115"),
        ({"annotator": "\ud800"}, "AL115"),
        ({"seconds": -1}, "AL115"),
        ({"seconds": "3"}, "AL115"),
        ({"at": float("nan")}, "AL115"),
    ],
)
def test_what_is_no_answer_is_refused(store, change, code):
    whole = {"task_id": ids(store.tasks())[0], "payload": NONE, "id": "1", "annotator": "a"}
    with pytest.raises(AlError, match=code):
        store.add_answer(**{**whole, **change})
    assert store.n_answers() == 0


def test_labels_that_change_while_an_answer_comes_are_not_taken_for_those_that_it_was_given_in(
    path, store, monkeypatch
):
    change_labels(store, "start", ["DRUG"])
    task = next(iter(store.tasks()))

    def rename():
        with Store(path) as other:
            change_labels(other, "rename", ["DRUG"], "MEDICINE")

    thread = threading.Thread(target=rename)

    def slow_check(*given):
        found = check(*given)
        thread.start()
        thread.join(0.3)
        return found

    monkeypatch.setattr(store_module, "check", slow_check)
    store.add_answer(task.id, SOME, id="1", annotator="ann")
    thread.join()
    (said,) = store.answers()
    assert [span["label"] for span in said.payload["spans"]] == ["MEDICINE"]


def test_reading_half_way_holds_nothing_up(path, store):
    with Store(path) as other:
        reader = store.tasks()
        next(reader)
        other.add_answer(ids(other.tasks())[0], NONE, id="1", annotator="a")
        store.add_answer(ids(store.tasks())[1], NONE, id="2", annotator="a")
        assert len(list(reader)) == 2


def test_what_is_stored_is_on_disk(store):
    """Write-ahead, and nothing is acknowledged before the operating system has it on disk."""
    pragma = {
        name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version")
    }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 60_000,
        "user_version": len(MIGRATIONS),
    }


# Several processes

ROUNDS = 4


def _answer(path, annotator, both):
    """Answers what comes next until the run has ended; nobody goes on before both have answered."""
    with Store(path) as store, path.with_name(annotator).open("w") as acknowledged:
        first = True
        while True:
            stored = next_task(store, annotator)
            if stored is None:
                last = store.round()
                if last and (last.number, last.state) == (ROUNDS - 1, "done"):
                    break
                time.sleep(0.002)
                continue
            store.add_answer(stored.id, NONE, id=f"{annotator}-{stored.id}", annotator=annotator)
            acknowledged.write(f"{stored.id}\n")
            if first:
                both.wait(600)
                first = False


def _advance(path, batch):
    with Store(path) as store:
        for number in range(ROUNDS):
            store.open_round(number)
            store.advance(number, "wait", tasks=tasks(number, batch))
            while store.unanswered(number):
                time.sleep(0.05)
            store.advance(number, "done", metrics={"answers": store.n_answers()})


def _join(processes, seconds=600):
    for process in processes:
        process.join(seconds)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * len(processes)


@pytest.mark.parametrize(
    "context, batch",
    [(FORK, 100), pytest.param(SPAWN, 500, marks=pytest.mark.slow)],
    ids=["fork", "spawn"],
)
@pytest.mark.slow
def test_two_answer_while_a_third_advances(tmp_path, context, batch):
    path = tmp_path / "al.db"
    both = context.Barrier(2)
    processes = [context.Process(target=_answer, args=(path, who, both)) for who in "ab"]
    processes.append(context.Process(target=_advance, args=(path, batch)))
    for process in processes:
        process.start()
    _join(processes)
    given = {who: (tmp_path / who).read_text().split() for who in "ab"}
    assert min(map(len, given.values())) > 0
    with Store(path, create=False) as store:
        assert sorted(given["a"] + given["b"]) == sorted(ids(store.tasks()))
        stored = [(answer.annotator, answer.task) for answer in store.answers()]
        assert sorted(stored) == sorted((who, task) for who in given for task in given[who])
        assert store.n_answers() == ROUNDS * batch == len(stored)
        assert [round.state for round in store.rounds()] == ["done"] * ROUNDS
        counts = [store.metrics()[k]["answers"] for k in range(ROUNDS)]
        assert counts == [batch, 2 * batch, 3 * batch, 4 * batch]


def _open(path, started):
    started.wait()
    with Store(path) as store:
        store.open_round(0)


@pytest.mark.slow
def test_many_make_the_database_at_once(tmp_path):
    path, started = tmp_path / "new" / "al.db", FORK.Event()
    processes = [FORK.Process(target=_open, args=(path, started)) for _ in range(8)]
    for process in processes:
        process.start()
    started.set()
    _join(processes)
    with Store(path, create=False) as store:
        assert [round.number for round in store.rounds()] == [0]


@pytest.mark.parametrize("read", range(1, 4))
def test_the_database_is_made_between_two_reads(tmp_path, monkeypatch, read):
    path, calls = tmp_path / "al.db", []

    class Connection(sqlite3.Connection):
        def execute(self, sql, *args):
            calls.append(sql)
            if len(calls) == read:
                with monkeypatch.context() as undone:
                    undone.setattr(sqlite3, "connect", plain)
                    connect(path).close()
            return super().execute(sql, *args)

    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", partial(plain, factory=Connection))
    Store(path).__exit__()
    assert len(calls) > read


def test_another_process_that_does_not_let_go(path):
    other = connect(path)
    other.execute("BEGIN IMMEDIATE")
    with Store(path) as store:
        store._connection.execute("PRAGMA busy_timeout = 50")
        assert len(list(store.tasks())) == 3
        with pytest.raises(AlError, match="AL117"):
            store.open_round(1)
        other.execute("ROLLBACK")
        store.open_round(1)
    other.close()


# Killed


def _write_until_killed(path, attempt, pipe):
    with Store(path) as store:
        while True:
            stored = next_task(store, "a")
            if stored is None:
                last = store.round()
                number = last.number + (last.state != "train") if last else 0
                store.open_round(number)
                store.advance(number, "wait", tasks=tasks(number, 8), metrics={"n": number})
                continue
            store.add_answer(stored.id, NONE, id=f"{attempt}-{stored.id}", annotator="a")
            os.write(pipe, f"{stored.id}\n".encode())


@pytest.mark.slow
def test_what_was_acknowledged_survives_a_kill(tmp_path):
    path, rng, acknowledged = tmp_path / "al.db", random.Random(0), []
    for attempt in range(40):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                _write_until_killed(path, attempt, write)
            finally:
                os._exit(1)
        os.close(write)
        # every other one while it opens the database, the rest while it answers
        first = os.read(read, 8).decode() if attempt % 2 else ""
        time.sleep(rng.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer failed by itself"
        with open(read, encoding="utf8") as pipe:
            acknowledged += (first + pipe.read()).split()
        with Store(path) as store:
            stored = [answer.task for answer in store.answers()]
            assert set(acknowledged) <= set(stored)
            assert len(stored) == len(set(stored))
            rows = store._connection.execute("SELECT count(*) FROM answers").fetchone()[0]
            assert rows == len(stored)
            # a round is there with all of its tasks, or with none
            for one in store.rounds():
                assert len(list(store.tasks(one.number))) == (0 if one.state == "train" else 8)
                assert (one.number in store.metrics()) == (one.state != "train")
    assert len(acknowledged) == len(set(acknowledged)) >= 20


# A full disk


def _answer_until_refused(store):
    done, error = [], None
    for number in range(5_000):
        task = ids(store.tasks())[number % 3]
        try:
            store.add_answer(task, SOME, id=str(number), annotator=f"a{number}")
        except AlError as refused:
            error = str(refused)
            break
        done.append(str(number))
    assert error and "[AL113]" in error, error
    return done, error


def _all_there(store, done):
    assert {answer.id for answer in store.answers()} >= set(done)
    assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_that_cannot_grow(path, store):
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    done, error = _answer_until_refused(store)
    assert "full" in error and done
    _all_there(store, done)
    with pytest.raises(AlError, match=r"AL113.*full"):
        store.advance(0, "done", tasks=tasks(0, 100))
    assert store.round().state == "wait" and len(list(store.tasks())) == 3
    # space was made: the same connection goes on
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert store.add_answer(ids(store.tasks())[0], NONE, id="after", annotator="a")
    with Store(path) as other:
        _all_there(other, [*done, "after"])


def test_a_disk_that_takes_no_more(path, store):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
        done, _ = _answer_until_refused(store)
        with pytest.raises(AlError, match="AL113"):
            store.advance(0, "done", tasks=tasks(0, 100))
        assert store.round().state == "wait"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done
    assert store.add_answer(ids(store.tasks())[0], NONE, id="after", annotator="a")
    with Store(path) as other:
        _all_there(other, [*done, "after"])


def test_no_room_for_a_new_one(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, hard))
        with pytest.raises(AlError, match="AL113"):
            Store(tmp_path / "al.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)


# What is no database, or cannot be used


def test_no_run(tmp_path):
    with pytest.raises(AlError, match=r"AL110.*al\.db.*run CONFIG"):
        Store(tmp_path / "al.db", create=False)
    assert not list(tmp_path.iterdir())


def test_a_newer_version(path):
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    before = path.read_bytes()
    with pytest.raises(AlError, match=f"AL111.*99.*{len(MIGRATIONS)}"):
        Store(path)
    assert path.read_bytes() == before


def test_the_database_of_another_program(tmp_path):
    path = tmp_path / "al.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(AlError, match=r"AL112.*another program"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"xy", b"no database\n" * 500, b"SQLite format 3\0" + b"\0" * 4080]
)
def test_a_file_that_is_no_database(tmp_path, content):
    path = tmp_path / "al.db"
    path.write_bytes(content)
    with pytest.raises(AlError, match="AL112"):
        Store(path)
    assert path.read_bytes() == content


def _use(path):
    """Everything that reads, then something that writes."""
    with Store(path) as store:
        store.round(), store.metrics(), store.models(), list(store.events())
        list(store.tasks()), list(store.answers()), store.n_answers(), store.asked_ids()
        store.unanswered()
        next_task(store, "b", overlap=2)
        store.open_round(7)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_torn_file(path, tmp_path, share):
    whole = path.read_bytes()
    torn = tmp_path / "torn.db"
    torn.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AlError, match="AL112"):
        _use(torn)


@pytest.mark.slow
def test_a_damaged_file(path, tmp_path):
    with Store(path) as store:
        # as much as fills the pages, or most damage hits nothing
        for number, task in enumerate(ids(store.tasks()) * 20):
            store.add_answer(task, SOME, id=str(number), annotator=f"a{number}")
        store.log("something", why="x" * 500)
    whole, rng, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(120):
        damaged = bytearray(whole)
        start = rng.randrange(len(whole))
        damaged[start : start + 300] = rng.randbytes(len(damaged[start : start + 300]))
        copy = tmp_path / "damaged" / "al.db"
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        copy.write_bytes(damaged)
        try:
            _use(copy)
        except AlError as error:
            assert str(error)[1:6] in ("AL111", "AL112", "AL113")
            refused += 1
    assert refused > 10


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AlError, match="AL113"):
        Store(tmp_path / "file" / "al.db")


UNWRITABLE = """
import os, sys
from functools import partial
from pathlib import Path
from spacy_al.store.store import Store
from spacy_al.errors import AlError
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
for name in ("none.db", "sub/none.db", "al.db"):
    try:
        with Store(Path(sys.argv[1]) / name) as store:
            store.open_round(5)
    except AlError as error:
        print(str(error)[:7])
"""


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(path):
    # not pytest's own, which nobody else may enter
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "al.db")
        os.chmod(Path(folder) / "al.db", 0o444)
        os.chmod(folder, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", UNWRITABLE, folder], capture_output=True, text=True, timeout=600
        )
        os.chmod(folder, 0o755)
    assert done.stdout.split() == ["[AL113]"] * 3, done.stderr


READ_ONLY = """
import os, sys
from pathlib import Path
from typer.testing import CliRunner
from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.store.store import Store
run, out, corpus, config = map(Path, sys.argv[1:])
paths = {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}
words = [w for k, v in paths.items() for w in (f"--paths.{k}", str(corpus / f"{v}.spacy"))]
for verb, more in (("status", ()), ("export", ("-o", out)), ("report", ("-o", out))):
    done = CliRunner().invoke(app, [verb, str(config), *map(str, more), "--al.output", str(run), *words])
    print(verb, done.exit_code, (done.stderr[-300:], repr(done.exception)) if done.exit_code else "")
with Store(run / "al.db", create=False) as store:
    print(store.n_answers())
    try:
        store.log("something")
    except AlError as error:
        print(error.code)
"""


@pytest.mark.slow
def test_a_run_on_a_disk_that_is_read_only_is_read(path):
    root = Path(spacy_al.__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        run, out = Path(folder) / "run", Path(folder) / "out"
        run.mkdir(), out.mkdir()
        os.chmod(folder, 0o755), os.chmod(out, 0o777)
        with Store(path) as store:
            store.add_answer(ids(store.tasks())[0], NONE, id="1", annotator="a")
            # what is in the log alone is read as well
            for end in ("", "-wal"):
                shutil.copy(f"{path}{end}", run)
        assert (run / "al.db-wal").stat().st_size
        for file in (*run.iterdir(), run):
            os.chmod(file, 0o555)
        words = [run, out, root / "corpus", root / "configs" / "ner.cfg"]
        # who may do anything writes on any disk; and another user might not read Python itself
        powers = "--bounding-set=-dac_override,-dac_read_search,-fowner"
        start = ["setpriv", powers] if os.getuid() == 0 else []
        done = subprocess.run(
            [*start, sys.executable, "-c", READ_ONLY, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=600,
        )
        os.chmod(run, 0o755)
        said = ["status", "0", "export", "0", "report", "0", "1", "AL113"]
        assert done.stdout.split() == said, (done.stdout, done.stderr)
        assert (out / "report.html").is_file()
        assert len((out / "answers.jsonl").read_text().splitlines()) == 1


def test_a_clock_that_was_set_back_gives_tasks_back(store, monkeypatch):
    now = time.time()
    monkeypatch.setattr(desk.time, "time", lambda: now + 30 * 86400)
    assert len(next_tasks(store, "a", n=3)) == 3
    monkeypatch.setattr(desk.time, "time", lambda: now)
    assert len(next_tasks(store, "b", n=3)) == 3
    # and what is given by the clock of now is held
    assert next_tasks(store, "c", n=3) == []


# Migrations

STEPS = (
    ("CREATE TABLE people (name TEXT)", "INSERT INTO people VALUES ('Ada')"),
    ("ALTER TABLE people ADD COLUMN age INTEGER", "UPDATE people SET age = 36"),
    ("CREATE TABLE adults AS SELECT name, age FROM people WHERE age >= 18",),
)


def _state(connection):
    tables = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    return connection.execute("PRAGMA user_version").fetchone()[0], [name for (name,) in tables]


@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_migrations_run_in_order_from_any_version(tmp_path, before):
    path = tmp_path / "al.db"
    connect(path, STEPS[:before]).close()
    connection = connect(path, STEPS)
    assert _state(connection) == (3, ["adults", "people"])
    assert connection.execute("SELECT * FROM adults").fetchall() == [("Ada", 36)]
    connection.close()


def _before_answers_were_taken_back(old):
    for name in ("TRIGGER count_answer", "VIEW standing", "INDEX tasks_by_item"):
        old.execute(f"DROP {name}")
    for column in ("stands", "entered_by"):
        old.execute(f"ALTER TABLE answers DROP COLUMN {column}")


def test_a_run_of_before_counts_what_it_has(path):
    """The tables as they were at first, with answers of two people, one of them corrected."""
    with Store(path) as store:
        one, two, _ = ids(store.tasks())
        for k, (task, who) in enumerate([(one, "a"), (one, "b"), (two, "a"), (two, "a")]):
            store.add_answer(task, NONE, id=f"{k}", annotator=who)
    with sqlite3.connect(path) as old:
        _before_answers_were_taken_back(old)
        for name in ("TRIGGER count_task", "TABLE counts"):
            old.execute(f"DROP {name}")
        old.execute("DROP INDEX answers_by_annotator")
        for table in ("tasks", "answers"):
            old.execute(f"ALTER TABLE {table} DROP COLUMN label_position")
        old.execute("DROP TABLE label_operations")
        old.execute("ALTER TABLE rounds DROP COLUMN seal")
        old.execute("PRAGMA user_version = 1")
    old.close()
    with Store(path) as store:
        assert [n_left(store, overlap) for overlap in (1, 2, 3)] == [1, 2, 3]
        found = annotator_progress(store, "b")
        assert (found["asked"], found["answered"], found["own"]) == (3, 2, 1)
        store.add_answer(two, NONE, id="4", annotator="b")
        assert n_left(store, 2) == 1


def test_a_run_of_before_has_its_answers_in_the_labels_of_now(path):
    """What was asked before labels were recorded was asked with those of the start."""
    said = {"answer": "accept", "spans": [{"token_start": 0, "token_end": 0, "label": "DRUG"}]}
    with Store(path) as store:
        one, two, _ = ids(store.tasks())
        store.add_answer(one, said, id="1", annotator="a")
    with sqlite3.connect(path) as old:
        _before_answers_were_taken_back(old)
        # as every database of that version has it
        old.execute(SECOND[3])
        for table in ("tasks", "answers"):
            old.execute(f"ALTER TABLE {table} DROP COLUMN label_position")
        old.execute("DROP TABLE label_operations")
        old.execute("ALTER TABLE rounds DROP COLUMN seal")
        old.execute("PRAGMA user_version = 2")
    old.close()
    with Store(path) as store:
        assert not store.labels().is_known
        labels = next(store.tasks()).task["labels"]
        change_labels(store, "start", labels)
        change_labels(store, "rename", ["DRUG"], "MED")
        # the same person in the new name, then in the old one
        for k, label in enumerate(("MED", "DRUG")):
            spans = [{**said["spans"][0], "label": label}]
            store.add_answer(two, {**said, "spans": spans}, id=f"2{k}", annotator="a")
            found = [answer.payload["spans"][0]["label"] for answer in store.answers()]
            assert found == ["MED", "MED"]
        assert "MED" in next(store.tasks()).task["labels"]
        change_labels(store, "undo")
        found = [answer.payload["spans"][0]["label"] for answer in store.answers()]
        assert found == ["DRUG", "DRUG"] and next(store.tasks()).task["labels"] == labels
        with pytest.raises(AlError, match="AL115"):
            store.add_answer(
                two, {**said, "spans": [{**spans[0], "label": "X"}]}, id="3", annotator="a"
            )


def test_a_migration_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "al.db"
    connect(path, STEPS[:1]).close()
    broken = (*STEPS[:2], ("CREATE TABLE adults (name)", "INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(AlError, match="nowhere"):
        connect(path, broken)
    connection = connect(path, STEPS[:1])
    assert _state(connection) == (1, ["people"])
    assert connection.execute("SELECT * FROM people").fetchall() == [("Ada",)]
    connection.close()


def test_a_new_database_that_fails_half_way_is_new_still(tmp_path):
    path = tmp_path / "al.db"
    with pytest.raises(AlError):
        connect(path, (("CREATE TABLE people (name)", "CREATE TABLE people (name)"),))
    connection = connect(path, STEPS)
    assert _state(connection)[0] == 3
    connection.close()


def test_an_old_program_leaves_a_migrated_database_alone(tmp_path):
    path = tmp_path / "al.db"
    connect(path, STEPS).close()
    with pytest.raises(AlError, match="AL111"):
        connect(path, STEPS[:2])
