"""Replies of a Label Studio that are cut, foreign or wrong in one place: a coded error, or the right result and the rest counted."""

import json
import shutil
import socket
import threading
import warnings
from contextlib import contextmanager

import pytest

from spacy_al.adapters.label_studio.pull import pull
from spacy_al.adapters.label_studio.push import push
from spacy_al.adapters.label_studio.server import Pushed, Server, write_pushed
from spacy_al.config.project import open_project
from spacy_al.errors import AlError
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import entities, make_run

WHEN = "2026-01-02T03:04:05.500000Z"
USERS = [{"id": 7, "email": "ann@example.org"}, {"id": 8, "email": "bob@example.org"}]
# What stands in the place of a value: of each kind of JSON, and what JSON has not but Python reads
WRONG = [
    *("null", '"x"', '""', '"\\ud800"', "[]", "{}", "[[]]", "[null]", '{"id": null}'),
    *("NaN", "Infinity", "-Infinity", "1e999", "-1", "0.5", "true", "1" + "0" * 400),
    *('"9999-99-99T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59-23:59"'),
]
BEGUN = {"total_annotations": 0, "cancelled_annotations": 0, "drafts": []}
CONFIG = ROOT / "configs" / "ner.cfg"
PARTS = {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}
PATHS = {f"paths.{name}": str(ROOT / "corpus" / f"{part}.spacy") for name, part in PARTS.items()}
HOLE = "\N{WHITE SQUARE}"


@contextmanager
def replying(replies):
    """A server that sends these bytes, by path, as they are; with them the connection ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    head = b""
                    while b"\r\n\r\n" not in head and (part := connection.recv(65536)):
                        head += part
                    if head:
                        path = head.split()[1].decode().split("?")[0]
                        connection.sendall(replies.get(path, ok("{}", "404 Not Found")))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{listening.getsockname()[1]}", "key")
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def ok(body, status="200 OK", length=None):
    data = body if isinstance(body, bytes) else body.encode()
    length = len(data) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n".encode() + data


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The folder of a run with three questions, and its task ids and texts."""
    folder = tmp_path_factory.mktemp("run") / "al"
    with Store(make_run(folder / "al.db", [entities(k) for k in range(3)])) as store:
        return folder, [(stored.id, stored.task["text"]) for stored in store.tasks()]


def right(asked):
    """The reply of a server where three people's answers stand."""
    region = {"from_name": "label", "value": {"start": 0, "end": 7, "labels": ["DRUG"]}}
    tasks = []
    for number, (question, text) in enumerate(asked[1], 1):
        value = {**region["value"], "text": text[:7]}
        one = {
            "id": 10 * number,
            "completed_by": 7 if number < 3 else {"id": 8, "email": "bob@example.org"},
            "updated_at": WHEN,
            "lead_time": 2.5,
            "was_cancelled": False,
            "result": [{**region, "value": value}],
        }
        data = {"text": text, "_al_task": question}
        tasks.append({"id": number, "data": data, "updated_at": WHEN, "annotations": [one]})
    return {"tasks": tasks, "total": 3}


def places(value, path=()):
    """The paths of all values in a value of JSON."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value, path, wrong):
    """The text of a value where something else, or nothing, stands in one place."""
    made = json.loads(json.dumps(value))
    if not path:
        return wrong or ""
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if wrong is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = HOLE
    return json.dumps(made, ensure_ascii=False).replace(
        json.dumps(HOLE, ensure_ascii=False), wrong or ""
    )


def pulled(asked, tmp_path, tasks, users=None):
    """What a pull stores and says: (answers, counts, warning), or the error's code."""
    folder = tmp_path / "al"
    folder.mkdir(parents=True)
    with Store(asked[0] / "al.db") as store:
        store.back_up()
    (asked[0] / "al.db.backup").rename(folder / "al.db")
    replies = {
        "/api/tasks": tasks if isinstance(tasks, bytes) else ok(tasks),
        "/api/users/": ok(json.dumps(USERS) if users is None else users),
    }
    with replying(replies) as server, Store(folder / "al.db") as store:
        write_pushed(folder, Pushed(server.url, project=1))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                result = pull(store, folder, server)
            except AlError as error:
                assert error.code in ("AL291", "AL292"), error
                assert store.n_answers() == 0
                return error.code
        answers = [(a.task, a.annotator, a.payload, a.seconds) for a in store.answers()]
        return answers, result.counts, str(said[0].message) if said else ""


def test_the_right_reply_is_taken(asked, tmp_path):
    answers, counts, said = pulled(asked, tmp_path, json.dumps(right(asked)))
    assert [who for _, who, _, _ in answers] == ["ann@example.org"] * 2 + ["bob@example.org"]
    assert counts == {"stored": 3} and said == ""


MIDDLE = ("tasks", 1)


