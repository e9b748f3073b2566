"""A billion reckoned from thousands: the lines, the arithmetic, and a run of both commands on little."""

import json

import numpy
import pytest
import typer
from typer.testing import CliRunner

from spacy_al.bench import proposals, refresh, scale, scale_lines
from spacy_al.bench.scale_pool import make_pool
from spacy_al.corpus.pool import n_stored, pool_texts, shards
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, write

POINT = ("texts", "wall", "cpu", "own", "others")


def rows_of(each, start, sizes, noise=0.0):
    rng = numpy.random.default_rng(0)
    return [
        {"texts": float(size)}
        | {
            name: (start + each * size) * (1 + noise * rng.normal())
            for name in scale_lines.MEASURED
        }
        for size in sizes
    ]


def test_lines_leave_the_largest_out_and_are_compared_with_it():
    found = scale_lines.formulae(rows_of(0.5, 7.0, (10, 20, 30, 100)))
    for line in found.values():
        assert (line["each"], line["start"]) == pytest.approx((0.5, 7.0))
        assert line["error"] == pytest.approx(0, abs=1e-9)
    rows = rows_of(0.5, 7.0, (10, 20, 30))
    # what grows as the square is no line
    rows.append({"texts": 100.0} | dict.fromkeys(scale_lines.MEASURED, 500.0))
    assert scale_lines.formulae(rows)["cpu_score"]["error"] == pytest.approx(57 / 500 - 1)


def test_how_straight_a_pool_is_scored():
    points = [{"texts": 10.0 * k, "cpu": 3 + 2.0 * k} for k in range(5)]
    # before the first text, and after the last, nothing is scored
    points[0]["cpu"] = 0
    points.append({"texts": 40.0, "cpu": 99.0})
    sizes, off = scale_lines.off_line(points, "cpu")
    assert sizes.tolist() == [10, 20, 30] and off == pytest.approx([0, 0, 0])
    points[2]["cpu"] += 0.9
    _, off = scale_lines.off_line(points, "cpu")
    # least squares leave a third, two thirds and a third of it
    assert off == pytest.approx([-0.3 / 9, 0.6 / 9, -0.3 / 9])
    assert not len(scale_lines.off_line(points[:3], "cpu")[0])


def test_the_arithmetic_by_hand():
    lines = {name: {"each": 2.0, "start": 0.0, "error": 0.0} for name in scale_lines.MEASURED}
    lines["cpu_score"]["each"] = 0.001
    found = scale_lines.arithmetic(lines, tokens=20, width=100, cores=10, core_hour=0.1, gb_month=1)
    results = {what: result for what, _, result in found}
    assert results["the pool"] == results["cached scores"] == "2.0 GB"
    assert results["vectors of texts"] == "232.0 GB"
    assert results["and of tokens"] == "4.23 TB"
    # a millisecond a text is a million seconds
    assert results["scoring, core hours"] == "278" and results["scoring, money"] == "28"
    assert results["scoring, hours on 10 cores"] == "27.8"
    assert results["a month on disk, money"] == "236"


def test_copies_are_texts_of_their_own(tmp_path):
    make_pool(TEXTS, 6000, tmp_path / "pool", seed=1)
    assert n_stored(tmp_path / "pool") == 6000 and len(shards(tmp_path / "pool")) == 2
    texts = list(pool_texts(tmp_path / "pool"))
    assert len(set(texts)) > 5500
    lengths = [len(text.split()) for text in texts[: len(TEXTS)]]
    assert lengths == [len(text.split()) for text in TEXTS]
    # one that was broken off goes on to the same pool
    before = [path.read_bytes() for path in shards(tmp_path / "pool")]
    shards(tmp_path / "pool")[1].unlink()
    make_pool(TEXTS, 6000, tmp_path / "pool", seed=1)
    assert [path.read_bytes() for path in shards(tmp_path / "pool")] == before


@pytest.mark.slow
def test_both_commands(tmp_path, monkeypatch):
    app = typer.Typer()
    app.command("scale")(scale.scale_cli)
    app.command("refresh")(refresh.refresh_cli)
    for number in (1, 2):
        make_ner(updates=3 * number).to_disk(tmp_path / f"model-{number}")
    pool = write(TEXTS, tmp_path / "pool", 50)
    how = [str(tmp_path / "model-1"), str(pool), "--workers", "1", "--work", str(tmp_path / "work")]
    how += [word for size in (60, 90, 120) for word in ("--size", str(size))]
    how += ["-o", str(tmp_path / "scale.json"), "--plot", str(tmp_path / "scale.png")]
    done = CliRunner().invoke(app, ["scale", *how], catch_exceptions=False)
    assert done.exit_code == 0 and "cached scores" in done.output, done.output
    found = json.loads((tmp_path / "scale.json").read_text())
    assert [row["texts"] for row in found["rows"]] == [60, 90, 120]
    assert all(row[name] > 0 for row in found["rows"] for name in scale_lines.MEASURED)
    assert (tmp_path / "scale.png").read_bytes().startswith(b"\x89PNG")
    assert min(row["worker_memory"] for row in found["rows"]) == 0
    # nothing is left of the pools, and what is measured is not measured again
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [scale.BATCH, scale.STATE]
    with monkeypatch.context() as patch:
        patch.setattr(scale, "watch_command", None)
        assert CliRunner().invoke(app, ["scale", *how]).exit_code == 0
        assert json.loads((tmp_path / "scale.json").read_text()) == found
        assert CliRunner().invoke(app, ["scale", *how, "--seed", "1"]).exit_code == 2
        # what was broken off goes on, and what it took before counts
        state = json.loads((tmp_path / "work" / scale.STATE).read_text())
        state["steps"]["120 known"] |= {"done": False, "points": [dict.fromkeys(POINT, 1e12)]}
        (tmp_path / "work" / scale.STATE).write_text(json.dumps(state))
        assert CliRunner().invoke(app, ["scale", *how]).exit_code == 1
    assert CliRunner().invoke(app, ["scale", *how]).exit_code == 0
    *same, other = json.loads((tmp_path / "scale.json").read_text())["rows"]
    assert same == found["rows"][:2] and other["cpu_known"] > 1e12
    assert other["cpu_score"] == found["rows"][2]["cpu_score"]
    models = [str(tmp_path / f"model-{number}") for number in (1, 2)]
    done = CliRunner().invoke(app, ["refresh", str(pool), *models, "-n", "10", "--share", "1"])
    assert done.exit_code == 0, done.output
    # all of two shards of 50, and of one of 50, is all there is
    found = proposals.compare_proposed(pool, models[0], n=10, most=[50, 12], samplers=["top_k"])
    assert found[0][1][0] == 1.0 and found[0][1][1] >= 0.8
    rows = refresh.compare_refreshed(pool, *models, n=10, shares=[0.3, 1.0])
    assert rows[2] == (1.0, 1.0, 1.0) and 0.3 <= rows[1][1] <= 0.5 and rows[1][2] >= rows[0][2]


def test_two_sizes_are_too_few(tmp_path):
    app = typer.Typer()
    app.command()(scale.scale_cli)
    done = CliRunner().invoke(app, [str(tmp_path), str(tmp_path), "--size", "5", "--size", "6"])
    assert done.exit_code == 2
