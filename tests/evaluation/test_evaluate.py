"""Scores of every kind of component, against spaCy's own evaluation and against counting by hand."""

from pathlib import Path

import pytest
import spacy
from spacy.lang.en import English
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_al.errors import AlError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.kinds import FACTORIES

WORDS = ["Ann", "saw", "Bob", "in", "Rome", "."]
ENTS = [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")]
TAGS = ["N", "V", "N", "P", "N", "."]
POS = ["PROPN", "VERB", "PROPN", "ADP", "PROPN", "PUNCT"]


def gold_doc(nlp: Language) -> Doc:
    doc = Doc(nlp.vocab, WORDS, tags=TAGS, pos=POS, sent_starts=[1, 0, 0, 1, 0, 0])
    doc.ents = [Span(doc, *ent) for ent in ENTS]
    doc.spans["sc"] = [Span(doc, *ent) for ent in ENTS]
    doc.cats = {"A": 1.0, "B": 0.0}
    return doc


def bare(nlp: Language) -> Doc:
    return Doc(nlp.vocab, WORDS, tags=None)


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.spacy"
    DocBin(docs=[gold_doc(English())]).to_disk(path)
    return path


def taught(factory: str, steps: int = 10) -> Language:
    """A pipeline that has learned the one document there is, more or less."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe(factory)
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in [gold_doc(nlp)]]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    return nlp


@pytest.mark.slow
@pytest.mark.parametrize("factory", [name for name in FACTORIES if not name.startswith("al_")])
def test_every_component_is_scored_as_spacy_does(factory, gold):
    nlp = taught(factory)
    docs = list(DocBin().from_disk(gold).get_docs(nlp.vocab))
    theirs = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in docs])
    found = evaluate(nlp, gold, factory)
    assert found["score"] is not None and 0 <= found["score"] <= 1
    assert found["score"] == theirs[found["score_name"]]
    assert found["score_name"] == FACTORIES[factory].score.format(key="sc")
    assert (found["texts"], found["words"]) == (1, 6)
    assert found == evaluate(nlp, gold)
    prefix = found["score_name"].removesuffix("_f").removesuffix("_score").removesuffix("_acc")
    if factory.startswith("textcat"):
        assert found["precision"] == theirs["cats_macro_p"]
        assert set(found["per_label"]) == {"A", "B"}
    elif prefix in ("tag", "pos"):
        assert found["precision"] is None and found["recall"] is None
        assert set(found["per_label"]) >= set(TAGS if prefix == "tag" else POS)
    else:
        assert found["precision"] == theirs[f"{prefix}_p"]
        assert found["recall"] == theirs[f"{prefix}_r"]
    if prefix in ("ents", "spans_sc"):
        assert set(found["per_label"]) >= {"PER", "LOC"}


@pytest.mark.slow
@pytest.mark.parametrize("factory", [name for name in FACTORIES if not name.startswith("al_")])
def test_without_gold_there_is_no_score(factory, tmp_path):
    path = tmp_path / "bare.spacy"
    DocBin(docs=[bare(English())]).to_disk(path)
    found = evaluate(taught(factory, 1), path)
    for name in ("score", "precision", "recall", "per_label"):
        assert found[name] is None, name
    assert (found["texts"], found["words"]) == (1, 6)


@Language.component("says")
def says(doc):
    for token, tag in zip(doc, ["N", "N", "N", "P", "V", "."]):
        token.tag_ = tag
    return doc


def test_tags_are_counted_by_label(gold):
    nlp = taught("tagger", 1)
    nlp.add_pipe("says", last=True)
    found = evaluate(nlp, gold)
    assert found["score"] == pytest.approx(4 / 6)
    rows = {label: tuple(row.values()) for label, row in found["per_label"].items()}
    assert rows["N"] == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert rows["V"] == (0, 0, 0)
    assert rows["."] == rows["P"] == (1, 1, 1)


@pytest.mark.slow
def test_other_components_without_gold_do_not_matter(gold, tmp_path):
    nlp = taught("ner")
    alone = evaluate(nlp, gold)
    nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path / "model")
    assert evaluate(tmp_path / "model", gold, "ner") == alone


def test_texts_are_tokenised_as_in_training(tmp_path):
    """The stored tokens are not the pipeline's own, and are not what is judged."""
    nlp = taught("ner", 1)
    nlp.add_pipe("entity_ruler", last=True).add_patterns([{"label": "LOC", "pattern": "Rome"}])
    doc = Doc(nlp.vocab, ["in", "Ro", "me", "."], spaces=[True, False, False, False])
    doc.ents = [Span(doc, 1, 3, "LOC")]
    path = tmp_path / "gold.spacy"
    DocBin(docs=[doc]).to_disk(path)
    nlp.disable_pipe("ner")
    assert evaluate(nlp, path, "ner")["score"] == 1


@pytest.mark.slow
def test_empty_documents_are_left_out(tmp_path):
    nlp = taught("ner")
    path = tmp_path / "gold.spacy"
    DocBin(docs=[Doc(nlp.vocab), gold_doc(nlp)]).to_disk(path)
    assert evaluate(nlp, path)["texts"] == 1
    DocBin(docs=[Doc(nlp.vocab)]).to_disk(path)
    assert evaluate(nlp, path)["score"] is None


def test_what_cannot_be_evaluated_is_explained(gold, tmp_path):
    nlp = taught("ner", 1)
    with pytest.raises(AlError, match="AL001"):
        evaluate(nlp, gold, "textcat")
    with pytest.raises(AlError, match="AL040"):
        evaluate(nlp, tmp_path / "none.spacy")


@pytest.mark.slow
@pytest.mark.parametrize("factory", ["ner", "spancat"])
def test_labels_that_the_gold_has_never_heard_of_are_wrong_answers(factory, tmp_path):
    nlp, path = taught(factory, 30), tmp_path / "gold.spacy"
    doc = Doc(English().vocab, WORDS)
    doc.ents = [Span(doc, 0, 1, "OTHER")]
    doc.spans["sc"] = [Span(doc, 0, 1, "OTHER")]
    DocBin(docs=[doc]).to_disk(path)
    found = evaluate(nlp, path)
    assert found["score"] == 0 and "PER" in found["per_label"]
