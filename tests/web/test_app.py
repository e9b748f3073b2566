"""The server of the page: what it hands out and keeps, and what it refuses."""

import asyncio
import json
import sqlite3
import stat
import threading
import time
import webbrowser
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.errors import AlError
from spacy_al.store.desk import (
    add_beside,
    annotator_history,
    annotator_progress,
    n_left,
    next_tasks,
    own_task,
)
from spacy_al.store.labels import change_labels
from spacy_al.store.store import Store
from spacy_al.tasks.answer import shown_labels
from spacy_al.web import address
from spacy_al.web.address import is_local, listen, own_names
from spacy_al.web.serve import read_access_tokens, read_guidelines
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import LABELS, entities, make_run, partial, yes_no

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from spacy_al.web.app import Desk, make_app, static  # noqa: E402
from spacy_al.web.guard import HEADERS, LIMIT, TRIES, guarded  # noqa: E402

BASE = "http://127.0.0.1:8765"
NONE = {"answer": "accept", "spans": []}


class Client:
    """Requests to an application in this process, without a network."""

    def __init__(self, app):
        self.app = app

    def request(self, method, path, **how):
        async def send():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, **how)

        return asyncio.run(send())

    def get(self, path, **how):
        return self.request("GET", path, **how)

    def post(self, path, **how):
        return self.request("POST", path, **how)


def client_of(database, *, tokens=None, **desk):
    app = make_app(Desk(database, "notes", **desk))
    page = guarded(app, hosts={"127.0.0.1", "localhost"}, tokens=tokens, nobody="ann")
    return Client(page)


@pytest.fixture
def database(tmp_path):
    return make_run(tmp_path / "al" / "al.db", [entities(k) for k in range(4)])


@pytest.fixture
def client(database):
    return client_of(database)


def as_(who):
    return {"x-annotator": who}


def ask(client, who="ann", n=1):
    return client.post("/api/next", json={"n": n}, headers=as_(who)).json()["tasks"]


def body(task, payload=NONE, id="00000001-aaaa", **more):
    return {"task": task["id"], "payload": payload, "id": id, **more}


def answers(database):
    with Store(database) as store:
        return list(store.answers())


# Labels that change


def test_keys_are_those_of_the_run_and_answers_say_what_was_shown(database, client):
    """Whatever a question is about. The label that came is on questions that wait, and on what is answered once more."""
    with Store(database) as store:
        change_labels(store, "start", LABELS)
    (first,) = ask(client)
    assert first["places"] == {"CONDITION": 0, "DRUG": 1, "DOSAGE": 2}
    with Store(database) as store:
        change_labels(store, "remove", ["DRUG"])
        change_labels(store, "add", ["ROUTE"])
    spans = [{"token_start": 3, "token_end": 5, "label": "CONDITION"}]
    # a page that is older than the change has said nothing of ROUTE, and was not asked about it
    stale = body(first, {"answer": "accept", "spans": spans})
    assert client.post("/api/answer", json=stale).status_code == 200
    (second,) = ask(client)
    assert second["places"] == {"CONDITION": 0, "DOSAGE": 2, "ROUTE": 3}
    assert second["task"]["labels"] == ["CONDITION", "DOSAGE", "ROUTE"] == [*second["places"]]
    assert [span["label"] for span in second["task"]["spans"]] == ["CONDITION"]
    assert second["task"]["extended"]
    payload = {"spans": [{**spans[0], "label": "ROUTE"}], "labels": second["task"]["labels"]}
    given = body(second, {"answer": "accept", **payload}, id="00000002-aaaa")
    assert client.post("/api/answer", json=given).status_code == 200
    with Store(database) as store:
        tasks = {stored.id: stored.task for stored in store.tasks()}
        shown = [shown_labels(tasks[one.task], one.payload) for one in store.answers()]
    assert shown == [["CONDITION", "DOSAGE"], ["CONDITION", "DOSAGE", "ROUTE"]]
    again = client.get("/api/task", params={"id": first["id"]}).json()
    assert again["task"]["labels"][-1] == "ROUTE"
    assert again["answer"]["spans"][0]["label"] == "CONDITION"


