"""The temperature that gold documents give back, for every component, and what happens to bad input."""

import json
import warnings
from dataclasses import replace
from typing import Any

import numpy
import pytest
import spacy
from scipy.special import softmax
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_al import AlError, AlWarning, get_posteriors
from spacy_al.cli import app
from spacy_al.cli.calibrate import format_record
from spacy_al.evaluation.calibrate import calibrate, calibrate_on_dev, fit_calibration
from spacy_al.evaluation.events import TINY, Events, candidates, chosen, log_loss_of
from spacy_al.evaluation.gold import SpanAnswer, align_gold, read_gold
from spacy_al.evaluation.temperature_search import MOST_OF_LABELS, find_temperature
from spacy_al.measures.calibration import log_loss
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.component import open_component
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.posteriors.temperature import FILE, read_calibration
from tests.helpers.ner_oracle import WORDS, make_ner
from tests.posteriors.test_readers import COMPONENTS, make

TRUE = 2.0


def texts(n, seed=0):
    rng = numpy.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=int(rng.integers(4, 9)))) for _ in range(n)]


def drawn(nlp, component, n, temperature=TRUE, seed=0):
    """Documents annotated with what the model itself believes at a temperature, one draw each."""
    rng = numpy.random.default_rng(seed)
    docs = [nlp.make_doc(text) for text in texts(n, seed)]
    posteriors = get_posteriors(nlp, docs, component, temperature=temperature)
    for doc, posterior in zip(docs, posteriors):
        annotate(doc, nlp.get_pipe(component), component, posterior, rng)
    return docs


def annotate(doc, pipe, component, posterior, rng):
    def pick(row):
        return int(rng.choice(len(row), p=numpy.array(row) / numpy.sum(row)))

    if component in ("ner", "beam_ner"):
        doc.ents = [Span(doc, s.start, s.end, s.label) for s in posterior.sample(rng)]
    elif component == "textcat":
        right = pick(posterior.probs)
        doc.cats = {label: float(k == right) for k, label in enumerate(posterior.labels)}
    elif component == "textcat_multilabel":
        right = rng.random(len(posterior.probs)) < posterior.probs
        doc.cats = dict(zip(posterior.labels, right.astype(float).tolist()))
    elif component in ("spancat", "spancat_singlelabel"):
        spans = []
        for i, (start, end) in enumerate(zip(posterior.start.tolist(), posterior.end.tolist())):
            row = posterior.probs[i]
            if posterior.negative is None:
                found = numpy.flatnonzero(rng.random(len(row)) < row).tolist()
            else:
                found = [k for k in [pick([*row, posterior.negative[i]])] if k < len(row)]
            spans += [Span(doc, start, end, posterior.labels[k]) for k in found]
        doc.spans[pipe.key] = spans
    else:
        labels = [posterior.labels[pick(row)] for row in posterior.token_probs]
        for token, label in zip(doc, labels):
            if component == "tagger":
                token.tag_ = label
            elif component == "senter":
                token.is_sent_start = label == "S"
            else:
                features = dict(part.split("=") for part in label.split("|"))
                token.pos_ = features.pop("POS", "")
                token.set_morph(features)


