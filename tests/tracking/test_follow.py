"""A run that is followed: what loggers are told and when, and that a tracker which fails does no harm."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.settings import read_settings
from spacy_al.config.tracking import read_tracking
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.store.store import Store
from spacy_al.tracking.facts import label_name, run_key, tracked_rounds
from spacy_al.tracking.follow import tracked_project
from spacy_al.tracking.ledger import FILE
from tests.tracking.conftest import project, tracked

TOLD = []
BROKEN = []


@spacy.registry.loggers("al_test_logger.v1")
def make_logger(fails: bool = False):
    def setup(nlp, stdout, stderr):
        TOLD.append(("setup", nlp.pipe_names))

        def log_step(info):
            if fails and BROKEN:
                raise ConnectionError(BROKEN[0])
            TOLD.append(("step", info))

        return log_step, lambda: TOLD.append(("end", None))

    return setup


OWN = '[al.tracking.logger]\n@loggers = "al_test_logger.v1"\n'


@pytest.fixture(autouse=True)
def nothing_told():
    TOLD.clear()
    BROKEN.clear()


def steps():
    return [info for kind, info in TOLD if kind == "step"]


def test_a_logger_gets_each_round_once(run):
    run(score=0.4)
    with tracked_project(tracked(OWN)) as one:
        one.follow()
        run("much", score=0.6)
        one.follow()
        one.follow()
    assert [kind for kind, _ in TOLD] == ["setup", "step", "step", "end"]
    first, second = steps()
    assert (first["step"], second["step"]) == (0, 1)
    assert second["score"] == 0.6 and max(second["checkpoints"]) == (0.6, 1)
    assert second["other_scores"]["dev.DRUG.f"] == 0.6 and second["other_scores"]["ece"] == 0.05
    assert set(second["losses"]) == {"ner"} and second["output_path"] is None
    # a later command tells what is new alone
    run("none", score=0.1)
    with tracked_project(project()) as one:
        one.follow()
    assert [info["step"] for info in steps()] == [0, 1, 2]


@pytest.mark.parametrize("name", ["spacy.ConsoleLogger.v1", "spacy.ConsoleLogger.v3"])
def test_loggers_of_spacys_own_understand_it(run, name):
    lines = []
    run(score=0.4)
    block = f'[al.tracking.logger]\n@loggers = "{name}"\n'
    if name.endswith("v3"):
        block += "console_output = true\n"
    with tracked_project(tracked(block, show=lines.append)) as one:
        one.follow()
    assert any("0.40" in line for line in lines), lines


def test_a_tracker_that_fails_is_said_once_and_told_later(run):
    lines = []
    run(score=0.4)
    BROKEN.append("https://ann:secret@nowhere is down")
    block = OWN + "fails = true\n"
    with (
        pytest.warns(AlWarning, match="ALW370") as said,
        tracked_project(tracked(block, show=lines.append)) as one,
    ):
        one.follow()
        run("much", score=0.6)
        one.follow()
    assert len(said) == 1 and "secret" not in str(said[0].message) and "ann" not in lines[-1]
    assert "has missed 2 steps" in lines[-1] and not steps()
    assert "secret" not in Path("run", FILE).read_text()
    BROKEN.clear()
    with tracked_project(project(show=lines.append)) as one:
        one.follow()
    assert [info["step"] for info in steps()] == [0, 1]
    assert lines[-1] == "✔ the logger was told what it had missed: round 0, round 1"


def test_a_damaged_ledger_is_none(run):
    run(score=0.4)
    Path("run", FILE).write_text("[1,")
    with tracked_project(tracked(OWN)) as one:
        one.follow()
    assert len(steps()) == 1 and json.loads(Path("run", FILE).read_text())


def test_nothing_of_the_texts_is_told(run):
    run(score=0.4)
    with Store(Path("run", "al.db"), create=False) as store:
        [facts] = tracked_rounds(store, project())
        assert run_key(store) == run_key(store)
    told = json.dumps(asdict(facts), default=str)
    # a word of each text of the pool begins so
    assert "t1x" not in told and "aspirin" not in told
    assert facts.params["batch_size"] == "7" and facts.params["sampler"] == "spacy-al.top_k.v1"
    assert facts.params["training.seed"] == "7" and facts.params["learner"] == "scratch"
    assert set(facts.hashes) == {"train", "dev", "config", "model"}
    assert facts.metrics["dev.low"] == pytest.approx(0.3) and "dev.recall" not in facts.metrics


def test_two_labels_never_become_one():
    assert label_name("DRUG") == "DRUG"
    assert label_name("A/B") != label_name("A|B")
    assert len(label_name("x" * 1000)) < 120 and "/" not in label_name("../x")


def test_it_is_not_on_without_the_block(run):
    run()
    one = project()
    with tracked_project(one) as same:
        assert same is one
    assert not Path("run", FILE).exists()


def test_a_block_that_says_nothing_is_refused_before_anything_is_done(run):
    run()
    with pytest.raises(UsageError, match="AL372"), tracked_project(tracked('experiment = "x"\n')):
        pass


def test_mlflow_that_is_missing_is_said(run, monkeypatch):
    run()
    monkeypatch.setattr("spacy_al.tracking.mlflow_tracker.find_spec", lambda name: None)
    one = tracked('uri = "sqlite:///x.db"\n')
    with pytest.raises(AlError, match=r"AL371.*spacy-al\[mlflow\]"), tracked_project(one):
        pass


@pytest.mark.parametrize(
    "block",
    [
        {"urls": "x"},
        {"uri": 3},
        {"log_model": 1},
        {"report": "all"},
        {"logger": {}},
        {"logger": {"@loggers": "nobody.knows.v1"}},
        "x",
    ],
)
def test_what_cannot_be_meant_is_refused(block):
    def refuse(*why):
        raise UsageError(f"[AL083] {why}")

    with pytest.raises(UsageError, match=r"AL08[34]"):
        read_tracking(block, refuse)


def test_a_password_is_on_no_command_line_and_in_no_round(run):
    said = CliRunner().invoke(
        app, ["status", "x.cfg", "--al.tracking.uri", "https://ann:secret@host"]
    )
    assert said.exit_code == 2 and "AL370" in said.output and "secret" not in said.output
    found = tracked('uri = "https://ann:secret@host"\n').settings
    assert found.tracking.uri == "https://ann:secret@host" and "secret" not in repr(found)
    # without credentials it may stand there
    read_settings(Path("x.cfg"), {"al.tracking.uri": "https://host:5000"})
    run()
    assert "secret" not in Path("run", "round-000", "config.cfg").read_text()
