"""What Prodigy's `db-out` writes, whoever asked, as gold: what was accepted, and yes or no to a category."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_al.adapters.files import read_json
from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import short
from spacy_al.reporting.words import plural

VERDICTS = ("accept", "reject", "ignore")
# Interfaces in which a whole text is marked, by the kinds that they give
WHOLE = {
    "ner_manual": ("entities", "spans"),
    "spans_manual": ("entities", "spans"),
    "pos_manual": ("tags",),
    "choice": ("categories",),
}
# Of a question about one thing, to which the answer is yes or no
YES_NO = {"ner": ("entities",), "pos": ("tags",), "classification": ("categories",)}
# What a span has that a model suggested, and a person said yes or no to
SUGGESTED = ("score", "source", "input_hash", "rank", "priority")
# What tells how a task was asked; recipes in which texts are marked give them tokens
HOW_ASKED = ("_view_id", "_is_binary", "tokens", "label", "options", "accept")
UNSAID = (
    "it has one span, and nothing says whether all of the text was marked or a yes or no was asked about that span. "
    "Give it '_view_id': 'ner_manual', or 'ner'"
)


def read_prodigy_gold(path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """Read answers. Of a yes to one span nothing else of its text is known; of a yes or no to a category, that category alone.

    YIELDS (LabelledRecord): What was rejected, ignored or not answered is counted and left out.
    RAISES (AlError): AL040, AL046 or AL267 if the file cannot be read.
    """
    tasks = [*read_json(path, reading)]
    whole = any(_is_whole(task) for _, task in tasks)
    unsaid = 0
    for where, task in tasks:
        try:
            if isinstance(task, ValueError):
                raise task
            if not isinstance(task, dict):
                raise ValueError(f"it is {short(task)}, and no object")
            found = _record(task, reading, whole)
        except ValueError as error:
            yield {"where": where, "problem": str(error)}
            continue
        if found is not None:
            unsaid += _is_unsaid(task)
            yield {"where": where, **found}
    if unsaid:
        reading.say(
            f"Read as marked whole: {plural(unsaid, 'text')} with one span and no word on how it was asked, as other texts of the file "
            "have several spans or none."
        )


def _is_unsaid(task: Mapping[str, Any]) -> bool:
    """Whether nothing in it tells if the text was marked whole or a yes or no was asked about its one span."""
    span = _alone(task)
    return (
        task.get("answer") == "accept"
        and span is not None
        and not any(key in task for key in HOW_ASKED)
        and not any(key in span for key in SUGGESTED)
    )


def _is_whole(task: Any) -> bool:
    """Whether it does not say how it was asked, and cannot have been a yes or no to one span."""
    return (
        isinstance(task, dict)
        and task.get("answer") == "accept"
        and isinstance(task.get("spans"), list)
        and len(task["spans"]) != 1
        and not any(key in task for key in HOW_ASKED)
    )


def _alone(task: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one span of a task that has one."""
    spans = task.get("spans")
    alone = spans[0] if isinstance(spans, list) and len(spans) == 1 else None
    return alone if isinstance(alone, dict) else None


def _record(task: Mapping[str, Any], reading: Reading, whole: bool) -> LabelledRecord | None:
    """Gold, or None for an answer that is none. whole: as for `_form`."""
    verdict = task.get("answer")
    if verdict is None:
        raise ValueError(f"it has no 'answer', only: {', '.join(map(str, task))}")
    if verdict not in VERDICTS:
        raise ValueError(f"its 'answer' is {short(verdict)}")
    text = task.get("text")
    if not isinstance(text, str):
        raise ValueError("it has no 'text'")
    form = _form(task, reading, whole)
    categories = form == "classification"
    if verdict == "ignore" or (verdict == "reject" and not categories):
        reading.skip([f"answers '{verdict}'"])
        return None
    reading.skip(key for key in ("relations", "arcs", "audio_spans") if task.get(key))
    record: LabelledRecord = {"text": text}
    if categories:
        label = task.get("label")
        if not isinstance(label, str) or not label:
            raise ValueError(f"it asks about a category, and its 'label' is {short(label)}")
        return {**record, "cats": {label: float(verdict == "accept")}}
    if form == "choice":
        return {**record, "cats": _choice(task)}
    if words := _tokens(task, text):
        record["words"], record["spaces"] = words
    if not isinstance(task.get("spans"), list):
        raise ValueError(f"it has no list of 'spans', only: {', '.join(map(str, task))}")
    marks = [_mark(span, task) for span in task["spans"]]
    record["spans"] = marks
    if form in YES_NO:
        if len(marks) != 1:
            raise ValueError(f"it asks for a yes or no to one span, and has {len(marks)}")
        reading.say(
            "Where a yes or no was asked about one span, nothing else of the text is known."
        )
        if reading.kind == "spans":
            raise ValueError(
                "a yes to one span says nothing of the others, and a span categoriser takes those for wrong"
            )
        start, end = marks[0]["start"], marks[0]["end"]
        record["missing"] = [(a, b) for a, b in ((0, start), (end, len(text))) if a < b]
    elif reading.kind == "tags":
        record["missing"] = _unmarked(text, marks, task)
    return record