# What it is for


def test_an_answer_is_kept_once_and_can_be_corrected(client, database):
    (task,) = ask(client)
    assert task["task"] == entities(0) and task["kind"] == "entities"
    for new in (True, False):
        sent = client.post("/api/answer", json=body(task, seconds=2.5))
        assert sent.status_code == 200 and sent.json()["new"] is new
    other = client.post("/api/answer", json=body(task, {"answer": "ignore"}))
    assert other.status_code == 409 and "AL124" in other.json()["error"]
    (kept,) = answers(database)
    assert (kept.task, kept.annotator, kept.seconds) == (task["id"], "ann", 2.5)
    assert client.get("/api/history").json() == {"tasks": [task["id"]]}
    again = client.get("/api/task", params={"id": task["id"]}).json()
    assert again["answer"] == NONE and again["task"] == task["task"]
    client.post("/api/answer", json=body(task, {"answer": "ignore"}, id="00000002-aaaa"))
    assert [a.payload for a in answers(database)] == [{"answer": "ignore"}]
    assert client.get("/api/progress").json() == {
        "round": 0, "state": "wait", "asked": 4, "answered": 1, "own": 1, "mine": {"today": 1, "part": 4},
        "working": "", "wait": None, "plan": None,
    }  # fmt: skip
    # others share what is left as soon as they hold some of it
    ask(client, "bob")
    assert client.get("/api/progress", headers=as_("bob")).json()["mine"] == {"today": 0, "part": 2}
    found = client.get("/api/summary").json()
    assert (found["answers"], found["verdicts"]["ignore"]) == (1, 1)
    assert found["progress"]["mine"] == {"today": 1, "part": 3}
    dev = {"score": 0.5, "score_name": "ents_f", "texts": 40}
    with Store(database) as store:
        store.advance(0, "wait", metrics={"dev": dev})
    others = client.get("/api/summary", headers=as_("bob")).json()
    assert others["answers"] == 0 and others["scores"]["name"] == "entity F-score"


def test_annotators_get_texts_of_their_own_and_see_nothing_of_each_other(client, database):
    first, second = ask(client, "ann", 2), ask(client, "bob", 2)
    assert len({task["id"] for task in [*first, *second]}) == 4
    assert ask(client, "ann", 2) == first and ask(client, "cleo") == []
    client.post("/api/answer", json=body(first[0]), headers=as_("ann"))
    for path in ("/api/task", "/api/answer", "/api/flag"):
        if path == "/api/task":
            sent = client.get(path, params={"id": first[0]["id"]}, headers=as_("bob"))
        else:
            more = {"task": first[0]["id"]}
            more |= {"flagged": True} if "flag" in path else {"id": "bob-00001", "payload": NONE}
            sent = client.post(path, json=more, headers=as_("bob"))
        assert sent.status_code == 404 and "not given to you" in sent.json()["error"]
    # an id that is another's answer
    sent = client.post("/api/answer", json=body(second[0]), headers=as_("bob"))
    assert sent.status_code == 409
    assert len(answers(database)) == 1
    assert client.get("/api/history", headers=as_("bob")).json() == {"tasks": []}


def test_overlap_asks_several_people(database):
    client = client_of(database, overlap=2)
    for who in ("ann", "bob"):
        tasks = ask(client, who, 5)
        assert len(tasks) == 4
        for k, task in enumerate(tasks):
            sent = body(task, id=f"{who}-{k:05}")
            assert client.post("/api/answer", json=sent, headers=as_(who)).json()["new"]
        # a round of which everybody has done a half is not over
        done = client.get("/api/progress").json()
        assert (done["asked"], done["answered"]) == (8, 4 if who == "ann" else 8)
    assert ask(client, "cleo") == []
    with Store(database) as store:
        assert n_left(store, 2) == 0 and n_left(store, 3) == 4
    assert len(answers(database)) == 8


