"""The server behind the page: a few requests over the store of a run, and files that are read once at the start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spacy_al.reporting.words import format_score_name
from spacy_al.store.desk import (
    add_beside,
    annotator_history,
    annotator_progress,
    ask_no_more,
    flags,
    next_tasks,
    own_task,
    run_id,
    wants,
)
from spacy_al.store.own_work import own_session, own_share
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check, task_kind
from spacy_al.tasks.labels import RunLabels, places_of
from spacy_al.tasks.records import StoredTask
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash
from spacy_al.web.answers import add_answers
from spacy_al.web.background import Steps
from spacy_al.web.explain import add_explanations
from spacy_al.web.forgotten import add_forgotten, of_forgotten
from spacy_al.web.recipe_feed import Feed
from spacy_al.web.reply import Strict, as_json

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Desk:
    """The run that the page is about.

    database (Path): Of the run.
    title (str): Shown above.
    guidelines (str | None): Shown beside, as it is.
    overlap (int): By how many annotators each task is to be answered.
    steps (Steps | None): What goes on when all is answered.
    feed (Feed | None): Who asks one question after the other.
    at_least (int): How many questions a round is to have of it.
    team (Sequence[str] | None): All who may answer, where that is known.
    """

    database: Path
    title: str
    guidelines: str | None = None
    overlap: int = 1
    steps: Steps | None = None
    feed: Feed | None = None
    at_least: int = 0
    team: Sequence[str] | None = None


class Next(Strict):
    """n: how many tasks at most, the one to show and those to be at hand offline."""

    n: int = Field(default=2, ge=1, le=5)


class Answer(Strict):
    """id: made by the page, so that sending it again is no second answer. payload: as in `answers.jsonl`."""

    id: str = Field(min_length=8, max_length=100)
    task: str = Field(min_length=1, max_length=100)
    payload: dict[str, Any]
    seconds: float | None = Field(default=None, ge=0, le=1e6)


class Flag(Strict):
    """A task that somebody should look at."""

    task: str = Field(min_length=1, max_length=100)
    flagged: bool


def make_app(desk: Desk) -> FastAPI:
    """The application; `guard.guarded` belongs around it.

    desk (Desk): What it serves.
    """
    app = FastAPI(title="spacy-al", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.run = cache(partial(_run_id, desk))
    add_explanations(app)
    for path, (kind, data) in static().items():
        app.add_api_route(path, _file(kind, data), methods=["GET"], include_in_schema=False)

    # plain functions: they run in threads, and an answer that waits for the disk holds up nobody else

    @app.get("/api/session")
    def session(request: Request) -> Response:
        """Who asks, and what is the same for all tasks."""
        with Store(desk.database) as store:
            found = {
                "annotator": _who(request),
                "desk": _whose(request),
                "title": desk.title,
                "guidelines": desk.guidelines,
                "progress": _progress(store, request, desk),
            }
        return as_json(found)

    @app.post("/api/next")
    def ask(request: Request, body: Next) -> Response:
        """The task to show next, and those to keep at hand."""
        who = _who(request)
        with Store(desk.database) as store:
            how: dict[str, Any] = {"overlap": desk.overlap, "team": desk.team}
            tasks = next_tasks(store, who, n=body.n, **how)
            while not tasks and (task := _one_more(store, desk)):
                # one at a time: what nobody has begun when the model is ready was never asked
                if add_beside(store, task, desk.at_least):
                    tasks = next_tasks(store, who, n=1, **how)
            flagged = flags(store)
            return as_json(
                {
                    "tasks": [_shown(task, who, flagged, store.labels()) for task in tasks],
                    "progress": _progress(store, request, desk),
                }
            )

    @app.post("/api/answer")
    def answer(request: Request, body: Answer) -> Response:
        """Keep an answer; it is on disk when this returns."""
        who = _who(request)
        with Store(desk.database) as store:
            given = own_task(store, who, body.task)
            if given is None and of_forgotten(store, [body.task]):
                raise HTTPException(410, "This text was forgotten.")
            if given is None:
                raise HTTPException(404, "This task was not given to you.")
            new = store.add_answer(
                body.task, body.payload, id=body.id, annotator=who, seconds=body.seconds
            )
            found = {"new": new, "progress": _progress(store, request, desk)}
        if new and desk.feed and given[0].purpose == "train":
            desk.feed.update(given[0].task, check(given[0].task, body.payload))
        if desk.steps:
            desk.steps.wake()
        return as_json(found)

    @app.post("/api/flag")
    def flag(request: Request, body: Flag) -> Response:
        """Record that somebody should look at a task, beside whatever is answered."""
        who = _who(request)
        with Store(desk.database) as store:
            if own_task(store, who, body.task) is None:
                raise HTTPException(404, "This task was not given to you.")
            store.log("flag", annotator=who, task=body.task, flagged=body.flagged)
        return as_json({"flagged": body.flagged})

    @app.get("/api/history")
    def last(request: Request) -> Response:
        """The ids of what the annotator answered last, the latest first."""
        with Store(desk.database) as store:
            return as_json({"tasks": annotator_history(store, _who(request))})

    @app.get("/api/task")
    def task(request: Request, id: str) -> Response:
        """A task that was given to the annotator before, with their answer."""
        who = _who(request)
        with Store(desk.database) as store:
            found, flagged, labels = own_task(store, who, id), flags(store), store.labels()
        if found is None:
            raise HTTPException(404, "This task was not given to you.")
        return as_json({**_shown(found[0], who, flagged, labels), "answer": found[1]})

    add_forgotten(app, desk.database, _who)
    add_answers(
        app,
        desk.database,
        _who,
        lambda store, request: _progress(store, request, desk),
        desk.steps.wake if desk.steps else None,
    )

    @app.get("/api/summary")
    def summary(request: Request) -> Response:
        """What the annotator did since they sat down."""
        with Store(desk.database) as store:
            found = own_session(store, _who(request))
            if name := found["scores"]["name"]:
                found["scores"]["name"] = format_score_name(name)[0]
            return as_json({**found, "progress": _progress(store, request, desk)})

    @app.get("/api/progress")
    def state(request: Request) -> Response:
        """How far the round is, for a page that waits."""
        with Store(desk.database) as store:
            return as_json(_progress(store, request, desk))

    return app


def static() -> dict[str, tuple[str, bytes]]:
    """Path -> type and content of each file of the page; a request names one of these and never a file."""
    found = {}
    for file in files("spacy_al.web").joinpath("static").iterdir():
        suffix = Path(file.name).suffix
        if suffix in TYPES:
            path = "/" if file.name == "index.html" else f"/static/{file.name}"
            found[path] = (TYPES[suffix], file.read_bytes())
    return found


def _file(kind: str, data: bytes) -> Any:
    def send() -> Response:
        return Response(data, media_type=kind)

    return send


def _who(request: Request) -> str:
    """The annotator. A page that was opened for another run, or as somebody else, is told so, and keeps what it has."""
    own = _whose(request)
    if request.headers.get("x-desk", own) != own:
        raise HTTPException(412, "This page is of another run or annotator: reload it.")
    return str(request.state.annotator)


def _whose(request: Request) -> str:
    """The name of an annotator's desk in this run, which nobody else has anywhere."""
    return content_hash(f"{request.app.state.run()} {request.state.annotator}")


