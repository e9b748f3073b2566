"""What a person reads when something cannot go to Label Studio or come back: by the commands, to a server that stands in for it."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from spacy_al.adapters.label_studio.server import Pushed, write_pushed
from spacy_al.cli import app
from spacy_al.store.store import Store
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import entities, make_run, task

CONFIG = ROOT / "configs" / "ner.cfg"
WHEN = "2026-01-02T03:04:05.500000Z"
PROJECT = {"maximum_annotations": 1, "label_config": "", "model_version": "", "title": "x"}


class Server(ThreadingHTTPServer):
    """Answers as `says` has it, by method and path, and keeps what was sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.says, self.sent = {}, []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        what = (self.command, urlsplit(self.path).path)
        self.server.sent.append((*what, body))
        data = json.dumps(self.server.says.get(what)).encode()
        self.send_response(200 if what in self.server.says else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PATCH = do_GET

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    with Server() as made:
        monkeypatch.setenv("LABEL_STUDIO_URL", made.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "key")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def command(tmp_path):
    words = ["--al.output", str(tmp_path / "al")]
    for name, part in {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}.items():
        words += [f"--paths.{name}", str(ROOT / "corpus" / f"{part}.spacy")]
    return lambda verb: CliRunner().invoke(app, [verb, str(CONFIG), *words])


def check(result, code, *says):
    """One message with its code, what was found and what to do."""
    assert result.exit_code == 1, result.output
    (message,) = re.findall(rf"✘ (\[{code}\] .*)", result.stderr)
    assert "Traceback" not in result.output and result.stdout == ""
    for part in says:
        assert part in message, message


def warning(result, code):
    assert result.exit_code == 0, result.output
    (message,) = re.findall(rf"⚠ (\[{code}\] .*)", result.stderr)
    return message


@pytest.mark.parametrize("n_rounds", [0, 1])
def test_nothing_has_been_asked_that_could_be_pushed(server, command, tmp_path, n_rounds):
    with Store(tmp_path / "al" / "al.db") as store:
        for number in range(n_rounds):
            store.open_round(number)
    says = ("nothing in Label Studio to come back, or to ask there", "python -m spacy_al run ")
    check(command("push"), "AL293", *says, str(CONFIG), f"--al.output {tmp_path / 'al'}")
    assert server.sent == []


@pytest.mark.parametrize("begun", [False, True])
def test_what_was_not_pushed_does_not_come_back(server, command, tmp_path, begun):
    make_run(tmp_path / "al" / "al.db", [entities()])
    if begun:
        # as if it had been killed before there was a project
        write_pushed(tmp_path / "al", Pushed(server.url))
    check(command("pull"), "AL293", "to come back", "First: python -m spacy_al push CONFIG")
    assert server.sent == []


def test_annotations_that_are_left_out_are_counted(server, command, tmp_path):
    make_run(tmp_path / "al" / "al.db", [entities(0), entities(1)])
    write_pushed(tmp_path / "al", Pushed(server.url, project=1))
    with Store(tmp_path / "al" / "al.db") as store:
        first, second = store.tasks()
    place = {"from_name": "label", "value": {"start": 0, "end": 2, "labels": ["PLACE"]}}
    tasks = [
        annotated(1, first.id, first.task["text"], []),
        annotated(2, "r009-unknown", "Another.", []),
        annotated(3, second.id, second.task["text"], [place]),
    ]
    server.says["GET", "/api/tasks"] = {"tasks": tasks, "total": 3}
    server.says["GET", "/api/users/"] = [{"id": 7, "email": "ann@example.org"}]
    message = warning(command("pull"), "ALW290")
    assert message.startswith("[ALW290] 2 of 3 annotations in Label Studio were left out: ")
    assert "1 unknown task" in message and "1 bad answer" in message
    where = f"{server.url}/projects/1/data?task=2, annotation 2"
    assert f"The first: {where}: this run did not ask it" in message
    with Store(tmp_path / "al" / "al.db") as store:
        (answer,) = store.answers()
    assert (answer.task, answer.annotator) == (first.id, "ann@example.org")


def annotated(number, question, text, result):
    one = {"id": number, "completed_by": 7, "updated_at": WHEN, "result": result}
    data = {"text": text, "_al_task": question}
    return {"id": number, "data": data, "updated_at": WHEN, "annotations": [one]}


def test_a_text_that_would_spoil_the_project_is_named_and_not_sent(server, command, tmp_path):
    make_run(tmp_path / "al" / "al.db", [entities(0), task("nul \0"), task("one \0 more")])
    write_pushed(tmp_path / "al", Pushed(server.url, project=1))
    server.says["GET", "/api/tasks"] = {"tasks": [], "total": 0}
    for method in ("GET", "PATCH"):
        server.says[method, "/api/projects/1"] = PROJECT
    server.says["POST", "/api/projects/1/import"] = {}
    result = command("push")
    assert "✔ 1 new of 1 tasks in" in result.stderr
    assert warning(result, "ALW291") == (
        "[ALW291] 2 texts have characters that Label Studio cannot hold, and are not asked there. "
        f"Answer them with: python -m spacy_al annotate {CONFIG}"
    )
    (sent,) = [body for method, path, body in server.sent if path.endswith("/import")]
    assert [one["data"]["text"] for one in sent] == [entities(0)["text"]]