@pytest.mark.slow
def test_many_at_once_lose_nothing_and_repeat_nothing(tmp_path):
    database = make_run(tmp_path / "al" / "al.db", [entities(k) for k in range(60)])
    failed = []

    def work(who):
        client = client_of(database)
        while tasks := ask(client, who, 2):
            for task in tasks:
                sent = body(task, id=f"{who}-{task['id']}", seconds=1)
                done = client.post("/api/answer", json=sent, headers=as_(who))
                if done.status_code != 200:
                    failed.append(done.text)

    threads = [threading.Thread(target=work, args=(f"ann{k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = answers(database)
    assert failed == [] and len(found) == 60 == len({answer.task for answer in found})


def test_a_flag_is_an_event(client, database):
    (task,) = ask(client)
    sent = {"task": task["id"], "flagged": True}
    assert client.post("/api/flag", json=sent).json() == {"flagged": True}
    with Store(database) as store:
        (event,) = [event for event in store.events() if event["kind"] == "flag"]
    assert event["data"] == {"annotator": "ann", **sent}


def test_a_recipe_hears_what_is_stored(database):
    heard = []
    feed = SimpleNamespace(update=lambda task, said: heard.append((task, said)), state=str)
    client = client_of(database, feed=feed)
    (task,) = ask(client)
    # of a mark the page says its tokens alone
    spans = [{"token_start": 10, "token_end": 10, "label": "DRUG"}]
    for _ in range(2):
        client.post("/api/answer", json=body(task, {"answer": "accept", "spans": spans}))
    (kept,) = answers(database)
    assert heard == [(task["task"], kept.payload)] and {"start", "end"} < {
        *kept.payload["spans"][0]
    }


def test_guidelines_and_names_are_handed_out_as_they_are(database):
    evil = "<script>alert(1)</script>"
    client = client_of(database, guidelines=evil)
    found = client.get("/api/session", headers=as_("%3Cb%3E%F0%9F%98%80"))
    assert found.headers["content-type"] == "application/json"
    assert (found.json()["guidelines"], found.json()["annotator"]) == (evil, "<b>😀")


def test_labels_of_half_a_character_pass(tmp_path):
    task = entities(labels=[*LABELS, "\ud800"])
    client = client_of(make_run(tmp_path / "al" / "al.db", [task]))
    (found,) = ask(client)
    assert found["task"]["labels"][-1] == "\ud800"
    span = {"token_start": 0, "token_end": 0, "label": "\ud800"}
    # as a browser writes it
    sent = json.dumps(body(found, {"answer": "accept", "spans": [span]}))
    done = client.post("/api/answer", content=sent, headers={"content-type": "application/json"})
    assert done.status_code == 200, done.text


# Texts that are asked while a model trains


def test_beside_training_texts_are_asked_one_at_a_time(tmp_path):
    database = tmp_path / "al" / "al.db"
    with Store(database) as store:
        store.open_round(0)
    left = [entities(k) for k in range(3)]
    steps = SimpleNamespace(
        beside=lambda: left.pop(0) if left else None,
        state=lambda: "working",
        wait=lambda store: None,
        wake=lambda: None,
    )
    client = client_of(database, steps=steps)
    (first,) = ask(client, "ann", 2)
    (second,) = ask(client, "bob", 2)
    assert first["task"] == entities(0) and second["task"] == entities(1) and len(left) == 1
    client.post("/api/answer", json=body(first), headers=as_("ann"))
    with Store(database) as store:
        # the model is ready: what nobody has begun is not asked any more
        store.advance(0, "select")
        assert not add_beside(store, entities(2))
        assert store.round().state == "select"
        assert not any(task.task == entities(2) for task in store.tasks())
    assert ask(client, "ann") == [] and ask(client, "bob") == [second]


def test_a_text_is_asked_beside_only_once(tmp_path):
    with Store(tmp_path / "al.db") as store:
        store.open_round(0)
        assert add_beside(store, entities(0)) and not add_beside(store, entities(0))
        store.advance(0, "done")
        store.open_round(1)
        assert not add_beside(store, entities(0)) and add_beside(store, entities(1))
        (task,) = store.tasks(1)
        assert task.task["meta"]["round"] == 1


def test_a_page_of_another_run_or_annotator_is_told_so(client, database, tmp_path):
    opened = client.get("/api/session", headers=as_("ann")).json()["desk"]
    (task,) = ask(client)
    own = {"x-desk": opened}
    assert client.post("/api/answer", json=body(task), headers=as_("ann") | own).status_code == 200
    make_run(tmp_path / "other" / "al.db", [entities(k) for k in range(4)])
    other = client_of(tmp_path / "other" / "al.db")
    ask(other)
    for page, who in ((other, "ann"), (client, "bob")):
        sent = page.post("/api/answer", json=body(task, id="00000002-a"), headers=as_(who) | own)
        assert sent.status_code == 412 and "reload" in sent.json()["error"]
    # another server on the same run is the same desk
    assert client_of(database).get("/api/progress", headers=own).status_code == 200
    assert len(answers(database)) == 1 and answers(tmp_path / "other" / "al.db") == []


# The desk


def test_the_desk_agrees_with_the_store(database):
    with Store(database) as store:
        every = list(store.tasks())
        given = next_tasks(store, "ann", n=3)
        assert given == every[:3] and next_tasks(store, "ann", n=1) == every[:1]
        assert next_tasks(store, "bob", n=3) == every[3:]
        assert own_task(store, "ann", every[3].id) is None
        assert own_task(store, "ann", every[1].id) == (every[1], None)
        for k in (1, 0, 1):
            store.add_answer(every[k].id, NONE, id=f"a{store.n_answers()}{k}", annotator="ann")
        assert annotator_history(store, "ann") == [every[1].id, every[0].id]
        assert (
            annotator_progress(store, "bob")["own"] == 0
            and annotator_progress(store, "ann")["own"] == 2
        )


# Who may not


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8765"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"host": "[::1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "http://[::"},
        {"sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/session", "/openapi.json"])
def test_other_pages_and_names_are_refused(client, headers, path):
    done = client.get(path, headers=headers)
    assert done.status_code in (400, 403)
    assert set(HEADERS) <= set(done.headers)


def test_a_link_in_a_mail_opens_the_page_and_nothing_else(client):
    linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    linked["sec-fetch-dest"] = "document"
    assert client.get("/", headers=linked).status_code == 200
    assert client.get("/", headers={**linked, "sec-fetch-dest": "iframe"}).status_code == 403
    assert client.get("/", headers={**linked, "origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/session", headers=linked).status_code == 403


def test_its_own_page_is_not_refused(client):
    for host in ("127.0.0.1:8765", "localhost", "localhost:9000"):
        headers = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        assert client.get("/api/session", headers=headers).status_code == 200
    # behind a server with TLS
    headers = {"host": "localhost", "origin": "https://localhost"}
    assert client.get("/api/session", headers=headers).status_code == 200


def test_only_json_is_taken(client, database):
    (task,) = ask(client)
    text = json.dumps(body(task))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        done = client.post("/api/answer", content=text, headers={"content-type": kind})
        assert done.status_code == 415
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert client.request(method, "/api/answer").status_code == 405
    assert answers(database) == []


def test_requests_are_bounded(client, database):
    big = b'{"n": 1, "x": "' + b"a" * LIMIT + b'"}'
    headers = {"content-type": "application/json"}
    assert client.post("/api/next", content=big, headers=headers).status_code == 413
    # without a length

    async def parts():
        for k in range(0, len(big), 65536):
            yield big[k : k + 65536]

    assert client.post("/api/next", content=parts(), headers=headers).status_code == 413
    for length in ("-1", "1e9", "9" * 30, "²"):
        sent = {**headers, "content-length": length.encode()}
        assert client.post("/api/next", content=b"{}", headers=sent).status_code in (400, 413)
    (task,) = ask(client)
    long = body(task, {"answer": "accept", "spans": [{"token_start": 0}] * 20_000})
    assert client.post("/api/answer", json=long).status_code == 422


def test_tokens(database):
    tokens = {"token-of-ann-0123456789": "ann", "token-of-bob-0123456789": "bob"}
    client = client_of(database, tokens=tokens)

    def get(token, path="/api/session", scheme="Bearer"):
        headers = {"authorization": f"{scheme} {token}", "x-annotator": "ann"}
        return client.get(path, headers=headers)

    for token, who in tokens.items():
        assert get(token).json()["annotator"] == who
    assert client.get("/").status_code == 200
    assert get("", "/").status_code == 200
    wrong = ["", "x", "token-of-ann-012345678", "token-of-ann-0123456789 ", "é"]
    found = [get(token.encode("latin1").decode("latin1")).status_code for token in wrong[:4]]
    assert found == [401] * 4
    assert get("token-of-ann-0123456789", scheme="Basic").status_code == 401
    assert client.get("/api/session").status_code == 401
    for _ in range(TRIES):
        last = get("wrong")
    assert last.status_code == 429
    # who has a right one is not shut out by who tries
    assert get("token-of-bob-0123456789").json()["annotator"] == "bob"


@pytest.mark.parametrize("name", ["%00", "%20", "a" * 101, "%ED%A0%80x" * 40])
def test_annotators_have_usable_names(client, name):
    assert client.get("/api/session", headers=as_(name)).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/errors.py",
        "/static//etc/passwd",
        "/static/main.js/../../guard.py",
        "/docs",
        "/redoc",
        "/static/",
        "/api/",
        "/api/task?id=../../al.db",
    ],
)
def test_no_path_of_a_request_is_looked_up(client, path):
    done = client.get(path)
    assert done.status_code == 404 and "import" not in done.text


def test_the_page_loads_nothing_from_elsewhere(client):
    found = static()
    assert {"/", "/static/main.js", "/static/style.css"} <= set(found)
    for path, (kind, data) in found.items():
        done = client.get(path)
        assert done.content == data and done.headers["content-type"].startswith(kind)
        text = data.decode("utf8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text, path
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert sink not in text, path
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "<script>" not in found["/"][1].decode() and " style=" not in found["/"][1].decode()


# What cannot be used

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def keys(*names):
    return st.dictionaries(st.sampled_from(names), JSON, max_size=len(names))


PAYLOAD = keys("answer", "spans", "accept", "labels", "asked", "x")
SPANS = st.lists(keys("token_start", "token_end", "start", "label"), max_size=2)
ANSWERS = st.fixed_dictionaries({"answer": st.just("accept"), "spans": SPANS})


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sent=JSON | keys("id", "task", "payload", "seconds", "x"), payload=PAYLOAD | ANSWERS)
def test_bad_bodies_are_explained_and_store_nothing_that_is_none(client, database, sent, payload):
    (task,) = ask(client)
    headers = {"content-type": "application/json"}
    whole = {"id": "00000000-hypo", "task": task["id"], "payload": payload}
    for data in (sent, whole):
        text = json.dumps(data)
        for path in ("/api/answer", "/api/next", "/api/flag"):
            if path == "/api/next" and data == {}:
                continue
            done = client.post(path, content=text, headers=headers)
            if done.status_code == 200:
                # it was one: an annotator may say that nothing is there
                assert path == "/api/answer" and data is whole
                with sqlite3.connect(database) as connection:
                    connection.execute("DELETE FROM answers")
                    connection.execute("UPDATE counts SET answered = 0")
                connection.close()
                ask(client)
            else:
                assert 400 <= done.status_code < 500, done.text
                assert set(done.json()) == {"error"} and len(done.json()["error"]) < 1000
    assert answers(database) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"n": NaN}',
        b"null",
    ],
)
def test_what_is_no_json_is_refused(client, text):
    done = client.post("/api/next", content=text, headers={"content-type": "application/json"})
    assert 400 <= done.status_code < 500 and set(done.json()) == {"error"}


