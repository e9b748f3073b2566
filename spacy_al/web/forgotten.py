"""Forgotten texts, for the page to drop what a browser keeps of them."""

from collections.abc import Callable, Iterable
from pathlib import Path

from fastapi import FastAPI, Request
from pydantic import Field
from starlette.responses import Response

from spacy_al.corpus.record_removal import names_text
from spacy_al.store.removal import known_forgotten
from spacy_al.store.store import Store
from spacy_al.web.reply import Strict, as_json


class Kept(Strict):
    """tasks: what a browser keeps drafts or answers of."""

    tasks: list[str] = Field(max_length=500)


def of_forgotten(store: Store, tasks: Iterable[str]) -> list[str]:
    """Those of the ids of tasks that are about forgotten texts."""
    gone = known_forgotten(store)
    return [task for task in tasks if names_text(task, gone)]


def add_forgotten(app: FastAPI, database: Path, who: Callable[[Request], str]) -> None:
    """Have an application say what is to be dropped.

    who (Callable): The annotator of a request.
    """

    @app.post("/api/forgotten")
    def forgotten(request: Request, body: Kept) -> Response:
        """Which of these tasks are about texts that were forgotten."""
        who(request)
        with Store(database) as store:
            return as_json({"tasks": of_forgotten(store, body.tasks)})
