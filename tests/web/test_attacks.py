"""The server of the page under attack: whatever is sent, nothing breaks, nothing is said of the machine, nothing is kept that was not given."""

import json
import os
import signal
import socket
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.chaos import corpus
from tests.helpers.load import Server, make_texts
from tests.helpers.web_tasks import entities, make_run
from tests.web.test_app import BASE, NONE, answers, as_, ask, body, client_of

schemathesis = pytest.importorskip("schemathesis")

from spacy_al.web.app import Desk, make_app  # noqa: E402
from spacy_al.web.guard import TRIES  # noqa: E402

JSON = {"content-type": "application/json"}
TOKEN = "token-of-ann-0123456789"
# What the machine or the program would be recognised by
LEAKS = ("Traceback", "/tmp", "/work", "site-packages", ".py", "sqlite", "al.db", "line ")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("al") / "al.db", [entities(k) for k in range(4)])


@pytest.fixture(scope="module")
def client(database):
    return client_of(database)


def harmless(done):
    """A reply that is one of ours."""
    assert done.status_code < 500, (done.status_code, done.text)
    if done.headers["content-type"] == "application/json":
        assert not [word for word in LEAKS if word in done.text], done.text
    assert "content-security-policy" in done.headers
    if done.status_code >= 400:
        assert set(done.json()) == {"error"} and len(done.json()["error"]) < 1000


# Everything that the server says it takes, as it should be and as it should not

SCHEMA = schemathesis.openapi.from_dict(make_app(Desk(None, "")).openapi())


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_description_allows_or_not(client, database, case):
    sent = case.as_transport_kwargs(base_url=BASE)
    how = {key: sent.get(key) for key in ("params", "json", "data", "headers", "cookies")}
    how = {key: value for key, value in how.items() if value}
    if isinstance(how.get("data"), (bytes, str)):
        how["content"] = how.pop("data")
    cookies = how.pop("cookies", None)
    headers = {name: str(value) for name, value in (how.pop("headers", None) or {}).items()}
    if cookies:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    try:
        done = client.request(
            sent["method"], sent["url"].removeprefix(BASE), headers=headers, **how
        )
    except (UnicodeError, ValueError):
        return  # the client itself does not send that
    harmless(done)
    assert answers(database) == []


def test_a_number_that_no_database_has_is_no_answer(client):
    for number in (0, 2**53 + 1, 2**80):
        done = client.get("/api/withdrawal", params={"number": number, "kind": "undo"})
        harmless(done)
        assert done.status_code == 422


# Bodies that no client of ours would send


@pytest.mark.parametrize(
    "text",
    [
        b'{"n": 1, "n": "x"}',
        b'{"n": 1e400}',
        b'{"n": -Infinity}',
        b'{"n": ' + b"[" * 200_000,
        b'{"n": ' + b'{"n":' * 50_000,
        b'{"n": "' + b"\\ud800" * 1000 + b'"}',
        b'{"\\u0000": 1}',
        b'{"id": "12345678", "task": "x", "payload": {}, "seconds": NaN}',
        b'{"id": "12345678", "task": "x", "payload": {"answer": "ignore"}, "seconds": 1e999}',
        b'{"id": "12345678", "task": "\\ud800", "payload": {"answer": "ignore"}}',
        b'{"id": "1234567\\u0000", "task": "x", "payload": {"answer": "ignore"}}',
        b'{"id": "12345678", "task": "x\\u0000", "payload": {"answer": "ignore"}}',
        b'\xef\xbb\xbf{"n": "x"}',
        '{"n": "x"}'.encode("utf-16"),
        b"{" + b'"a":1,' * 100_000 + b'"n":1}',
        b"1" * 100_000,
        b'{"n": 1}garbage',
        b'{"n": 1}\x00',
    ],
    ids=range(18),
)
@pytest.mark.parametrize("path", ["/api/next", "/api/answer", "/api/flag"])
def test_bodies_that_are_broken(client, database, path, text):
    done = client.post(path, content=text, headers=JSON)
    harmless(done)
    assert done.status_code >= 400 and answers(database) == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.binary(max_size=200), how=st.sampled_from(["gzip", "br", "identity", "x"]))
