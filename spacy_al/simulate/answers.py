"""What annotators say: the gold, or answers as slow and as wrong as people's; and what it costs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Doc

from spacy_al.adapters.oracle import STUDY
from spacy_al.data.answers import check
from spacy_al.data.merge import merge
from spacy_al.data.records import StoredAnswer, StoredTask, task_id
from spacy_al.errors import Errors, UsageError
from spacy_al.settings import Settings, named, resolve
from spacy_al.simulate.corpus import Corpus, labels_of

# Never wrong, and as fast as the oracle's own costs say
GOLD, REAL = "gold", "real"
NEVER_WRONG = named("al_adapters", "oracle")


@dataclass(frozen=True)
class Labelled:
    """What annotators made of texts.

    docs (list[Doc]): What trains.
    n_labels (int): Labels on it.
    seconds (float): What it cost.
    report (Counter): What trained, what did not and why; empty for the gold itself.
    """

    docs: list[Doc]
    n_labels: int
    seconds: float
    report: Counter[str]


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


def answered(corpus: Corpus, batches: Sequence[Sequence[str]], chosen: bool, seed: int) -> Labelled:
    """Have texts labelled.

    corpus (Corpus): Where they are.
    batches (Sequence): Ids of the texts that were asked at first, which are chance's, and in each round since.
    chosen (bool): Whether a strategy chose the later ones, or chance.
    seed (int): Of mistakes. Those of a text are the same whichever strategy chose it.
    """
    plan = corpus.plan
    oracle, seconds = resolve(plan.oracle or NEVER_WRONG), 0.0
    tasks, answers = list[StoredTask](), list[StoredAnswer]()
    for number, batch in enumerate(batches):
        for rank, identity in enumerate(batch, 1):
            task, gold = corpus.task(identity, chosen and number > 0), corpus.docs[identity]
            payload, took = oracle(
                task, gold, kind=plan.kind, spans_key=plan.settings.spans_key, seed=seed
            )
            seconds += took
            name = task_id(number, task["text"], "train")
            tasks.append(StoredTask(name, number, identity, "train", rank, task))
            said = check(task, payload)
            answers.append(StoredAnswer(len(answers), name, name, "oracle", said, took, 0.0))
    if plan.oracle is None:
        docs = [corpus.docs[stored.item] for stored in tasks]
        n_labels = sum(labels_of(doc, plan).total() for doc in docs)
        return Labelled(docs, n_labels, seconds, Counter())
    merged = merge(
        tasks,
        answers,
        kind=plan.kind,
        labels=sorted(corpus.labels),
        spans_key=plan.settings.spans_key,
        vocab=corpus.nlp.vocab,
    )
    return Labelled(merged.docs, merged.balance.total(), seconds, merged.report)
