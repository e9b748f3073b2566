"""A language model as a teacher, through spacy-llm's own tasks; the model is made up, and wrong as often as it is told to be."""

import random

# spacy-llm looks at the types of models, and knows these alone
from typing import Any, Iterable  # noqa: UP035

import pytest
import spacy
from spacy.tokens import DocBin
from spacy_llm.registry import registry as llm_registry

from spacy_al.adapters.few_shot import write_few_shot
from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.errors import AlWarning
from spacy_al.teachers.ask import ask_pool
from spacy_al.teachers.marks import teacher_marks
from spacy_al.util import content_hash
from tests.helpers.teachers import LABELS, UNTOLD
from tests.helpers.ward import ward

pytest.importorskip("spacy_llm")

pytestmark = [
    pytest.mark.filterwarnings(UNTOLD),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
DOCS = ward(60, 11, LABELS)
PROMPTS = []


def answer(text, missed, broken):
    """What a model says of a text: its entities one a line as NER.v3 wants them, but for those that it misses."""
    draw = random.Random(text)
    if draw.random() < broken:
        raise TimeoutError("the model does not answer")
    doc = next(doc for doc in DOCS if doc.text == text)
    lines = [
        f"{k}. {ent.text} | True | {ent.label_} | it looks like one"
        for k, ent in enumerate(doc.ents, 1)
        if draw.random() >= missed
    ]
    return "\n".join([*lines, "9. the room | False | ==NONE== | is a place"])


@llm_registry.llm_models("al_test.Oracle.v1")
def make_oracle(missed: float, broken: float):
    def ask(prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        for shards in prompts:
            texts = [str(one).rsplit("Paragraph: ", 1)[1].split("\nAnswer:")[0] for one in shards]
            PROMPTS.extend(str(one) for one in shards)
            yield [answer(text, missed, broken) for text in texts]

    return ask


def settings_of(folder, missed=0.0, broken=0.0, **task):
    DocBin(docs=DOCS).to_disk(folder / "pool.spacy")
    component = {
        "factory": "llm",
        "task": {"@llm_tasks": "spacy.NER.v3", "labels": LABELS, **task},
        "model": {"@llm_models": "al_test.Oracle.v1", "missed": missed, "broken": broken},
    }
    teacher = TeacherBlock(component=component, price=0.002)
    return Settings(output=folder / "out", pool=folder / "pool.spacy", teacher=teacher)


def entities(doc):
    return [(span.start, span.end, span.label_) for span in doc.ents]


def test_what_it_says_is_what_the_model_said(tmp_path):
    PROMPTS.clear()
    settings = settings_of(tmp_path)
    asked = ask_pool(settings)
    assert asked.spent["calls"] == 60 and asked.spent["cost"] == 0.12 and len(PROMPTS) == 60
    ask_pool(settings)
    assert len(PROMPTS) == 60
    marks = teacher_marks(settings)
    assert [marks.of(doc) for doc in DOCS] == [entities(doc) for doc in DOCS]


def test_as_wrong_as_it_is_told_to_be(tmp_path):
    settings = settings_of(tmp_path, missed=0.3)
    ask_pool(settings)
    marks = teacher_marks(settings)
    gold = sum(len(doc.ents) for doc in DOCS)
    found = [mark for doc in DOCS for mark in marks.of(doc)]
    assert 0.5 < len(found) / gold < 0.9
    assert {*found} <= {mark for doc in DOCS for mark in entities(doc)}


def test_it_may_not_answer(tmp_path):
    settings = settings_of(tmp_path, broken=0.1)
    bad = {content_hash(doc.text) for doc in DOCS if random.Random(doc.text).random() < 0.1}
    assert bad
    with pytest.warns(AlWarning, match="ALW441.*TimeoutError: the model does not answer"):
        asked = ask_pool(settings)
    assert asked.cache.failures.keys() == bad and len(asked.cache.said) == 60 - len(bad)


def test_answers_become_examples_of_its_prompts(tmp_path):
    """Those that are exported are read by spacy-llm itself, and stand in what the model gets."""
    path = tmp_path / "few_shot.json"
    assert write_few_shot(DOCS, path, kind="entities") == 8
    PROMPTS.clear()
    reader = {"@misc": "spacy.FewShotReader.v1", "path": str(path)}
    ask_pool(settings_of(tmp_path, examples=reader))
    assert "| True | DRUG | annotators marked it as DRUG" in PROMPTS[0]
    assert "| True | PERSON | annotators marked it as PERSON" in PROMPTS[0]


def test_categories_become_examples_too(tmp_path):
    docs = [spacy.blank("en")(f"text {k}") for k in range(5)]
    for k, doc in enumerate(docs):
        doc.cats = {"a": float(k % 2), "b": float(k == 4), "c": 0.0}
    path = tmp_path / "few_shot.json"
    assert write_few_shot(docs, path, kind="categories", most=3) == 3
    reader = {"@misc": "spacy.FewShotReader.v1", "path": str(path)}
    task = {"@llm_tasks": "spacy.TextCat.v3", "labels": ["a", "b", "c"], "examples": reader}
    made = spacy.registry.resolve({"examples": reader})["examples"]()
    assert {one["answer"] for one in made} == {"a", "b", "==NONE=="}
    model = {"@llm_models": "al_test.Says.v1", "answer": "b"}
    nlp = spacy.blank("en")
    nlp.add_pipe("llm", config={"task": task, "model": model})
    assert nlp("something").cats == {"a": 0.0, "b": 1.0, "c": 0.0}
    assert "text 4" in PROMPTS[-1]


@llm_registry.llm_models("al_test.Says.v1")
def make_says(answer: str):
    def ask(prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        for shards in prompts:
            PROMPTS.extend(str(one) for one in shards)
            yield [answer for _ in shards]

    return ask
