"""What a pipeline finds of labels that nobody is asked about: beside the answers, never over them."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_al.posteriors.component import open_component
from spacy_al.tasks.decision import SELF
from spacy_al.training.kept_labels import add_kept_labels
from tests.helpers.old_pipeline import old_pipeline

WORDS = ["Today", "Ada", "took", "aspirin", "."]


@pytest.fixture(scope="module")
def component(tmp_path_factory):
    model = old_pipeline(tmp_path_factory.mktemp("old") / "model")
    return open_component(str(model), "ner")


def labelled(*ents, missing=()):
    doc = Doc(spacy.blank("en").vocab, words=WORDS)
    spans = [Span(doc, start, end, label=label) for start, end, label in ents]
    doc.set_ents(spans, missing=[doc[k : k + 1] for k in missing], default="outside")
    return doc


def test_they_stand_beside_what_was_answered_and_are_marked(component):
    doc = labelled((3, 4, "DRUG"))
    assert add_kept_labels(component, [doc], ["PERSON"], kind="entities") == 1
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(1, 2, "PERSON"), (3, 4, "DRUG")]
    assert [span.label_ for span in doc.spans[SELF]] == ["PERSON"]


def test_an_answer_wins_over_them(component):
    doc = labelled((1, 4, "DRUG"))
    assert add_kept_labels(component, [doc], ["PERSON"], kind="entities") == 0
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [(1, 4, "DRUG")]


def test_what_nobody_decided_stays_undecided_around_them(component):
    doc = labelled(missing=(0, 1, 2))
    add_kept_labels(component, [doc], ["PERSON"], kind="entities")
    assert [token.ent_iob_ for token in doc] == ["", "B", "", "O", "O"]


def test_other_labels_are_not_added(component):
    doc = labelled()
    assert add_kept_labels(component, [doc], ["PLACE"], kind="entities") == 0
    assert not doc.ents and SELF not in doc.spans
