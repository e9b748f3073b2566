"""Sets of answers of every kind of component: against an enumeration, on drawn gold, stored beside the model, and on documents."""

import numpy
import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

import spacy_al
from spacy_al import AlError, get_posteriors
from spacy_al.bench.conformal import measure_sets
from spacy_al.cli import app
from spacy_al.evaluation.calibrate import calibrate, fit_with_sets
from spacy_al.evaluation.coverage import (
    MOST,
    fit_sets,
    halves_of,
    judge_sets,
    nonconformity,
)
from spacy_al.evaluation.gold import SpanAnswer, align_gold
from spacy_al.pipeline.answer_sets import packed_set, unpacked_set
from spacy_al.posteriors.temperature import FILE, read_calibration, write_calibration
from tests.evaluation.test_calibrate import drawn, saved, texts
from tests.helpers.ner_oracle import analyses, make_ner, random_doc
from tests.posteriors.test_readers import make


def fitted(threshold, coverage=0.9, most=MOST):
    return {"threshold": threshold, "coverage": coverage, "most": most, "documents": 9}


def test_sets_of_analyses_against_every_analysis():
    """The score of each analysis of a small text, and the set of those below a threshold, by trying them all."""
    nlp = make_ner(scale=1.5)
    rng = numpy.random.default_rng(2)
    docs = [random_doc(nlp, rng, n) for n in (1, 2, 3, 3)]
    for doc, posterior in zip(docs, get_posteriors(nlp, docs)):
        every, _ = analyses(nlp.get_pipe("ner"), doc)
        known = numpy.ones(len(doc), dtype=bool)
        ranked = sorted(every.items(), key=lambda item: -item[1])
        probs = [p for _, p in ranked]
        for most in (3, 500):
            scores = {}
            for place, (analysis, prob) in enumerate(ranked):
                answer = SpanAnswer(frozenset(analysis), known)
                found = nonconformity([posterior], [answer], most)
                assert found.scores == pytest.approx([1 - prob], abs=1e-5)
                scores[tuple(sorted(analysis))] = float(found.scores[0])
                by_mass = nonconformity([posterior], [answer], most, by_mass=True)
                before = sum(probs[:place]) if place < most else 1 - prob
                assert by_mass.scores == pytest.approx([before], abs=1e-5)
            for threshold in (0.2, 0.7, 0.9, 0.99):
                inside = {one for one, score in scores.items() if score <= threshold}
                size = found.sizes(threshold, numpy.array([0]))[0]
                assert size == (None if len(inside) >= most else len(inside))
                shown = unpacked_set(packed_set(posterior, fitted(threshold, most=most)))
                assert shown.closed == (size is not None)
                if shown.closed:
                    assert {answer for answer, _ in shown.answers} == inside
                    assert [p for _, p in shown.answers] == pytest.approx(
                        probs[: len(inside)], abs=1e-5
                    )
                else:
                    assert not shown.answers


def test_analyses_are_nbest_without_single_probabilities():
    nlp = make_ner()
    posterior = get_posteriors(nlp, [nlp.make_doc("Dr Smith gave him two mg")])[0]
    probs, found = posterior.analyses(7)
    assert len(found) == 7 and (numpy.diff(probs) <= 0).all()
    slow = posterior.nbest(7)
    assert probs == pytest.approx([p for p, _ in slow])
    assert found == [tuple((s.start, s.end, s.label) for s in one) for _, one in slow]


@pytest.mark.slow
@pytest.mark.parametrize(
    "component", ["ner", "beam_ner", "textcat", "textcat_multilabel", "tagger", "senter"]
)
def test_what_is_drawn_from_the_model_is_covered(component):
    is_ner = component in ("ner", "beam_ner")
    nlp = make_ner(factory=component, scale=1.0) if is_ner else make(component)
    gold = align_gold(nlp, component, drawn(nlp, component, 160, temperature=1.0))
    posteriors = get_posteriors(nlp, gold.docs, temperature=1.0)
    found = nonconformity(posteriors, gold.answers)
    sets = fit_sets(found, 0.8)
    assert sets["documents"] == 160 and 0 <= sets["threshold"] < 1
    held = sets["held_out"]
    # the standard deviation of a share of 160 is .03; ties may cover more
    assert 0.7 < held["coverage"] <= 1
    covered = sum(share * n for share, n in held["per_label"].values())
    assert 0 < covered <= sum(n for _, n in held["per_label"].values())
    for posterior, row in zip(posteriors, range(20)):
        shown = unpacked_set(srsly.msgpack_loads(srsly.msgpack_dumps(packed_set(posterior, sets))))
        assert shown.coverage == 0.8
        if component not in ("tagger", "senter"):
            size = found.sizes(sets["threshold"], numpy.array([row]))[0]
            assert (len(shown.answers) if shown.closed else None) == size
        else:
            assert len(shown.answers) == len(posterior.token_probs)
            for tags, probs in zip(shown.answers, posterior.token_probs):
                assert [p for _, p in tags] == sorted(probs, reverse=True)[: len(tags)]


