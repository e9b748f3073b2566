"""An annotator made of gold: always right, or as slow and as wrong as people are.

An answer takes a + b * tokens + c * entities seconds, length and number of entities being what annotation time depends
on (Settles et al., 2008). The defaults follow from the table of a study with nine clinical annotators (Wei et al., 2019):
10.3 seconds for 12.1 words with 1.38 entities on random sentences and 14.0 for 13.0 words with 2.12 entities on chosen ones
make 0.32 seconds a word and 4.6 an entity. Two equations for two unknowns: nothing is left by which to judge the fit.
They already explain why the annotators read 21% fewer words a minute on chosen sentences, which hold more entities;
`STUDY` counts words alone and slows down on what was chosen. Use one or the other.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.evaluation.gold import ANSWERS, SpanAnswer
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.tasks.answer import YES_NO_FORMS, shown_labels
from spacy_al.tasks.decision import Mark, decided_tokens, is_exclusive, make_doc
from spacy_al.tasks.task import Task
from spacy_al.tasks.white_space import TRIMS, blank_tokens, trim_marks
from spacy_al.util import content_hash

Answer: TypeAlias = tuple[dict[str, Any], float]
# The last part of a strategy that draws every text with the same probability
UNIFORM = "uniform"
# As whom it answers
ORACLE = "oracle"
# As slow and as wrong on chosen texts as the annotators of Wei et al. (2019), and never wrong on others
STUDY: dict[str, Any] = {
    "@al_adapters": "spacy-al.oracle.v1",
    "seconds_per_token": 0.85,
    "seconds_per_entity": 0.0,
    "chosen_slowdown": 0.21,
    "chosen_errors": 0.05,
}


@dataclass(frozen=True)
class Annotator:
    """How wrong and how slow a person is; see `make_oracle`."""

    mistakes: Mistakes
    ignored: float
    seconds_per_text: float
    seconds_per_token: float
    seconds_per_entity: float
    seconds_per_token_read: float
    chosen_slowdown: float
    chosen_errors: float


@registry.al_adapters("spacy-al.oracle.v1")
def make_oracle(
    missed: float = 0.0,
    mislabelled: float = 0.0,
    boundary: float = 0.0,
    spurious: float = 0.0,
    ignored: float = 0.0,
    seconds_per_text: float = 0.0,
    seconds_per_token: float = 0.32,
    seconds_per_entity: float = 4.6,
    seconds_per_token_read: float | None = None,
    chosen_slowdown: float = 0.0,
    chosen_errors: float = 0.0,
) -> Any:
    """An annotator who looks up the gold.

    missed, mislabelled, boundary, spurious (float): Rates of mistakes per gold span, tag or category; see `Mistakes`.
    ignored (float): The share of texts that are answered with `ignore`.
    seconds_per_text, seconds_per_token, seconds_per_entity (float): What an answer takes: once, for each token shown, and
        for each span or category given, tag that differs from the suggestion, or yes or no to an entity.
    seconds_per_token_read (float | None): Instead for each token that is shown and not asked about; None: reading it takes as
        long. Reading has to be charged (Zhang et al., 2023); 238 words a minute, as people read to themselves (Brysbaert,
        2019), are 0.25 seconds each.
    chosen_slowdown (float): The share by which fewer words a minute are read in texts that were not drawn uniformly; 0.21
        in the study.
    chosen_errors (float): By how much lower F against the gold is in such texts; 0.05 in the study.
    RETURNS (Callable): A partial of `answer_from_gold`.
    RAISES (UsageError): AL023 for a value that cannot be.
    """
    mistakes = Mistakes(missed, mislabelled, boundary, spurious)
    for name, value in {**asdict(mistakes), "ignored": ignored}.items():
        _check(name, value, 1.0)
    _check("missed + mislabelled + boundary", mistakes.wrong, 1.0)
    _check("chosen_slowdown", chosen_slowdown, 0.99)
    _check("chosen_errors", chosen_errors, mistakes.f)
    if seconds_per_token_read is None:
        seconds_per_token_read = seconds_per_token
    seconds = (seconds_per_text, seconds_per_token, seconds_per_entity, seconds_per_token_read)
    for name, value in zip(("text", "token", "entity", "token_read"), seconds):
        _check(f"seconds_per_{name}", value, math.inf)
    person = Annotator(mistakes, ignored, *seconds, chosen_slowdown, chosen_errors)
    return partial(answer_from_gold, person)


def answer_from_gold(
    person: Annotator,
    task: Task,
    gold: Doc | None,
    *,
    kind: str,
    spans_key: str = "sc",
    seed: int = 0,
    counts: Counter[str] | None = None,
) -> Answer:
    """Answer a task from the gold annotation of its text, which is carried over to the task's tokens by its characters.

    person (Annotator): How wrong and how slow.
    task (Task): What is asked.
    gold (Doc | None): The same text.
    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Of the gold's spans.
    seed (int): The draws of a text depend on it and on the text, and on nothing else.
    counts (Counter | None): Counts `answers` of the gold, and those that are `unaligned`.
    RETURNS (tuple): The answer, as `data.answers.check` takes it, and the seconds it took. What the gold does not annotate is
        left open, or ignored if that is all.
    RAISES (AlError): AL120 without gold.
    """
    if gold is None:
        raise AlError(Errors.AL120.format(count=1, total=1, first=task["text"][:60]))
    chosen = is_chosen(task)
    rng = numpy.random.default_rng([seed, int(content_hash(task["text"]), 16)])
    ignores = rng.random() < person.ignored
    payload, right = _right(task, gold, kind, spans_key, Counter() if counts is None else counts)
    if ignores or right is None:
        return {"answer": "ignore"}, _seconds(person, task, {}, 0, chosen)
    if payload["answer"] == "accept":
        form = "category" if kind == "categories" and is_exclusive(task) else kind
        rates = [person.mistakes.fitting(form)]
        rates += [rates[0].more(form, person.chosen_errors)] if chosen else []
        right = mistaken(
            right,
            rates,
            rng,
            form=form,
            labels=shown_labels(task, payload),
            spaces=[token["text"].isspace() for token in task.get("tokens", ())],
        )
        if _is_yes_no(task):
            right &= _marked(task)
        elif kind != "categories" and "asked" in task:
            # what else a person believes to see is not asked for
            asked = set(task["asked"])
            right = {mark for mark in right if not asked.isdisjoint(range(*mark[:2]))}
    if _is_yes_no(task):
        payload = {"answer": "accept", "spans": task["spans"]} if right else {"answer": "reject"}
        # a decision is the same work whichever way it goes
        return payload, _seconds(person, task, {}, 1, chosen)
    if kind == "categories":
        payload["accept"] = sorted(label for _, _, label in right)
        return payload, _seconds(person, task, payload, len(right), chosen)
    if kind in TRIMS:
        # gold may hold marks that nobody could give
        right = set(trim_marks(right, blank_tokens(task["tokens"])))
    payload["spans"] = [_span(task, mark) for mark in sorted(right)]
    work = len(right - _marked(task)) if kind == "tags" else len(right)
    return payload, _seconds(person, task, payload, work, chosen)


def is_chosen(task: Task) -> bool:
    """Whether a text was chosen, and not drawn uniformly. A task that does not say counts as drawn."""
    strategy = str(task.get("meta", {}).get("strategy") or UNIFORM)
    return strategy.split(" · ")[-1] != UNIFORM


def _right(
    task: Task, gold: Doc, kind: str, spans_key: str, counts: Counter[str]
) -> tuple[dict[str, Any], set[Mark] | None]:
    """The answer without its marks, and the right ones; None where the gold says nothing."""
    shown = shown_labels(task, {})
    if kind == "categories":
        return _right_categories(task, gold, shown)
    if kind == "spans" and spans_key not in gold.spans:
        return {}, None
    # what a reader of gold needs to know of a component
    component = SimpleNamespace(key=spans_key, cfg={})
    doc = make_doc(task, gold.vocab)
    asked = set(task.get("asked", range(len(doc))))
    if _is_yes_no(task):
        asked = {token for mark in _marked(task) for token in range(*mark[:2])}
    answer = ANSWERS[kind](gold, doc, component, counts)
    payload: dict[str, Any] = {"answer": "accept"}
    if not isinstance(answer, SpanAnswer):
        tags = {(i, i + 1, tag) for i, tag in enumerate(answer) if i in asked and tag in shown}
        return payload, tags or None
    # a span categoriser knows no missing spans: spaCy leaves out those that do not fit the tokens
    known = asked if kind == "spans" else {i for i in asked if answer.known[i]}
    if not known or (_is_yes_no(task) and known != asked):
        return {}, None
    if _is_yes_no(task):
        return payload, set(answer.spans) & _marked(task)
    if known != asked:
        payload["asked"] = sorted(known)
    spans = {s for s in answer.spans if s[2] in shown and not known.isdisjoint(range(*s[:2]))}
    return payload, spans


def _right_categories(
    task: Task, gold: Doc, shown: list[str]
) -> tuple[dict[str, Any], set[Mark] | None]:
    chosen = {label for label, value in gold.cats.items() if value >= 0.5}
    payload: dict[str, Any] = {"answer": "accept"}
    if is_exclusive(task):
        if len(chosen) != 1:
            return {}, None
        if not chosen <= set(shown):
            return {"answer": "reject"}, set()
    known = shown if is_exclusive(task) else [label for label in shown if label in gold.cats]
    if not known:
        return {}, None
    if known != shown:
        payload["labels"] = known
    return payload, {(0, 0, label) for label in chosen & set(known)}


def _is_yes_no(task: Task) -> bool:
    """Whether it asks about the one entity that is suggested."""
    return YES_NO_FORMS.get(task.get("_view_id", "")) == "entities"


def _marked(task: Task) -> set[Mark]:
    """The marks that are suggested."""
    return {(s["token_start"], s["token_end"] + 1, s["label"]) for s in task.get("spans", ())}


def _span(task: Task, mark: Mark) -> dict[str, Any]:
    start, end, label = mark
    first, last = task["tokens"][start], task["tokens"][end - 1]
    tokens = {"token_start": start, "token_end": end - 1, "label": label}
    return {"start": first["start"], "end": last["end"], **tokens}


def _seconds(
    person: Annotator, task: Task, payload: Mapping[str, Any], work: int, chosen: bool
) -> float:
    # whether the gold knows what is asked makes no difference
    decided = len(decided_tokens(task, {"spans": payload.get("spans")}))
    read = len(task.get("tokens", ())) - decided
    seconds = person.seconds_per_text + person.seconds_per_token * decided
    seconds += person.seconds_per_token_read * read + person.seconds_per_entity * work
    return seconds / (1 - person.chosen_slowdown) if chosen else seconds


def _check(name: str, value: float, most: float) -> None:
    """RAISES (UsageError): AL023. Written so that NaN is refused as well."""
    if not (0 <= value <= most and value < math.inf):
        must = "0 or more" if most == math.inf else f"from 0 to {most:.4g}"
        raise UsageError(Errors.AL023.format(name=name, value=value, must=must))
