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
    rights (dict): Gold question -> what is right there.
    """

    item: str
    tasks: list[StoredTask]
    opinions: dict[str, list[Opinion]]
    rejected: list[str] = field(default_factory=list)
    given: dict[str, list[StoredAnswer]] = field(default_factory=dict)
    rights: dict[str, Annotation] = field(default_factory=dict)

    @property
    def gold(self) -> frozenset[Mark] | None:
        """What is right in it, of all gold questions about it; None without any."""
        marks = [one.accepted for one in self.rights.values()]
        return frozenset[Mark]().union(*marks) if marks else None

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
            rights = _gold_decisions(own, gold or {}, kind, labels)
            enough = 1 if rights else least
            if len({one.annotator for task in own for one in given.get(task.id, ())}) < enough:
                continue
            if any(AGAIN in task.task for task in own):
                continue
            said = opinions(own, given, kind=kind, labels=labels)
            if rights:
                exclusive = is_exclusive(own[0].task)
                known = {who: _where_known(said[who], rights, kind, exclusive) for who in said}
                said = {who: pairs for who, pairs in known.items() if pairs}
            useful = {
                who: kept
                for who, pairs in said.items()
                if (kept := [(answer, one) for answer, one in pairs if not one.reason])
            }
            rejected = sorted(said.keys() - useful.keys())
            if len(useful) >= (0 if rights else enough):
                here = {task.id: given[task.id] for task in own if task.id in given}
                found.append(SharedText(own[0].item, own, useful, rejected, here, rights))
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


def _gold_decisions(
    tasks: Sequence[StoredTask], gold: Mapping[str, Any], kind: str, labels: Sequence[str]
) -> dict[str, Annotation]:
    """What is right in each question about a text, over the tokens of the first one; without those of which that is not known."""
    found = dict[str, Annotation]()
    for task in tasks:
        if task.id in gold:
            said = annotation(task.task, gold[task.id], kind=kind, labels=labels)
            found[task.id], _ = moved(said, task.task, tasks[0].task)
    return found


def _where_known(
    said: Iterable[Opinion], rights: Mapping[str, Annotation], kind: str, exclusive: bool
) -> list[Opinion]:
    """What somebody said, as far as the right answers decide it: on the words that were asked about, with labels that had come by then.
    Nobody can tell whether others are right, nor whether that still is in whose place one of them was given."""
    found = list[Opinion]()
    for answer, one in said:
        right = rights.get(answer.task)
        if right is None:
            found.append((answer, one))
            continue
        others = {mark for mark in one.accepted if mark[2] not in right.labels}
        if kind == "categories":
            replaced = exclusive and bool(others)
        else:
            places = {token for mark in right.accepted for token in range(*mark[:2])}
            replaced = kind != "spans" and any(places & {*range(*mark[:2])} for mark in others)
        if not replaced:
            found.append((answer, _decided_by(right, one, kind)))
    return found


def _decided_by(right: Annotation, one: Annotation, kind: str) -> Annotation:
    """The part of a decision that the right one decides too."""
    there = right.accepted | right.rejected
    accepted, rejected = (
        frozenset(
            mark
            for mark in marks
            if mark in there
            or (
                mark[2] in right.labels
                and (kind == "categories" or not right.asked.isdisjoint(range(*mark[:2])))
            )
        )
        for marks in (one.accepted, one.rejected)
    )
    return replace(one, labels=one.labels & right.labels, accepted=accepted, rejected=rejected)


def _was_asked(one: Annotation, mark: Mark) -> bool:
    start, end, label = mark
    return one.complete and label in one.labels and not one.asked.isdisjoint(range(start, end))
