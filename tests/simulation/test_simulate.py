"""Simulations: what they compare, that they go on where they were, and what a person reads when they cannot."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.partial import Partial
from spacy_al.config.settings import Settings, overlaid, read_strategies
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.errors import AlError, UsageError
from spacy_al.measures.learning_curve import compare, curves
from spacy_al.oracle.annotator import STUDY
from spacy_al.query.select import select
from spacy_al.reporting.plot import plot
from spacy_al.simulation import SimulationPlan
from spacy_al.simulation.annotator import answered
from spacy_al.simulation.corpus import read_corpus
from spacy_al.simulation.facts import found_of
from spacy_al.simulation.plan import check_plan, check_simulated, composed, default_strategy
from spacy_al.simulation.results import read_results
from spacy_al.simulation.summary import title_of
from spacy_al.util import content_hash

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "ner.cfg"


def row(strategy, seed, number, words, score):
    return {"strategy": strategy, "seed": seed, "round": number, "words": words, "score": score}


def lines(strategy, seed, points):
    return [row(strategy, seed, i, *point) for i, point in enumerate(points)]


def test_compare_is_paired_by_seed_and_by_cost():
    rows = [
        *lines("random", 0, [(100, 0.2), (200, 0.4), (300, 0.6)]),
        *lines("random", 1, [(100, 0.1), (200, 0.3), (300, 0.5)]),
        # half the words for the same score
        *lines("half", 0, [(100, 0.2), (150, 0.4), (200, 0.6)]),
        *lines("half", 1, [(100, 0.1), (150, 0.3), (200, 0.5)]),
    ]
    found = {item["strategy"]: item for item in compare(rows)}
    # from 100 to 200 words the means are .4 and .3, and .3 and .2
    assert found["half"]["gain"] == pytest.approx(0.1)
    assert found["half"]["low"] == pytest.approx(0.1) == found["half"]["high"]
    assert found["half"]["savings"] == pytest.approx(1 / 3)
    assert found["random"]["gain"] == 0
    assert found["half"]["final"] == pytest.approx(0.55)


def test_the_interval_is_students():
    rows = []
    for seed, gain in enumerate((0.1, 0.2, 0.3)):
        rows += lines("random", seed, [(0, 0.0), (10, 0.0)])
        rows += lines("other", seed, [(0, gain), (10, gain)])
    other = next(item for item in compare(rows) if item["strategy"] == "other")
    # t(.975, 2) = 4.3027, standard error .1 / sqrt(3)
    assert other["high"] - other["gain"] == pytest.approx(4.302653 * 0.1 / numpy.sqrt(3), rel=1e-5)
    # two-sided p of t = .2 sqrt(3) / .1 with 2 degrees of freedom: 1 - t / sqrt(2 + t^2)
    t = 2 * numpy.sqrt(3)
    assert other["p"] == pytest.approx(1 - t / numpy.sqrt(2 + t * t))


def test_shares_of_the_full_score_and_what_is_saved_on_the_way():
    rows = [
        *lines("random", 0, [(100, 0.4), (200, 0.8), (300, 0.8)]),
        *lines("random", 1, [(100, 0.5), (200, 0.7), (300, 0.75)]),
        *lines("quick", 0, [(100, 0.4), (150, 0.8), (250, 0.9)]),
        *lines("quick", 1, [(100, 0.5), (140, 0.7), (180, 0.9)]),
    ]
    found = {r["strategy"]: r for r in compare(rows, full={"score": 0.8, "words": 1000})}
    # .72 is reached at 140 words by one seed (100 + 50 * .32 / .4), at 144 by the other (140 + 40 * .02 / .2)
    assert found["quick"]["share_to_90"] == pytest.approx((140 + 144) / 2 / 1000)
    # by random at 180 and at 240
    assert found["random"]["share_to_90"] == pytest.approx((180 + 240) / 2 / 1000)
    assert found["quick"]["savings_to_90"] == pytest.approx(1 - (140 / 180 + 144 / 240) / 2)
    # .792 only by one seed of random
    assert found["random"]["share_to_99"] is None and found["random"]["reached_99"] == 1
    assert found["quick"]["savings_to_99"] is None and found["quick"]["reached_99"] == 2
    # random's last score counts where random reached it first
    assert found["quick"]["savings"] == pytest.approx(1 - (150 / 200 + 150 / 300) / 2)


def test_rare_labels_are_counted_in_what_was_chosen():
    rows = []
    for seed, found in enumerate((3, 5)):
        rows.append({"seed": seed, "round": 0, "texts": 10, "labels": {"A": 9, "B": 1}})
        rows.append({"seed": seed, "round": 1, "texts": 30, "labels": {"A": 20, "B": 1 + found}})
    assert found_of(rows, "B") == {"found": 4.0, "per_100_texts": 20.0}
    assert found_of(rows, "C") == {"found": 0.0, "per_100_texts": 0.0}


def test_how_soon_a_rare_label_is_learned():
    rows = []
    for seed, last in enumerate((0.8, 0.7)):
        # nothing is said of a label that is neither there nor predicted
        rows.append({"seed": seed, "round": 0, "texts": 10, "labels": {"B": 1}, "f_by_label": {}})
        own = {"texts": 30, "labels": {"B": 3}, "f_by_label": {"A": 0.9, "B": last}}
        rows.append({"seed": seed, "round": 1, **own})
    full = {"f_by_label": {"A": 0.95, "B": 0.8}}
    told = found_of(rows, "B", full)
    # .64 is reached at 10 + 20 * .64 / .8 and at 10 + 20 * .64 / .7 texts, .76 by one seed only
    assert told["texts_to_80"] == pytest.approx((26 + 10 + 20 * 0.64 / 0.7) / 2)
    assert told["texts_to_95"] is None and told["reached_95"] == 1
    # nothing is known of a label that the whole corpus does not teach, and of results of older versions
    assert "texts_to_80" not in found_of(rows, "C", full)
    del rows[1]["f_by_label"]
    assert "texts_to_80" not in found_of(rows, "B", full)


def test_savings_are_left_out_where_the_target_is_not_reached():
    rows = lines("random", 0, [(0, 0.0), (10, 0.9)]) + lines("weak", 0, [(0, 0.0), (10, 0.5)])
    weak = next(item for item in compare(rows) if item["strategy"] == "weak")
    assert weak["savings"] is None and weak["low"] is None


@pytest.mark.slow
def test_the_plot_is_a_picture(tmp_path):
    rows = lines("random", 0, [(0, 0.0), (10, 0.5)]) + lines("mnlp", 0, [(0, 0.0), (10, 0.6)])
    assert list(curves(rows)) == ["random", "mnlp"]
    path = tmp_path / "curve.png"
    plot(rows, path, title="t", score_name="F", full={"score": 0.7, "words": 100})
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_legend_stands_beside_curves_that_fall(tmp_path, monkeypatch):
    from matplotlib import pyplot

    kept = []
    monkeypatch.setattr(pyplot, "close", kept.append)
    points = [(500, 0.83), (860, 0.69), (1240, 0.65), (1530, 0.49)]
    rows = lines("random", 0, points) + lines("mnlp", 0, [(w, s + 0.1) for w, s in points])
    plot(rows, tmp_path / "curve.png", title="t", score_name="F")
    monkeypatch.undo()
    (axes,) = kept[0].axes
    box = axes.get_legend().get_window_extent()
    assert not any(box.contains(*axes.transData.transform(point)) for point in points)
    pyplot.close(kept[0])


def test_a_title_has_the_folder_of_a_corpus_that_was_named_without_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert title_of(Path("train.spacy")) == f"{tmp_path.name}: train"
    assert title_of(Path("bc5cdr") / "train.spacy") == "bc5cdr: train"


def test_a_line_that_was_cut_off_is_run_again(tmp_path):
    whole = json.dumps(row("random", 0, 0, 1, 0.1))
    (tmp_path / "results.jsonl").write_text(f"{whole}\n{whole[:20]}", "utf8")
    assert len(read_results(tmp_path)) == 1


# What a strategy is, and what annotators say

BALD, DROPOUT = {"@al_acquisitions": "spacy-al.bald.v1"}, "spacy-al.dropout.v1"
OWN = {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "mean"}


def test_a_strategy_is_composed_of_what_is_registered():
    settings = Settings(density_weight=0.0, blocks={"acquisition": OWN})
    made = composed(settings, "mnlp+density+uniform", "ner")
    assert made.density_weight == 1.0
    assert made.blocks["acquisition"] == {"@al_acquisitions": "spacy-al.mnlp.v1"}
    assert made.blocks["sampler"] == {"@al_samplers": "spacy-al.uniform.v1"}
    # the config's own function keeps its settings, the config's own weight its size
    assert composed(settings, "token_entropy", "ner") == settings
    heavy = Settings(density_weight=0.3, blocks={"acquisition": OWN})
    assert composed(heavy, "mnlp+density", "ner").density_weight == 0.3
    # chance has nothing of either
    assert composed(heavy, "random", "ner").density_weight == 0
    assert composed(heavy, "random", "ner").blocks == {
        "sampler": {"@al_samplers": "spacy-al.uniform.v1"}
    }
    assert default_strategy(settings, "ner") == "token_entropy"
    assert default_strategy(Settings(), "textcat") == "margin"
    assert default_strategy(Settings(), "textcat_multilabel") == "binary_entropy"


@pytest.mark.parametrize(
    "name,factory,message",
    [
        ("mnlp", "textcat", "AL106"),
        ("margin", "ner", "AL106"),
        ("mnlp+", "ner", "AL105"),
        ("mlp", "ner", "mnlp, expected_errors, .*density"),
    ],
)
def test_a_strategy_that_cannot_be_is_refused(name, factory, message):
    with pytest.raises(UsageError, match=message):
        composed(Settings(), name, factory)


def corpus_of(small, oracle=None):
    gold, dev, test = (small / f"{name}.spacy" for name in ("pool_gold", "dev", "test"))
    more = ((), (0,), 5, 5, 1, {}, Settings(), "ner", "ner", oracle)
    return read_corpus(SimulationPlan(CONFIG, gold, dev, test, *more), Vocab())


def entities(docs):
    return [{(e.start_char, e.end_char, e.label_) for e in doc.ents} for doc in docs]


@pytest.mark.slow
def test_annotators_are_worse_and_slower_on_what_was_chosen_alone(small):
    gold, real = corpus_of(small), corpus_of(small, {**STUDY, "chosen_errors": 0.3})
    ids = sorted(gold.docs)
    batches = [ids[:10], ids[10:]]
    never_wrong = answered(gold, batches, True, 0)
    assert never_wrong.docs == [gold.docs[i] for i in ids] and not never_wrong.report
    drawn, chosen = answered(real, batches, False, 0), answered(real, batches, True, 0)
    right = entities(never_wrong.docs)
    assert entities(drawn.docs) == right and drawn.report["accepted"] == len(ids)
    # the first texts are chance's in any case
    assert entities(chosen.docs[:10]) == right[:10]
    assert entities(chosen.docs[10:]) != right[10:]
    first, rest = (answered(real, [part], False, 0).seconds for part in batches)
    assert drawn.seconds == pytest.approx(first + rest)
    assert chosen.seconds == pytest.approx(first + rest / 0.79)
    # mistakes belong to texts, not to the order in which they are asked
    again = answered(real, [ids[:10], ids[:9:-1]], True, 0)
    assert entities(again.docs[:9:-1]) == entities(chosen.docs[10:])


@pytest.mark.slow
def test_what_is_measured_on_is_never_asked(small):
    corpus = corpus_of(small)
    assert corpus.dropped == {"in dev or test": 1}
    assert not corpus.docs.keys() & labelled_ids(small / "test.spacy")
    assert len(set(corpus.draw(3))) == 5 and corpus.draw(3) != corpus.draw(4)
    assert not any(doc.ents for doc in corpus.bare())


# What is run: of each round the same, whoever runs it and however often it was disturbed

TIMES = ("seconds_train", "seconds_evaluate", "seconds_select")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Sixty sentences of the shipped corpus, and fewer to measure on, of which one is in the corpus as well."""
    folder = tmp_path_factory.mktemp("simulate")
    vocab = Vocab()
    for name, count in (("pool_gold", 60), ("dev", 20), ("test", 20)):
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(vocab))[:count]
        if name == "pool_gold":
            known = docs[0]
        if name == "test":
            docs.append(known)
        DocBin(docs=docs).to_disk(folder / f"{name}.spacy")
    return folder


