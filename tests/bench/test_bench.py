"""The benchmark on tiny pipelines: all its figures are there, and those that can be known are right."""

import json

import numpy
import pytest
import spacy
from spacy.tokens import Span
from typer.testing import CliRunner

from spacy_al import AlError, get_posteriors
from spacy_al.arrays import distribution
from spacy_al.bench.beams import BeamPosterior, beam_posteriors
from spacy_al.bench.pipeline import bench
from spacy_al.bench.quality import compare_entities
from spacy_al.bench.timing import (
    CALIBRATED,
    PLAIN,
    PLAIN_BLAS,
    SCORED,
    SCORING,
    SELECT,
    time_arms,
)
from spacy_al.cli import app
from spacy_al.evaluation.gold import align_gold, fresh_doc
from spacy_al.posteriors.read import reader_of
from tests.evaluation.test_calibrate import drawn, saved, texts
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import make


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A recogniser on disk, gold documents drawn from it at another temperature, and a pool without gold."""
    home = tmp_path_factory.mktemp("bench")
    nlp = make_ner(shared=True, scale=0.8)
    nlp.to_disk(home / "model")
    saved(drawn(nlp, "ner", 40), home / "gold.spacy")
    saved(drawn(nlp, "ner", 160, seed=1), home / "dev.spacy")
    saved([nlp.make_doc(text) for text in texts(20)], home / "pool.spacy")
    return home


@pytest.fixture(scope="module")
def found(home):
    return bench(
        home / "model",
        home / "gold.spacy",
        fit=home / "dev.spacy",
        repeats=2,
        widths=(2, 32),
    )


@pytest.mark.slow
def test_all_arms_are_timed(found):
    arms = found["timing"]["arms"]
    beams = {"beam 2", "beam 32"}
    scored = {SCORED, SCORING, SELECT}
    # with --fit each way of scoring is timed at the fitted temperature as well
    assert set(arms) == {PLAIN, PLAIN_BLAS} | scored | {one + CALIBRATED for one in scored} | beams
    for arm in arms.values():
        assert len(arm["process"]) == len(arm["wall"]) == 2
        assert arm["ratio"]["min"] <= arm["ratio"]["median"] <= arm["ratio"]["max"]
        assert arm["tokens"] > 0 and arm["tokens_per_second"] > 0
    assert arms[PLAIN]["ratio"] == {"median": 1, "min": 1, "max": 1, "fastest": 1}
    assert found["timing"]["memory"]["peak"] > 10


@pytest.mark.slow
def test_all_ways_are_judged(found):
    quality = found["quality"]
    ways = {f"beam {width}, {how}" for width in (2, 32) for how in ("raw", "one temperature")}
    ways |= {"exact, raw", "exact, one temperature", "exact, two temperatures"}
    assert set(quality["rows"]) == ways
    events = {row["chosen"]["events"] for row in quality["rows"].values()}
    assert events == {quality["counts"]["entities set"]}
    for row in quality["rows"].values():
        assert 0 <= row["chosen"]["auroc"] <= 1
        for kind in ("chosen", "candidates", "own"):
            assert 0 <= row[kind]["ece"] <= 1
    assert quality["missed"]["exact"] == 0
    assert quality["missed"]["beam 2"] >= quality["missed"]["beam 32"]
    assert all(0 <= auroc <= 1 for way in quality["documents"].values() for auroc in way.values())
    exact = quality["rows"]["exact, one temperature"]
    assert exact["temperature"] == pytest.approx(2, rel=0.4)


@pytest.mark.slow
def test_settings_and_machine_are_told(found):
    assert found["settings"]["component"] == "ner" and found["settings"]["seed"] == 0
    assert found["machine"]["versions"]["spacy"] == spacy.about.__version__
    json.dumps(found)


def test_a_beam_that_holds_every_analysis_has_the_right_probabilities():
    nlp = make_ner(labels=("DRUG",))
    docs = [nlp.make_doc("gave aspirin in"), nlp.make_doc("Paris")]
    pipe = nlp.get_pipe("ner")
    wide, narrow = (beam_posteriors(pipe, docs, width) for width in (500, 2))
    for beam in wide:
        assert beam.probs.sum() == pytest.approx(1)
        assert beam.best_prob == beam.probs[0]
        by_hand = {}
        for prob, spans in zip(beam.probs, beam.entities):
            for span in spans:
                by_hand[span] = by_hand.get(span, 0) + prob
        assert beam.spans == pytest.approx(by_hand)
    scored = pipe.scored_ents(pipe.beam_parse(docs, beam_width=500))
    assert [beam.spans for beam in wide] == [pytest.approx(dict(scores)) for scores in scored]
    assert set(narrow[0].spans) < set(wide[0].spans)


def test_a_temperature_on_a_beam():
    beam = BeamPosterior(numpy.array([0.8, 0.2, 0.0]), (((0, 1, "A"),), (), ((0, 2, "A"),)))
    assert beam.at(1).probs == pytest.approx(beam.probs)
    assert beam.at(2).probs == pytest.approx([2 / 3, 1 / 3, 0])
    assert beam.at(2).spans == pytest.approx({(0, 1, "A"): 2 / 3, (0, 2, "A"): 0})
    assert beam.entropy == pytest.approx(-0.8 * numpy.log(0.8) - 0.2 * numpy.log(0.2))


def test_gold_that_no_analysis_has_is_counted_apart():
    nlp = make_ner()
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp.make_doc("gave aspirin . Dr Smith")
    doc.ents = [Span(doc, 1, 4, "DRUG"), Span(doc, 4, 5, "UNKNOWN")]
    quality = compare_entities(nlp, "ner", align_gold(nlp, "ner", [doc]), None, (4,))
    counts = quality["counts"]
    assert counts["missed"] == 0 and counts["missed and impossible"] == 2
    assert quality["missed"]["exact"] is None
    assert set(quality["rows"]) == {"exact, raw", "beam 4, raw"}


def test_missed_gold_is_what_the_greedy_parse_lacks():
    nlp = make_ner(scale=2.0)
    gold = align_gold(nlp, "ner", drawn(nlp, "ner", 40))
    quality = compare_entities(nlp, "ner", gold, None, (2,))
    posteriors = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs, 1.0)
    missed = [
        (posterior, span)
        for posterior, answer in zip(posteriors, gold.answers)
        for span in answer.spans - {(s.start, s.end, s.label) for s in posterior.greedy}
    ]
    assert quality["counts"]["missed"] == len(missed) > 0
    assert all(posterior.prob(*span) > 0 for posterior, span in missed)
    wrong = sum(
        {(s.start, s.end, s.label) for s in posterior.greedy} != answer.spans
        for posterior, answer in zip(posteriors, gold.answers)
    )
    assert quality["counts"]["documents with an error"] == wrong


@pytest.mark.slow
def test_the_pipeline_is_left_as_it_was():
    nlp = make_ner(shared=True)
    docs = [nlp.make_doc(text) for text in texts(5)]
    before = nlp.pipe_names
    time_arms(nlp, "ner", docs, repeats=1)
    assert nlp.pipe_names == before and not docs[0].ents
    nlp.add_pipe("al_scorer")
    arms = time_arms(nlp, "ner", docs, repeats=1)["arms"]
    assert nlp.pipe_names == [*before, "al_scorer"] and SELECT not in arms


@pytest.mark.slow
def test_a_fit_is_timed_beside_the_model_as_it_is(monkeypatch):
    nlp, seen = make_ner(shared=True), {}
    docs = [nlp.make_doc(text) for text in texts(5)]

    def measure(arms, repeats):
        for way in (SCORED, SCORED + CALIBRATED):
            found = [fresh_doc(nlp, doc) for doc in docs]
            arms[way][2](found)
            seen[way] = found
        return {}

    monkeypatch.setattr("spacy_al.bench.timing._measure", measure)
    time_arms(nlp, "ner", docs, fitted={"temperature": 3.0})
    for way, temperature in ((SCORED, 1.0), (SCORED + CALIBRATED, 3.0)):
        right = get_posteriors(nlp, docs, "ner", temperature=temperature)
        wanted = [distribution.row_entropy(posterior.token_probs).max() for posterior in right]
        assert [doc._.al.score for doc in seen[way]] == pytest.approx(wanted, rel=1e-5)
    assert nlp.pipe_names == ["tok2vec", "ner"]


@pytest.mark.slow
@pytest.mark.parametrize("component", ["textcat", "tagger", "spancat"])
def test_other_components_are_timed_and_judged(component, tmp_path):
    nlp = make(component)
    nlp.to_disk(tmp_path / "model")
    gold = saved(drawn(nlp, component, 120), tmp_path / "gold.spacy")
    found = bench(tmp_path / "model", gold, fit=gold, repeats=1)
    assert not any(arm.startswith("beam") for arm in found["timing"]["arms"])
    assert set(found["quality"]) == {"raw", "fitted"}
    assert found["quality"]["raw"]["candidates"]["ece"] is not None


@pytest.mark.slow
def test_a_pool_without_gold_is_only_timed(home):
    found = bench(home / "model", home / "pool.spacy", repeats=1, widths=(), max_docs=10)
    assert found["quality"] is None and found["timing"]["arms"][PLAIN]["documents"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("output", ["-", "bench.json"])
def test_the_command_prints_tables_and_writes_json(home, tmp_path, output):
    path = output if output == "-" else str(tmp_path / output)
    arguments = [str(home / "model"), str(home / "gold.spacy"), "-f", str(home / "dev.spacy")]
    options = ["-r", "1", "-b", "4", "-n", "30", "-o", path]
    result = CliRunner().invoke(app, ["bench", *arguments, *options])
    assert result.exit_code == 0, result.output
    for words in (
        "nlp.pipe + al_scorer, calibrated",
        "and calibrated",
        "beam 4",
        "AUROC",
        "ECE set",
        "share at zero",
    ):
        assert words in result.stderr
    text = result.stdout if output == "-" else (tmp_path / output).read_text()
    assert set(json.loads(text)) == {"machine", "settings", "timing", "quality"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, code",
    [
        ({"pool": "nothing.spacy"}, "AL040"),
        ({"pool": "blank.spacy"}, "AL073"),
        ({"fit": "pool.spacy"}, "AL070"),
        ({"component": "tok2vec"}, "AL002"),
        ({"repeats": 0}, "AL072"),
        ({"widths": (1,)}, "AL072"),
        ({"model": "nothing"}, "AL085"),
    ],
)
def test_bad_input_is_explained(change, code, home):
    saved([spacy.blank("en")("")], home / "blank.spacy")
    settings = {"model": home / "model", "pool": "gold.spacy", "repeats": 1, "widths": ()} | change
    for name in {"pool", "fit"} & set(settings):
        settings[name] = home / settings[name]
    with pytest.raises(AlError, match=code):
        bench(**settings)


@pytest.mark.slow
@pytest.mark.realdata
def test_real_texts(realdata, tmp_path):
    """Draw gold from a random recogniser on real texts: nothing is trained."""
    path = realdata / "ncbi_disease" / "test.spacy"
    if not path.is_file():
        pytest.skip("no such corpus here")
    nlp = make_ner(labels=("Disease",), shared=True)
    nlp.to_disk(tmp_path / "model")
    found = bench(tmp_path / "model", path, repeats=1, widths=(4,), max_docs=50)
    assert found["quality"]["missed"]["exact"] == 0
    assert found["quality"]["missed"]["beam 4"] > 0
