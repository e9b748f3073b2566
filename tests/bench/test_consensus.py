"""The bench of consensus, on a corpus of a few texts."""

import numpy
import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_al.bench.consensus import compare_methods, consensus_cli, crowd_score
from spacy_al.bench.crowd import NAMES, make_crowd, read_texts
from spacy_al.errors import AlError


def corpus(path, kind, n=40):
    nlp, docs = spacy.blank("en"), []
    for number in range(n):
        doc = nlp.make_doc(f"Brown gave aspirin to patient {number} in the old ward again")
        if kind == "entities":
            doc.ents = [Span(doc, 0, 1, "PERSON"), Span(doc, 2, 3, "DRUG")]
        else:
            doc.cats = {label: float(label == "abc"[number % 3]) for label in "abc"}
        docs.append(doc)
    path.mkdir(parents=True)
    (path / "train.spacy").write_bytes(DocBin(docs=docs).to_bytes())
    return path


@pytest.mark.parametrize("kind", ["entities", "categories"])
def test_a_crowd_is_as_good_as_it_is_said_to_be(tmp_path, kind):
    crowd = make_crowd(read_texts(corpus(tmp_path / kind, kind, 300)), 300, 0)
    right = [
        np_mean([len(said[who] & gold) / len(gold) for said, gold in zip(crowd.said, crowd.gold)])
        for who in range(len(NAMES))
    ]
    assert abs(right[0] - 0.7) < 0.07 and abs(right[1] - 0.8) < 0.07 and abs(right[2] - 0.95) < 0.04
    assert right[3] < (0.2 if kind == "entities" else 0.42)
    assert crowd_score(crowd, crowd.gold) == 1


def np_mean(values):
    return float(numpy.mean(values))


def test_it_compares_and_says_what_was_saved(tmp_path):
    for kind in ("entities", "categories"):
        corpus(tmp_path / kind, kind)
    found = compare_methods(read_texts(tmp_path / "entities"), 30, 3, 2)
    assert len(found["majority"]) == len(found["95% held"]) == 2 and "mace" not in found
    import typer

    app = typer.Typer()
    app.command()(consensus_cli)
    words = [str(tmp_path), "--texts", "20", "--seeds", "1", "--again", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for said in ("dawid_skene", "mace", "spammer", "worth most, of whom", "further answers"):
        assert said in done.output


def test_a_folder_without_a_corpus_is_named(tmp_path):
    with pytest.raises(AlError, match="AL431"):
        consensus_cli(tmp_path, None, 10, 3, 1, 0)
