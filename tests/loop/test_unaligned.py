"""Labels that are on no token of the config's tokeniser are counted before anything learns."""

import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_al.config.project import open_project
from spacy_al.loop.corpus import say_unaligned
from tests.helpers.chaos import ROOT

# Tokens that spaCy does not make
WORDS, SPACES = ["use", "as", "pirin", "now"], [True, False, True, False]


def write(path, kind, n_split):
    """Three texts with a mark on "aspirin", and in some of them one on a part of it."""
    docs = []
    for row in range(3):
        doc = Doc(Vocab(), words=WORDS, spaces=SPACES)
        spans = [Span(doc, 1, 2 if row < n_split else 3, label="DRUG")]
        if kind == "ner":
            doc.set_ents(spans)
        elif kind == "tagger":
            doc[0].tag_ = "VB"
            doc[1].tag_ = "NN" if row < n_split else ""
        else:
            doc.spans["sc"] = spans
        docs.append(doc)
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.mark.parametrize(
    "kind, name", [("ner", "entities"), ("spancat", "spans"), ("tagger", "tags")]
)
def test_marks_within_tokens_are_counted(tmp_path, kind, name):
    said = []
    paths = {
        "train": write(tmp_path / "train.spacy", kind, 2),
        "dev": write(tmp_path / "dev.spacy", kind, 0),
        "test": write(tmp_path / "test.spacy", kind, 1),
    }
    overrides = {f"paths.{key}": str(path) for key, path in paths.items()}
    overrides["al.output"] = str(tmp_path / "al")
    overrides["paths.pool"] = str(paths["train"])
    say_unaligned(open_project(ROOT / "configs" / f"{kind}.cfg", overrides, show=said.append))
    train, test = ("2 of 5", "1 of 4") if kind == "tagger" else ("2 of 3", "1 of 3")
    assert [line.partition(" are on no token")[0] for line in said] == [
        f"⚠ {train} {name} in paths.train",
        f"⚠ {test} {name} in paths.test",
    ]
