"""The development set is read once in a training, and its scores are those that spaCy finds."""

import subprocess
import sys
import textwrap

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Corpus, loop

from spacy_al.processes.corpora import once, read_dev_once
from tests.helpers.ner_oracle import make_ner


@pytest.fixture
def dev(tmp_path):
    """Texts with white space, tokens of another's, several sentences, and one without tokens."""
    vocab = spacy.blank("en").vocab
    docs = [
        Doc(vocab, ["gave", "aspirin", "in", "Paris"], sent_starts=[True, None, True, None]),
        Doc(
            vocab,
            ["Dr", " ", "Smith", "gave", "aspirin", "."],
            [True, False, True, True, False, False],
        ),
        Doc(vocab, ["aspir", "in", "."], [False, True, False]),
        Doc(vocab, []),
    ]
    docs[0].set_ents([Span(docs[0], 1, 2, "DRUG")], missing=[docs[0][3:4]], default="outside")
    docs[1].ents = [Span(docs[1], 0, 3, "PER"), Span(docs[1], 4, 5, "DRUG")]
    docs[1].spans["sc"] = [Span(docs[1], 0, 3, "PER")]
    docs[2].ents = [Span(docs[2], 0, 2, "DRUG")]
    docs[2].cats = {"A": 1.0}
    path = tmp_path / "dev.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def said(example):
    docs = example.reference, example.predicted
    return [(doc.to_json(), [*map(str, doc)], doc.user_data) for doc in docs]


@pytest.mark.parametrize(
    "how",
    [{}, {"gold_preproc": True}, {"max_length": 3}, {"limit": 2}, {"limit": 1, "max_length": 2}],
)
def test_each_look_gets_what_spacy_reads_on_documents_that_nobody_has_written_on(dev, how):
    nlp = make_ner()
    expected = [said(example) for example in Corpus(dev, **how)(nlp)]
    reader = once(Corpus(dev, **how))
    for _ in range(3):
        examples = list(reader(nlp))
        assert [said(example) for example in examples] == expected
        dev.unlink(missing_ok=True)
        for example in examples:
            example.predicted = nlp(example.predicted)
            example.predicted.user_data["seen"] = True
            example.predicted.cats["A"] = 1.0


def test_each_vocab_has_documents_of_its_own(dev):
    reader, first, second = once(Corpus(dev)), spacy.blank("en"), spacy.blank("en")
    for nlp in (first, second, first):
        assert all(example.reference.vocab is nlp.vocab for example in reader(nlp))


def test_other_readers_stay_as_they_are(dev):
    def augment(nlp, example):
        yield example
        yield example

    class Own(Corpus):
        """A reader of one's own."""

    for reader in (Own(dev), Corpus(dev, augmenter=augment), lambda nlp: []):
        had = dict(vars(reader))
        assert once(reader) is reader and vars(reader) == had


def test_trainings_find_the_same_scores_though_the_file_is_gone(dev, monkeypatch):
    nlp = make_ner(updates=3)
    weights = {"ents_f": 0.5, "token_acc": 0.5}
    expected = loop.create_evaluation_callback(nlp, Corpus(dev), weights)()
    monkeypatch.setattr(loop, "create_evaluation_callback", loop.create_evaluation_callback)
    read_dev_once()
    patched = loop.create_evaluation_callback
    read_dev_once()
    assert loop.create_evaluation_callback is patched
    evaluate = patched(nlp, Corpus(dev), weights)
    for _ in range(3):
        score, scores = evaluate()
        assert score == expected[0]
        assert {**scores, "speed": 0} == {**expected[1], "speed": 0}
        dev.unlink(missing_ok=True)


@pytest.mark.slow
def test_our_processes_read_it_once():
    code = """
        from spacy.training import loop
        from spacy_al.processes import child
        child.follow_parent = lambda: None
        assert loop.create_evaluation_callback.__module__ == "spacy.training.loop"
        try:
            child.run_child("0", "spacy", "info", "--silent")
        except SystemExit:
            pass
        assert loop.create_evaluation_callback.__module__ == "spacy_al.processes.corpora"
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)