def words_of(small, output, *more):
    words = ["simulate", str(CONFIG), "--gold", str(small / "pool_gold.spacy"), "-o", str(output)]
    words += ["--paths.dev", str(small / "dev.spacy"), "--paths.test", str(small / "test.spacy")]
    words += ["--seeds", "1", "--start", "20", "--rounds", "1", "--al.batch_size", "10"]
    words += ["--training.max_steps", "40", "--training.eval_frequency", "20"]
    return [*words, *more]


def run(small, output, *more):
    return CliRunner().invoke(app, words_of(small, output, *more))


def fixed(output):
    """The bytes of what does not depend on time."""
    rows = [{k: v for k, v in row.items() if k not in TIMES} for row in read_results(output)]
    return [json.dumps(row).encode() for row in rows]


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """A simulation that was never disturbed, in one process."""
    output = tmp_path_factory.mktemp("whole")
    result = run(small, output, "--n-process", "1", "--full", "40", "--strategy", "mnlp+density")
    assert result.exit_code == 0, result.output
    return output, result


@pytest.mark.slow
def test_a_simulation_says_what_it_found(whole):
    output, result = whole
    rows = read_results(output)
    assert [(r["strategy"], r["round"], r["texts"]) for r in rows] == [
        ("mnlp+density", 0, 20),
        ("mnlp+density", 1, 30),
        ("random", 0, 20),
        ("random", 1, 30),
    ]
    # one start for all, and then each its own way
    assert rows[0]["score"] == rows[2]["score"] and rows[0]["words"] == rows[2]["words"]
    assert rows[0]["batch"] != rows[2]["batch"]
    pool = {"seed": 0, "round": 0, "n": 10, "settings": Settings()}
    first = labelled_ids(output / "start" / "seed-0" / "train.spacy")
    drawn = select(output / "pool.spacy", sampler="uniform", asked=first, **pool)
    assert rows[2]["batch"] == [content_hash(task["text"]) for task in drawn.tasks]
    for row in rows:
        assert row["entities"] == sum(row["labels"].values()) and row["seconds"] > 0
    summary = json.loads((output / "summary.json").read_text("utf8"))
    # the sentence that is in the test set too is never asked
    assert summary["corpus"]["texts"] == 59
    assert summary["corpus"]["dropped"] == {"in dev or test": 1}
    assert summary["full"]["texts"] == 59
    assert "1 texts of the corpus left out: in dev or test" in result.output
    assert (output / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "<html" in (output / "report.html").read_text("utf8")
    assert json.loads((output / "metrics.json").read_text("utf8"))["kind"] == "simulation"
    # the command that is shown is the one that was typed
    typed = shlex.split(summary["command"])
    assert typed[3:5] == ["simulate", str(CONFIG)] and typed[typed.index("-o") + 1] == str(output)
    for words in (["--strategy", "mnlp+density"], ["--full", "40"], ["--al.batch_size", "10"]):
        assert words[1] == typed[typed.index(words[0]) + 1]
    for name in ("mnlp+density", "random", "One seed"):
        assert name in result.output


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for children in /proc")
def test_killed_at_any_moment_it_ends_with_the_same_numbers(small, whole, tmp_path):
    output = tmp_path / "out"
    command = [sys.executable, "-m", "spacy_al"]
    command += words_of(small, output, "--full", "40", "--strategy", "mnlp+density")
    parent = subprocess.Popen([*command, "--n-process", "2"], cwd=ROOT)
    try:
        first = wait_for(lambda: len(children(parent.pid)) >= 3 and children(parent.pid))
        # one of the processes that train, which is replaced
        wait_for(lambda: (output / "work").is_dir())
        os.kill(first[-1], signal.SIGKILL)
        wait_for(lambda: len(read_results(output)) >= 2 or parent.poll() is not None)
        orphans = children(parent.pid)
        assert parent.poll() is None and orphans
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(alive(pid) for pid in orphans))
    # as if it had been killed while it wrote a line
    with (output / "results.jsonl").open("a", encoding="utf8") as file:
        file.write('{"strategy": "rand')
    result = run(small, output, "--n-process", "1", "--full", "40", "--strategy", "mnlp+density")
    assert result.exit_code == 0, result.output
    assert fixed(output) == fixed(whole[0])
    other = run(small, output, "--training.dropout", "0.5")
    assert other.exit_code == 1 and "AL101" in other.output


