"""A teacher is asked once a text, within its budget, and however often it fails."""

import json
from dataclasses import replace

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.errors import AlError, AlWarning
from spacy_al.processes.lock import locked
from spacy_al.teachers.ask import ATTEMPTS, ask_pool, ask_texts, check_taught_labels, open_said
from spacy_al.teachers.marks import teacher_marks
from spacy_al.teachers.teacher import open_teacher, teacher_hash
from spacy_al.util import content_hash

TEXTS = [f"Nurse number{k} gave aspirin{k % 3} ." for k in range(50)]
CALLS = []


@Language.component("al_test_breaks")
def breaks(doc):
    """Marks the fourth word, and cannot bear some of the texts."""
    CALLS.append(doc.text)
    if "number7 " in doc.text or ("number9 " in doc.text and CALLS.count(doc.text) < 2):
        raise RuntimeError(f"no: {doc.text}")
    doc.ents = [Span(doc, 3, 4, "DRUG")]
    return doc


class Together:
    """Cannot bear a whole batch where it cannot bear one of its texts, as a language model that answers for all of them."""

    def __call__(self, doc):
        return breaks(doc)

    def pipe(self, docs, batch_size=1):
        for doc in [*docs]:
            yield breaks(doc)


@Language.factory("al_test_together")
def together(nlp, name):
    return Together()


@pytest.fixture
def of(tmp_path):
    """Settings of a run over TEXTS, with a teacher."""
    CALLS.clear()
    vocab = spacy.blank("en").vocab
    docs = [Doc(vocab, words=text.split(), spaces=[True] * 4 + [False]) for text in TEXTS]
    assert [doc.text for doc in docs] == TEXTS
    DocBin(docs=docs).to_disk(tmp_path / "pool.spacy")

    def make(**block):
        patterns = [{"label": "DRUG", "pattern": f"aspirin{k}"} for k in range(2)]
        default = {"component": {"factory": "entity_ruler", "patterns": patterns}}
        teacher = TeacherBlock(**{**({} if "pipeline" in block else default), **block})
        return Settings(output=tmp_path / "out", pool=tmp_path / "pool.spacy", teacher=teacher)

    return make


def test_once_a_text_for_ever(of):
    settings = of(price=0.5)
    first = ask_pool(settings)
    assert first.spent == {
        "teacher": "entity_ruler",
        "hash": teacher_hash(settings),
        "calls": 50,
        "most": 1000,
        "cost": 25.0,
        "said": 50,
        "failed": 0,
    }
    assert ask_pool(settings).cache.calls == 50
    marks = teacher_marks(settings)
    nlp = spacy.blank("en")
    assert marks.of(nlp(TEXTS[1])) == [(3, 4, "DRUG")] and marks.of(nlp(TEXTS[2])) == []
    assert marks.of(nlp("Never seen.")) is None
    # another teacher is asked anew, and what is done with it makes no other teacher
    assert teacher_hash(of(price=3, labels={"DRUG": "X"}, accept=0.5)) == teacher_hash(settings)
    patterns = [{"label": "DRUG", "pattern": "aspirin0"}]
    other = of(component={"factory": "entity_ruler", "patterns": patterns})
    assert teacher_hash(other) != teacher_hash(settings)
    assert ask_pool(other).cache.calls == 50
    relabelled = teacher_marks(of(labels={"DRUG": "MEDICINE"}))
    assert relabelled.of(nlp(TEXTS[1])) == [(3, 4, "MEDICINE")]


def test_a_file_of_patterns_is_part_of_what_it_is(of, tmp_path):
    path = tmp_path / "patterns.jsonl"
    path.write_text(json.dumps({"label": "DRUG", "pattern": "aspirin0"}) + "\n\n")
    settings = of(component={"factory": "entity_ruler", "patterns": str(path)})
    before = teacher_hash(settings)
    assert sum(bool(one.marks) for one in ask_pool(settings).cache.said.values()) == 17
    path.write_text(json.dumps({"label": "DRUG", "pattern": "aspirin1"}) + "\n")
    assert teacher_hash(settings) != before


def test_what_is_masked_it_never_sees(of):
    settings = of(component={"factory": "al_test_breaks"}, mask=("phone", "id"))
    text = "Call +49 30 901820 about P-20391 , aspirin ."
    said = ask_texts(settings, {"a": text}).cache.said["a"]
    assert CALLS == ["Call XXX XX XXXXXX about XXXXXXX , aspirin ."]
    # places are those of the text itself
    ((start, end, label),) = said.marks
    assert (text[start:end], label) == ("901820", "DRUG")
    # what it says then is not what it would have said
    plain = of(component={"factory": "al_test_breaks"})
    assert teacher_hash(plain) != teacher_hash(settings)
    with pytest.raises(AlError, match="AL473"):
        ask_texts(replace(settings, teacher=replace(settings.teacher, mask=("x",))), {"b": "b"})


