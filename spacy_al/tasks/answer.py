"""Answers: what may be said to a task, checked and in one form, so that equal answers are equal data."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn

from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.tasks.task import Task
from spacy_al.tasks.white_space import TRIMS, blank_tokens, trimmed

VERDICTS = ("accept", "reject", "ignore")
KEYS = ("answer", "spans", "accept", "labels", "asked", "trimmed")
# Prodigy's interfaces for a yes or no: to a single entity, made by `yes_no`, and to a single category
YES_NO_ENTITIES, YES_NO_CATEGORY = "ner", "classification"
YES_NO_FORMS = {YES_NO_ENTITIES: "entities", YES_NO_CATEGORY: "categories"}
KINDS = {row.view_id: row.task for row in FACTORIES.values()} | YES_NO_FORMS


def task_kind(task: Task) -> str:
    """The kind of answer that a task asks for: "entities", "spans", "tags" or "categories".

    RAISES (AlError): AL115 for an interface that spacy-al does not make.
    """
    view_id = task.get("_view_id")
    if not isinstance(view_id, str) or view_id not in KINDS:
        _refuse(f"its task has the interface {view_id!r}", f"Use one of: {', '.join(KINDS)}")
    return KINDS[view_id]


def shown_labels(task: Task, payload: Mapping[str, Any]) -> list[str]:
    """The labels that an annotator could choose: the answer's own, or those of the task."""
    labels = payload.get("labels", task.get("labels"))
    return [option["id"] for option in task.get("options", [])] if labels is None else list(labels)


def check(task: Task, payload: Any) -> dict[str, Any]:
    """An answer in its one form.

    task (Task): What was asked.
    payload (Any): `answer`; `spans` with inclusive token ends, or `accept` for categories; `labels` and `asked` where they
        are not those of the task. As it comes from outside.
    RETURNS (dict): The same keys. Spans are sorted and have both tokens and characters; accepted categories and tokens
        that were asked are in order; what is there twice is there once. White space at the edges of spans is cut off, and
        `trimmed` says of how many. Of what is ignored only the verdict is kept.
    RAISES (AlError): AL115 with what is wrong and what to do, as for a span of white space alone.
    """
    if not isinstance(payload, Mapping):
        _refuse(f"it is {_short(payload)}", "An answer is a JSON object")
    if unknown := [key for key in payload if key not in KEYS]:
        _refuse(f"it has {_short(unknown[0])}", f"An answer has: {', '.join(KEYS)}")
    verdict = payload.get("answer")
    if not isinstance(verdict, str) or verdict not in VERDICTS:
        _refuse(f"its 'answer' is {_short(verdict)}", f"It is one of: {', '.join(VERDICTS)}")
    kind = task_kind(task)
    result: dict[str, Any] = {"answer": verdict}
    if "labels" in payload:
        result["labels"] = [*dict.fromkeys(_strings("labels", payload["labels"]))]
    if "asked" in payload:
        result["asked"] = _asked(payload["asked"], len(task.get("tokens", [])))
    if verdict == "ignore":
        return result
    used, other = ("accept", "spans") if kind == "categories" else ("spans", "accept")
    if payload.get(other):
        _refuse(f"it has '{other}', and its task asks for {kind}", f"Give '{used}'")
    shown = shown_labels(task, result)
    if kind == "categories":
        exclusive = task.get("config", {}).get("choice_style") != "multiple"
        result["accept"] = _accepted(payload.get("accept", []), shown)
        if task["_view_id"] == YES_NO_CATEGORY:
            # the verdict says it all
            result["accept"] = shown if verdict == "accept" else []
        if verdict == "accept" and exclusive and len(result["accept"]) > 1:
            _refuse(f"it chooses {_short(result['accept'])}", "Choose one: they exclude each other")
        return result
    result["spans"], n_trimmed = _spans(payload.get("spans", []), task, shown, kind in TRIMS)
    before = payload.get("trimmed", 0)
    if not _is_int(before) or before < 0:
        _refuse(f"its 'trimmed' is {_short(before)}", "Leave it out")
    if n_trimmed + before:
        result["trimmed"] = n_trimmed + before
    if kind == "tags":
        _one_token(result["spans"])
    if verdict == "accept" and kind in ("entities", "tags"):
        _apart(result["spans"])
    return result


def check_name(what: str, value: Any) -> str:
    """An id or an annotator's name, as SQLite can keep it and find it again.

    RAISES (AlError): AL115 for what is empty, or holds half a character or a NUL.
    """
    usable = isinstance(value, str) and value.strip() and "\0" not in value
    if usable and value.encode("utf8", "ignore").decode("utf8") == value:
        return str(value)
    _refuse(f"its {what} is {_short(value)}", "Give it a name")


