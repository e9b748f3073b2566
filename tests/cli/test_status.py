"""`spacy-al status` in words: no score stands without how sure it is."""

from spacy_al.cli.status import format_status
from spacy_al.loop.best import best_model
from spacy_al.loop.status import _row


def test_each_score_stands_beside_its_interval(tmp_path):
    dev = {"score": 0.312, "score_name": "ents_f", "texts": 24, "interval": (0.211, 0.418)}
    old = {"score": 0.2, "score_name": "ents_f", "texts": 16}
    metrics = {0: {"dev": old}, 1: {"dev": dev}}

    class Project:
        config = tmp_path / "my.cfg"
        code = tmp_path / "functions.py"

        def folder(self, number):
            return tmp_path / f"round-{number:03}"

    for number in metrics:
        (Project().folder(number) / "model-best").mkdir(parents=True)
    found = {
        "rounds": [_row(k, row, 40, False, 0) for k, row in metrics.items()],
        "not_measured": {},
        "start": None,
        "champion": None,
        "drift": None,
        "privacy": None,
        "pool": None,
        "teacher": None,
        "plan": None,
        "best": best_model(Project(), metrics),
        "state": "wait",
        "sentence": "Waits.",
        "round": 1,
        "stopping": ["Goes on: 40 of 1,000 answers (budget)."],
    }
    said = format_status(found)
    # some of the round's own may have been given since
    assert "ℹ Round 1, before its answers: Goes on: 40 of 1,000 answers (budget)." in said
    row = next(line for line in said.splitlines() if "0.312" in line)
    assert "0.21 to 0.42" in row and "24" in row
    assert "entity F-score 0.312 on dev (of 24 texts; on others probably 0.21 to 0.42)" in said
    assert "ℹ interval: where the score on other texts" in said
    # what its config registers goes into the package
    assert "Make a package of it" in said and f"--name my --code {Project.code}" in said
    # what has learned nothing is nothing to ship
    dev["score"] = old["score"] = 0.0
    found["best"] = best_model(Project(), metrics)
    said = format_status(found)
    assert "learned nothing yet, so there is nothing to package." in said
    assert "Use it" not in said and "Make a package" not in said
    # a run of an earlier version does not know
    del dev["interval"]
    found["rounds"] = [_row(k, row, 40, False, 0) for k, row in metrics.items()]
    assert "ℹ interval" not in format_status(found)