def test_bodies_of_any_bytes(client, database, text, how):
    for path in ("/api/next", "/api/answer", "/api/flag"):
        headers = {**JSON, "content-encoding": how}
        harmless(client.post(path, content=text, headers=headers))
    assert answers(database) == []


def test_a_key_that_is_there_twice_counts_once(client, database):
    (task,) = ask(client)
    whole = json.dumps(body(task, {"answer": "accept", "answer ": 1}))
    done = client.post("/api/answer", content=whole, headers=JSON)
    assert done.status_code == 422
    twice = whole.replace('"answer ": 1', '"answer": "reject"')
    client.post("/api/answer", content=twice, headers=JSON)
    (kept,) = answers(database)
    assert kept.payload["answer"] == "reject"
    # an id stands for what was said with it
    again = client.post("/api/answer", json=body(task, {"answer": "ignore"}))
    assert again.status_code == 409 and "AL124" in again.text and answers(database) == [kept]


# Names, addresses and paths

WORDS = st.text(st.characters(codec="utf8"), max_size=40)
EVIL = st.sampled_from(
    [
        "../../etc/passwd",
        "%2e%2e%2f",
        "..\\..\\x",
        "\x00",
        "file:///etc/passwd",
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "${jndi:ldap://x}",
        "\r\nset-cookie: a=b",
        "r000-*",
        "%",
    ]
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(word=WORDS | EVIL)
def test_words_in_every_place_of_a_request(client, word):
    for path in ("/api/task", "/api/next", "/static/main.js", "/openapi.json"):
        harmless(client.get(path, params={"id": word, word: word}))
    assert client.get("/api/task", params={"id": word}).status_code in (404, 422)
    for what in ({"task": word}, {"id": word}):
        sent = {"id": "12345678", "task": "x", "payload": NONE, **what}
        harmless(client.post("/api/answer", json=sent))
    harmless(client.post("/api/flag", json={"task": word, "flagged": True, "note": word}))
    quoted = "".join(f"%{byte:02x}" for byte in word.encode())
    for path in (f"/{quoted}", f"/static/{quoted}", f"/api/{quoted}", f"/static/../{quoted}"):
        done = client.get(path)
        harmless(done)
        assert done.status_code in (200, 404) and "import" not in done.text[:200]
    named = client.get("/api/session", headers=as_(quoted))
    harmless(named)
    if named.status_code == 200:
        # as it was given, and JSON: never markup
        assert named.json()["annotator"] in (word, "ann") and "<" not in named.headers.values()
        assert named.headers["content-type"] == "application/json"


def test_many_tabs_of_one_person_are_one_person(database):
    tabs = [client_of(database) for _ in range(20)]
    got = [ask(tab, "tabs", 2) for tab in tabs]
    assert all(tasks == got[0] for tasks in got)


# A real server: what is said byte by byte


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    corpus(folder)
    make_texts(folder / "al" / "al.db", 4)
    server = Server(folder, ["<script>alert(1)</script>", "bob"], 1)
    server.tokens = json.loads((folder / "al" / "tokens.json").read_text())
    yield server
    server.kill()


def send(server, data, *, seconds=60.0):
    """What comes back until the other side closes, or nothing more comes for a while."""
    with socket.create_connection(("127.0.0.1", server.port), seconds) as line:
        line.sendall(data)
        found = b""
        try:
            while part := line.recv(65536):
                found += part
        except TimeoutError:
            pass
    return found.decode("latin1")


def request(server, start, *headers, text=""):
    lines = [start, f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers]
    return send(server, "\r\n".join([*lines, "", text]).encode("latin1"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        "GET /static/../../errors.py HTTP/1.1",
        "GET /static/%2e%2e/%2e%2e/errors.py HTTP/1.1",
        "GET /../../../../../../etc/passwd HTTP/1.1",
        "GET //etc/passwd HTTP/1.1",
        "GET \\..\\..\\etc HTTP/1.1",
        "GET http://evil.example/api/session HTTP/1.1",
        "GET /%00 HTTP/1.1",
        "CONNECT evil.example:443 HTTP/1.1",
        "TRACE / HTTP/1.1",
        "BREW /api/session HTTP/1.1",
        "\x00\x01\x02",
        "GET /" + "a" * 100_000 + " HTTP/1.1",
    ],
)
def test_raw_requests(server, start):
    found = request(server, start)
    status = found.split(" ")[1] if found.startswith("HTTP/1.1 ") else ""
    assert status in ("400", "403", "404", "405", "401", "431"), found[:200]
    assert "Traceback" not in found and "import" not in found and "root:" not in found


@pytest.mark.slow
def test_a_websocket_is_not_spoken(server):
    wants = "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {'A' * 22}=="
    right = f"Authorization: Bearer {server.tokens['bob']}"
    start = "GET /api/session HTTP/1.1"
    found = request(server, start, right, "Connection: upgrade", *wants)
    # as if it had asked for the page
    assert found.split(" ")[1] == "200" and '"annotator": "bob"' in found


@pytest.mark.slow
def test_two_readings_of_one_request(server):
    """A length beside chunks, two lengths, chunks that lie: whichever a proxy before it believes."""
    ours = f"Authorization: Bearer {server.tokens['bob']}", "Content-Type: application/json"
    hidden = "GET /api/session HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    for headers in (
        ("Content-Length: 8", "Content-Length: 9"),
        ("Content-Length: 8", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked",),
    ):
        found = request(
            server, "POST /api/next HTTP/1.1", *ours, *headers, text='{"n": 1}' + hidden
        )
        assert found.count("HTTP/1.1 ") <= 1 and "annotator" not in found, (headers, found)


@pytest.mark.slow
def test_tokens_of_others_and_none(server):
    wrong = [request(server, "GET /api/session HTTP/1.1") for _ in range(TRIES + 2)]
    codes = [found.split(" ")[1] for found in wrong]
    assert codes[:3] == ["401"] * 3 and codes[-1] == "429"
    for where in (f"?token={server.tokens['bob']}", f"?authorization={server.tokens['bob']}"):
        assert request(server, f"GET /api/session{where} HTTP/1.1").split(" ")[1] == "429"
    right = f"Authorization: Bearer {server.tokens['<script>alert(1)</script>']}"
    found = request(server, "GET /api/session HTTP/1.1", right)
    assert found.split(" ")[1] == "200" and "content-type: application/json" in found
    # a token in an address would be in the logs of others; in ours there is none either
    log = server.log.read_text()
    assert not [token for token in server.tokens.values() if token in log.replace("#" + token, "")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: http://evil.example",),
        ("Origin: null",),
        ("Host: evil.example",),
        ("Origin: http://127.0.0.1",),
        ("Sec-Fetch-Site: cross-site",),
    ],
)
def test_other_pages_with_a_right_token(server, headers):
    right = f"Authorization: Bearer {server.tokens['bob']}"
    found = request(server, "GET /api/session HTTP/1.1", right, *headers)
    assert found.split(" ")[1] in ("400", "403") and "bob" not in found