def children(pid):
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(happened, seconds=600):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := happened():
            return found
        time.sleep(0.02)
    pytest.fail("waited in vain")


@pytest.mark.slow
@pytest.mark.parametrize(
    "more,status,message",
    [
        (["--paths.dev", "no.spacy"], 1, "AL040"),
        (["--gold", "no.spacy"], 1, "AL040"),
        (["--start", "500"], 1, "AL100"),
        (["--al.sampling", "x"], 2, "AL083"),
        (["--seedz", "4"], 2, "No such option"),
        (["stray"], 2, "stray"),
        (["--seeds", "0"], 2, "seeds"),
        (["--strategy", "mlp"], 2, "AL105"),
        (["--oracle", "x"], 2, "AL109"),
        (["--al.component", "tok2vec"], 1, "AL104"),
        (["--al.cost", "seconds", "--al.cost_weight", "1"], 2, "AL083"),
    ],
)
def test_what_cannot_be_simulated_is_explained(small, tmp_path, more, status, message):
    result = run(small, tmp_path / "out", *more)
    assert result.exit_code == status, result.output
    assert message in result.output and "Traceback" not in result.output


# Strategies with names of their own


def test_a_named_strategy_lies_over_the_section(tmp_path):
    path = tmp_path / "strategies.cfg"
    path.write_text(
        '[by_mean]\ncost_weight = 0.5\n\n[by_mean.acquisition]\n@al_acquisitions = "spacy-al.token_entropy.v1"\n'
        'reduce = "mean"\n\n[plain]\n'
    )
    sections = read_strategies(path)
    settings = Settings(density_weight=0.3, blocks={"acquisition": OWN, "sampler": {"a": 1}})
    made = overlaid(settings, sections["by_mean"], "x")
    assert (made.density_weight, made.cost_weight) == (0.3, 0.5)
    assert made.blocks == {"acquisition": OWN, "sampler": {"a": 1}}
    assert overlaid(settings, sections["plain"], "x") == settings
    partly = replace(settings, partial=Partial())
    bare = overlaid(partly, {"partial": None, "density_weight": None, "sampler": None}, "x")
    assert bare == Settings(blocks={"acquisition": OWN})


