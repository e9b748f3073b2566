"""What trains as a teacher has it says so, and is compared with what people answer."""

import spacy
from spacy.tokens import Span

from spacy_al.corpus.shard import ACCEPTED, TAUGHT
from spacy_al.tasks.merge import count_decided
from spacy_al.teachers.texts import is_right, label_taught, taught_by
from spacy_al.training.pseudo_batcher import is_taught

NLP = spacy.blank("en")


def doc():
    return NLP("Ada took aspirin today")


def test_each_kind_is_written_marked_and_nobodys_answer():
    drug, other = (2, 3, "DRUG"), (0, 1, "OTHER")
    made = label_taught(doc(), [drug, other], kind="entities", labels=["DRUG"])
    assert [(s.start, s.end, s.label_) for s in made.ents] == [drug]
    assert [token.ent_iob_ for token in made] == ["O", "O", "B", "O"]
    assert taught_by(made) == TAUGHT and is_taught(made) and count_decided(made, "entities") == 0
    made = label_taught(doc(), [drug], kind="spans", labels=["DRUG"], by=ACCEPTED, spans_key="k")
    assert len(made.spans["k"]) == 1 and taught_by(made) == ACCEPTED and not is_taught(made)
    made = label_taught(doc(), [(0, 1, "NN")], kind="tags", labels=["NN"])
    assert [token.tag_ for token in made] == ["NN", "", "", ""]
    made = label_taught(doc(), [(0, 0, "a")], kind="categories", labels=["a", "b"])
    assert made.cats == {"a": 1.0, "b": 0.0}
    # no category teaches that none applies, where one has to
    assert label_taught(doc(), [], kind="categories", labels=["a", "b"]) is None
    assert taught_by(doc()) is None


def test_right_is_what_people_say_exactly():
    own = doc()
    own.set_ents([Span(own, 2, 3, "DRUG")])
    assert is_right(own, [(2, 3, "DRUG")], kind="entities") is True
    assert is_right(own, [], kind="entities") is False
    assert is_right(own, [(2, 4, "DRUG")], kind="entities") is False
    part = doc()
    part.set_ents([Span(part, 2, 3, "DRUG")], default="missing")
    assert is_right(part, [(2, 3, "DRUG")], kind="entities") is None
    text = doc()
    text.cats = {"a": 1.0, "b": 0.0}
    assert is_right(text, [(0, 0, "a")], kind="categories") is True
    assert is_right(text, [(0, 0, "b")], kind="categories") is False
    tags = doc()
    for token in tags:
        token.tag_ = "NN"
    assert is_right(tags, [(0, 1, "NN"), (1, 2, "NN")], kind="tags") is True
    assert is_right(tags, [(0, 1, "VB")], kind="tags") is False
    spans = doc()
    spans.spans["k"] = [Span(spans, 0, 1, "A")]
    assert is_right(spans, [(0, 1, "A")], kind="spans", spans_key="k") is True
