"""Label Studio beside the page: it tells us of each annotation, and asks the newest model for suggestions as it asks its ML backends.

What it sends is text to be read, at most: a labelling interface, host names, paths and tokens are never looked at. What is done
is what `pull`, the loop and `push` do, one after the other.
"""

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
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
from spacy_al.adapters.label_studio.tasks import ASKED, sendable, to_label_studio, version
from spacy_al.config.project import Project
from spacy_al.corpus.pool import PoolItem
from spacy_al.errors import AlError, Warnings
from spacy_al.processes.lock import locked
from spacy_al.query.picks import Picks
from spacy_al.query.questions import make_questions
from spacy_al.query.scorer import Job, Scorer
from spacy_al.store.store import Store
from spacy_al.teachers.marks import teacher_marks
from spacy_al.training.committee import read_together
from spacy_al.util import content_hash

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


class Suggester:
    """Predictions of texts by the newest model of a run.

    project (Project): The run.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._lock = threading.Lock()
        self._scorer: Scorer | None = None

    def newest(self) -> tuple[int, str] | None:
        """The round that trained it, and its path; None as long as there is none."""
        if not self.project.database.is_file():
            return None
        with Store(self.project.database) as store:
            models = store.models()
        found = [(n, one["path"]) for n, one in models.items() if Path(one["path"]).is_dir()]
        return found[-1] if found else None

    def version(self) -> str:
        """The name of the newest model in Label Studio."""
        latest = self.newest()
        return version(latest[0]) if latest else ""

    def predict(self, data: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Predictions in Label Studio's form.

        data (Sequence[dict]): Of tasks; what has no text of a usable length gets nothing suggested.
        RETURNS (list[dict]): One for each; none at all as long as there is no model.
        RAISES (AlError): As `Scorer`.
        """
        with self._lock:
            latest = self.newest()
            if latest is None:
                return []
            scorer, most = self._open(latest[1]), self._open(latest[1]).nlp.max_length
            texts = [one.get("text") for one in data]
            items = {
                content_hash(text): text
                for text in texts
                if isinstance(text, str) and text.strip() and len(text) <= most and sendable(text)
            }
            with scorer.nlp.memory_zone():
                made = self._ask(scorer, items, latest[0]) if items else {}
        nothing = {"result": [], "model_version": version(latest[0])}
        found = []
        for one, text in zip(data, texts):
            known = made.get(content_hash(text)) if isinstance(text, str) else None
            # of a part of a text only what is asked may be suggested, and what that is stands in the store
            found.append({**known, "result": []} if known and one.get(ASKED) else known or nothing)
        return found

    def _open(self, path: str) -> Scorer:
        if self._scorer is None or self._scorer.job.model != path:
            settings = read_together(self.project.settings, Path(path).parent)
            wanted = ("posterior", "acquisition")
            blocks = {name: settings.blocks[name] for name in wanted if name in settings.blocks}
            code = self.project.code_text
            labelled = (Path(path).parent / "train.spacy",)
            self._scorer = Scorer(
                Job(
                    path,
                    settings.component,
                    blocks,
                    code=code,
                    labelled=labelled,
                    teacher=teacher_marks(settings),
                )
            )
        return self._scorer

    def _ask(self, scorer: Scorer, texts: dict[str, str], number: int) -> dict[str, Any]:
        """By the hash of each text."""
        items = {
            key: PoolItem(key, scorer.nlp.make_doc(text), {}, text) for key, text in texts.items()
        }
        scores = scorer.score([scorer.nlp.make_doc(text) for text in texts.values()])
        picks = Picks([*items], scores, numpy.ones(len(items)))
        settings = replace(self.project.settings, partial=None, teacher=None)
        assert settings.pool is not None
        tasks, _ = make_questions(settings.pool, items, picks, scorer, settings, {"round": number})
        found = {}
        for key, task in zip(items, tasks):
            [prediction] = to_label_studio(task)["predictions"]
            found[key] = {**prediction, "model_version": version(number)}
        return found


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
