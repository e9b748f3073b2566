"""The answer within an answered task of Prodigy, or within a labelled record of a file, for the task that was asked."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import HOW, checked, describe_mark, short
from spacy_al.errors import AlError, Errors
from spacy_al.tasks.answer import YES_NO_CATEGORY, YES_NO_FORMS, shown_labels, task_kind
from spacy_al.tasks.decision import is_exclusive
from spacy_al.tasks.relabel import LATER, later_labels
from spacy_al.tasks.task import Task

OFF = "it does not begin and end with a token of the task"


def payload_of(
    answered: Mapping[str, Any], task: Task, reading: Reading | None = None, where: str = ""
) -> dict[str, Any]:
    """The answer within an answered task.

    answered (Mapping): As Prodigy writes it. A yes or no to one category decides that alone.
    task (Task): As it was asked. Spans are put on its tokens by their characters, since another tool may have tokens of
        its own.
    reading (Reading | None): What a bad span costs, and the counts of them; by default it costs the answer.
    where (str): Where it stands.
    RETURNS (dict): Its `labels` are those of the answer, where they are not the task's. A label that the run got after the question
        was asked counts as shown in an answer that has it.
    RAISES (AlError): AL115 for an accepted answer without the key that says what was accepted, and for a span that is not on the
        task's tokens, or whose characters, tokens and text disagree.
    """
    kind = task_kind(task)
    reading = reading or Reading(kind)
    payload = {"answer": answered["answer"]}
    own = {"labels": _own_labels(answered, reading), "asked": answered.get("asked")}
    for key, value in own.items():
        # null says nothing
        if value not in (None, task.get(key)):
            payload[key] = value
    if added := _added(answered, task, payload):
        payload["labels"] = [*shown_labels(task, payload), *added]
        reading.added.update(added)
    if kind == "categories":
        return payload | _categories(answered, task, payload, reading)
    spans = answered.get("spans")
    if spans is None:
        if payload["answer"] == "accept":
            _lacks("spans", answered)
        return {**payload, "spans": []}
    if not isinstance(spans, list) or payload["answer"] == "ignore":
        # the check of answers says what is wrong with it
        return {**payload, "spans": [] if payload["answer"] == "ignore" else spans}
    if task.get("_view_id") not in YES_NO_FORMS and _is_of_one_span(answered, spans):
        why = "it is a yes or no to one span, and says nothing of the rest of the text"
        _refuse(why, "Mark all spans of the text, as in ner.manual or ner.correct")
    record: LabelledRecord = {"where": where, "text": answered["text"]}
    record["spans"] = [_mark(span, answered, task) for span in spans]
    flat = kind in ("entities", "tags") and payload["answer"] == "accept"
    before = reading.trimmed
    found = _spans(checked(record, reading, flat=flat), task, payload, reading)
    # the store remembers it as of answers on the page
    trimmed = {"trimmed": reading.trimmed - before} if reading.trimmed > before else {}
    return payload | found | trimmed


def record_payload(
    record: LabelledRecord, task: Task, reading: Reading, labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """The answer that a labelled record gives to a task.

    record (LabelledRecord): Checked, and of the task's text.
    task (Task): As it was asked.
    reading (Reading): What a bad span costs: one that is not on the task's tokens, or whose label was not shown, is one.
    labels (Sequence[str] | None): Those that could be chosen, where they are not the task's.
    RETURNS (dict): `asked` leaves out the tokens, and `labels` the categories, that the record does not decide.
    RAISES (AlError): AL115 if it decides nothing, or the task cannot be answered in part.
    """
    accept: dict[str, Any] = {"answer": "accept"}
    if labels is not None:
        accept["labels"] = [*labels]
    if task_kind(task) != "categories":
        return accept | _spans(record, task, accept, reading)
    shown = shown_labels(task, accept)
    names = _without_edges(shown)
    cats = {names.get(label, label): value for label, value in record["cats"].items()}
    chosen = [label for label, value in cats.items() if value]
    known = [label for label in shown if label in cats]
    _check_shown(chosen, shown, reading)
    if is_exclusive(task) and not chosen:
        _refuse("no category of it is chosen", "One of those that exclude each other has to be")
    if not known:
        _refuse(f"none of its categories was shown, but {short(shown)}", "Name them alike")
    part = {} if known == shown or is_exclusive(task) else {"labels": known}
    return {**accept, "accept": chosen, **part}


def is_yes_no(answered: Mapping[str, Any], task: Task) -> bool:
    """Whether somebody has said yes or no to one category of a question that has more."""
    return (
        task_kind(task) == "categories"
        and task.get("_view_id") not in YES_NO_FORMS
        and isinstance(answered.get("label"), str)
        and not answered.get("options")
        and not answered.get("accept")
    )


def _check_one_answer(answered: Mapping[str, Any]) -> None:
    """RAISES (AlError): AL115 where a yes to a category and what is chosen are not the same. With options, those were chosen of."""
    label, accepted = answered.get("label"), answered.get("accept")
    says_both = isinstance(label, str) and accepted is not None and not answered.get("options")
    if says_both and answered["answer"] == "accept" and accepted != [label]:
        _refuse(
            f"its 'label' is {short(label)}, its 'accept' {short(accepted)}, and both are accepted",
            "Leave one of them out",
        )


def _is_of_one_span(answered: Mapping[str, Any], spans: Sequence[Any]) -> bool:
    """Whether it was asked by a recipe such as ner.teach; what its first versions wrote has no word of it but in the span."""
    taught = len(spans) == 1 and isinstance(spans[0], dict) and {"score", "rank"} <= spans[0].keys()
    return answered.get("_is_binary") is True or taught


def _own_labels(answered: Mapping[str, Any], reading: Reading) -> Any:
    """What an answer says was shown, without what the run does not have: nobody is taught it."""
    labels, run = answered.get("labels"), reading.run_labels
    if labels is not None and not isinstance(labels, list):
        _refuse(f"its 'labels' are {short(labels)}", "They are a list of labels")
    if not run.is_known or not labels:
        return labels
    known = [label for label in labels if label in run.names]
    if not known:
        _refuse(f"its 'labels' are {short(labels)}", f"Those of the run are {short(run.names)}")
    return known


def _added(answered: Mapping[str, Any], task: Task, payload: Mapping[str, Any]) -> list[str]:
    """The labels that an answer has, and that its question has not as they came later; options say themselves what was shown."""
    later = [label for label in later_labels(task) if label not in payload.get("labels", ())]
    if not later or answered["answer"] == "ignore" or answered.get("options"):
        return []
    if task_kind(task) == "categories":
        accepted = answered.get("accept")
        has = [*(accepted if isinstance(accepted, list) else ()), answered.get("label")]
    else:
        spans = answered.get("spans")
        has = [s.get("label") for s in spans or () if isinstance(s, dict)]
    return [label for label in later if label in has]


def _categories(
    answered: Mapping[str, Any], task: Task, payload: Mapping[str, Any], reading: Reading
) -> dict[str, Any]:
    shown = shown_labels(task, {})
    if task.get("_view_id") == YES_NO_CATEGORY:
        return {"accept": answered.get("accept") or []}
    _check_one_answer(answered)
    if is_yes_no(answered, task):
        label, verdict = answered["label"], answered["answer"]
        _check_shown([label], shown_labels(task, payload), reading)
        if is_exclusive(task):
            # a yes decides all of them, a no not even one
            return {"accept": [label]} if verdict == "accept" else {"accept": []}
        # of this label alone it says that it applies, or that it does not
        return {
            "answer": "accept" if verdict == "reject" else verdict,
            "accept": [label] if verdict == "accept" else [],
            "labels": [label],
        }
    accepted = answered.get("accept")
    if accepted is None and answered["answer"] == "accept":
        _lacks("accept' or 'label", answered)
    own = _option_ids(answered.get("options"))
    # a recipe of one's own may have offered some of them
    some = "labels" not in answered and own is not None and own != shown
    # the question may have got more since it was asked
    known = [label for label in (*shown, *task.get(LATER, ())) if label in (own or ())]
    if some and not known:
        _refuse(f"none of its options was shown, but {short(shown)}", "Name them alike")
    if isinstance(accepted, list):
        offered = known if some else shown_labels(task, payload)
        _check_shown(accepted, offered, reading)
    return {"accept": accepted or [], **({"labels": known} if some else {})}


def _option_ids(options: Any) -> list[Any] | None:
    if options is None:
        return None
    if not isinstance(options, list) or not all(isinstance(one, dict) for one in options):
        _refuse(f"its 'options' are {short(options)}", "They are a list of objects with an 'id'")
    return [one.get("id") for one in options]


def _mark(span: Any, answered: Mapping[str, Any], task: Task) -> Mark:
    """A span of Prodigy, with what is wrong with its tokens."""
    if not isinstance(span, dict):
        return cast(Mark, span)
    own = answered.get("tokens") or task.get("tokens", [])
    tokens = [span.get("token_start"), span.get("token_end")]
    places = [span.get("start"), span.get("end")]
    problem = ""
    if tokens != [None, None]:
        there = _places(own, *tokens)
        if places == [None, None]:
            places = there
        if places != there:
            shown = f"{short(there[0])} to {short(there[1])}" if there[0] is not None else "nowhere"
            problem = f"its tokens {short(tokens[0])} to {short(tokens[1])} are at {shown}"
    mark: dict[str, Any] = {"start": places[0], "end": places[1], "label": span.get("label")}
    if "text" in span:
        mark["text"] = span["text"]
    if problem:
        mark["problem"] = problem
    return cast(Mark, mark)


def _places(tokens: Any, first: Any, last: Any) -> list[Any]:
    """Where tokens begin and end; [None, None] if there are no such tokens."""
    try:
        if type(first) is int and type(last) is int and 0 <= first <= last:
            return [tokens[first]["start"], tokens[last]["end"]]
    except (LookupError, TypeError):
        pass
    return [None, None]


def _spans(
    record: LabelledRecord, task: Task, payload: Mapping[str, Any], reading: Reading
) -> dict[str, Any]:
    if "problem" in record:
        _refuse(record["problem"].removesuffix(f". {HOW}"), HOW)
    tokens, names = task.get("tokens", []), _without_edges(shown_labels(task, payload))
    first = {token["start"]: token["id"] for token in reversed(tokens)}
    last = {token["end"]: token["id"] for token in tokens}
    spans, undecided = [], list(record.get("missing", ()))
    for mark in record["spans"]:
        start, end = mark["start"], mark["end"]
        why = "" if mark["label"] in names else f"its label {reading.why_unshown(mark['label'])}"
        if start not in first or end not in last:
            why = OFF
        if not why:
            token_start, token_end = first[start], last[end]
            places = {"start": start, "end": end}
            label = names[mark["label"]]
            on = {"token_start": token_start, "token_end": token_end, "label": label}
            spans.append({**places, **on})
        elif reading.bad_spans == "refuse":
            _refuse(f"{describe_mark(mark, record['text'])}: {why}", HOW)
        else:
            reading.lose(why, mark.get("where") or record["where"])
            undecided.append((start, end))
    if not undecided:
        return {"spans": spans}
    if task_kind(task) == "spans":
        why = "a part of it is undecided, and a span categoriser takes what is undecided for wrong"
        _refuse(why, "Mend the spans")
    asked = payload.get("asked", task.get("asked"))
    open_ = _under(undecided, tokens)
    left = [i for i in (range(len(tokens)) if asked is None else asked) if i not in open_]
    if not left and not spans:
        _refuse("nothing of it is decided", "Mend the spans")
    return {"spans": spans, "asked": left}


def _check_shown(chosen: Sequence[Any], shown: Sequence[str], reading: Reading) -> None:
    for label in chosen:
        if isinstance(label, str) and label not in shown:
            why = reading.why_unshown(label)
            _refuse(f"{short(label)} {why}, but {short(list(shown))}", "Name it alike")


def _without_edges(shown: Sequence[str]) -> dict[str, str]:
    """The labels of a question by what a checked record calls them: white space at their edges is cut off there."""
    return {label.strip(): label for label in reversed(shown)}


def _under(stretches: Sequence[tuple[int, int]], tokens: Sequence[Mapping[str, Any]]) -> set[int]:
    """The tokens of which any character is in one of some stretches."""
    return {
        token["id"]
        for token in tokens
        if any(start < token["end"] and token["start"] < end for start, end in stretches)
    }


def _lacks(key: str, answered: Mapping[str, Any]) -> NoReturn:
    there = short(list(answered))
    _refuse(
        f"it is accepted without a '{key}', and has {there}",
        "An empty list says that there is nothing",
    )


def _refuse(why: str, what: str) -> NoReturn:
    raise AlError(Errors.AL115.format(why=why, what=what))