def test_failures_show_nothing_of_the_machine(client, database):
    (task,) = ask(client)
    database.write_bytes(b"no database" * 1000)
    for done in (client.post("/api/answer", json=body(task)), client.get("/api/session")):
        assert done.status_code == 503
        assert str(database.parent) not in done.text and "Traceback" not in done.text


# The command


def test_tokens_are_kept_for_their_owner_alone(tmp_path):
    path = tmp_path / "al" / "tokens.json"
    first = read_access_tokens(path, ["ann"])
    both = read_access_tokens(path, ["bob", "ann"])
    assert first.items() < both.items() and sorted(both.values()) == ["ann", "bob"]
    assert read_access_tokens(path, ["ann"]) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert all(len(token) >= 32 for token in both)
    for damage in ("[]", "{", '{"ann": "short"}', '{"ann": 1}'):
        path.write_text(damage)
        with pytest.raises(AlError, match="AL274"):
            read_access_tokens(path, ["ann"])


def test_which_addresses_are_this_machine_alone():
    assert all(map(is_local, ["127.0.0.1", "127.0.0.2", "::1", "localhost"]))
    assert not any(map(is_local, ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", ""]))
    assert own_names("127.0.0.1") == {"127.0.0.1", "localhost", "::1"}
    assert "10.0.0.1" in own_names("10.0.0.1")


def test_an_address_that_is_taken(monkeypatch):
    listener = listen("127.0.0.1", 0)
    try:
        # nobody has named it: the usual one where it is free
        monkeypatch.setattr("spacy_al.web.address.PORT", listener.getsockname()[1])
        listen("127.0.0.1", None).close()
        with pytest.raises(AlError, match="AL272"):
            listen("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(AlError, match="AL272"):
            listen("no such host.invalid", 1)
    finally:
        listener.close()
    with listen("127.0.0.1", None) as usual:
        assert usual.getsockname()[1] == address.PORT


@pytest.mark.parametrize("who, opened", [((), 1), (("--annotator", "ann"), 0)])
def test_a_link_with_a_token_is_no_word_of_a_command(tmp_path, monkeypatch, who, opened):
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{seen}.new"\nmv "{seen}.new" "{seen}"\n')
    browser.chmod(0o755)
    monkeypatch.setattr(webbrowser, "_tryorder", [f"{browser} %s"])

    def serve(project, listener, *rest):
        with listener:
            for _ in range(6000 * opened):
                if seen.is_file():
                    break
                time.sleep(0.01)

    monkeypatch.setattr("spacy_al.web.serve.serve", serve)
    words = ["annotate", str(ROOT / "configs" / "ner.cfg"), "--al.output", str(tmp_path / "al")]
    for name in ("train", "dev", "pool", "test"):
        corpus = "seed" if name == "train" else name
        words += [f"--paths.{name}", str(ROOT / "corpus" / f"{corpus}.spacy")]
    done = CliRunner().invoke(app, [*words, "--port", "0", *who])
    assert done.exit_code == 0 and ("#" in done.output) == bool(who)
    assert seen.is_file() == bool(opened)
    assert not opened or seen.read_text().strip() in done.output


def test_guidelines_lie_beside_the_config(tmp_path):
    config = tmp_path / "config.cfg"
    assert read_guidelines(config, None) is None
    (tmp_path / "guidelines.md").write_text("Mark all.")
    assert read_guidelines(config, None) == "Mark all."
    (tmp_path / "bad").write_bytes(b"\xff")
    for path in (tmp_path / "bad", tmp_path / "none", tmp_path):
        with pytest.raises(AlError, match="AL273"):
            read_guidelines(config, Path(path))


@pytest.mark.parametrize("made", [partial(), yes_no()])
def test_parts_and_single_entities_come_back_as_they_were_asked(tmp_path, made):
    database = make_run(tmp_path / "al" / "al.db", [made])
    client = client_of(database)
    (task,) = ask(client)
    assert task["task"]["asked"] == made["asked"]
    payload = {"answer": "accept", "spans": made["spans"]}
    spans = [{k: v for k, v in span.items() if k != "score"} for span in payload["spans"]]
    assert client.post("/api/answer", json=body(task, payload)).status_code == 200
    assert answers(database)[0].payload == {"answer": "accept", "spans": spans}
