"""Noise by named rules: what each finds, what it leaves, and that `select` counts it."""

import random

import numpy
import pytest
import spacy

from spacy_al.config.section import NOISE, Check
from spacy_al.config.settings import Settings
from spacy_al.errors import UsageError
from spacy_al.query import noise
from spacy_al.query.noise import REASONS, RULES, line_keys, noise_bits, repeated
from spacy_al.query.select import select
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")
FOUND = {
    "mojibake": [
        "The patientâ€™s mother came.",
        "Herr MÃ¼ller kam zur Ã„rztin.",
        "The dose was \ufffd mg.",
        "He didn\x92t come.",
    ],
    "language": [
        "Der Patient hat gestern über Schmerzen geklagt und wurde nicht entlassen.",
        "Le patient est sorti de la clinique avec son frère et ne prend plus rien.",
        "Пациент был выписан домой и принимает лекарства.",
    ],
    "table": [
        "Hb | 12.3 | 11.9 | 12.8 | 13.0",
        "Na\t140\t138\t141\nK\t4.1\t4.0\t3.9",
        "140 4.1 102 24 12 0.9 110",
    ],
    "list": [
        "- rest\n- fluids\n- aspirin\n- call again",
        "1. Lease\n2. Rent\n3. Notice",
        "aspirin, ibuprofen, warfarin, heparin, digoxin, atenolol, codeine, morphine",
    ],
    "ocr": [
        "The p a t i e n t was fine",
        "The pat1ent w~s g1ven asp1rin for c0ugh",
        "he h|d a f3ver and pa1n ag^in",
    ],
}
CLEAN = [
    "The patient was given aspirin 100 mg daily and discharged home in good condition.",
    "Café au lait spots were seen; naïve approaches à la carte, said Mr Müller of São Paulo.",
    "Blood pressure 120/80, heart rate 72, temperature 37.2, saturation 98 %.",
    "Section 4.2 (b) applies to the Tenant, the Landlord and any Guarantor.",
    "A dose of 5 mg of vitamin B12 was given to patients aged 18, 19 and 20.",
    "von Willebrand disease is caused by deficiency of von Willebrand factor.",
    "I am OK.",
    "x",
    "",
]


def names_of(text, lang="en"):
    nlp = spacy.blank(lang)
    (bits,) = noise_bits([nlp.make_doc(text)]).tolist()
    return {name for bit, name in enumerate(RULES) if bits >> bit & 1}


@pytest.mark.parametrize("name, text", [(n, t) for n, texts in FOUND.items() for t in texts])
def test_each_rule_finds_what_it_is_for(name, text):
    assert name in names_of(text)


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_language_is_left(text):
    assert not names_of(text)


def test_the_language_is_that_of_the_pipeline():
    for lang, text in (("de", FOUND["language"][0]), ("fr", FOUND["language"][1])):
        assert not names_of(text, lang)
        assert "language" in names_of(CLEAN[0], lang)
    # of a language without a list nothing is said
    assert "language" not in names_of(CLEAN[0], "xx")


def test_repeated_lines():
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghij", k=6)) for _ in range(400)]
    own = [" ".join(draw.sample(words, 6)) for _ in range(60)]
    head, foot = "This message is confidential .", "Please do not reply ."
    texts = [f"{head}\n{line}\n{foot}" for line in own[:20]]
    texts += [f"{head}\n{line}\n{other}\nx {line}" for line, other in zip(own[20:40], own[40:])]
    texts += own[:20]
    keys = line_keys([NLP.make_doc(text) for text in texts])
    # two lines of three are everybody's, then one of four; a single line is never repeated
    assert repeated(keys).tolist() == [True] * 20 + [False] * 40
    assert not repeated(keys[:5]).any()


def test_a_line_counts_once_a_text():
    doc = NLP.make_doc("\n".join(["again and again"] * 30))
    keys = line_keys([doc])
    assert keys.shape == (1, 16) and not repeated(numpy.repeat(keys, 1, axis=0)).any()


def write_pool(path, texts):
    write_shards([NLP.make_doc(text) for text in texts], path, 1000)
    return path


def test_select_counts_what_it_leaves_out(tmp_path):
    clean = [
        f"{CLEAN[0]} It was the {word} visit." for word in ["first", "second", "third", "fourth"]
    ]
    bad = [text for texts in FOUND.values() for text in texts]
    pool = write_pool(tmp_path / "pool", [*clean, *bad])
    settings = Settings(filter={"noise": [*NOISE]}, labels=["A"], lang="en", batch_size=50)
    found = select(pool, settings=settings)
    assert {task["text"] for task in found.tasks} <= {*clean}
    for name in FOUND:
        assert found.report[REASONS[name]] >= 1
    left = sum(found.report[reason] for reason in REASONS.values())
    assert left == len(bad) and found.n_pool == len(clean)
    # one rule alone
    settings = Settings(filter={"noise": ["table"]}, labels=["A"], lang="en", batch_size=50)
    found = select(pool, settings=settings)
    assert found.report[REASONS["table"]] == len(FOUND["table"])
    assert found.report[REASONS["mojibake"]] == 0


def test_a_config_names_rules_that_there_are():
    assert {*NOISE} == {*noise.NAMES} == {*REASONS}
    check = Check("x.cfg")
    assert check.filter({"noise": ["table", "ocr"]}) == {"noise": ["table", "ocr"]}
    for bad in ("table", ["tables"], [1], 3):
        with pytest.raises(UsageError, match=r"AL083.*al\.filter\.noise"):
            check.filter({"noise": bad})