def saved(docs, path):
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def numbers(temperature):
    return list(temperature.values()) if isinstance(temperature, dict) else [temperature]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A recogniser whose scores were tripled, on disk, with 150 documents drawn from it as it was before."""
    home = tmp_path_factory.mktemp("calibrate")
    nlp = make_ner(shared=True, scale=0.4)
    saved(drawn(nlp, "ner", 150, temperature=1.0), home / "gold.spacy")
    upper = nlp.get_pipe("ner").model.get_ref("upper")
    for param in ("W", "b"):
        upper.set_param(param, upper.get_param(param) * 3)
    nlp.to_disk(home / "model")
    return home


@pytest.fixture
def model(home):
    yield home / "model"
    (home / "model" / FILE).unlink(missing_ok=True)


@pytest.mark.slow
def test_scores_times_a_factor_get_the_inverse_back(home, model):
    record = calibrate(model, home / "gold.spacy")
    assert list(record["temperature"]) == ["closed", "open"]
    assert numbers(record["temperature"]) == pytest.approx([3, 3], rel=0.25)
    assert record["documents"] == 150 and record["unaligned"] == 0
    assert record["loss"]["after"] < record["loss"]["before"]
    for kind in ("chosen", "candidates"):
        before, after = record["before"][kind], record["after"][kind]
        assert after["ece"] < before["ece"] and after["log_loss"] < before["log_loss"]
        assert after["events"] > 50
    # of the same candidates, or the error would fall by counting others
    assert record["before"]["candidates"]["events"] == record["after"]["candidates"]["events"]


@pytest.mark.slow
def test_a_recogniser_too_sure_that_entities_begin_gets_temperatures_of_its_own_for_that():
    nlp = make_ner(shared=True, scale=3.0)
    true = {"closed": 1.0, "open": 1.0, "begin": 3.0, "label": 1.0}
    gold = align_gold(nlp, "ner", drawn(nlp, "ner", 150, temperature=true))
    record = fit_calibration(nlp, "ner", gold)
    found: Any = record["temperature"]
    assert list(found) == ["closed", "open", "begin", "label"]
    assert found["begin"] == pytest.approx(3, rel=0.3)
    assert found["closed"] == pytest.approx(1, rel=0.3)
    # what the pipeline writes is what it was
    raw = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs[:20], 1.0)
    for before, after in zip(raw, at_temperature(nlp.get_pipe("ner"), raw, found)):
        written = [
            [(s.start, s.end, s.label) for s in posterior.greedy] for posterior in (before, after)
        ]
        assert written[0] == written[1]
    beam = make_ner(factory="beam_ner")
    for read in (
        lambda: get_posteriors(beam, gold.docs[:2], "beam_ner", temperature=found),
        lambda: at_temperature(
            beam.get_pipe("beam_ner"), get_posteriors(beam, gold.docs[:2], "beam_ner"), found
        ),
    ):
        with pytest.raises(AlError, match="AL010"):
            read()


@pytest.mark.parametrize("component", ["textcat", "textcat_multilabel"])
def test_a_classifier_that_is_wildly_too_sure_gets_a_temperature(component):
    """Of long texts that it learned from scratch: one that was right half of the time said .96 and had its least loss at 25."""
    nlp, true = make(component), 40.0
    rng, labels = numpy.random.default_rng(0), nlp.get_pipe(component).labels
    exclusive = component == "textcat"
    logits = rng.normal(size=(400, len(labels))) * 30
    raw, answers = [], []
    for row in logits:
        probs = softmax(row) if exclusive else 1 / (1 + numpy.exp(-row))
        says = softmax(row / true) if exclusive else 1 / (1 + numpy.exp(-row / true))
        right = rng.multinomial(1, says) if exclusive else rng.random(len(says)) < says
        raw.append(Categories(tuple(labels), probs, exclusive))
        answers.append(dict(zip(labels, right.astype(bool).tolist())))

    def loss_on(rows):
        return lambda temperature: (
            log_loss_of(
                at_temperature(nlp.get_pipe(component), [raw[k] for k in rows], temperature),
                [answers[k] for k in rows],
            )
            / 400
        )

    halves = [loss_on(range(0, 400, 2)), loss_on(range(1, 400, 2))]
    how = (loss_on(range(400)), halves, 400, component)
    assert find_temperature(*how, greedy=False, most=MOST_OF_LABELS) == pytest.approx(40, rel=0.2)
    with pytest.warns(AlWarning, match=r"ALW071.*\(20\)"):
        assert find_temperature(*how, greedy=False, most=20.0) is None


def test_each_half_says_what_a_temperature_is_worth_on_the_other():
    """Half of the documents has all mistakes, so that what it gives is worse on the other than none."""

    def half(best):
        return lambda temperature: 0.1 + numpy.log(temperature / best) ** 2

    def fitted(*bests):
        halves = [half(best) for best in bests]
        return find_temperature(
            lambda t: sum(h(t) for h in halves), halves, 10**6, "ner", greedy=False
        )

    assert fitted(2.0, 3.0) == pytest.approx(6**0.5, rel=1e-2)
    for bests in ((3.0, 1.1), (1.1, 3.0)):
        with pytest.warns(AlWarning, match="ALW072"):
            assert fitted(*bests) is None


@pytest.mark.slow
def test_the_readers_find_it_until_the_weights_change(home, model):
    record = calibrate(model, home / "gold.spacy", max_docs=40)
    nlp = spacy.load(model)
    stored = read_calibration(nlp, "ner")
    assert stored["temperature"] == pytest.approx(record["temperature"])
    assert {"spacy", "spacy_al", "before", "after", "documents"} <= set(stored)
    docs = [nlp.make_doc(text) for text in texts(5)]
    found = get_posteriors(nlp, docs)
    fitted = get_posteriors(nlp, docs, temperature=record["temperature"])
    raw = get_posteriors(nlp, docs, temperature=1.0)
    assert [p.entropy for p in found] == pytest.approx([p.entropy for p in fitted])
    assert [p.entropy for p in found] != pytest.approx([p.entropy for p in raw])
    lower = nlp.get_pipe("ner").model.get_ref("lower")
    lower.set_param("b", lower.get_param("b") + 1e-3)
    assert read_calibration(nlp, "ner") is None


@pytest.mark.slow
def test_a_dry_run_stores_nothing(home, model):
    record = calibrate(model, home / "gold.spacy", max_docs=20, dry_run=True)
    assert record["path"] is None and not (model / FILE).exists()


@pytest.mark.slow
def test_a_sample_is_the_same_for_the_same_seed(home, model):
    first, again, other = (
        calibrate(model, home / "gold.spacy", max_docs=30, seed=seed, dry_run=True)
        for seed in (0, 0, 1)
    )
    assert first == again and first["documents"] == 30
    assert first["temperature"] != other["temperature"]


@pytest.mark.slow
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_gets_one_temperature(component, tmp_path):
    nlp = make(component)
    nlp.to_disk(tmp_path / "model")
    n = 40 if component.startswith("spancat") else 200
    gold = saved(drawn(nlp, component, n), tmp_path / "gold.spacy")
    record = calibrate(tmp_path / "model", gold)
    assert record["component"] == component
    assert record["temperature"] == pytest.approx(TRUE, rel=0.3)
    assert record["after"]["candidates"]["ece"] < 0.1
    assert record["before"]["candidates"]["events"] == record["after"]["candidates"]["events"]
    assert json.loads((tmp_path / "model" / FILE).read_text())


@pytest.mark.slow
def test_beam_ner_gets_one_temperature(tmp_path):
    nlp = make_ner(factory="beam_ner", scale=0.4)
    nlp.to_disk(tmp_path / "model")
    gold = saved(drawn(nlp, "beam_ner", 100), tmp_path / "gold.spacy")
    assert calibrate(tmp_path / "model", gold)["temperature"] == pytest.approx(TRUE, rel=0.3)


@pytest.mark.slow
@pytest.mark.parametrize("component", [*COMPONENTS, "ner", "beam_ner"])
def test_rescaled_posteriors_equal_read_ones(component):
    nlp = make_ner(factory=component) if component.endswith("ner") else make(component)
    docs = [nlp.make_doc(text) for text in [*texts(6), ""]]
    pipe, read = nlp.get_pipe(component), reader_of(nlp, component)
    temperature = {"closed": 2.5, "open": 0.7} if component.endswith("ner") else 2.5
    raw = read(pipe, docs, 1.0)
    for found, expected in zip(
        at_temperature(pipe, raw, temperature), read(pipe, docs, temperature)
    ):
        for name in ("probs", "negative", "token_probs", "entropy"):
            if (value := getattr(expected, name, None)) is not None:
                numpy.testing.assert_allclose(getattr(found, name), value, atol=1e-6)
    for found, expected in zip(at_temperature(pipe, raw, 1.0), raw):
        if hasattr(expected, "spans"):
            assert list(found.spans) == list(expected.spans)


def test_entity_events_are_what_a_plain_loop_finds():
    nlp = make_ner()
    gold = align_gold(nlp, "ner", drawn(nlp, "ner", 30))
    posteriors = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs, 1.0)
    expected_chosen, expected_candidates, loss = [], [], 0.0
    for posterior, answer in zip(posteriors, gold.answers):
        right = set(answer.spans)
        for s in posterior.greedy:
            expected_chosen.append((s.prob, (s.start, s.end, s.label) in right))
        for start in range(len(posterior)):
            for end in range(start + 1, len(posterior) + 1):
                for label in posterior.labels:
                    prob = posterior.prob(start, end, label)
                    true = (start, end, label) in right
                    if prob >= 0.01:
                        expected_candidates.append((prob, true))
                    loss -= numpy.log(prob if true else 1 - prob)
    for events, expected in (
        (chosen(posteriors, gold.answers), expected_chosen),
        (candidates(posteriors, gold.answers), expected_candidates),
    ):
        found, rows = sorted(zip(*events)), sorted(expected)
        numpy.testing.assert_allclose(numpy.array(found), numpy.array(rows, dtype=float))
    assert log_loss_of(posteriors, gold.answers) == pytest.approx(loss, abs=1e-2)


def test_the_loss_of_a_batch_is_that_of_its_entities_one_by_one():
    """Tokens of which nothing is known, right entities below the floor and labels that the component lacks included."""
    nlp = make_ner(scale=3.0)
    docs = drawn(nlp, "ner", 20)
    docs[3].set_ents([], missing=[Span(docs[3], 0, 2)], default="outside")
    docs[5].set_ents([Span(docs[5], 0, 2, "PLACE"), Span(docs[5], 2, 3, "DRUG")])
    gold = align_gold(nlp, "ner", docs)
    raw = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs, 1.0)
    # what is next to impossible, and right
    worst = [(min((p.prob(i, i + 2, "PER"), i) for i in range(len(p) - 1))) for p in raw]
    row = min(range(len(raw)), key=lambda k: worst[k])
    start = worst[row][1]
    gold.answers[row] = replace(gold.answers[row], spans=frozenset({(start, start + 2, "PER")}))
    for temperature in (1.0, 0.4, {"closed": 0.3, "open": 2.0}):
        posteriors = at_temperature(nlp.get_pipe("ner"), raw, temperature)
        expected, below = 0.0, 0
        for posterior, answer in zip(posteriors, gold.answers):
            listed = {(s.start, s.end, s.label): s.prob for s in posterior.spans}
            for span, prob in listed.items():
                if answer.knows(*span[:2]):
                    expected -= numpy.log(max(prob if span in answer.spans else 1 - prob, TINY))
            for span in answer.spans - listed.keys():
                if span[2] in posterior.labels and (prob := posterior.prob(*span)):
                    expected -= numpy.log(max(prob, TINY))
                    below += 1
        assert log_loss_of(posteriors, gold.answers) == pytest.approx(expected, rel=1e-12)
        # and of some of the documents
        own = log_loss_of(posteriors[3:6], gold.answers[3:6])
        assert 0 < own < expected
        assert below or temperature == 1.0


@pytest.mark.slow
def test_what_is_chosen_is_what_the_component_writes():
    nlp = make_ner(updates=5)
    gold = align_gold(nlp, "ner", drawn(nlp, "ner", 20))
    posteriors = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs, 1.0)
    n_set = sum(len(nlp(text).ents) for text in texts(20))
    assert len(chosen(posteriors, gold.answers).probs) == n_set > 0
    nlp = make("textcat")
    gold = align_gold(nlp, "textcat", drawn(nlp, "textcat", 20))
    posteriors = reader_of(nlp, "textcat")(nlp.get_pipe("textcat"), gold.docs, 1.0)
    events = chosen(posteriors, gold.answers)
    best = [max(nlp(doc.text).cats.values()) for doc in gold.docs]
    assert events.probs == pytest.approx(best, abs=1e-5)


def test_gold_is_tokenised_anew_and_what_does_not_align_is_not_judged():
    nlp = make_ner()
    doc = Doc(
        nlp.vocab,
        words=["gave", "aspir", "in", "Dr", "Smith"],
        spaces=[True, False, True, True, False],
    )
    doc.ents = [Span(doc, 1, 2, "DRUG"), Span(doc, 3, 5, "PER")]
    gold = align_gold(nlp, "ner", [doc])
    assert [token.text for token in gold.docs[0]] == ["gave", "aspirin", "Dr", "Smith"]
    assert gold.answers[0].spans == {(2, 4, "PER")}
    assert gold.answers[0].known.tolist() == [True, False, True, True]
    assert gold.counts["unaligned"] == 1 and gold.counts["answers"] == 2
    assert doc.ents and not gold.docs[0].ents


def test_words_without_spaces_are_kept():
    nlp = make_ner()
    doc = Doc(nlp.vocab, words=["aspir", "in"])
    doc.ents = [Span(doc, 0, 1, "DRUG")]
    assert align_gold(nlp, "ner", [doc]).answers[0].spans == {(0, 1, "DRUG")}


def test_half_annotated_documents_are_judged_where_they_are():
    nlp = make_ner()
    doc = nlp.make_doc("gave aspirin in Paris")
    doc.set_ents([Span(doc, 1, 2, "DRUG")], missing=[Span(doc, 2, 4)], default="outside")
    gold = align_gold(nlp, "ner", [doc, nlp.make_doc("not annotated"), nlp.make_doc("")])
    assert gold.counts["documents"] == 1 and gold.counts["without annotation"] == 2
    posteriors = reader_of(nlp, "ner")(nlp.get_pipe("ner"), gold.docs, 1.0)
    possible = [s for s in posteriors[0].spans if s.prob >= 0.01]
    assert len(candidates(posteriors, gold.answers).probs) == sum(s.end <= 2 for s in possible)
    assert len(possible) > sum(s.end <= 2 for s in possible)


def test_categories_and_tags_that_are_missing_are_not_judged():
    nlp = make("textcat_multilabel")
    doc = nlp.make_doc("aspirin")
    doc.cats = {"GOOD": 1.0}
    gold = align_gold(nlp, "textcat_multilabel", [doc])
    posteriors = reader_of(nlp, "textcat_multilabel")(
        nlp.get_pipe("textcat_multilabel"), gold.docs, 1.0
    )
    assert candidates(posteriors, gold.answers, 0.0).correct.tolist() == [1.0]
    prob = posteriors[0].probs[posteriors[0].labels.index("GOOD")]
    assert log_loss_of(posteriors, gold.answers) == pytest.approx(-numpy.log(prob))
    nlp = make("tagger")
    doc = nlp.make_doc("took aspirin")
    doc[1].tag_ = "NN"
    gold = align_gold(nlp, "tagger", [doc])
    assert gold.answers == [[None, "NN"]]


def test_the_likelihood_of_tags_is_their_log_loss():
    nlp = make("tagger")
    gold = align_gold(nlp, "tagger", drawn(nlp, "tagger", 10))
    posteriors = reader_of(nlp, "tagger")(nlp.get_pipe("tagger"), gold.docs, 1.0)
    probs = numpy.array(
        [
            row[posterior.labels.index(label)]
            for posterior, answer in zip(posteriors, gold.answers)
            for row, label in zip(posterior.token_probs, answer)
        ]
    )
    expected = log_loss(probs, numpy.ones(len(probs))) * len(probs)
    assert log_loss_of(posteriors, gold.answers) == pytest.approx(expected)


@pytest.mark.slow
def test_without_a_right_answer_nothing_is_fitted(home, model, tmp_path):
    nlp = spacy.load(model)
    docs = [nlp.make_doc(text) for text in texts(20)]
    for doc in docs:
        doc.ents = []
    with pytest.warns(AlWarning, match="ALW070"):
        record = calibrate(model, saved(docs, tmp_path / "none.spacy"))
    assert record["temperature"] is None and record["path"] is None
    assert record["before"]["candidates"]["events"] and not (model / FILE).exists()


@pytest.mark.slow
def test_gold_that_has_nothing_to_do_with_the_model_gives_no_temperature(home, model, tmp_path):
    nlp = spacy.load(model)
    docs = drawn(nlp, "ner", 40, 1e6)
    with pytest.warns(AlWarning, match=r"ALW071.*limit") as caught:
        record = calibrate(model, saved(docs, tmp_path / "random.spacy"))
    assert ["One temperature" in str(warning.message) for warning in caught] == [True, False]
    assert record["temperature"] is None and not (model / FILE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("n", [4, 6, 10, 16])
@pytest.mark.parametrize("component", ["ner", "textcat"])
def test_what_is_worse_on_a_held_out_half_is_not_stored(component, n, tmp_path):
    """Of a model that is right about how sure it is, and few documents."""
    nlp = make_ner(scale=2.0) if component == "ner" else make(component)
    nlp.to_disk(tmp_path / "model")
    stored, left = 0, 0
    for seed in range(8):
        gold = saved(drawn(nlp, component, n, 1.0, seed=seed), tmp_path / "gold.spacy")
        (tmp_path / "model" / FILE).unlink(missing_ok=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            record = calibrate(tmp_path / "model", gold)
        said = [str(one.message)[:8] for one in caught]
        if record["temperature"] is None:
            assert {"[ALW070]", "[ALW071]", "[ALW072]"} & {*said}
            assert not (tmp_path / "model" / FILE).exists() and record["after"] is None
            left += "[ALW072]" in said
        else:
            stored += 1
            assert record["loss"]["after"] <= record["loss"]["before"]
            assert (tmp_path / "model" / FILE).exists()
    assert left


@pytest.mark.slow
def test_a_model_that_knows_nothing_has_no_temperature(tmp_path):
    nlp = make("textcat")
    nlp.to_disk(tmp_path / "model")
    docs = []
    for right in nlp.get_pipe("textcat").labels:
        for text in texts(20):
            doc = nlp.make_doc(text)
            doc.cats = {label: float(label == right) for label in nlp.get_pipe("textcat").labels}
            docs.append(doc)
    with pytest.warns(AlWarning, match=r"ALW071.*\(100\)"):
        record = calibrate(tmp_path / "model", saved(docs, tmp_path / "gold.spacy"))
    assert record["temperature"] is None and record["after"] is None


def test_where_nothing_is_suggested_there_are_no_events(tmp_path):
    nlp = make("spancat")
    nlp.to_disk(tmp_path / "model")
    doc = nlp.make_doc("aspirin")
    doc.spans[nlp.get_pipe("spancat").key] = []
    gold = saved([doc], tmp_path / "gold.spacy")
    # from now on it suggests spans of nine tokens, and the document has one
    path = tmp_path / "model" / "config.cfg"
    path.write_text(path.read_text().replace("sizes = [1, 2, 3]", "sizes = [9]"))
    with pytest.warns(AlWarning, match="ALW070"):
        record = calibrate(tmp_path / "model", gold)
    assert record["temperature"] is None and record["before"]["chosen"]["ece"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "change, code",
    [
        ({"component": "tok2vec"}, "AL002"),
        ({"component": "nothing"}, "AL001"),
        ({"max_docs": 0}, "AL072"),
        ({"model": "no/such/model"}, "AL085"),
        ({"gold": "nothing.spacy"}, "AL040"),
        ({"gold": "empty.spacy"}, "AL043"),
        ({"gold": "torn.spacy"}, "AL044"),
        ({"gold": "bare.spacy"}, "AL070"),
    ],
)
def test_bad_input_is_explained(change, code, home, model, tmp_path):
    (tmp_path / "empty.spacy").touch()
    (tmp_path / "torn.spacy").write_bytes((home / "gold.spacy").read_bytes()[:500])
    saved([spacy.blank("en")("Nothing is annotated here.")], tmp_path / "bare.spacy")
    change = dict(change)
    gold = tmp_path / change.pop("gold") if "gold" in change else home / "gold.spacy"
    with pytest.raises(AlError, match=code):
        calibrate(change.pop("model", model), gold, **change)


def test_right_spans_that_are_never_proposed_are_counted(tmp_path):
    nlp = make("spancat")
    label, key = nlp.get_pipe("spancat").labels[0], nlp.get_pipe("spancat").key
    doc = nlp.make_doc("a b c d e")
    doc.spans[key] = [Span(doc, 0, 5, label), Span(doc, 1, 3, label)]
    nlp.to_disk(tmp_path / "model")
    with pytest.warns(AlWarning, match="ALW073. 1 of 2 right answers are spans"):
        calibrate(tmp_path / "model", saved([doc], tmp_path / "gold.spacy"))
    # in a round as well, which says nothing else of a temperature
    opened = open_component(str(tmp_path / "model"))
    with pytest.warns(AlWarning) as warned:
        calibrate_on_dev(opened, tmp_path / "gold.spacy", 0)
    assert [str(one.message)[:8] for one in warned] == ["[ALW073]"]


def test_a_file_is_no_model(home, tmp_path):
    with pytest.raises(AlError, match="AL085"):
        calibrate(home / "gold.spacy", home / "gold.spacy")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AlError, match="AL085"):
        calibrate(tmp_path / "empty", home / "gold.spacy")


def test_a_model_whose_code_was_not_given(home, tmp_path):
    mine = tmp_path / "mine"
    spacy.blank("en").to_disk(mine)
    said = (mine / "config.cfg").read_text("utf8")
    callback = 'after_creation = {"@callbacks":"mine.v1"}'
    (mine / "config.cfg").write_text(said.replace("after_creation = null", callback), "utf8")
    with pytest.raises(AlError, match=r"AL136.*mine.v1.*--code"):
        calibrate(mine, home / "gold.spacy")


def test_a_model_that_cannot_be_written_to(home, model, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", str(model))

    monkeypatch.setattr("spacy_al.evaluation.calibrate.write_calibration", refuse)
    with pytest.raises(AlError, match=r"AL071.*Permission denied"):
        calibrate(model, home / "gold.spacy", max_docs=30)


@pytest.mark.slow
def test_the_needs_of_every_component_are_named(tmp_path):
    nlp = spacy.blank("en")
    bare = saved([nlp("Nothing is annotated here.")], tmp_path / "bare.spacy")
    for component in COMPONENTS:
        made = make(component)
        with pytest.raises(AlError, match="AL070") as error:
            read_gold(made, component, bare)
        assert "{" not in str(error.value)


@pytest.mark.slow
def test_the_command_says_what_it_did_and_where_it_is(home, model):
    result = CliRunner().invoke(
        app, ["calibrate", str(model), str(home / "gold.spacy"), "-n", "30"]
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    for words in ("ECE", "log loss", "Brier", "before", "after", "Temperature: closed", FILE):
        assert words in result.stderr
    result = CliRunner().invoke(app, ["calibrate", str(model), str(home / "none.spacy")])
    assert result.exit_code == 1 and "AL040" in result.stderr


def test_answers_know_their_tokens():
    answer = SpanAnswer(frozenset(), numpy.array([True, False, True]))
    assert answer.knows(0, 1) and not answer.knows(0, 2) and not answer.knows(1, 2)
    assert Events(numpy.zeros(0), numpy.zeros(0)).probs.size == 0


def foreign(nlp, docs, name):
    """The same documents with one answer more each, of a label that the model lacks."""
    for doc in docs:
        if name == "textcat_multilabel":
            doc.cats["OTHER"] = 1.0
        elif name == "tagger":
            doc[0].tag_ = "OTHER"
        else:
            free = next((t.i for t in doc if t.ent_iob_ == "O"), None)
            if free is not None:
                doc.ents = [*doc.ents, Span(doc, free, free + 1, "OTHER")]
        yield doc


@pytest.mark.parametrize("name", ["ner", "textcat_multilabel", "tagger"])
def test_labels_that_the_model_lacks_are_said_and_not_missed(name):
    nlp = make_ner() if name == "ner" else make(name)
    docs = list(foreign(nlp, drawn(nlp, name, 40), name))
    gold = align_gold(nlp, name, docs)
    found = fit_calibration(nlp, name, gold)
    n_others = {"ner": sum(any(e.label_ == "OTHER" for e in d.ents) for d in docs)}.get(name, 40)
    assert found["other_labels"] == {"OTHER": n_others} and n_others > 10
    assert found["answers"] == gold.counts["answers"] - n_others
    # as if nobody had marked them
    for doc in docs:
        doc.cats = {label: value for label, value in doc.cats.items() if label != "OTHER"}
        if name == "tagger":
            doc[0].tag_ = ""
        doc.set_ents([e for e in doc.ents if e.label_ != "OTHER"], default="outside")
    without = fit_calibration(nlp, name, align_gold(nlp, name, docs))
    assert without == {**found, "other_labels": {}}
    said = format_record({"component": name, **found, "path": None})
    assert f"Not judged, as the model has no such label: OTHER ({n_others})" in said


@pytest.mark.slow
def test_a_model_without_a_mistake_on_a_few_texts_does_not_become_certain(tmp_path):
    """Its gold is what it says itself: the least loss would be that of a temperature of 0."""
    nlp = make_ner(shared=True, scale=0.8)
    docs = [nlp(text) for text in texts(40)]
    path = saved(docs, tmp_path / "gold.spacy")
    record = fit_calibration(nlp, "ner", read_gold(nlp, "ner", path))
    found: Any = record["temperature"]
    assert found is not None and min(found.values()) > 0.2
    # of many more it says more
    many = saved([nlp(text) for text in texts(400)], tmp_path / "many.spacy")
    more: Any = fit_calibration(nlp, "ner", read_gold(nlp, "ner", many))["temperature"]
    assert min(more.values()) < min(found.values())