@pytest.mark.parametrize(
    "text,message",
    [
        ("[a]\nno_such = 1\n", "AL083.*The strategy 'a'.*no_such"),
        ("[a]\ncost_weight = 'inches'\n", "AL083"),
        ("[a]\ncommittee = 'jury'\n", "AL083.*committee.*bootstrap"),
        ("[a]\nmax_rounds = 7\n", "AL083.*max_rounds"),
        ("[a]\n\n[a.sampler]\n@al_samplers = 'spacy-al.none.v1'\n", "AL084"),
    ],
)
def test_a_named_strategy_is_read_strictly(tmp_path, text, message):
    (tmp_path / "s.cfg").write_text(text.replace("'", '"'))
    section = read_strategies(tmp_path / "s.cfg")["a"]
    with pytest.raises(UsageError, match=message):
        overlaid(Settings(), section, "The strategy 'a'")


def test_chance_is_no_strategy_of_a_file(tmp_path):
    plan = SimulationPlan(
        CONFIG,
        tmp_path,
        tmp_path,
        tmp_path,
        ("random",),
        (0,),
        5,
        5,
        1,
        {},
        Settings(),
        "ner",
        "ner",
    )
    check_simulated(plan)
    with pytest.raises(UsageError, match=r"AL083.*random"):
        check_simulated(replace(plan, sections={"random": {}}))


