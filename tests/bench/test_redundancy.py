"""Batches that are chosen with texts of one template apart, and without."""

import numpy
import pytest

from spacy_al.bench.redundancy import MEASURES, redundancy
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import save_light, write

TEXTS = [f"The tenant pays {name} in advance" for name in ("Anna", "Bert", "Cora", "Dora", "Emil")]
TEXTS += [f"Patient {name} sleeps on ward" for name in ("Fred", "Gina", "Hugo", "Iris", "Jan")]
TEXTS += ["Rain fell all night", "who knows", "bread and butter", "so be it then", "no fever now"]


@pytest.mark.slow
def test_no_text_whose_template_came_before(tmp_path):
    model, pool = save_light(make_ner(updates=3), tmp_path / "model"), write(TEXTS, tmp_path, 40)

    def embed(docs):
        return numpy.eye(len(docs), 40)

    found = redundancy(pool, model, n=5, batches=1, embed=embed)
    assert found["templates apart"][MEASURES[0]] == 0
    assert found["copies apart"][MEASURES[0]] >= 0
    assert found["random"][MEASURES[1]] == 0
    assert found["of the pool"] == {
        "texts": len(TEXTS),
        "copies": 0,
        "in a template": pytest.approx(10 / 15),
    }
