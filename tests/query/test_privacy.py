"""Private batches of a pool: the same however it is stored, without propensities, and only where no text changes another's score."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import spacy

from spacy_al.config.recency import Recency
from spacy_al.config.self_training import SelfTraining
from spacy_al.config.settings import Settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.errors import AlWarning, UsageError
from spacy_al.loop.next_batch import select_next
from spacy_al.query.select import select
from spacy_al.store.store import Store
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

WORDS = [
    "aspirin",
    "fever",
    "lease",
    "tenant",
    "notice",
    "patient",
    "denies",
    "pain",
    "took",
    "daily",
    "two",
    "weeks",
    "Dr",
    "Smith",
    "Paris",
    "rent",
]
SECRET = 2**80 + 12345
BLOCK = {"@al_samplers": "spacy-al.private.v1", "epsilon": 2.0, "bound": 1.5}
SETTINGS = Settings(batch_size=10, seed=SECRET, blocks={"sampler": BLOCK})


def write_pool(path, texts, shard_size=10_000):
    nlp = spacy.blank("xx")
    write_shards([nlp.make_doc(text) for text in texts], path, shard_size)
    return path


@pytest.fixture(scope="module")
def texts():
    draw = random.Random(3)
    made = [" ".join(draw.choices(WORDS, k=draw.randint(4, 12))) for _ in range(120)]
    return [*dict.fromkeys(made)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    make_ner(("DRUG", "PER")).to_disk(folder)
    return str(folder)


def asked(found):
    return [task["text"] for task in found.tasks]


def test_a_pool_in_other_shards_and_another_order(tmp_path, texts, model):
    first = select(write_pool(tmp_path / "one", texts), settings=SETTINGS, model=model)
    shuffled = random.Random(1).sample(texts, len(texts))
    again = select(write_pool(tmp_path / "two", shuffled, 17), settings=SETTINGS, model=model)
    assert asked(again) == asked(first) and len(asked(first)) == 10
    assert again.privacy.propensities == pytest.approx(first.privacy.propensities, rel=1e-4)
    other = select(tmp_path / "one", settings=replace(SETTINGS, seed=SECRET + 1), model=model)
    assert asked(other) != asked(first)


def test_what_depends_on_the_whole_pool_is_not_said_with_a_question(tmp_path, texts, model):
    found = select(write_pool(tmp_path / "pool", texts), settings=SETTINGS, model=model)
    for task in found.tasks:
        assert not {"propensity", "eligible"} & set(task["meta"])
        assert task["meta"]["design"] == "private"
    known = found.privacy
    assert known.epsilon == 2.0 and len(known.propensities) == 10
    assert all(0 < chance < 1 for chance in known.propensities)
    assert 10 / len(texts) < known.overlap < 1 and known.chance == 10 / len(texts)


def test_one_more_text_leaves_the_scores_of_the_others(tmp_path, texts, model):
    """Copies and templates keep each other out of other batches, and would let one text say of another whether it is there."""
    copies = [f"{text} !" for text in texts[:30]]
    found = select(
        write_pool(tmp_path / "pool", [*texts, *copies]),
        settings=replace(SETTINGS, batch_size=len(texts) + 30),
        model=model,
    )
    assert len(found.tasks) == len(texts) + 30


def test_without_a_model_a_batch_costs_nothing(tmp_path, texts):
    found = select(write_pool(tmp_path / "pool", texts), settings=replace(SETTINGS, labels=["A"]))
    assert found.privacy.epsilon == 0 and found.strategy == "private"
    assert len(set(found.privacy.propensities)) == 10  # 1 / N, 1 / (N - 1), ...
    assert found.privacy.propensities[0] == pytest.approx(1 / len(texts))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"density_weight": 1.0}, "density_weight"),
        ({"filter": {"far": 0.1}}, "far"),
        ({"pretrain_epochs": 1}, "pretrain_epochs"),
        ({"self_training": SelfTraining()}, "self_training"),
        ({"recency": Recency(half_life_days=3.0)}, "half_life_days"),
        ({"weak": Path("weak.spacy")}, "weak"),
        ({"filter": {"noise": ["boilerplate"]}}, "boilerplate"),
        ({"teacher": TeacherBlock(pipeline="x", train=0.1)}, "teacher"),
        ({"learner": "vectors"}, 'learner = "vectors"'),
    ],
)
def test_refuses_what_lets_texts_change_each_other(tmp_path, texts, model, change, said):
    pool = write_pool(tmp_path / "pool", texts)
    with pytest.raises(UsageError, match=r"AL470") as caught:
        select(pool, settings=replace(SETTINGS, **change), model=model)
    assert said in str(caught.value)


def test_patterns_are_refused_as_well(tmp_path, texts):
    patterns = tmp_path / "terms.jsonl"
    patterns.write_text(json.dumps({"label": "DRUG", "pattern": "aspirin"}), encoding="utf8")
    with pytest.raises(UsageError, match=r"AL470.*patterns"):
        select(write_pool(tmp_path / "pool", texts), settings=SETTINGS, patterns=patterns)


def test_a_seed_that_can_be_guessed_is_warned_of(tmp_path, texts, model):
    pool = write_pool(tmp_path / "pool", texts)
    settings = replace(SETTINGS, output=tmp_path / "run")
    select_next(pool, settings, model=model)
    for bad in ({"settings": replace(settings, seed=7)}, {"settings": settings, "seed": 7}):
        with pytest.warns(AlWarning, match="ALW470.*seed 7"):
            select_next(pool, model=model, **bad)


def test_what_a_run_keeps_account_of_is_not_chosen_beside_it(tmp_path, texts, model):
    with Store(tmp_path / "run" / "al.db") as store:
        store.open_round(0)
    settings = replace(SETTINGS, output=tmp_path / "run")
    with pytest.raises(UsageError, match="AL472"):
        select_next(write_pool(tmp_path / "pool", texts), settings, model=model)
