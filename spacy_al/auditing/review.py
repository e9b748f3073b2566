"""The review list: the texts with the most doubtful marks, and some by chance, as questions that a page can ask."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.auditing.finding import Finding, describe_finding
from spacy_al.auditing.judge import n_marks
from spacy_al.auditing.judged import JudgedCorpus, JudgedText
from spacy_al.evaluation.gold import SpanAnswer
from spacy_al.kinds import FACTORIES
from spacy_al.measures.mark_errors import Mark
from spacy_al.tasks.task import Task, make_task
from spacy_al.util import content_hash

# What a task of the list has beside Prodigy's keys; Prodigy and the store hand it through
AUDIT = "audit"
CHOSEN, RANDOM = "chosen", "random"
STRATEGY = {CHOSEN: "audit", RANDOM: "audit · spacy-al.uniform.v1"}


@dataclass(frozen=True)
class AuditRow:
    """A finding as it is listed.

    rank (int): From 1, the most doubtful first.
    score (float): How doubtful it is, from 0 to 1.
    row (int): Place of the text in the corpus, from 1.
    text (str): Id of the text: a hash of it.
    start, end (int): Characters of what is given, or of what is missing; 0 and 0 for a category.
    given, proposed (str | None): Labels; None for nothing.
    proposed_start, proposed_end (int | None): Characters of what is proposed.
    prob_given, prob_proposed (float): Probabilities.
    reason (str): "wrong label", "boundary", "spurious", "missing"; of categories "swapped", "extra", "lacking".
    sentence (str): All of it in a sentence.
    """

    rank: int
    score: float
    row: int
    text: str
    start: int
    end: int
    given: str | None
    proposed: str | None
    proposed_start: int | None
    proposed_end: int | None
    prob_given: float
    prob_proposed: float
    reason: str
    sentence: str


def rank_findings(corpus: JudgedCorpus) -> list[AuditRow]:
    """All findings where something else is more probable than what is given, the most doubtful first."""
    pairs = [(text, one) for text in corpus.texts for one in text.findings if one.is_likely]
    pairs.sort(key=lambda pair: (-pair[1].score, pair[0].row, pair[1].start))
    return [_listed(rank, text, one) for rank, (text, one) in enumerate(pairs, 1)]


def make_review(
    corpus: JudgedCorpus, n: int, n_random: int, seed: int, meta: dict[str, Any]
) -> list[Task]:
    """The questions of a review: the first texts of the ranking, and others by chance at places by chance between them.

    Of the texts that are not chosen each is as likely to be drawn, which is what lets one say how many mistakes are left. Suggested is what is given
    with what is more probable in its place.

    corpus (JudgedCorpus): All texts.
    n, n_random (int): Texts that are chosen, and drawn from the others.
    seed (int): Of the draws.
    meta (dict): What is the same for all tasks.
    """
    ranked = sorted(corpus.texts, key=lambda text: (-text.score, text.row))
    # what the model believes whole is no reason to look
    chosen = [text for text in ranked[:n] if text.findings]
    rest = ranked[len(chosen) :]
    rng = numpy.random.default_rng(seed)
    drawn = [rest[k] for k in rng.permutation(len(rest))[:n_random].tolist()]
    propensity = len(drawn) / len(rest) if rest else 1.0
    listed = [(text, CHOSEN, 1.0) for text in chosen]
    for text in drawn:
        listed.insert(int(rng.integers(len(listed) + 1)), (text, RANDOM, propensity))
    size = sum(n_marks(text.answer) + 1 for text in corpus.texts)
    whole = {"texts": len(corpus.texts), "size": size}
    return [
        _task(corpus, text, {"draw": draw, "propensity": share, **whole}, rank, meta)
        for rank, (text, draw, share) in enumerate(listed, 1)
    ]


def given_marks(answer: Any) -> set[Mark]:
    """What is annotated, as marks."""
    if isinstance(answer, SpanAnswer):
        return {*answer.spans}
    if isinstance(answer, dict):
        return {(0, 0, label) for label, applies in answer.items() if applies}
    return {(i, i + 1, tag) for i, tag in enumerate(answer) if tag is not None}


def proposed_marks(
    text: JudgedText, labels: Sequence[str], *, flat: bool, least: float = 0.5
) -> set[Mark]:
    """What is annotated, with what the model holds for right in place of what is doubted.

    flat (bool): Whether no two marks share a token.
    least (float): A span is put in the place of another, or of nothing, from this probability on.
    """
    marks = {mark for mark in given_marks(text.answer) if mark[2] in labels}
    for one in text.findings:
        if not one.is_likely or one.prob_proposed < least:
            continue
        kept = marks - {(one.start, one.end, one.given or "")}
        new = one.proposed
        crossed = flat and new and any(m[0] < new[1] and new[0] < m[1] for m in kept)
        if new is None:
            marks = kept
        elif not crossed:
            marks = kept | {new}
    return marks


def _task(
    corpus: JudgedCorpus, text: JudgedText, draw: dict[str, Any], rank: int, meta: dict[str, Any]
) -> Task:
    row = FACTORIES[corpus.factory]
    # of many categories the most probable may have little, and is what a page chooses beforehand
    least = 0.0 if corpus.task == "categories" else 0.5
    flat = corpus.task in ("entities", "tags")
    marks = proposed_marks(text, corpus.labels, flat=flat, least=least)
    probs = {one.proposed: one.prob_proposed for one in text.findings if one.proposed}
    probs |= {(one.start, one.end, one.given): one.prob_given for one in text.findings if one.given}
    if corpus.task == "categories":
        known = {mark[2]: prob for mark, prob in probs.items() if mark[2]}
        items: list[tuple[Any, ...]] = [*known.items()]
    else:
        items = [(*mark, probs.get(mark)) for mark in sorted(marks)]
    likely = [one for one in text.findings if one.is_likely]
    own = {
        "score": text.score,
        "scored_by": "the most doubtful mark",
        "rank": rank,
        **meta,
        "strategy": STRATEGY[draw["draw"]],
        "propensity": draw["propensity"],
        **({"doc": text.source["doc"]} if text.source.get("doc") else {}),
    }
    # a text by chance is to look like any other
    reasons = [_sentence(text, one) for one in (likely or text.findings[:1])[:3]]
    if reasons:
        own["reason"] = " ".join(reasons)
    task = make_task(
        text.doc,
        suggestions=items,
        component_kind=corpus.task,
        labels=corpus.labels,
        meta=own,
        view_id=row.view_id,
        exclusive=corpus.exclusive,
    )
    if corpus.task == "categories":
        task["accept"] = sorted(label for _, _, label in marks)
    given = [list(mark) for mark in sorted(given_marks(text.answer))]
    listed = [vars(_listed(k, text, one)) for k, one in enumerate(likely, 1)]
    return {
        **task,
        AUDIT: {
            "row": text.row + 1,
            **draw,
            "size": n_marks(text.answer) + 1,
            "corpus": {"texts": draw["texts"], "size": draw["size"]},
            "given": given,
            "findings": listed,
        },
    }


def _listed(rank: int, text: JudgedText, one: Finding) -> AuditRow:
    start, end = _chars(text, one.start, one.end)
    new = one.proposed
    first, last = _chars(text, new[0], new[1]) if new else (None, None)
    return AuditRow(
        rank,
        round(one.score, 6),
        text.row + 1,
        content_hash(text.doc.text),
        start or 0,
        end or 0,
        one.given,
        new[2] if new else None,
        first,
        last,
        round(one.prob_given, 6),
        round(one.prob_proposed, 6),
        one.reason,
        _sentence(text, one),
    )


def _chars(text: JudgedText, start: int, end: int) -> tuple[int, int]:
    if end <= start:
        return 0, 0
    span = text.doc[start:end]
    return span.start_char, span.end_char


def _sentence(text: JudgedText, one: Finding) -> str:
    if one.end <= one.start:
        return describe_finding(one)
    new = one.proposed or (one.start, one.end, "")
    return describe_finding(
        one, [text.doc[one.start : one.end].text, text.doc[new[0] : new[1]].text]
    )