def check_number(what: str, value: Any) -> float:
    """Seconds, or a time.

    RAISES (AlError): AL115 for what is no number of 0 or more.
    """
    try:
        usable = isinstance(value, (int, float)) and not isinstance(value, bool)
        if usable and 0 <= float(value) < math.inf:
            return float(value)
    except OverflowError:
        pass
    _refuse(f"its '{what}' is {_short(value)}", "Give a number of 0 or more, or leave it out")


def _asked(value: Any, n_tokens: int) -> list[int]:
    for token in _list("asked", value):
        if not _is_int(token) or not 0 <= token < n_tokens:
            _refuse(f"it asks for token {_short(token)}", f"Tokens are 0 to {n_tokens - 1}")
    return sorted(set(value))


def _accepted(value: Any, shown: Sequence[str]) -> list[str]:
    chosen = set(_strings("accept", value))
    if unknown := chosen.difference(shown):
        _refuse(f"{_short(min(unknown))} was not shown", f"Choose of: {_short(list(shown))}")
    return [label for label in dict.fromkeys(shown) if label in chosen]


def _spans(
    value: Any, task: Task, shown: Sequence[str], trims: bool
) -> tuple[list[dict[str, Any]], int]:
    """Spans in their one form, and how many had white space at their edges."""
    known, tokens = set(shown), task.get("tokens", [])
    blank = blank_tokens(tokens)
    found, n_trimmed = {}, 0
    for span in _list("spans", value):
        if not isinstance(span, Mapping):
            _refuse(f"a span is {_short(span)}", "A span is a JSON object")
        label = span.get("label")
        if not isinstance(label, str) or label not in known:
            _refuse(
                f"a span has the label {_short(label)}, which was not shown",
                f"Use one of: {_short(list(shown))}",
            )
        first, last = _tokens(span, tokens)
        if trims:
            kept = trimmed(blank, first["id"], last["id"] + 1)
            if kept is None:
                _refuse(
                    f"a span is white space alone, from token {first['id']} to {last['id']}",
                    "Mark words, or leave it out",
                )
            n_trimmed += kept != (first["id"], last["id"] + 1)
            first, last = tokens[kept[0]], tokens[kept[1] - 1]
        found[first["id"], last["id"], label] = {
            "start": first["start"],
            "end": last["end"],
            "token_start": first["id"],
            "token_end": last["id"],
            "label": label,
        }
    return [found[key] for key in sorted(found)], n_trimmed


def _tokens(
    span: Mapping[str, Any], tokens: Sequence[dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and last token; where characters are given as well, they have to agree."""
    start: Any = span.get("token_start")
    end: Any = span.get("token_end")
    if not _is_int(start) or not _is_int(end) or not 0 <= start <= end < len(tokens):
        _refuse(
            f"a span goes from token {_short(start)} to {_short(end)}",
            f"Tokens are 0 to {len(tokens) - 1}, and 'token_end' is the last one inside",
        )
    for name, right in (("start", tokens[start]["start"]), ("end", tokens[end]["end"])):
        if span.get(name) is not None and span[name] != right:
            _refuse(
                f"a span from token {start} to {end} has the '{name}' {_short(span[name])} and not {right}",
                "'token_end' is the last token inside, 'end' the character after it",
            )
    return tokens[start], tokens[end]


def _one_token(spans: Sequence[dict[str, Any]]) -> None:
    for span in spans:
        if span["token_start"] != span["token_end"]:
            _refuse(
                f"a tag goes from token {span['token_start']} to {span['token_end']}",
                "A tag is on one token",
            )


def _apart(spans: Sequence[dict[str, Any]]) -> None:
    for before, after in pairwise(spans):
        if after["token_start"] <= before["token_end"]:
            _refuse(
                f"{_short(before['label'])} and {_short(after['label'])} share token {after['token_start']}",
                "Keep one of them",
            )


def _strings(name: str, value: Any) -> list[str]:
    items = _list(name, value)
    for item in items:
        if not isinstance(item, str):
            _refuse(f"its '{name}' holds {_short(item)}", "It is a list of labels")
    return items


def _list(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        _refuse(f"its '{name}' is {_short(value)}", "It is a list")
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _short(value: Any) -> str:
    """A value from outside, for a message of one line."""
    try:
        text = repr(value)
    except (
        ValueError,
        RecursionError,
    ):  # whole numbers of thousands of digits, lists of lists of lists
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:80] + "…"


def _refuse(why: str, what: str) -> NoReturn:
    raise AlError(Errors.AL115.format(why=why, what=what))