@pytest.mark.slow
def test_connections_that_never_say_anything_hold_up_nobody(server):
    """Neither threads nor, after a while, sockets: half a request, half a body, nothing at all, or a byte now and then."""
    right = f"Authorization: Bearer {server.tokens['bob']}"
    head = f"POST /api/next HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{right}\r\n"
    body = head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    lines = []
    for data in ("", "GET", head, body):
        for _ in range(30):
            lines.append(socket.create_connection(("127.0.0.1", server.port), 10))
            lines[-1].sendall(data.encode())
    for _ in range(5):
        found = request(server, "GET /api/session HTTP/1.1", right)
        assert found.split(" ")[1] == "200"
    threads = len(os.listdir(f"/proc/{server.process.pid}/task"))
    assert threads < 80
    try:
        for _ in range(90):
            for line in lines[30:60]:
                with suppress(OSError):
                    line.sendall(b"x")
            if n_sockets(server) < 10:
                return
            time.sleep(1)
        raise AssertionError(n_sockets(server))
    finally:
        for line in lines:
            line.close()


def n_sockets(server):
    folder = f"/proc/{server.process.pid}/fd"
    found = 0
    for name in os.listdir(folder):
        try:
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_a_stop_is_clean(server):
    """Last in this file: Ctrl-C, with connections open."""
    with socket.create_connection(("127.0.0.1", server.port), 10):
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(60) == 0
    assert "Traceback" not in server.log.read_text()
