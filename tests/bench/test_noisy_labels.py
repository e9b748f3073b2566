"""Learning from a corpus with mistakes: the table compares each arm with all of the corpus, seed by seed."""

from pathlib import Path

from spacy.util import load_config

from spacy_al.bench.noisy_labels import batched_config, most_doubtful, noisy_table


def test_the_table_compares_seed_by_seed():
    row = {"corpus": "phee", "texts": 500, "wrong": 40, "found": 20, "mean rate": 0.8}
    row |= {"mean rate wrong": 0.5, "all": 0.5, "P(right)": 0.52, "dropped": 0.49}
    rows = [
        {**row, "rate": 0.05, "seed": 0, "corrected": 0.53, "clean": 0.6},
        {**row, "rate": 0.05, "seed": 1, "corrected": 0.55, "clean": 0.62, "P(right)": 0.46},
        {
            **row,
            "rate": 0.2,
            "seed": 0,
            "corrected": 0.51,
            "dropped twice": 0.51,
            "found again": 25,
        },
    ]
    first, second = [one for one in noisy_table(rows).splitlines() if one.startswith("phee")]
    assert "0.490 (+0.020 -0.040)" in first and "0.490 (-0.010 -0.010)" in first
    assert "0.610" in first and "20 of 40" in first and "0.80, 0.50" in first
    # what has no mistakes is the same for all rates
    assert "0.600" in second and " 20%" in second
    assert "0.510 (+0.010)" in second and "20, 25 of 40" in second


def test_of_which_nothing_is_doubted_nothing_is_dropped():
    scores = {0: 0.5, 3: 0.0, 5: 0.7, 8: 0.5}
    assert most_doubtful(scores, 2) == {5, 0} and most_doubtful(scores, 9) == {0, 5, 8}


def test_the_config_has_the_batcher_around_its_own(tmp_path):
    config = Path(__file__).parents[2] / "configs" / "ner.cfg"
    made = load_config(batched_config(config, tmp_path), interpolate=False)
    own = load_config(config, interpolate=False)["training"]["batcher"]
    block = {"@batchers": "spacy-al.batch_sampled.v1", "batcher": own}
    assert made["training"]["batcher"] == block
