"""Texts that a teacher labelled are seen as often as it weighs, and doubtful ones as often as they are right."""

import pytest
import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_al.corpus.shard import ACCEPTED, RATE_KEY, TAUGHT, read_shard, write_shard
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


def test_a_text_is_seen_as_often_as_its_labels_are_likely_to_be_right(tmp_path):
    docs = [example.reference for example in [*examples(10), *examples(10, TAUGHT)]]
    for doc in docs:
        doc.user_data[RATE_KEY] = 0.25
    # as a corpus on disk has it
    write_shard(docs, tmp_path / "train.spacy")
    read = list(read_shard(tmp_path / "train.spacy", NLP.vocab))
    corpus = [Example(NLP.make_doc(doc.text), doc) for doc in read]
    batcher = make_batcher(one_batch, seed=1, taught=0.5)
    assert abs(seen(batcher, corpus, None) - 2.5) < 0.4
    assert abs(seen(batcher, corpus, TAUGHT) - 1.25) < 0.4


@pytest.mark.parametrize("rate", [0, -0.5, 1.5, float("nan"), "often", True])
def test_a_rate_that_is_none(rate):
    corpus = examples(1)
    corpus[0].reference.user_data[RATE_KEY] = rate
    with pytest.raises(UsageError, match=r"AL427.*--weighted"):
        [*make_batcher(one_batch)(corpus)]