@pytest.mark.slow
def test_one_wrong_value_costs_one_annotation_at_most(asked, tmp_path):
    """Each value of the second of three tasks, replaced and left out: the other two come back, and it is named."""
    whole, n, refused = right(asked), 0, 0
    good = pulled(asked, tmp_path / "good", json.dumps(whole))[0]
    for path in places(whole["tasks"][1]):
        for wrong in [*WRONG, None]:
            if not path and wrong is None:
                continue
            n += 1
            found = pulled(asked, tmp_path / str(n), changed(whole, (*MIDDLE, *path), wrong))
            where = f"{path} is {wrong}"
            if isinstance(found, str):
                # what makes no task of it makes the reply one of something else
                assert path in ((), ("id",), ("annotations",), ("updated_at",)), where
                refused += 1
                continue
            answers, counts, said = found
            assert {a[0] for a in answers} >= {good[0][0], good[2][0]}, where
            for answer in answers:
                # what stands in another place, or is of somebody else, is so in the reply
                free = {"lead_time", "completed_by", "was_cancelled", "from_name", "text"}
                # a result that says nothing is one as well
                if path[-1:] != ("result",) and (path[-2:], wrong) != (("result", 0), None):
                    assert answer in good or free & {*path}, (where, answer)
            # no annotation is none, and is no fault
            if (
                len(answers) < 3
                and path not in ((), ("annotations",))
                and (path[-1], wrong) != (0, None)
            ):
                assert counts.total() - counts["stored"] == 1 and "ALW290" in said, where
                # the task and the annotation, as far as they can be known
                assert "task=2" in said or path[0] == "id", (where, said)
                assert "annotation 20" in said or path[-1] in ("id", 0, "annotations"), (
                    where,
                    said,
                )
    assert n > 300 and refused < n / 4


@pytest.mark.slow
def test_wrong_replies_as_a_whole(asked, tmp_path):
    whole = json.dumps(right(asked))
    html = "<html><body>Sign in</body></html>"
    replies = [
        *(ok(whole[:cut]) for cut in range(0, len(whole), len(whole) // 20)),
        *(ok(whole[:cut], length=len(whole)) for cut in range(0, len(whole), len(whole) // 20)),
        *(ok(wrong) for wrong in WRONG),
        *(ok(f'{{"tasks": {wrong}, "total": 3}}') for wrong in WRONG),
        *(ok(f'{{"tasks": [], "total": {wrong}}}') for wrong in WRONG),
        *(ok(f'{{"tasks": [{wrong}], "total": 1}}') for wrong in WRONG),
        *(ok(data) for data in (html, b"\xff\xfe\x00", b"\x1f\x8b\x08\x00", "[" * 100_000)),
        *(
            ok(html, status)
            for status in ("302 Found", "404 Not Found", "500 X", "204 No", "999 X")
        ),
        ok(b"\xff" * 3000, "403 Forbidden"),
        ok('{"detail": [1, {}]}', "401 X"),
        *(b"", b"HTTP", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 abc\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n{}",
    ]
    for number, reply in enumerate(replies):
        found = pulled(asked, tmp_path / str(number), reply)
        if not isinstance(found, str):
            answers, counts, _ = found
            assert answers == [] and counts["stored"] == 0, reply[:200]
    assert len(replies) > 100


@pytest.mark.slow
def test_wrong_users(asked, tmp_path):
    """Nobody is given another's name; who has none has a number."""
    cases = [changed(USERS, path, wrong) for path in places(USERS) for wrong in [*WRONG, None]]
    for number, users in enumerate(cases):
        found = pulled(asked, tmp_path / str(number), json.dumps(right(asked)), users)
        if isinstance(found, str):
            assert found == "AL291"
            continue
        answers, _, _ = found
        own = [user.get("email") for user in json.loads(users)]
        for (_, who, _, _), number in zip(answers, (7, 7, 8)):
            assert who == f"label-studio-{number}" or who in own, users
        assert len(answers) == 3, users


def test_a_bad_answer_does_not_stop_the_next_pull(asked, tmp_path):
    whole = right(asked)
    whole["tasks"][1]["annotations"][0]["updated_at"] = "yesterday"
    answers, _, said = pulled(asked, tmp_path, json.dumps(whole))
    assert (
        len(answers) == 2 and "task=2" in said and "annotation 20" in said and "yesterday" in said
    )


@pytest.mark.slow
def test_a_push_to_something_else(asked, tmp_path):
    """Each value of the replies to a push, replaced once: what is sent is right, or it ends with a coded error."""
    project = {"id": 1, "maximum_annotations": 1, "label_config": "", "model_version": ""}
    listed = {"tasks": [{"id": 1, "data": {"_al_task": asked[1][0][0]}, **BEGUN}], "total": 1}
    run = open_project(CONFIG, {"al.output": str(asked[0]), **PATHS})
    (asked[0] / "round-000").mkdir(exist_ok=True)
    n = 0
    for path, reply in (
        ("/api/projects/1", project),
        ("/api/tasks", listed),
        ("/api/projects/", project),
    ):
        for place in places(reply):
            for wrong in [*WRONG, None]:
                if not place and wrong is None:
                    continue
                n += 1
                replies = {
                    "/api/projects/1": ok(json.dumps(project)),
                    "/api/tasks": ok(json.dumps(listed)),
                    "/api/projects/": ok(json.dumps({**project, "results": []})),
                    "/api/projects/1/import": ok("{}"),
                    "/api/tasks/1/": ok(""),
                    path: ok(changed(reply, place, wrong)),
                }
                shutil.rmtree(asked[0] / "label-studio", ignore_errors=True)
                with replying(replies) as server:
                    if path != "/api/projects/":
                        write_pushed(asked[0], Pushed(server.url, project=1))
                    try:
                        assert push(run, server)["asked"] == 3
                    except AlError as error:
                        assert error.code in ("AL291", "AL292"), error
    assert n > 200