def test_right_answers_that_the_model_cannot_give_are_in_no_set():
    nlp = make_ner()
    doc = nlp.make_doc("Dr Smith gave him two mg")
    posterior = get_posteriors(nlp, [doc])[0]
    known = numpy.ones(len(doc), dtype=bool)
    never = SpanAnswer(frozenset({(0, 2, "OTHER")}), known)
    found = nonconformity([posterior], [never])
    assert found.scores == pytest.approx([1.0])
    assert judge_sets(found, numpy.array([0.99]), numpy.array([0]))["coverage"] == 0
    assert packed_set(posterior, fitted(1.0))["closed"] is False
    # of a text that is annotated in part nothing is known
    known[2] = False
    assert not len(nonconformity([posterior], [SpanAnswer(frozenset(), known)]).scores)
    nothing = judge_sets(found, numpy.zeros(0), numpy.zeros(0, dtype=int))
    assert nothing["coverage"] is None and nothing["size"] is None


def test_a_label_that_the_classifier_lacks_is_in_no_set():
    nlp = make("textcat")
    posterior = get_posteriors(nlp, [nlp.make_doc("two mg")], "textcat")[0]
    found = nonconformity([posterior] * 2, [{"NEW": True}, {posterior.labels[0]: False}])
    assert found.scores.tolist() == [1.0]
    assert found.sizes(1.0, numpy.array([0])) == [None]
    several = make("textcat_multilabel")
    posterior = get_posteriors(several, [several.make_doc("two mg")], "textcat_multilabel")[0]
    answers = [dict.fromkeys(posterior.labels, False), {posterior.labels[0]: True}]
    # a text without a right label is in every set; one that is annotated in part says nothing
    assert nonconformity([posterior] * 2, answers).scores.tolist() == [0.0]


def test_halves_share_no_document():
    nlp = make_ner()
    gold = align_gold(nlp, "ner", drawn(nlp, "ner", 11))
    first, second = halves_of(gold)
    assert sorted(first.rows + second.rows) == gold.rows and not {*first.rows} & {*second.rows}
    total = first.counts + second.counts
    assert total["answers"] == gold.counts["answers"] and total["documents"] == 11


@pytest.mark.parametrize("component", ["spancat", "spancat_singlelabel"])
def test_each_right_span_is_in_the_set_of_its_text_as_often_as_is_said(component):
    """Against plain loops, on gold that is drawn from the model; over random halves by text, and each label by itself."""
    nlp = make(component)
    gold = align_gold(nlp, component, drawn(nlp, component, 60, temperature=1.0))
    posteriors = get_posteriors(nlp, gold.docs, component, temperature=1.0)
    found = nonconformity(posteriors, gold.answers)
    sets = fit_sets(found, 0.8)
    threshold, by_label, shares, sizes = sets["threshold"], {}, [], []
    for posterior, answer in zip(posteriors, gold.answers):
        likely = {
            (start, end, label)
            for start, end in zip(posterior.start.tolist(), posterior.end.tolist())
            for label in posterior.labels
            if 1 - posterior.prob(start, end, label) <= threshold + 1e-12
        }
        shown = unpacked_set(srsly.msgpack_loads(srsly.msgpack_dumps(packed_set(posterior, sets))))
        assert shown.closed and {span for span, _ in shown.answers} == likely
        probs = [p for _, p in shown.answers]
        assert probs == sorted(probs, reverse=True)
        for span in answer.spans:
            by_label.setdefault(span[2], []).append(span in likely)
        if answer.spans:
            shares.append(len(answer.spans & likely) / len(answer.spans))
            sizes.append(len(likely))
    rows = numpy.arange(len(found.scores))
    judged = judge_sets(found, numpy.full(len(rows), threshold), rows)
    assert judged["per_label"] == {k: (sum(v) / len(v), len(v)) for k, v in by_label.items()}
    assert judged["coverage"] == pytest.approx(numpy.mean(shares)) and judged["closed"] == 1
    assert judged["size"] == pytest.approx(numpy.mean(sizes))
    for row in measure_sets(found, splits=200):
        # 30 texts of a half promise at most 1 / 31 more than what is said
        assert row["level"] - 0.02 < row["coverage"] < row["level"] + 1 / 31 + 0.02


