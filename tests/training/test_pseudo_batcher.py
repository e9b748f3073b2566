"""Texts that a teacher labelled are seen as often as it weighs."""

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_al.corpus.shard import ACCEPTED, TAUGHT
from spacy_al.errors import UsageError
from spacy_al.teachers.texts import label_taught
from spacy_al.training.pseudo_batcher import make_batcher
from spacy_al.training.pseudo_tokens import add_self_labels

NLP = spacy.blank("en")


def one_batch(examples):
    yield [*examples]


def examples(n, by=None):
    found = []
    for k in range(n):
        doc = NLP(f"{by} text {k}")
        if by == "model":
            add_self_labels(doc, [(0, len(doc), "")], kind="entities")
        elif by:
            label_taught(doc, [(0, 1, "X")], kind="entities", labels=["X"], by=by)
        else:
            doc.set_ents([Span(doc, 0, 1, "X")])
        found.append(Example(NLP.make_doc(doc.text), doc))
    return found


def seen(batcher, corpus, by, passes=200):
    total = 0
    for _ in range(passes):
        [batch] = batcher(corpus)
        total += sum(eg.reference.text.startswith(f"{by} text") for eg in batch)
    return total / passes


def test_each_kind_has_its_own_share():
    corpus = [*examples(5), *examples(10, TAUGHT), *examples(10, ACCEPTED), *examples(10, "model")]
    batcher = make_batcher(one_batch, rate=0.5, seed=1, taught=0.2)
    assert abs(seen(batcher, corpus, TAUGHT) - 2) < 0.4
    assert seen(batcher, corpus, ACCEPTED) == 10 and seen(batcher, corpus, None) == 5
    assert abs(seen(batcher, corpus, "model") - 5) < 0.5


def test_of_a_corpus_of_nothing_else_all_are_seen():
    batcher = make_batcher(one_batch, seed=1, taught=0.2)
    assert seen(batcher, examples(10, TAUGHT), TAUGHT) == 10
    with pytest.raises(UsageError, match="AL221"):
        make_batcher(one_batch, taught=1.5)
