"""The benchmark of sampling runs every arm, says what failed, and its table holds what was found."""

import json

import pytest

from spacy_al.bench import sampling
from spacy_al.bench.sampling import OPERATIONS, bench_sampling, format_sampling, run_arm

ARMS = [arm for arms in OPERATIONS.values() for arm in arms]


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_chooses_a_batch(arm):
    library = arm.partition(": ")[0] if ":" in arm else "numpy"
    pytest.importorskip(library)
    found = run_arm(arm, 400, 20, 0)
    assert found["chosen"] == 20
    assert found["wall"] >= 0 and found["process"] >= 0 and found["memory"] >= 0


@pytest.mark.slow
def test_what_fails_is_said(monkeypatch):
    monkeypatch.setattr(sampling, "OPERATIONS", {"highest": ["top_k", "no_such_sampler"]})
    found = bench_sampling([(300, 10, ("highest",))], limit=60)
    good, bad = found["rows"]
    assert good["chosen"] == 10 and "no_such_sampler" in bad["failed"]
    text = format_sampling(json.loads(json.dumps(found)))
    assert "300 rows" in text and "no_such_sampler" in text and "1.0" in text
