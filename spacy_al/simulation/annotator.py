"""Answers of annotators: the gold, or answers as slow and as wrong as people's; and what it costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from spacy.tokens import Doc

from spacy_al.config.settings import Settings
from spacy_al.errors import Errors, UsageError
from spacy_al.oracle.annotator import STUDY
from spacy_al.registry import named, resolve
from spacy_al.simulation.corpus import Corpus
from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import Mark, decided_tokens
from spacy_al.tasks.merge import count_labels, merge
from spacy_al.tasks.records import StoredAnswer, StoredTask, question_id
from spacy_al.util import content_hash

# Never wrong, and as fast as the oracle's own costs say
GOLD, REAL = "gold", "real"
NEVER_WRONG = named("al_adapters", "oracle")


@dataclass(frozen=True)
class AnnotatedTexts:
    """The docs that annotators made of texts.

    docs (list[Doc]): What trains.
    n_labels (int): Labels on it.
    seconds (float): What it cost.
    report (Counter): What trained, what did not and why; empty for the gold itself.
    words_decided (int): Those that were asked about.
    labels (Counter): How often each label was found, in what was asked about, by the gold.
    """

    docs: list[Doc]
    n_labels: int
    seconds: float
    report: Counter[str]
    words_decided: int
    labels: Counter[str]


def oracle_block(name: str | None, settings: Settings) -> dict[str, Any] | None:
    """The annotators whose answers train; None for the gold itself.

    name (str | None): "gold", "real", or None for what the config says.
    RAISES (UsageError): AL109 for another name.
    """
    if name is None:
        return settings.blocks.get("oracle")
    if name not in (GOLD, REAL):
        raise UsageError(Errors.AL109.format(value=name))
    return STUDY if name == REAL else None


def answered(
    corpus: Corpus,
    batches: Sequence[Sequence[str]],
    chosen: bool,
    seed: int,
    asked: Mapping[str, Sequence[int]] = MappingProxyType({}),
    doubted: Mapping[str, Sequence[Mark]] = MappingProxyType({}),
) -> AnnotatedTexts:
    """Have texts labelled.

    corpus (Corpus): Where they are.
    batches (Sequence): Ids of the texts that were asked at first, which are chance's, and in each round since.
    chosen (bool): Whether a strategy chose the later ones, or chance.
    seed (int): Of mistakes. Those of a text are the same whichever strategy chose it.
    asked (Mapping): Of texts that were asked about in part, the tokens.
    doubted (Mapping): Of texts about which only yes or no to some entities was asked, these.
    """
    plan, decided, parts = corpus.plan, 0, asked.keys() | doubted.keys()
    oracle, seconds = resolve(plan.oracle or NEVER_WRONG), 0.0
    tasks, answers = list[StoredTask](), list[StoredAnswer]()
    for number, batch in enumerate(batches):
        questions = [(name, mark) for name in batch for mark in doubted.get(name, (None,))]
        for rank, (identity, mark) in enumerate(questions, 1):
            gold = corpus.docs[identity]
            task = corpus.task(identity, chosen and number > 0, asked.get(identity), mark)
            payload, took = oracle(
                task, gold, kind=plan.kind, spans_key=plan.settings.spans_key, seed=seed
            )
            seconds += took
            name = question_id(number, task, "train")
            tasks.append(StoredTask(name, number, identity, "train", rank, task))
            said = check(task, payload)
            decided += len(decided_tokens(task, said) if identity in parts else gold)
            answers.append(StoredAnswer(len(answers), name, name, "oracle", said, took, 0.0))
    # of whole texts the gold is what annotators who are never wrong would say
    taken = [t for t in tasks if plan.oracle is None and t.item not in parts]
    merged = merge(
        [stored for stored in tasks if stored not in taken],
        answers,
        kind=plan.kind,
        labels=sorted(corpus.labels),
        spans_key=plan.settings.spans_key,
        vocab=corpus.nlp.vocab,
    )
    found = {content_hash(doc.text): doc for doc in merged.docs}
    found |= {stored.item: corpus.docs[stored.item] for stored in taken}
    n_labels = merged.balance.total() + corpus.count(stored.item for stored in taken).total()
    labels = corpus.count(stored.item for stored in tasks if stored.item not in parts)
    for identity in found.keys() & parts:
        labels.update(count_labels(found[identity], plan.kind))
    docs = [found[item] for item in dict.fromkeys(t.item for t in tasks) if item in found]
    return AnnotatedTexts(docs, n_labels, seconds, merged.report, decided, labels)
