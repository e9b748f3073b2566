"""Label Studio beside the page: it tells us of each annotation, and asks the newest model for suggestions as it asks its ML backends.

What it sends is text to be read, at most: a labelling interface, host names, paths and tokens are never looked at. What is done
is what `pull`, the loop and `push` do, one after the other.
"""

import base64
import threading
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from spacy_al.adapters.label_studio.pull import pull
from spacy_al.adapters.label_studio.push import push
from spacy_al.adapters.label_studio.server import (
    FOLDER,
    Pushed,
    Server,
    known_replies,
    read_pushed,
    write_pushed,
)
from spacy_al.config.project import Project
from spacy_al.errors import AlError, Warnings
from spacy_al.processes.lock import locked
from spacy_al.store.store import Store
from spacy_al.web.suggester import Suggester

PREFIX = "/label-studio"
USER, TITLE = "label-studio", "spacy-al"
ACTIONS = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED")
# Seconds until it is looked after if nothing calls: a call can be lost; where Label Studio may not call at all; after a failure
EVERY, OFTEN, AGAIN = 300.0, 15.0, 30.0
# Label Studio asks for a hundred tasks at a time
MOST = 10_000


class Courier:
    """A thread that brings answers from Label Studio, has the loop go on, and takes the next questions there.

    project (Project): The run.
    server (Server): Where its questions are asked.
    address (str): By which that server reaches this one.
    go_on (Callable): Called when there are new answers.
    """

    def __init__(
        self, project: Project, server: Server, address: str, go_on: Callable[[], None]
    ) -> None:
        self.project, self.server, self.address, self.go_on = project, server, address, go_on
        # the secret has to be there before the first request is
        with locked(project.output / FOLDER):
            self._pushed = read_pushed(project.output) or Pushed(server.url)
            write_pushed(project.output, self._pushed)
        self._asked: tuple[int, int] | None = None
        self._is_known, self._said = False, ""
        self._woken, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def credentials(self) -> str:
        """The message that Label Studio shows, as HTTP has it."""
        return base64.b64encode(f"{USER}:{self._pushed.secret}".encode()).decode()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what was stored or pushed by then is."""
        self._ended.set()
        self._woken.set()
        self._thread.join(timeout=10)

    def wake(self) -> None:
        """Something was annotated, or the loop has come further."""
        self._woken.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            self._woken.clear()
            try:
                self._carry()
                if self._is_known:
                    self._said = ""
                patience = EVERY if self._is_known else OFTEN
            except Exception as error:
                # whatever it answers, the page goes on
                self._tell(f"Label Studio: {error}")
                patience = AGAIN
            self._woken.wait(patience)

    def _carry(self) -> None:
        if not self.project.database.is_file():
            return
        with Store(self.project.database) as store:
            pushed = read_pushed(self.project.output)
            if pushed and pushed.project:
                result = pull(store, self.project.output, self.server)
                if result.counts["stored"]:
                    self.go_on()
            current = store.round()
            n_tasks = len([*store.tasks(current.number)]) if current else 0
        if current and n_tasks and self._asked != (current.number, n_tasks):
            counts = push(self.project, self.server)
            self._asked = (current.number, n_tasks)
            if counts["new"]:
                self.project.show(f"✔ {counts['new']} tasks in {counts['address']}")
        pushed = read_pushed(self.project.output)
        if pushed and pushed.project and not self._is_known:
            try:
                with known_replies(self.server):
                    self._introduce(pushed.project)
                self._is_known = True
            except AlError as error:
                # by default it calls no address in a private network
                self._tell(Warnings.W292.format(address=self.address, why=error, seconds=OFTEN))

    def _tell(self, message: str) -> None:
        """Once, however often it is tried again."""
        if message != self._said:
            self.project.show(f"⚠ {message}")
        self._said = message

    def _introduce(self, number: int) -> None:
        """Have Label Studio call us, with our secret; where it knows us by an old address, by the new one."""
        authorization = f"Basic {self.credentials}"
        # first, or it makes a webhook for the ML backend that would show no secret
        hook = {
            "project": number,
            "url": f"{self.address}/webhook",
            "send_payload": False,
            "send_for_all_actions": False,
            "actions": ACTIONS,
            "headers": {"Authorization": authorization},
        }
        hooks = self.server.call("GET", "/api/webhooks/", project=number)
        own = [one for one in hooks if one["headers"].get("Authorization") == authorization]
        self._put("/api/webhooks/", own, hook)
        backend = {
            "project": number,
            "url": self.address,
            "title": TITLE,
            "auth_method": "BASIC_AUTH",
            "basic_auth_user": USER,
            "basic_auth_pass": self._pushed.secret,
        }
        backends = self.server.call("GET", "/api/ml/", project=number)
        self._put("/api/ml/", [one for one in backends if one["title"] == TITLE], backend)

    def _put(self, path: str, known: Sequence[dict[str, Any]], body: dict[str, Any]) -> None:
        if not known:
            self.server.call("POST", path, body)
        elif known[0]["url"] != body["url"]:
            where = f"{path}{known[0]['id']}" + ("/" if path == "/api/webhooks/" else "")
            self.server.call("PATCH", where, body)


class Task(BaseModel):
    """A task in Label Studio. What else it has is not looked at."""

    data: dict[str, Any]


class Tasks(BaseModel):
    """tasks: to be suggested about."""

    tasks: list[Task] = Field(max_length=MOST)


def add_backend(app: FastAPI, courier: Courier, suggester: Suggester) -> None:
    """Answer Label Studio, below PREFIX; the guard lets nobody there without the secret.

    app (FastAPI): The page's.
    courier (Courier): Is woken.
    suggester (Suggester): Is asked.
    """

    # bodies that are not in the signature are not read
    def setup() -> dict[str, str]:
        return {"model_version": suggester.version()}

    def health() -> dict[str, str]:
        return {"status": "UP", "model_class": TITLE}

    def versions() -> dict[str, Any]:
        found = suggester.version()
        return {"versions": [found] if found else [], "message": ""}

    def predict(body: Tasks) -> dict[str, Any]:
        return {"results": suggester.predict([task.data for task in body.tasks])}

    def train() -> dict[str, Any]:
        courier.wake()
        return {}

    for method, name, answer in (
        ("GET", "health", health),
        ("POST", "setup", setup),
        ("GET", "versions", versions),
        ("POST", "predict", predict),
        ("POST", "train", train),
        ("POST", "webhook", train),
    ):
        path = f"{PREFIX}/{name}"
        app.add_api_route(path, answer, methods=[method], include_in_schema=False)
