"""A crowd that answers from gold, each as well as they can: three people and one who says anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.consensus.spans import SpanVotes, make_span_votes
from spacy_al.consensus.votes import Votes, make_votes
from spacy_al.corpus.shard import read_shard
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.tasks.decision import Mark

# How often each of them is right; None says something, whatever the text
RIGHTS: tuple[float | None, ...] = (0.7, 0.8, 0.95, None)
NAMES = ("70%", "80%", "95%", "spammer")
PEOPLE = len(RIGHTS)


@dataclass(frozen=True)
class Crowd:
    """What everybody would say of each text, if asked.

    gold (list[set]): What is right, by text.
    said (list[list]): The same of each annotator, by text.
    lengths (list[int]): Tokens of each text.
    texts (list[str]): The texts.
    labels (list[str]): Those of the corpus.
    is_spans (bool): Whether entities are marked; else each text has one category.
    """

    gold: list[set[Mark]]
    said: list[list[set[Mark]]]
    lengths: list[int]
    texts: list[str]
    labels: list[str]
    is_spans: bool

    def votes(self, asked: Sequence[Sequence[int]]) -> Votes:
        """Categories, by those who were asked of each text."""
        rows = [
            (item, who, next(iter(self.said[item][who]))[2])
            for item, people in enumerate(asked)
            for who in people
        ]
        return make_votes(rows, self.labels)

    def span_votes(self, asked: Sequence[Sequence[int]]) -> SpanVotes:
        """Spans, by those who were asked of each text."""
        said: dict[Any, dict[Mark, bool]] = {}
        sites = []
        for item, people in enumerate(asked):
            marks = self.said[item]
            candidates = set[Mark]().union(*(marks[who] for who in people))
            for who in people:
                said[item, who] = {mark: mark in marks[who] for mark in candidates}
            sites += [(item, people, label, self.lengths[item]) for label in self.labels]
        return make_span_votes(said, sites, flat=True)


def read_texts(folder: Path) -> list[Doc]:
    """The labelled texts of a corpus."""
    return [doc for doc in read_shard(folder / "train.spacy", Vocab()) if doc.ents or doc.cats]


def make_crowd(docs: Sequence[Doc], n: int, seed: int) -> Crowd:
    """Have a crowd answer some texts.

    docs (Sequence[Doc]): With labels.
    n (int): Texts, drawn at random.
    seed (int): Of the draw and of all mistakes.

    Who is right with probability r misses a gold entity, gives it another label, or moves a boundary, with probability (1 - r) / 3 each, and marks
    one that is none as often; a category is another one with 1 - r. Who says anything marks as many spans as the texts have on average.
    """
    rng = numpy.random.default_rng(seed)
    chosen = [docs[i] for i in rng.permutation(len(docs))[:n]]
    is_spans = any(doc.ents for doc in docs)
    gold = [_gold(doc, is_spans) for doc in chosen]
    labels = sorted({label for doc in docs for *_, label in _gold(doc, is_spans)})
    mean = sum(map(len, gold)) / len(gold)
    said = []
    for doc, right in zip(chosen, gold):
        spaces = [token.is_space for token in doc]
        own = []
        for rate in RIGHTS:
            if rate is None:
                own.append(_anything(rng, len(doc), labels, mean, is_spans))
                continue
            each = (1 - rate) / 3
            rates = Mistakes(each, each, each, each) if is_spans else Mistakes(0, 1 - rate)
            form = "entities" if is_spans else "category"
            own.append(mistaken(right, [rates], rng, form=form, labels=labels, spaces=spaces))
        said.append(own)
    texts = [doc.text for doc in chosen]
    return Crowd(gold, said, [len(doc) for doc in chosen], texts, labels, is_spans)


def _gold(doc: Doc, is_spans: bool) -> set[Mark]:
    if is_spans:
        return {(ent.start, ent.end, ent.label_) for ent in doc.ents}
    return {(0, 0, max(doc.cats, key=lambda label: doc.cats[label]))}


def _anything(
    rng: numpy.random.Generator, length: int, labels: Sequence[str], mean: float, is_spans: bool
) -> set[Mark]:
    if not is_spans:
        return {(0, 0, labels[int(rng.integers(len(labels)))])}
    found, taken = set[Mark](), set[int]()
    for _ in range(rng.poisson(mean)):
        start = int(rng.integers(length))
        end = min(length, start + int(rng.integers(1, 4)))
        if taken.isdisjoint(range(start, end)):
            taken |= {*range(start, end)}
            found.add((start, end, labels[int(rng.integers(len(labels)))]))
    return found