def _form(task: Mapping[str, Any], reading: Reading, whole: bool) -> str:
    """The interface in which it was asked; without its name, by what the task has.

    whole (bool): Whether other texts of the file that do not say so were marked whole.
    RAISES (ValueError): It asks for something else than is wanted, or nothing tells what it asked.
    """
    form = task.get("_view_id")
    if form == "review":
        # what was decided of several answers, in the interface in which these were given
        form = task.get("view_id")
    if form is None:
        alone = _alone(task)
        if "options" in task or "accept" in task:
            form = "choice"
        elif isinstance(task.get("label"), str):
            form = "ner" if task.get("spans") else "classification"
        elif alone and (task.get("_is_binary") is True or any(key in alone for key in SUGGESTED)):
            form = "pos" if reading.kind == "tags" else "ner"
        elif _is_unsaid(task) and not whole:
            raise ValueError(UNSAID)
        elif reading.kind == "tags":
            form = "pos_manual"
        else:
            form = "spans_manual" if reading.kind == "spans" else "ner_manual"
    # several interfaces on one page: what the task has decides
    if form == "blocks":
        form = "choice" if reading.kind == "categories" else "spans_manual"
    kinds = {**WHOLE, **YES_NO}.get(form if isinstance(form, str) else "", ())
    if reading.kind not in kinds:
        raise ValueError(
            f"it was asked in the interface {short(form)}, which gives no {reading.kind}"
        )
    return str(form)


def _choice(task: Mapping[str, Any]) -> dict[str, float]:
    options, accepted = task.get("options"), task.get("accept")
    if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
        raise ValueError(f"its 'options' are {short(options)}")
    known = [one.get("id") for one in options]
    if not isinstance(accepted, list):
        raise ValueError(f"it has no list 'accept', but {short(accepted)}")
    if other := [one for one in accepted if one not in known]:
        raise ValueError(f"it accepts {short(other[0])}, which is none of its options")
    config = task.get("config")
    single = not (isinstance(config, dict) and config.get("choice_style") == "multiple")
    if single and len(accepted) > 1:
        single = False
    if single and not accepted:
        raise ValueError("nothing is chosen")
    return {str(one): float(one in accepted) for one in known}


def _tokens(task: Mapping[str, Any], text: str) -> tuple[list[str], list[bool]] | None:
    """Words and spaces of a task that has them; None if it has none.

    RAISES (ValueError): They are not those of its text.
    """
    tokens = task.get("tokens")
    if tokens is None:
        return None
    try:
        words = [text[token["start"] : token["end"]] for token in tokens]
        fits = all(word == token["text"] and word for word, token in zip(words, tokens))
        after = [*(token["start"] for token in tokens[1:]), len(text)]
        gaps = [text[token["end"] : start] for token, start in zip(tokens, after)]
    except (TypeError, KeyError):
        raise ValueError("its 'tokens' have no text, start and end") from None
    if not fits or any(gap.strip() for gap in gaps):
        raise ValueError("its 'tokens' are not those of its text")
    if any(gap not in ("", " ") for gap in gaps) or (tokens and tokens[0]["start"]):
        # white space that is no token: these cannot be kept
        return None
    return words, [gap == " " for gap in gaps]


def _mark(span: Any, task: Mapping[str, Any]) -> Mark:
    if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
        raise ValueError(f"a span is {short(span)}, without start, end and label")
    mark: Mark = {"start": span["start"], "end": span["end"], "label": span["label"]}
    if "text" in span:
        mark["text"] = span["text"]
    tokens = task.get("tokens")
    if tokens is not None and "token_start" in span and "token_end" in span:
        try:
            first, last = tokens[span["token_start"]], tokens[span["token_end"]]
            agrees = min(span["token_start"], span["token_end"]) >= 0
            # a mark of single characters may begin or end within a token
            agrees = agrees and first["start"] <= span["start"] < first["end"]
            agrees = agrees and last["start"] < span["end"] <= last["end"]
        except (LookupError, TypeError):
            agrees = False
        if not agrees:
            mark["problem"] = "its tokens and its characters are not at the same place"
    return mark


def _unmarked(text: str, marks: Sequence[Mark], task: Mapping[str, Any]) -> list[tuple[int, int]]:
    """What no tag is on."""
    starts = {mark["start"] for mark in marks}
    tokens = task.get("tokens")
    if not isinstance(tokens, list):
        raise ValueError("it has no 'tokens', which tags are on")
    return [
        (t["start"], t["end"])
        for t in tokens
        if t["start"] not in starts and text[t["start"] : t["end"]].strip()
    ]
