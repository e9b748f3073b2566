"""The measurement of sets, on a model whose gold is drawn from itself."""

import pytest
import spacy

from spacy_al.bench.conformal import LEVELS, conformal
from tests.evaluation.test_calibrate import drawn, saved
from tests.helpers.ner_oracle import make_ner


@pytest.mark.slow
# two temperatures may be no better than none on so few texts
@pytest.mark.filterwarnings("ignore:.ALW07")
def test_sets_of_a_model_cover_what_they_say(tmp_path):
    nlp = make_ner(scale=1.0)
    nlp.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    dev = saved(drawn(nlp, "ner", 60, temperature=1.5), tmp_path / "dev.spacy")
    test = saved(drawn(nlp, "ner", 80, temperature=1.5, seed=1), tmp_path / "test.spacy")
    found = conformal(str(tmp_path / "model"), dev, test, splits=20)
    assert found["documents"] == {"dev": 60, "test": 80}
    assert len(found["sets"]) == 2
    for rows in found["sets"].values():
        assert [row["level"] for row in rows] == [*LEVELS]
        assert all(abs(row["coverage"] - row["level"]) < 0.05 for row in rows)
    assert {"raw", "one temperature, isotonic"} <= found["marginals"].keys()