@pytest.mark.slow
def test_results_stay_while_strategies_are_added_and_not_when_one_is_changed(small, tmp_path):
    gold, dev, test = (small / f"{name}.spacy" for name in ("pool_gold", "dev", "test"))
    plan = SimulationPlan(
        CONFIG, gold, dev, test, ("a",), (0,), 5, 5, 1, {}, Settings(), "ner", "ner"
    )
    a, b = {"density_weight": 1.0}, {"cost_weight": 1.0}
    check_plan(replace(plan, sections={"a": a, "b": b}), tmp_path)
    check_plan(replace(plan, strategies=("b",), sections={"b": b}), tmp_path)
    check_plan(replace(plan, strategies=("a", "b"), sections={"a": a, "b": b}), tmp_path)
    for name in "ab":
        changed = {name: {"density_weight": 2.0}}
        with pytest.raises(AlError, match="AL101"):
            check_plan(replace(plan, strategies=(name,), sections=changed), tmp_path)
    # nor is a section what is composed by the same name
    with pytest.raises(AlError, match="AL101"):
        check_plan(replace(plan, strategies=("a",), sections={}), tmp_path)
    check_plan(replace(plan, strategies=("mnlp",), sections={}), tmp_path)
    with pytest.raises(AlError, match="AL101"):
        check_plan(replace(plan, strategies=("mnlp",), sections={"mnlp": {}}), tmp_path)
    check_plan(replace(plan, strategies=("mnlp", "b"), sections={"b": b}), tmp_path)