def test_a_span_that_is_not_suggested_is_in_no_set():
    nlp = make("spancat")
    doc = nlp.make_doc("Dr Smith gave him two mg")
    posterior = get_posteriors(nlp, [doc], "spancat")[0]
    known = numpy.ones(len(doc), dtype=bool)
    label = posterior.labels[0]
    long, short = (0, len(doc), label), (0, 1, label)
    assert posterior.prob(*long) == 0 < posterior.prob(*short)
    # a text without spans has none that could be missed
    answers = [SpanAnswer(frozenset(spans), known) for spans in ({long, short}, set())]
    found = nonconformity([posterior] * 2, answers)
    assert found.scores == pytest.approx([1 - posterior.prob(*short), 1.0])
    assert found.texts.tolist() == [0, 0] and found.sizes(1.0, numpy.array([1])) == [None]
    shown = packed_set(posterior, fitted(1.0))
    assert not shown["closed"] and not shown["answers"]
    # of a text that is annotated in part nothing is known
    known[2] = False
    assert not len(nonconformity([posterior], answers[:1]).scores)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("coverage")
    nlp = make_ner(scale=1.0)
    saved(drawn(nlp, "ner", 80, temperature=1.5), home / "gold.spacy")
    nlp.to_disk(home / "model")
    return home


@pytest.mark.slow
def test_they_are_stored_shown_and_carried(home, tmp_path):
    """From the command to a document, through a saved pipeline and a file of documents."""
    command = ["calibrate", str(home / "model"), str(home / "gold.spacy"), "--coverage"]
    result = CliRunner().invoke(app, [*command, "0.8"])
    assert result.exit_code == 0, result.output
    assert "Sets that hold what is right with a probability of 80%" in result.output
    assert "by 40 other texts" in result.output and "covered" in result.output
    nlp = spacy.load(home / "model")
    sets = read_calibration(nlp, "ner")["sets"]
    assert sets["documents"] == 40 and sets["coverage"] == 0.8
    nlp.add_pipe("al_scorer")
    nlp.to_disk(tmp_path / "with")
    assert not (tmp_path / "with" / FILE).exists()
    carried = spacy.load(tmp_path / "with")
    docs = [*carried.pipe(texts(6, seed=9))]
    posteriors = get_posteriors(carried, [carried.make_doc(doc.text) for doc in docs])
    closed = 0
    for doc, posterior in zip(docs, posteriors):
        shown = doc._.al.sets
        assert shown == unpacked_set(packed_set(posterior, sets))
        closed += shown.closed
        assert all(isinstance(answer, tuple) and 0 <= p <= 1 for answer, p in shown.answers)
    assert closed
    stored = DocBin(docs=docs, store_user_data=True).to_bytes()
    again = [*DocBin().from_bytes(stored).get_docs(carried.vocab)]
    assert [doc._.al.sets for doc in again] == [doc._.al.sets for doc in docs]


@pytest.mark.slow
def test_without_a_coverage_there_are_no_sets(home):
    record = calibrate(home / "model", home / "gold.spacy", dry_run=True)
    assert "sets" not in record
    nlp = make_ner()
    nlp.add_pipe("al_scorer")
    assert nlp("Dr Smith")._.al.sets is None


@pytest.mark.slow
def test_too_few_texts_and_wrong_levels_are_said_first(home):
    for arguments, code in ((["0.99"], "AL460"), (["1.0"], "AL461"), (["-1"], "AL461")):
        result = CliRunner().invoke(
            app,
            ["calibrate", str(home / "model"), str(home / "gold.spacy"), "--coverage", *arguments],
        )
        assert result.exit_code and code in result.output
    with pytest.raises(AlError, match="takes 9 or more"):
        spacy_al.calibrate(home / "model", home / "gold.spacy", coverage=0.9, max_docs=12)
    kept = spacy_al.calibrate(home / "model", home / "gold.spacy", coverage=0.9, dry_run=True)
    assert kept.sets["documents"] == 40 and kept.path is None


def test_sets_without_a_temperature_leave_probabilities_uncalibrated(tmp_path):
    nlp = make_ner()
    nlp.to_disk(tmp_path / "model")
    nlp = spacy.load(tmp_path / "model")
    docs = [nlp.make_doc(text) for text in texts(24)]
    for doc in docs:
        doc.ents = []
    with pytest.warns(spacy_al.AlWarning, match="ALW070"):
        record = fit_with_sets(nlp, "ner", align_gold(nlp, "ner", docs), 0.8)
    assert record["temperature"] is None and record["sets"]["documents"] == 12
    write_calibration(nlp, "ner", record)
    nlp.add_pipe("al_scorer")
    scores = nlp("Dr Smith")._.al
    assert not scores.calibrated and scores.sets.coverage == 0.8
    assert isinstance(nlp.make_doc(""), Doc) and nlp("")._.al is not None
