"""Audited acceptance: what is audited stands for what is accepted, and nothing is accepted that too little is known of."""

import math

import numpy
import pytest
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.posteriors.component import open_component
from spacy_al.reporting.teacher import teacher_lines
from spacy_al.teachers.accept import agreement_probs, audit_verdict, judge_agreement
from spacy_al.teachers.ask import ask_pool
from spacy_al.teachers.marks import teacher_marks
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner

IDS = [f"{k * 7919:016x}" for k in range(4000)]


def block(**settings):
    return TeacherBlock(pipeline="x", **{"accept": 0.9, "audit_share": 0.1, **settings})


def test_only_what_the_model_finds_as_probable_is_accepted():
    probs = dict(zip(IDS, numpy.linspace(0, 1, len(IDS))))
    judged = judge_agreement(probs, block(), seed=0, most_audits=10**6)
    assert judged.n == 4000 and judged.n_agreed == 400
    taken = {*judged.accepted, *judged.audited}
    assert taken == {id_ for id_, prob in probs.items() if prob >= 0.9}
    assert not set(judged.accepted) & set(judged.audited)
    assert 0.05 < len(judged.audited) / 400 < 0.15


def test_with_few_questions_fewer_are_accepted_and_as_large_a_share_audited():
    probs = dict.fromkeys(IDS, 1.0)
    share = []
    for seed in range(60):
        judged = judge_agreement(probs, block(), seed=seed, most_audits=10)
        assert len(judged.audited) == 10
        share.append(10 / (10 + len(judged.accepted)))
    # the mean of a share that is stopped at its tenth is a little above it
    assert abs(numpy.mean(share) - 0.1) < 0.02
    assert judge_agreement(probs, block(), seed=0, most_audits=0).audited == []
    first = judge_agreement(probs, block(), seed=1, most_audits=10)
    assert judge_agreement(dict(reversed(probs.items())), block(), seed=1, most_audits=10) == first


def test_the_audited_are_as_often_wrong_as_the_accepted():
    """Over many draws, and for the unsure as for the sure."""
    rng = numpy.random.default_rng(0)
    wrong = dict(zip(IDS, rng.random(len(IDS)) < 0.2))
    audited, accepted = [], []
    for seed in range(30):
        judged = judge_agreement(dict.fromkeys(IDS, 1.0), block(), seed=seed, most_audits=50)
        audited += [wrong[id_] for id_ in judged.audited]
        accepted += [wrong[id_] for id_ in judged.accepted]
    spread = 3 * math.sqrt(0.2 * 0.8 / len(audited))
    assert abs(numpy.mean(audited) - numpy.mean(accepted)) < spread


@pytest.mark.parametrize(
    "answered, wrong, on",
    [(0, 0, False), (35, 0, False), (36, 0, True), (100, 9, False), (200, 11, True)],
)
def test_nothing_is_accepted_before_enough_is_known(answered, wrong, on):
    found = audit_verdict(answered, wrong, 0.1)
    assert found.on is on
    if answered:
        assert found.interval[1] <= 0.1 if on else found.interval[1] > 0.1
        assert f"{wrong} of {answered} audited" in found.why
    else:
        assert found.interval is None and "no audited text" in found.why


def test_the_agreement_is_the_probability_of_what_the_teacher_says(tmp_path):
    nlp = make_ner(updates=30)
    nlp.to_disk(tmp_path / "model")
    texts = ["aspirin gave him Paris", "No drug", "Paris gave"]
    docs = [Doc(Vocab(), words=text.split()) for text in texts]
    DocBin(docs=docs).to_disk(tmp_path / "pool.spacy")
    patterns = [{"label": "DRUG", "pattern": "aspirin"}, {"label": "NEW", "pattern": "No"}]
    teacher = TeacherBlock(component={"factory": "entity_ruler", "patterns": patterns})
    settings = Settings(output=tmp_path / "out", pool=tmp_path / "pool.spacy", teacher=teacher)
    ask_pool(settings)
    component = open_component(str(tmp_path / "model"))
    texts = [doc.text for doc in docs]
    ids = [content_hash(text) for text in texts]
    marks = teacher_marks(settings)
    found = agreement_probs(component, settings.pool, marks, {ids[2]})
    assert found.keys() == {*ids[:2]}
    (own,) = component.posteriors([component.nlp.make_doc(texts[0])])
    assert found[ids[0]] == pytest.approx(math.exp(own.logprob([(0, 1, "DRUG")])), abs=1e-5)
    # a label that the model does not know
    assert found[ids[1]] == 0


def test_it_is_told_in_a_few_lines():
    assert teacher_lines(None) == []
    told = {
        "teacher": "rules",
        "calls": 1200,
        "most": 2000,
        "cost": 2.4,
        "said": 1190,
        "failed": 10,
    }
    [line] = teacher_lines(told)
    assert "1,200 calls of 2,000, which cost 2.40" in line and "fails on 10 texts" in line
    own = audit_verdict(40, 0, 0.1)
    more = {
        "taught": 30,
        "judged": 500,
        "agreed": 0.4,
        "on": own.on,
        "why": own.why,
        "audited": 41,
        "answered": 40,
        "accepted": 0,
    }
    lines = teacher_lines({**told, **more})
    assert "30 texts trained as the teacher has them" in lines[1] and "40% of 500 texts" in lines[2]
    assert "is on: 0 of 40 audited texts were wrong" in lines[3] and "8.8%" in lines[3]
    assert "no success" in lines[4]
    off = audit_verdict(3, 1, 0.1)
    lines = teacher_lines({**told, "on": off.on, "why": off.why})
    assert "is off: 1 of 3 audited texts was wrong" in lines[-1]
