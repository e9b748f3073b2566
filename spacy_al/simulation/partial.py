"""The texts of a simulation that are asked in part or not at all, and what the model makes of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from spacy.tokens import Doc

from spacy_al.config.partial import Partial
from spacy_al.config.self_training import SelfTraining
from spacy_al.evaluation.gold import ANSWERS
from spacy_al.measures.learning_curve import is_random
from spacy_al.measures.simulated import Choice
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.simulation.annotator import AnnotatedTexts, answered
from spacy_al.simulation.corpus import Corpus
from spacy_al.simulation.step import Step
from spacy_al.tasks.answer import YES_NO_FORMS
from spacy_al.tasks.decision import Mark
from spacy_al.tasks.task import Task
from spacy_al.training.pseudo_texts import label_whole, pseudo_label_texts
from spacy_al.training.pseudo_tokens import self_labels
from spacy_al.util import content_hash


def labelled(corpus: Corpus, step: Step) -> AnnotatedTexts:
    """The docs that annotators have made of all that was asked."""
    chosen = step.strategy is not None and not is_random(step.strategy)
    return answered(corpus, step.batches, chosen, step.seed, step.asked, step.doubted)


def own_asked_tokens(corpus: Corpus, identity: str, task: Task) -> list[int] | None:
    """The tokens of the corpus's own question that a question of `select` is about: its tokeniser may be another one."""
    if "asked" not in task or _is_yes_no(task):
        return None
    return _own(corpus, identity, (task["tokens"][i] for i in task["asked"]))


def doubted_entities(corpus: Corpus, tasks: Sequence[Task]) -> dict[str, list[Mark]]:
    """The entities to which questions of `select` ask yes or no, by text, as of the tokens of the corpus's own questions."""
    found: dict[str, list[Mark]] = {}
    for task in filter(_is_yes_no, tasks):
        identity = content_hash(task["text"])
        for span in task["spans"]:
            own = _own(corpus, identity, [span])
            found.setdefault(identity, []).append((own[0], own[-1] + 1, span["label"]))
    return found


def _is_yes_no(task: Task) -> bool:
    return task.get("_view_id") in YES_NO_FORMS


def _own(corpus: Corpus, identity: str, places: Iterable[dict[str, Any]]) -> list[int]:
    """The corpus's own tokens that share a character with some of these."""
    characters = {c for place in places for c in range(place["start"], place["end"])}
    own = corpus.task(identity, True)["tokens"]
    return [t["id"] for t in own if not characters.isdisjoint(range(t["start"], t["end"]))]


def label_corpus_rest(
    corpus: Corpus, step: Step, component: TrainedComponent, partial: Partial
) -> Choice:
    """Labels that the model is sure of in the rest of all texts that were asked about in part, and how often they are wrong.

    step (Step): The next one, which trains on it.
    component (TrainedComponent): Of the latest model.
    RETURNS (Choice): `self_labels`: marks by text; `self_labelled`, `self_wrong`, `self_wrong_expected`: words.
    """
    by_id = {content_hash(doc.text): doc for doc in labelled(corpus, step).docs}
    docs = {identity: doc for identity, doc in by_id.items() if identity in step.asked}
    marks, expected = self_labels(component, [*docs.values()], partial, kind=corpus.plan.kind)
    return {
        "self_labels": dict(zip(docs, marks)),
        "self_labelled": sum(end - start for own in marks for start, end, _ in own),
        "self_wrong": sum(wrong_words(corpus, *pair) for pair in zip(docs.values(), marks)),
        "self_wrong_expected": round(expected, 3),
    }


def label_texts(
    corpus: Corpus, step: Step, component: TrainedComponent, how: SelfTraining, pool: Path
) -> Choice:
    """Which texts that nobody was asked about the model is sure of, and how many of these it labels wrong.

    step (Step): The next one, which trains on them.
    component (TrainedComponent): Of the latest model.
    pool (Path): The corpus without labels, whose tokens are kept.
    RETURNS (Choice): `self_texts`: marks by text; `self_trained`, `self_trained_wrong`, `self_trained_wrong_expected`: texts.
    """
    kind = corpus.plan.kind
    asked = {identity for batch in step.batches for identity in batch}
    docs = labelled(corpus, step).docs
    found = pseudo_label_texts(
        component, pool, docs, how, kind=kind, leave_out=asked, keep_tokens=True
    )
    return {
        "self_texts": found.marks,
        "self_trained": len(found.marks),
        "self_trained_wrong": sum(
            marks != marks_of(corpus.docs[identity], kind)
            for identity, marks in found.marks.items()
        ),
        "self_trained_wrong_expected": round(found.wrong, 3),
    }


def labelled_whole(corpus: Corpus, step: Step) -> list[Doc]:
    """The texts that a model labelled for a step, as they train."""
    kind, vocab = corpus.plan.kind, corpus.nlp.vocab
    docs = []
    for identity, marks in step.self_texts.items():
        gold = corpus.docs[identity]
        doc = Doc(vocab, [token.text for token in gold], [bool(t.whitespace_) for t in gold])
        docs.append(label_whole(doc, marks, kind=kind, labels=sorted(corpus.labels)))
    return docs


def marks_of(gold: Doc, kind: str) -> list[Mark]:
    """The entities or the category of a text of the corpus."""
    if kind == "categories":
        return [(0, 0, label) for label, value in gold.cats.items() if value >= 0.5]
    return [(ent.start, ent.end, ent.label_) for ent in gold.ents]


def wrong_words(corpus: Corpus, doc: Doc, marks: list[Mark]) -> int:
    """How many tokens under a model's own labels the gold labels otherwise. What the gold does not say is not wrong.

    doc (Doc): A text of the corpus with the tokens of its task.
    marks (list[Mark]): As `self_labels` gives them.
    """
    kind, gold = corpus.plan.kind, corpus.docs[content_hash(doc.text)]
    right = ANSWERS[kind](gold, doc, SimpleNamespace(cfg={}), Counter())
    wrong = 0
    for start, end, label in marks:
        tokens = range(start, end)
        if kind == "tags":
            wrong += right[start] not in (None, label)
            continue
        inside = {t for s in right.spans if s != (start, end, label) for t in range(*s[:2])}
        inside |= {t for t in tokens if label and (start, end, label) not in right.spans}
        wrong += sum(bool(right.known[token]) and token in inside for token in tokens)
    return wrong
