"""Tasks: what an annotator is asked, in Prodigy's shape, and the ways out to other tools.

In a task the `token_end` of a span is inclusive, as in Prodigy; suggestions have exclusive ends, as in spaCy.
"""

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.tasks.white_space import trimmed
from spacy_al.util import why_not

Task: TypeAlias = dict[str, Any]
KINDS = ("entities", "spans", "tags", "categories")
TASK_KEY = "al_task"
# What the model expects of the text and of the pool that it was drawn from, where it was drawn
EXPECTED = "al_expected"


def make_task(
    doc: Doc,
    *,
    suggestions: Sequence[tuple[Any, ...]],
    component_kind: str,
    labels: Sequence[str],
    meta: dict[str, Any],
    view_id: str,
    exclusive: bool = True,
    asked: Sequence[int] | None = None,
    believed: Sequence[tuple[Any, ...]] = (),
) -> Task:
    """The question about one document.

    doc (Doc): The text and its tokens; its annotation is not looked at.
    suggestions (Sequence[tuple]): What the model believes: (start, end, label, prob) over tokens with an
        exclusive end, one token long for tags; (label, prob) for categories. A prob may be None.
    component_kind (str): One of `KINDS`.
    labels (Sequence[str]): The labels that are shown; suggestions have no others.
    meta (dict): score, scored_by (what the score is), rank, round, strategy, component, model, propensity, doc, sentence and so on.
        numpy's numbers become Python's.
    view_id (str): Prodigy's interface, e.g. `ner_manual`, `spans_manual`, `choice`, `pos_manual`.
    exclusive (bool): For categories: whether exactly one applies.
    asked (Sequence[int] | None): The tokens that the question is about; None for all of them. `meta` shows the words.
    believed (Sequence[tuple]): What the model takes for granted beside that, as in `suggestions`; nobody's answer unless taken up.
    RETURNS (Task): `_input_hash` is equal for equal texts; `_task_hash` for equal text, component, labels
        suggestions and tokens asked about, whatever their scores. Both are signed 32 bits, as Prodigy's, and stable, but not
        the numbers that Prodigy itself would give. The identity of a text is `util.content_hash`.
    RAISES (AlError): A suggestion that does not fit (AL058), an unknown kind (AL059).
    """
    if component_kind not in KINDS:
        raise UsageError(Errors.AL059.format(value=component_kind, known=", ".join(KINDS)))
    task: Task = {
        "text": doc.text,
        "tokens": [
            {
                "text": token.text,
                "start": token.idx,
                "end": token.idx + len(token),
                "id": token.i,
                "ws": bool(token.whitespace_),
            }
            for token in doc
        ],
        "labels": list(labels),
    }
    if component_kind == "categories":
        task |= _options(doc, suggestions, labels, exclusive)
        shown: list[Any] = sorted(label for label, _ in suggestions)
    else:
        task["spans"] = _spans(doc, suggestions, labels, one_token=component_kind == "tags")
        shown = [[span["token_start"], span["token_end"], span["label"]] for span in task["spans"]]
    task["meta"] = {key: _plain(value) for key, value in meta.items()}
    if asked is not None:
        task["asked"] = list(asked)
        task["meta"]["asked"] = _stretches(doc, asked)
        task["believed"] = _spans(doc, believed, labels, one_token=component_kind == "tags")
        shown.append(task["asked"])
    component = task["meta"].get("component", component_kind)
    task["_input_hash"] = _hash32(doc.text)
    task["_task_hash"] = _hash32([doc.text, component, list(labels), shown])
    task["_view_id"] = view_id
    return task


def with_hashes(task: Mapping[str, Any]) -> Task:
    """A task with hashes of its own where it has none: Prodigy gives them to whatever a recipe streams."""
    spans = [[span["start"], span["end"], span["label"]] for span in task.get("spans", ())]
    shown = [task["_view_id"], task["labels"], spans, task.get("options"), task.get("asked")]
    hashes = {
        "_input_hash": _hash32(task["text"]),
        "_task_hash": _hash32([task["text"], *shown]),
    }
    made: Task = {**hashes, **task}
    if {type(made[name]) for name in hashes} != {int}:
        raise TypeError("a hash of it is no whole number")
    return made


def read_tasks(path: Path) -> Iterator[Task]:
    """The tasks of a JSONL file, or of standard input for `-`.

    path (Path): The file. Empty lines are passed over.
    YIELDS (Task): In order.
    RAISES (AlError): The file is missing or unreadable; a line is no task (AL057).
    """
    if str(path) == "-":
        yield from _parse("-", sys.stdin.buffer)
        return
    try:
        with path.open("rb") as file:
            yield from _parse(path.name, file)
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error


def write_tasks(tasks: Iterable[dict[str, Any]], path: Path) -> int:
    """Write JSONL; a file is replaced only once the new one is whole.

    tasks (Iterable[dict]): Tasks, or what an adapter makes of them.
    path (Path): The file, or `-` for standard output.
    RETURNS (int): How many were written.
    RAISES (AlError): The file cannot be written (AL047).
    """
    with writing(path) as file:
        return _write(tasks, file)


