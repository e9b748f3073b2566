"""An annotator's own answers, for the page to list, and to take back or delete; nobody is shown what others said."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spacy_al.store.answer_list import AnswerRow, Filters, list_answers
from spacy_al.store.history import withdraw
from spacy_al.store.store import Store
from spacy_al.store.withdrawal import preview_withdrawal
from spacy_al.tasks.answer import VERDICTS
from spacy_al.web.reply import Strict, as_json

# Answers at once, and characters of a text
PAGE, LONGEST = 50, 300


class Withdrawal(Strict):
    """id: made by the page, so that sending it again is no second one. number: of an answer."""

    id: str = Field(min_length=8, max_length=100)
    number: int = Field(ge=1, le=2**53)
    kind: Literal["undo", "delete"]


def add_answers(
    app: FastAPI,
    database: Path,
    who: Callable[[Request], str],
    progress: Callable[[Store, Request], Mapping[str, Any]],
    wake: Callable[[], None] | None,
) -> None:
    """Add the requests of the list.

    app (FastAPI): Of the page.
    database (Path): Of the run.
    who (Callable): Gives the annotator of a request.
    progress (Callable): Gives how far the round is.
    wake (Callable | None): Called when something has changed.
    """

    @app.get("/api/answers")
    def answers(
        request: Request,
        text: str = "",
        label: str = "",
        round: int | None = None,
        answer: str = "",
        flagged: bool = False,
        all: bool = False,
        before: int | None = None,
    ) -> Response:
        """What the annotator has answered, the newest first, those before a number: a page of it, and how many there are."""
        filters = Filters(
            text=text or None,
            label=label or None,
            annotator=who(request),
            round=round,
            answer=answer or None,
            flagged=flagged,
            all=all,
        )
        with Store(database) as store:
            rounds, labels = [one.number for one in store.rounds()], store.labels().names
            names = labels or [*_labels(store)]
            # who has said nothing yet is nobody that the run knows
            sql = "SELECT 1 FROM answers WHERE annotator = ? LIMIT 1"
            said = store.read(sql, (who(request),))
            rows = list_answers(store, filters) if said else []
        # what others flagged is theirs
        rows = [row for row in rows if not flagged or who(request) in row.flagged]
        shown = [row for row in rows if before is None or row.said.answer.seq < before]
        return as_json(
            {
                "answers": [_shown(row, who(request)) for row in shown[:PAGE]],
                "more": len(shown) > PAGE,
                "total": len(rows),
                "labels": names,
                "rounds": rounds,
                "verdicts": VERDICTS,
            }
        )

    @app.get("/api/withdrawal")
    def look_ahead(
        request: Request,
        number: Annotated[int, Query(ge=1, le=2**53)],
        kind: Literal["undo", "delete"],
    ) -> Response:
        """What it would mean to take an answer back or to delete it."""
        with Store(database) as store:
            _check_own(store, number, who(request))
            return as_json({"sentences": preview_withdrawal(store, number, kind)})

    @app.post("/api/withdraw")
    def take_back(request: Request, body: Withdrawal) -> Response:
        """Take an answer back or delete it; that is on disk when this returns."""
        with Store(database) as store:
            _check_own(store, body.number, who(request))
            new = withdraw(store, body.number, body.kind, id=body.id)
            found = {"new": new, "progress": progress(store, request)}
        if wake:
            wake()
        return as_json(found)


def _check_own(store: Store, number: int, who: str) -> None:
    # one that is not there and one that is another's cannot be told apart
    known = store.read("SELECT 1 FROM answers WHERE seq = ? AND annotator = ?", (number, who))
    if not known:
        raise HTTPException(404, "You have given no such answer.")


def _labels(store: Store) -> dict[str, None]:
    return dict.fromkeys(label for one in store.tasks() for label in one.task["labels"])


def _shown(row: AnswerRow, who: str) -> dict[str, Any]:
    text = row.asked.task["text"]
    return {
        "number": row.said.answer.seq,
        "task": row.asked.id,
        "round": row.asked.round,
        "purpose": row.asked.purpose,
        "at": row.said.answer.at,
        "answer": row.said.answer.payload["answer"],
        "state": row.said.state,
        "by": row.said.answer.by,
        "marks": row.marks,
        "flagged": who in row.flagged,
        "text": text if len(text) <= LONGEST else f"{text[:LONGEST]}…",
    }
