"""Noise that is planted, and how much of it strategies take."""

import random

import pytest
import spacy

from spacy_al.bench.noise import STRATEGIES, found_by_rules, settings_of, share_of_noise
from spacy_al.bench.noise_texts import KINDS, plant_noise
from spacy_al.corpus.shard import write_shard
from spacy_al.query.noise import NAMES
from spacy_al.query.select import select
from tests.helpers.ner_oracle import make_ner
from tests.helpers.ward import ward

TEXTS = [doc.text for doc in ward(120, seed=1)]


def test_planted_noise_is_of_all_kinds_and_no_text_of_the_corpus():
    planted = plant_noise(TEXTS, 60, random.Random(0), ["Der Mann geht nach Hause ."])
    assert len(planted) == 60 and not {*TEXTS} & {*planted}
    assert {*planted.values()} == {*KINDS, "language"}
    assert planted == plant_noise(TEXTS, 60, random.Random(0), ["Der Mann geht nach Hause ."])


def test_rules_find_more_of_the_noise_than_of_the_rest():
    planted = plant_noise(TEXTS, 100, random.Random(0))
    kinds = [*[None] * len(TEXTS), *planted.values()]
    found = found_by_rules([*TEXTS, *planted], kinds, "en")
    assert found["clean"][:2] == (120, 0.0)
    for kind in ("mojibake", "table", "boilerplate"):
        assert found[kind][2] > 0.9


@pytest.mark.slow
def test_the_filter_takes_noise_out_of_batches(tmp_path):
    model = tmp_path / "model"
    make_ner(updates=3).to_disk(model)
    planted = plant_noise(TEXTS, 40, random.Random(0))
    nlp = spacy.blank("en")
    made = [nlp.make_doc(text) for text in (*TEXTS, *planted)]
    pool = write_shard(made, tmp_path / "pool.spacy")
    found = share_of_noise(pool, planted, str(model), 20, 0)
    assert [*found] == [*STRATEGIES]
    assert sum(filtered for _, filtered in found.values()) < sum(
        plain for plain, _ in found.values()
    )
    # what is read once for all is what `select` reads
    for name in ("token entropy, mean", "k-centre", "mean × density"):
        for noise, share in zip(((), NAMES), found[name]):
            settings = settings_of(STRATEGIES[name], noise, 0)
            tasks = select(pool, n=20, model=str(model), settings=settings).tasks
            assert share == sum(task["text"] in planted for task in tasks) / 20
    assert settings_of(STRATEGIES["random"], (), 3).filter == {}
