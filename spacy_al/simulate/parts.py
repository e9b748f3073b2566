"""Questions about parts of texts in a simulation: the tokens that are asked, and what the model makes of the rest."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from spacy.tokens import Doc

from spacy_al.adapters.oracle import READ_AS
from spacy_al.curve import RANDOM
from spacy_al.data.annotate import Mark
from spacy_al.data.tasks import Task
from spacy_al.gold import ANSWERS
from spacy_al.partial import Partial
from spacy_al.scoring import Scorer
from spacy_al.self_label import self_labels
from spacy_al.simulate.answers import Labelled, answered
from spacy_al.simulate.corpus import Corpus
from spacy_al.simulate.step import Step
from spacy_al.util import content_hash


def labelled(corpus: Corpus, step: Step) -> Labelled:
    """What annotators have made of all that was asked."""
    chosen = step.strategy not in (None, RANDOM)
    return answered(corpus, step.batches, chosen, step.seed, step.asked)


def asked_tokens(corpus: Corpus, identity: str, task: Task) -> list[int] | None:
    """The tokens of the corpus's own question that a question of `select` is about: its tokeniser may be another one."""
    if "asked" not in task:
        return None
    about = [task["tokens"][i] for i in task["asked"]]
    characters = {c for token in about for c in range(token["start"], token["end"])}
    own = corpus.task(identity, True)["tokens"]
    return [t["id"] for t in own if not characters.isdisjoint(range(t["start"], t["end"]))]


def label_rest(corpus: Corpus, step: Step, scorer: Scorer, partial: Partial) -> dict[str, Any]:
    """What the model is sure of in the rest of all texts that were asked about in part, and how often that is wrong.

    step (Step): The next one, which trains on it.
    scorer (Scorer): The latest model.
    RETURNS (dict): `self_labels`: marks by text; `self_labelled`, `self_wrong`, `self_wrong_expected`: words.
    """
    by_id = {content_hash(doc.text): doc for doc in labelled(corpus, step).docs}
    docs = {identity: doc for identity, doc in by_id.items() if identity in step.asked}
    marks, expected = self_labels(scorer, [*docs.values()], partial, kind=corpus.plan.kind)
    return {
        "self_labels": dict(zip(docs, marks)),
        "self_labelled": sum(end - start for own in marks for start, end, _ in own),
        "self_wrong": sum(wrong_words(corpus, *pair) for pair in zip(docs.values(), marks)),
        "self_wrong_expected": round(expected, 3),
    }


def wrong_words(corpus: Corpus, doc: Doc, marks: list[Mark]) -> int:
    """How many tokens under a model's own labels the gold labels otherwise. What the gold does not say is not wrong.

    doc (Doc): A text of the corpus with the tokens of its task.
    marks (list[Mark]): As `self_labels` gives them.
    """
    kind, gold = corpus.plan.kind, corpus.docs[content_hash(doc.text)]
    right = ANSWERS[READ_AS[kind]](gold, doc, SimpleNamespace(cfg={}), Counter())
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
