"""The votes that answers are: who said what of each text that several people have answered."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from spacy_al.consensus.spans import SpanVotes, make_span_votes
from spacy_al.consensus.votes import Votes, make_votes
from spacy_al.tasks.decision import Annotation, Mark, annotation, is_exclusive, moved
from spacy_al.tasks.given import group_tasks, last_answers
from spacy_al.tasks.records import StoredAnswer, StoredTask
from spacy_al.tasks.relabel import AGAIN
from spacy_al.tasks.task import Task
from spacy_al.tasks.text_decision import opinions

Opinion = tuple[StoredAnswer, Annotation]


@dataclass(frozen=True)
class SharedText:
    """A text that two people or more have an opinion on, or one, where the right answer is known.

    item (str): The id of the text.
    tasks (list[StoredTask]): What was asked about it.
    opinions (dict): Annotator -> answers and what they decide.
    rejected (list[str]): Who said no to the whole of it.
    given (dict): Task -> all that was answered, reviews as well.
    gold (frozenset | None): What is right, of a gold question.
    """

    item: str
    tasks: list[StoredTask]
    opinions: dict[str, list[Opinion]]
    rejected: list[str] = field(default_factory=list)
    given: dict[str, list[StoredAnswer]] = field(default_factory=dict)
    gold: frozenset[Mark] | None = None

    @property
    def all(self) -> list[Annotation]:
        return [one for said in self.opinions.values() for _, one in said]

    def marks(self) -> dict[str, dict[Mark, bool]]:
        """What each annotator says of each mark that anybody made: yes or no; nothing where they were not asked."""
        candidates = {mark for one in self.all for mark in one.accepted | one.rejected}
        candidates |= self.gold or set()
        found: dict[str, dict[Mark, bool]] = {}
        for who, said in self.opinions.items():
            own: dict[Mark, bool] = {}
            for _, one in said:
                for mark in candidates - one.accepted:
                    if mark in one.rejected or _was_asked(one, mark):
                        own.setdefault(mark, False)
                own |= dict.fromkeys(one.accepted, True)
            found[who] = own
        return found

    def places(self) -> list[tuple[str, tuple[str, ...], str, int]]:
        """Text, annotators, label, and at how many places all of them could mark it."""
        by: dict[str, Counter[tuple[str, ...]]] = {}
        complete = {
            who: [one for _, one in said if one.complete] for who, said in self.opinions.items()
        }
        for label in {label for own in complete.values() for one in own for label in one.labels}:
            seen: dict[int, list[str]] = {}
            for who, own in complete.items():
                for token in {t for one in own if label in one.labels for t in one.asked}:
                    seen.setdefault(token, []).append(who)
            by[label] = Counter(tuple(who) for who in seen.values())
        return [
            (self.item, who, label, n) for label, found in by.items() for who, n in found.items()
        ]


def shared_texts(
    tasks: Iterable[StoredTask],
    answers: Iterable[StoredAnswer],
    *,
    kind: str,
    labels: Sequence[str],
    least: int = 2,
    gold: Mapping[str, Any] | None = None,
) -> list[SharedText]:
    """The texts that two people or more have an opinion on (or `least`), those to measure on as well; not those that were asked again about a later
    label, where who was asked what differs. Arguments as of `merge`.

    gold (Mapping | None): Question -> its right answer, where that is known: of such a text one opinion will do."""
    tasks = list(tasks)
    given = last_answers(answers, {task.id for task in tasks}, Counter())
    found = list[SharedText]()
    for purpose in ("train", "dev"):
        for own in group_tasks(tasks, purpose):
            right = _gold_decision(own, gold or {}, kind, labels)
            enough = least if right is None else 1
            if len({one.annotator for task in own for one in given.get(task.id, ())}) < enough:
                continue
            if any(AGAIN in task.task for task in own):
                continue
            said = opinions(own, given, kind=kind, labels=labels)
            if right is not None:
                said = _where_known(said, right, kind, is_exclusive(own[0].task))
            useful = {
                who: kept
                for who, pairs in said.items()
                if (kept := [(answer, one) for answer, one in pairs if not one.reason])
            }
            rejected = sorted(said.keys() - useful.keys())
            if len(useful) >= (enough if right is None else 0):
                here = {task.id: given[task.id] for task in own if task.id in given}
                marks = None if right is None else right.accepted
                found.append(SharedText(own[0].item, own, useful, rejected, here, marks))
    return found


def span_votes(texts: Sequence[SharedText], *, kind: str, use_model: bool = False) -> SpanVotes:
    """The votes on spans, or on categories that do not exclude each other.

    use_model (bool): Whether what the model said with the questions stands before the votes.
    """
    said: dict[tuple[Hashable, Hashable], Mapping[Mark, bool]] = {}
    sites = list[tuple[Hashable, Sequence[Hashable], Any, int]]()
    priors = dict[tuple[Hashable, Mark], float]()
    for text in texts:
        marks = text.marks()
        said |= {(text.item, who): own for who, own in marks.items()}
        sites += text.places()
        if use_model:
            believed = model_marks(text.tasks[0].task, kind)
            priors |= {(text.item, mark): prob for mark, prob in believed.items()}
    gold: dict[Hashable, frozenset[Mark]]
    gold = {text.item: text.gold for text in texts if text.gold is not None}
    return make_span_votes(said, sites, flat=kind == "entities", priors=priors, gold=gold)


def label_votes(texts: Sequence[SharedText], *, kind: str, labels: Sequence[str] = ()) -> Votes:
    """The votes on labels that exclude each other: items are texts, or (text, token)."""
    rows, known = list[tuple[Hashable, Hashable, Hashable]](), dict[Hashable, Hashable]()
    for text in texts:
        for who, said in text.opinions.items():
            for start, _, label in sorted(mark for _, one in said for mark in one.accepted):
                rows.append((text.item if kind == "categories" else (text.item, start), who, label))
        for start, _, label in text.gold or ():
            known[text.item if kind == "categories" else (text.item, start)] = label
    return make_votes(rows, labels, known)


def has_one_label(texts: Sequence[SharedText], kind: str) -> bool:
    """Whether labels exclude each other: of tokens, or of texts."""
    return kind == "tags" or (
        kind == "categories" and bool(texts) and is_exclusive(texts[0].tasks[0].task)
    )


def model_marks(task: Task, kind: str) -> dict[Mark, float]:
    """What the model that chose a question said of marks, by their probability; nothing where there was none."""
    if kind == "categories":
        return {
            (0, 0, option["id"]): option["score"]
            for option in task.get("options", ())
            if "score" in option
        }
    return {
        (span["token_start"], span["token_end"] + 1, span["label"]): span["score"]
        for name in ("candidates", "spans")
        for span in task.get(name, ())
        if "score" in span
    }


def _gold_decision(
    tasks: Sequence[StoredTask], gold: Mapping[str, Any], kind: str, labels: Sequence[str]
) -> Annotation | None:
    """What is right in a text, over the tokens of its first question; None where it is not known."""
    for task in tasks:
        if task.id in gold:
            said = annotation(task.task, gold[task.id], kind=kind, labels=labels)
            return moved(said, task.task, tasks[0].task)[0]
    return None


def _where_known(
    said: Mapping[str, list[Opinion]], right: Annotation, kind: str, exclusive: bool
) -> dict[str, list[Opinion]]:
    """What people said of the labels that the right answer decides. Others came later, and nobody can tell whether they are right; nor
    whether that is right any more in whose place one of them was given."""
    found = dict[str, list[Opinion]]()
    for who, pairs in said.items():
        others = {mark for _, one in pairs for mark in one.accepted if mark[2] not in right.labels}
        if kind == "categories":
            replaced = exclusive and bool(others)
        else:
            places = {token for mark in right.accepted for token in range(*mark[:2])}
            replaced = kind != "spans" and any(places & {*range(*mark[:2])} for mark in others)
        if not replaced:
            found[who] = [(answer, _only(one, right.labels)) for answer, one in pairs]
    return found


def _only(one: Annotation, labels: frozenset[str]) -> Annotation:
    accepted, rejected = (
        frozenset(mark for mark in marks if mark[2] in labels)
        for marks in (one.accepted, one.rejected)
    )
    return replace(one, labels=one.labels & labels, accepted=accepted, rejected=rejected)


def _was_asked(one: Annotation, mark: Mark) -> bool:
    start, end, label = mark
    return one.complete and label in one.labels and not one.asked.isdisjoint(range(start, end))
