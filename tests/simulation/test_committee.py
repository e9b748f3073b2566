"""Committees in a simulation: trained as the loop trains them, from the start on which all strategies agree."""

from dataclasses import replace

import pytest
from confection import Config
from spacy.cli.train import train

from spacy_al.config.settings import overlaid, read_settings, read_strategies
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.query.select import select
from spacy_al.simulation.results import read_results
from spacy_al.util import content_hash
from tests.simulation.test_simulate import CONFIG, fixed, run, small  # noqa: F401

KINDS = ("seeds", "bootstrap", "checkpoints", "heads")
ARM = """
[{kind}]
posterior = null
committee = "{kind}"
committee_size = 2

[{kind}.acquisition]
@al_acquisitions = "spacy-al.bald.v1"
"""


@pytest.fixture
def strategies(tmp_path):
    path = tmp_path / "strategies.cfg"
    path.write_text("".join(ARM.format(kind=kind) for kind in KINDS), "utf8")
    return path


@pytest.mark.slow
def test_each_kind_chooses_where_its_members_disagree(small, strategies, tmp_path):  # noqa: F811
    output = tmp_path / "out"
    result = run(small, output, "--strategies", strategies)
    assert result.exit_code == 0, result.output
    rows = {(row["strategy"], row["round"]): row for row in read_results(output)}
    assert set(rows) == {(kind, k) for kind in (*KINDS, "random") for k in (0, 1)}
    # the model itself is the same as without a committee
    assert len({rows[kind, 0]["score"] for kind in (*KINDS, "random")}) == 1
    assert len({tuple(rows[kind, 0]["batch"]) for kind in KINDS}) == len(KINDS)
    # the member by hand: another seed on the same corpus
    start = output / "start" / "seed-0"
    config = Config().from_disk(start / "config.cfg", interpolate=False)
    config["training"]["seed"] = 1000
    config["paths"]["train"] = str(start / "train.spacy")
    config.to_disk(tmp_path / "member.cfg")
    train(tmp_path / "member.cfg", tmp_path / "member")
    members = [str(tmp_path / "member" / "model-best")]
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": members}
    settings = overlaid(read_settings(CONFIG), read_strategies(strategies)["seeds"], "x")
    blocks = {**settings.blocks, "posterior": block}
    settings = replace(settings, committee="none", blocks=blocks, train=None, dev=None, test=None)
    how = {"n": 10, "seed": 0, "round": 0, "model": str(start / "model-best"), "settings": settings}
    asked = labelled_ids(start / "train.spacy")
    chosen = select(output / "pool.spacy", asked=asked, **how)
    assert rows["seeds", 0]["batch"] == [content_hash(task["text"]) for task in chosen.tasks]
    # nothing of it is left, and it is the same again
    assert not (output / "work").exists()
    again = tmp_path / "again"
    more = ["--strategy", "seeds", "--strategies", strategies]
    assert run(small, again, *more).exit_code == 0
    assert set(fixed(again)) <= set(fixed(output))


@pytest.mark.slow
def test_it_cannot_be_beside_a_posterior(small, strategies, tmp_path):  # noqa: F811
    other = '[seeds.posterior]\n@al_posteriors = "spacy-al.dropout.v1"\n'
    text = strategies.read_text("utf8")
    strategies.write_text(text.replace("posterior = null\n", "") + other)
    result = run(small, tmp_path / "out", "--strategies", strategies, "--strategy", "seeds")
    assert result.exit_code == 2 and "al.committee" in result.output, result.output