def _run_id(desk: Desk) -> str:
    with Store(desk.database) as store:
        return run_id(store)


def _shown(
    stored: StoredTask, who: str, flagged: Mapping[str, list[str]], labels: RunLabels
) -> dict[str, Any]:
    return {
        "id": stored.id,
        "round": stored.round,
        "purpose": stored.purpose,
        "kind": task_kind(stored.task),
        "task": stored.task,
        # keys and colours are those of the run, whatever a question is about
        "places": places_of(labels),
        "flagged": who in flagged.get(stored.id, ()),
    }


def _one_more(store: Store, desk: Desk) -> Task | None:
    """A question that nobody was asked yet, where there may be one more."""
    if desk.feed is None:
        return desk.steps.beside() if desk.steps else None
    task = desk.feed.next() if wants(store, desk.at_least) else None
    if desk.feed.ended and task is None:
        ask_no_more(store)
        if desk.steps:
            desk.steps.wake()
    return task


def _progress(store: Store, request: Request, desk: Desk) -> dict[str, Any]:
    who = _who(request)
    found = annotator_progress(store, who, desk.at_least, desk.overlap)
    # what the loop says of itself names files of the machine, so only that it goes on, or has failed
    states = [part.state() for part in (desk.steps, desk.feed) if part]
    plan = store.metrics().get(0, {}).get("plan") if found["round"] == 0 else None
    return {
        **found,
        "mine": own_share(store, who, found, overlap=desk.overlap, team=desk.team),
        "working": next(filter(None, states), ""),
        "wait": desk.steps.wait(store) if desk.steps else None,
        "plan": plan,
    }