def to_docbin(tasks: Iterable[Task], vocab: Vocab) -> DocBin:
    """Bare docs of the tasks' texts and tokens, for tools that read `.spacy`.

    tasks (Iterable[Task]): Tasks; one without tokens becomes one token.
    vocab (Vocab): For the docs.
    RETURNS (DocBin): No annotation, so that nothing trains on a suggestion by mistake; the rest of the task
        (spans, options, meta, hashes) is in `doc.user_data["al_task"]`.
    """
    docs = DocBin(store_user_data=True)
    for task in tasks:
        tokens = task.get("tokens") or [{"text": task["text"], "ws": False}]
        words = [token["text"] for token in tokens]
        doc = Doc(vocab, words=words, spaces=[token["ws"] for token in tokens])
        doc.user_data[TASK_KEY] = {
            key: value for key, value in task.items() if key not in ("text", "tokens")
        }
        docs.add(doc)
    return docs


def _write(tasks: Iterable[dict[str, Any]], file: IO[str]) -> int:
    count = 0
    for count, task in enumerate(tasks, 1):
        try:
            # Not srsly.json_dumps: it keeps nine decimals, and a propensity of 1e-12 would become 0
            file.write(json.dumps(task, allow_nan=False) + "\n")
        except (TypeError, ValueError) as error:
            raise AlError(Errors.AL061.format(number=count, why=error)) from error
    return count


def _spans(
    doc: Doc, suggestions: Sequence[tuple[Any, ...]], labels: Sequence[str], *, one_token: bool
) -> list[dict[str, Any]]:
    spans = []
    blank = [token.text.isspace() for token in doc]
    for suggestion in suggestions:
        try:
            start, end, label, prob = suggestion
        except (TypeError, ValueError):
            raise _misfit(suggestion, doc, labels, "it has not four parts") from None
        if not 0 <= start < end <= len(doc):
            raise _misfit(suggestion, doc, labels, "it is not within the document")
        if one_token and end != start + 1:
            raise _misfit(suggestion, doc, labels, "a tag is on one token")
        prob = _checked(suggestion, label, prob, doc, labels)
        if not one_token and trimmed(blank, start, end) is None:
            # nobody could accept it
            continue
        first, last = doc[int(start)], doc[int(end) - 1]
        span = {"start": first.idx, "end": last.idx + len(last)}
        span |= {"token_start": first.i, "token_end": last.i, "label": label}
        spans.append(span if prob is None else {**span, "score": prob})
    return sorted(spans, key=lambda span: (span["token_start"], span["token_end"], span["label"]))


def _stretches(doc: Doc, tokens: Sequence[int]) -> str:
    """The words of some tokens, those that follow each other together."""
    starts = [i for i in tokens if i - 1 not in tokens]
    ends = [i + 1 for i in tokens if i + 1 not in tokens]
    return ", ".join(f"“{doc[start:end].text}”" for start, end in zip(starts, ends))


def _options(
    doc: Doc, suggestions: Sequence[tuple[Any, ...]], labels: Sequence[str], exclusive: bool
) -> dict[str, Any]:
    scores = {}
    for suggestion in suggestions:
        try:
            label, prob = suggestion
        except (TypeError, ValueError):
            raise _misfit(suggestion, doc, labels, "it has not two parts") from None
        scores[label] = _checked(suggestion, label, prob, doc, labels)
    options: list[dict[str, Any]] = [{"id": label, "text": label} for label in labels]
    for option in options:
        if scores.get(option["id"]) is not None:
            option["score"] = scores[option["id"]]
    style = "single" if exclusive else "multiple"
    return {"options": options, "accept": [], "config": {"choice_style": style}}


def _checked(
    suggestion: tuple[Any, ...], label: str, prob: Any, doc: Doc, labels: Sequence[str]
) -> float | None:
    if label not in labels:
        raise _misfit(suggestion, doc, labels, "its label is not shown")
    if prob is not None and not math.isfinite(prob):
        raise _misfit(suggestion, doc, labels, "its probability is not finite")
    return None if prob is None else float(prob)


def _misfit(suggestion: object, doc: Doc, labels: Sequence[str], why: str) -> AlError:
    shown = ", ".join(labels)
    return AlError(
        Errors.AL058.format(suggestion=suggestion, length=len(doc), labels=shown, why=why)
    )


def chosen_options(task: Task) -> list[dict[str, Any]]:
    """The options that the model would choose."""
    scored = [option for option in task.get("options", []) if "score" in option]
    if task.get("config", {}).get("choice_style") == "multiple":
        return [option for option in scored if option["score"] >= 0.5]
    return [max(scored, key=lambda option: option["score"])] if scored else []


def _plain(value: Any) -> Any:
    """numpy's scalars and arrays as Python's."""
    return value.tolist() if hasattr(value, "tolist") else value


def _hash32(value: Any) -> int:
    data = json.dumps(value, separators=(",", ":")).encode("ascii")
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big", signed=True)


def _parse(name: str, lines: Iterable[bytes]) -> Iterator[Task]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                task = json.loads(line)
            except (ValueError, RecursionError) as error:
                why = f"not JSON ({error})"
                raise AlError(Errors.AL057.format(where=f"{name}:{number}", why=why)) from error
            if not isinstance(task, dict) or not isinstance(task.get("text"), str):
                why = "it has no 'text'" if isinstance(task, dict) else "it is not an object"
                raise AlError(Errors.AL057.format(where=f"{name}:{number}", why=why))
            yield task
