"""The block `[al.teacher]` is read strictly."""

from pathlib import Path

import pytest

from spacy_al.config.settings import read_settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.errors import UsageError

BASE = '[nlp]\nlang = "en"\n\n[components]\n\n[components.ner]\nfactory = "ner"\n\n[al]\ncomponent = "ner"\n\n[al.teacher]\n'
WHOLE = """
train = 0.2
accept = 0.95
audit_share = 0.25
max_error = 0.05
max_calls = 300
price = 0.002
max_cost = 1.5
suggest = false
mask = ["email","date"]

[al.teacher.labels]
CHEMICAL = "DRUG"
MEDICINE = "DRUG"

[al.teacher.component]
factory = "llm"

[al.teacher.component.task]
@llm_tasks = "spacy.NER.v3"
labels = ["CHEMICAL"]
"""


def read(folder: Path, text: str):
    path = folder / "x.cfg"
    path.write_text(BASE + text)
    return read_settings(path).teacher


def test_all_of_it(tmp_path):
    found = read(tmp_path, WHOLE)
    task = {"@llm_tasks": "spacy.NER.v3", "labels": ["CHEMICAL"]}
    assert found == TeacherBlock(
        component={"factory": "llm", "task": task},
        labels={"CHEMICAL": "DRUG", "MEDICINE": "DRUG"},
        suggest=False,
        mask=("email", "date"),
        train=0.2,
        accept=0.95,
        audit_share=0.25,
        max_error=0.05,
        max_calls=300,
        price=0.002,
        max_cost=1.5,
    )
    assert found.describes == "llm" and found.named_labels == ["DRUG"] and found.most_calls == 300
    found = read(tmp_path, 'pipeline = "en_core_web_sm"\nmax_calls = 0')
    assert found.describes == "en_core_web_sm" and found.most_calls == float("inf")
    found = read(tmp_path, 'pipeline = "x"\nprice = 0.1\nmax_cost = 0.7')
    assert int(found.most_calls) == 7


@pytest.mark.parametrize(
    "text, about",
    [
        ("train = 0.1", "neither is there"),
        ('pipeline = "x"\n[al.teacher.component]\nfactory = "ner"', "both are there"),
        ("pipeline = 3", "al.teacher.pipeline"),
        ('[al.teacher.component]\nname = "x"', "it has no factory"),
        ("component = 3", "al.teacher.component"),
        ('pipeline = "x"\nteach = 1', "al.teacher.teach"),
        ('pipeline = "x"\ntrain = 1.5', "from 0 to 1"),
        ('pipeline = "x"\naccept = "much"', "al.teacher.accept"),
        ('pipeline = "x"\nmax_calls = 1.5', "a whole number"),
        ('pipeline = "x"\nsuggest = 1', "true, false"),
        ('pipeline = "x"\nlabels = ["A"]', "al.teacher.labels"),
        ('pipeline = "x"\naccept = 0.9\naudit_share = 0', "nobody would know"),
    ],
)
def test_what_cannot_be(tmp_path, text, about):
    with pytest.raises(UsageError, match="AL083") as caught:
        read(tmp_path, text)
    assert about in str(caught.value)


def test_a_name_alone_is_no_block(tmp_path):
    path = tmp_path / "x.cfg"
    path.write_text(BASE.replace("[al.teacher]\n", 'teacher = "x"\n'))
    with pytest.raises(UsageError, match=r"AL083.*a block \[al.teacher\]"):
        read_settings(path)