@pytest.mark.parametrize(
    "own", [{"committee": "seeds"}, {"blocks": {"posterior": {"@al_posteriors": DROPOUT}}}]
)
def test_several_opinions_have_acquisitions_of_their_own(tmp_path, own):
    settings = Settings(**own)
    assert default_strategy(settings, "ner") == "bald"
    assert default_strategy(settings, "textcat") == "consensus_entropy"
    assert composed(settings, "bald", "ner").blocks["acquisition"] == BALD
    with pytest.raises(UsageError, match=r"AL106.*bald, consensus_entropy, vote_entropy"):
        composed(settings, "mnlp", "ner")
    plan = SimulationPlan(
        CONFIG, tmp_path, tmp_path, tmp_path, ("x",), (0,), 5, 5, 1, {}, settings, "ner", "ner"
    )
    check_simulated(replace(plan, sections={"x": {"acquisition": BALD}}))
    with pytest.raises(UsageError, match="AL106"):
        check_simulated(replace(plan, sections={"x": {"acquisition": OWN}}))


def test_seconds_of_people_are_not_simulated_for_a_strategy_either(tmp_path):
    settings = Settings(cost="seconds")
    plan = SimulationPlan(
        CONFIG, tmp_path, tmp_path, tmp_path, ("x",), (0,), 5, 5, 1, {}, settings, "ner", "ner"
    )
    check_simulated(replace(plan, sections={"x": {}}))
    with pytest.raises(UsageError, match=r"AL083.*al\.cost"):
        check_simulated(replace(plan, sections={"x": {"cost_weight": 1.0}}))