def test_a_pipeline_on_disk_is_a_teacher(of, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DRUG", "pattern": "aspirin2"}])
    nlp.to_disk(tmp_path / "model")
    settings = of(pipeline=str(tmp_path / "model"))
    assert ask_texts(settings, {"a": TEXTS[2]}).cache.said["a"].marks == ((19, 27, "DRUG"),)
    before = teacher_hash(settings)
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "DRUG", "pattern": "x"}])
    nlp.to_disk(tmp_path / "model")
    assert teacher_hash(settings) != before
    with pytest.raises(AlError, match="AL085"):
        ask_pool(of(pipeline=str(tmp_path / "nothing")))


def test_an_older_recogniser_with_a_parser_is_a_teacher(of, tmp_path):
    """Trainable components that spaCy gives no place for a handler of errors, and which pass their errors on."""
    nlp = spacy.blank("en")
    nlp.add_pipe("parser").add_label("dep")
    nlp.add_pipe("ner").add_label("DRUG")
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    # it was never trained
    with pytest.warns(AlWarning, match="ALW442"):
        assert ask_pool(of(pipeline=str(tmp_path / "model"))).spent["said"] == 50
    nlp.add_pipe("al_test_breaks")
    nlp.to_disk(tmp_path / "breaks")
    with pytest.warns(AlWarning, match="ALW441"):
        assert ask_pool(of(pipeline=str(tmp_path / "breaks"))).spent["said"] == 49


@pytest.mark.parametrize(
    "budget", [{"max_calls": 30}, {"max_calls": 0, "price": 0.1, "max_cost": 3.0}], ids=str
)
def test_no_call_more_than_the_budget(of, budget):
    asked = ask_pool(of(**budget))
    assert asked.cache.calls == 30 == len(asked.cache.said) and asked.left < 1
    assert ask_pool(of(**budget)).cache.calls == 30
    # a sample by chance that stays when there is more to spend
    more = ask_pool(of(max_calls=40))
    assert set(asked.cache.said) < set(more.cache.said) and more.cache.calls == 40
    assert len(ask_pool(of(max_calls=0)).cache.said) == 50


def test_failures_are_counted_retried_and_never_fatal(of):
    settings = of(component={"factory": "al_test_breaks"})
    with pytest.warns(AlWarning, match=r"ALW441.*1 of 50 texts.*RuntimeError: no: Nurse number7"):
        asked = ask_pool(settings)
    bad = content_hash(TEXTS[7])
    assert len(asked.cache.said) == 49 and asked.cache.failures == {bad: 2}
    # that a text went well at the second time is seen in the calls alone
    assert asked.cache.calls == 52 and asked.spent["failed"] == 1
    with pytest.warns(AlWarning, match="ALW441"):
        assert ask_pool(settings).cache.failures == {bad: 4}
    n = len(CALLS)
    # three times are enough
    assert ask_pool(settings).cache.calls == 54 and len(CALLS) == n and ATTEMPTS == 3
    kept = "".join(path.read_text() for path in (settings.output / "teacher").rglob("*.alsaid"))
    assert "number7" not in kept and kept.count("RuntimeError") == 5


def test_one_text_that_breaks_a_batch_does_not_cost_the_others(of):
    with pytest.warns(AlWarning, match="ALW441"):
        asked = ask_pool(of(component={"factory": "al_test_together"}))
    assert len(asked.cache.said) == 49 and asked.cache.failures.keys() == {content_hash(TEXTS[7])}


def test_one_that_finds_nothing_is_told_of(of):
    patterns = [{"label": "DRUG", "pattern": "never"}]
    with pytest.warns(AlWarning, match=r"ALW442.*50 texts.*no entities"):
        ask_pool(of(component={"factory": "entity_ruler", "patterns": patterns}))


def test_two_do_not_pay_for_the_same(of):
    settings = of()
    with locked(open_said(settings).cache.folder), pytest.raises(AlError, match="AL155"):
        ask_pool(settings)


def test_damaged_files_are_made_again(of):
    settings = of()
    asked = ask_pool(settings)
    path = sorted(asked.cache.folder.glob("*.alsaid"))[0]
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.warns(AlWarning, match="ALW440"):
        again = ask_pool(settings)
    assert again.cache.said == asked.cache.said


def test_what_cannot_be_made_or_named(of):
    for component in ({"factory": "no_such"}, {"factory": "entity_ruler", "patterns": "/no/file"}):
        with pytest.raises(AlError, match="AL441"):
            open_teacher(of(component=component))
    settings = replace(of(labels={"DRUG": "MEDICINE"}), labels=["DRUG"])
    with pytest.raises(AlError, match=r"AL442.*MEDICINE"):
        check_taught_labels(settings)
    check_taught_labels(of(labels={"DRUG": "MEDICINE"}))
    check_taught_labels(Settings(labels=["X"]))
