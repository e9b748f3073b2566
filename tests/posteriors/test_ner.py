"""The exact posterior against brute force, against spaCy's own parse, and in its corners."""

import warnings

import numpy
import pytest
import spacy
from spacy.tokens import Doc

from spacy_al import AlError, AlWarning, get_posteriors
from spacy_al.posteriors.entity_batch import ReaderSettings
from spacy_al.posteriors.ner import EPSILON, ROWS_PER_TOKEN
from spacy_al.posteriors.temperature import EntityTemperatures
from tests.helpers.missed_mass import LENGTHS, SLACK, SLOW, flat, off_by, promised, read
from tests.helpers.ner_oracle import (
    analyses,
    entropy,
    make_ner,
    marginals,
    random_doc,
    token_marginals,
)

VARIANTS = {
    "default": {},
    "one label": {"labels": ("DRUG",)},
    "four labels": {"labels": ("A", "B", "C", "D")},
    "steep": {"scale": 5.0},
    "shared encoder": {"shared": True},
    "static vectors": {"vectors": True},
    "no upper layer": {"use_upper": False},
    "three pieces": {"maxout_pieces": 3},
    "six-token state": {"extra_state_tokens": True},
    "six-token state, no upper layer": {"extra_state_tokens": True, "use_upper": False},
    "trained": {"updates": 30},
    "trained, six-token state": {"updates": 30, "extra_state_tokens": True},
}
TOL = 1e-5


@pytest.fixture(scope="module", params=list(VARIANTS))
def nlp(request):
    return make_ner(**VARIANTS[request.param])


def prepared(nlp, docs):
    """The docs as the component gets them, for the oracle."""
    for name, pipe in nlp.pipeline:
        if name in ("ner", "beam_ner"):
            break
        docs = list(pipe.pipe(docs))
    return docs


def compare(nlp, docs, *, name="ner", normalized="locally", temperature=None, tol=TOL, **oracle):
    pipe = nlp.get_pipe(name)
    found = get_posteriors(nlp, docs, epsilon=0.0, temperature=temperature)
    for doc, posterior in zip(prepared(nlp, docs), found):
        expected, greedy = analyses(pipe, doc, normalized=normalized, **oracle)
        probs = marginals(expected)
        listed = {(s.start, s.end, s.label): s.prob for s in posterior.spans}
        assert set(listed) <= set(probs)
        assert posterior.missed_mass < 1e-9
        for span, p in probs.items():
            assert posterior.prob(*span) == pytest.approx(p, abs=tol)
            if p > 2e-6:
                assert listed[span] == pytest.approx(p, abs=tol)
        for spans, p in expected.items():
            assert numpy.exp(posterior.logprob(spans)) == pytest.approx(p, abs=tol)
        for start, end in ((0, len(doc)), (0, 1), (len(doc) - 1, len(doc)), (1, len(doc) - 1)):
            if 0 <= start < end <= len(doc):
                free = sum(
                    p
                    for spans, p in expected.items()
                    if all(s[1] <= start or end <= s[0] for s in spans)
                )
                assert posterior.free_prob(start, end) == pytest.approx(free, abs=tol)
        rows = token_marginals(expected, len(doc), list(posterior.labels))
        numpy.testing.assert_allclose(posterior.token_probs, rows, atol=tol)
        numpy.testing.assert_allclose(posterior.token_probs.sum(axis=1), 1, atol=1e-9)
        assert posterior.entropy == pytest.approx(entropy(expected), abs=tol * max(len(doc), 1))
        assert posterior.best_prob == pytest.approx(max(expected.values()), abs=tol)
        best = tuple((s.start, s.end, s.label) for s in posterior.best)
        assert expected[best] == pytest.approx(max(expected.values()), abs=tol)
        if normalized == "locally":
            assert tuple((s.start, s.end, s.label) for s in posterior.greedy) == greedy
        shown = {(s.start, s.end, s.label) for s in posterior.greedy}
        errors = sum(1 - probs.get(span, 0) for span in shown)
        errors += sum(p for span, p in probs.items() if span not in shown)
        assert posterior.expected_errors == pytest.approx(errors, abs=tol * 10)


@pytest.mark.slow
def test_equals_brute_force(nlp):
    rng = numpy.random.default_rng(1)
    n = 4 if len(nlp.get_pipe("ner").labels) > 2 else 5
    compare(nlp, [random_doc(nlp, rng, int(rng.integers(0, n + 1))) for _ in range(12)])


@pytest.mark.slow
def test_sentence_starts_and_white_space(nlp):
    rng = numpy.random.default_rng(2)
    n = 4 if len(nlp.get_pipe("ner").labels) > 2 else 5
    docs = [
        random_doc(nlp, rng, int(rng.integers(1, n + 1)), starts=True, spaces=True)
        for _ in range(12)
    ]
    compare(nlp, docs)


def preset_docs(nlp, rng, count, *, name="ner"):
    """Docs with random preset, blocked and outside tokens."""
    labels = nlp.get_pipe(name).labels
    docs = []
    for _ in range(count):
        doc = random_doc(nlp, rng, int(rng.integers(2, 6)), starts=True, spaces=True)
        start = int(rng.integers(len(doc)))
        span = doc[start : start + int(rng.integers(1, 4))]
        span = spacy.tokens.Span(doc, span.start, span.end, label=str(rng.choice(labels)))
        rest = [doc[i : i + 1] for i in range(len(doc)) if not span.start <= i < span.end]
        kinds = {"entities": [span], "blocked": [], "outside": [], "missing": []}
        for token in rest:
            kinds[str(rng.choice(["blocked", "outside", "missing"]))].append(token)
        doc.set_ents(**kinds, default="missing")
        docs.append(doc)
    return docs


@pytest.mark.slow
def test_preset_and_blocked_entities(nlp):
    compare(nlp, preset_docs(nlp, numpy.random.default_rng(3), 12))


def test_labels_added_after_training():
    nlp = make_ner(updates=10)
    nlp.get_pipe("ner").add_label("NEW")
    rng = numpy.random.default_rng(4)
    docs = [random_doc(nlp, rng, 4) for _ in range(10)]
    compare(nlp, docs)
    for posterior in get_posteriors(nlp, docs):
        assert posterior.labels == ("DRUG", "NEW", "PER")
        assert posterior.prob(0, 1, "NEW") == 0
    # a preset forces the parser into actions it has never seen
    doc = random_doc(nlp, rng, 4)
    doc.set_ents([spacy.tokens.Span(doc, 1, 3, label="NEW")], default="missing")
    compare(nlp, [doc])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*ALW002.*")
def test_one_maxout_piece_follows_the_greedy_parse():
    for use_upper in (True, False):
        nlp = make_ner(maxout_pieces=1, use_upper=use_upper, updates=5)
        rng = numpy.random.default_rng(5)
        docs = [random_doc(nlp, rng, 5) for _ in range(10)]
        compare(nlp, docs)
        found = get_posteriors(nlp, docs)
        for doc, posterior in zip(nlp.pipe(docs), found):
            assert [(e.start, e.end, e.label_) for e in doc.ents] == [
                (s.start, s.end, s.label) for s in posterior.greedy
            ]
    with pytest.warns(AlWarning, match="one maxout piece"):
        get_posteriors(nlp, docs)


def test_temperatures():
    nlp = make_ner()
    rng = numpy.random.default_rng(6)
    docs = [random_doc(nlp, rng, 4) for _ in range(6)]
    compare(nlp, docs, temperature={"closed": 2.5, "open": 0.4}, closed=2.5, opened=0.4)
    compare(nlp, docs, temperature=3.0, closed=3.0, opened=3.0)
    four = {"closed": 2.5, "open": 0.4, "begin": 3.0, "label": 0.6}
    compare(nlp, docs, temperature=four, closed=2.5, opened=0.4, begins=(3.0, 0.6))
    three = {key: four[key] for key in ("closed", "open", "begin")}
    hot = {**four, "label": "hot"}
    for wrong in (0, -1, float("nan"), float("inf"), "hot", True, {"closed": 1.0}, three, hot):
        with pytest.raises(AlError, match="AL010"):
            get_posteriors(nlp, docs, temperature=wrong)


@pytest.mark.slow
def test_greedy_equals_doc_ents(nlp):
    rng = numpy.random.default_rng(7)
    docs = [
        random_doc(nlp, rng, int(rng.integers(1, 30)), starts=True, spaces=True) for _ in range(40)
    ]
    docs += preset_docs(nlp, rng, 20)
    found = get_posteriors(nlp, docs)
    for doc, posterior in zip(nlp.pipe(docs), found):
        assert [(e.start, e.end, e.label_) for e in doc.ents] == [
            (s.start, s.end, s.label) for s in posterior.greedy
        ]


@pytest.mark.slow
def test_batch_equals_one_by_one(nlp):
    rng = numpy.random.default_rng(8)
    docs = [random_doc(nlp, rng, int(rng.integers(0, 40))) for _ in range(20)]
    together = get_posteriors(nlp, docs)
    for doc, posterior in zip(docs, together):
        alone = get_posteriors(nlp, [doc])[0]
        assert alone.entropy == pytest.approx(posterior.entropy, abs=1e-4)
        numpy.testing.assert_allclose(alone.token_probs, posterior.token_probs, atol=TOL)
        assert len(posterior) == len(doc)


def test_docs_are_left_alone(nlp):
    rng = numpy.random.default_rng(9)
    docs = preset_docs(nlp, rng, 5)
    before = [doc.to_bytes() for doc in docs]
    weights = nlp.get_pipe("ner").model.to_bytes()
    get_posteriors(nlp, docs)
    assert [doc.to_bytes() for doc in docs] == before
    assert nlp.get_pipe("ner").model.to_bytes() == weights


@pytest.mark.slow
def test_nbest_and_samples():
    nlp = make_ner(scale=1.5)
    rng = numpy.random.default_rng(10)
    doc = random_doc(nlp, rng, 4)
    expected, _ = analyses(nlp.get_pipe("ner"), doc)
    posterior = get_posteriors(nlp, [doc], epsilon=0.0)[0]
    found = posterior.nbest(25)
    wanted = sorted(expected.values(), reverse=True)[:25]
    assert [p for p, _ in found] == pytest.approx(wanted, abs=TOL)
    for p, spans in found:
        assert expected[tuple((s.start, s.end, s.label) for s in spans)] == pytest.approx(
            p, abs=TOL
        )
    assert len(posterior.nbest(10**6)) == len(expected)
    draws = [tuple((s.start, s.end, s.label) for s in posterior.sample(rng)) for _ in range(3000)]
    for spans, p in expected.items():
        spread = 4 * numpy.sqrt(p * (1 - p) / len(draws)) + 1e-3
        assert draws.count(spans) / len(draws) == pytest.approx(p, abs=spread)


@pytest.mark.slow
def test_conditioning_is_bayes(nlp):
    rng = numpy.random.default_rng(11)
    labels = nlp.get_pipe("ner").labels
    for _ in range(15):
        doc = random_doc(nlp, rng, 4)
        expected, _ = analyses(nlp.get_pipe("ner"), prepared(nlp, [doc])[0])
        probs = marginals(expected)
        accept = {list(probs)[int(rng.integers(len(probs)))]} if rng.random() < 0.6 else set()
        reject = {list(probs)[int(rng.integers(len(probs)))]} if rng.random() < 0.6 else set()
        outside = {int(rng.integers(4))} if rng.random() < 0.5 else set()
        kept = {
            spans: p
            for spans, p in expected.items()
            if accept <= set(spans)
            and not reject & set(spans)
            and not any(start <= t < end for t in outside for start, end, _ in spans)
        }
        posterior = get_posteriors(nlp, [doc], epsilon=0.0)[0]
        if sum(kept.values()) == 0:
            with pytest.raises(AlError, match="AL006"):
                posterior.condition(accept, reject, outside)
            continue
        kept = {spans: p / sum(kept.values()) for spans, p in kept.items()}
        # all at once, and one after the other
        step = (
            posterior.condition(accept=accept).condition(reject=reject).condition(outside=outside)
        )
        for given in (posterior.condition(accept, reject, outside), step):
            probs = marginals(kept)
            for span, p in probs.items():
                assert given.prob(*span) == pytest.approx(p, abs=1e-4)
            rows = token_marginals(kept, 4, list(labels))
            numpy.testing.assert_allclose(given.token_probs, rows, atol=1e-4)
            assert given.entropy == pytest.approx(entropy(kept), abs=1e-3)
            assert given.missed_mass < 1e-6


def test_conditioning_on_what_was_cut():
    nlp = make_ner(scale=3.0)
    rng = numpy.random.default_rng(12)
    cut = 0
    for _ in range(10):
        doc = random_doc(nlp, rng, 6)
        exact = get_posteriors(nlp, [doc], epsilon=0.0)[0]
        rough = get_posteriors(nlp, [doc], epsilon=0.05)[0]
        for span in exact.spans:
            # nothing is zero because it was cut, and the bound holds, but for single precision in products of other shapes
            assert rough.prob(span.start, span.end, span.label) > 0
            error = abs(rough.prob(span.start, span.end, span.label) - span.prob)
            assert error <= rough.missed_mass + 1e-7
            if 1e-4 < span.prob < 0.05 and span.end - span.start > 2:
                cut += 1
                given = rough.condition(accept=[span])
                assert given.prob(span.start, span.end, span.label) == pytest.approx(1)
                reference = exact.condition(accept=[span])
                assert given.entropy == pytest.approx(reference.entropy, abs=0.5)
    assert cut > 3


def test_impossible_answers_are_explained():
    nlp = make_ner()
    doc = Doc(nlp.vocab, words=["a", "b", "c"], sent_starts=[True, True, False])
    posterior = get_posteriors(nlp, [doc])[0]
    with pytest.raises(AlError, match=r"AL006.*accepted 0\.\.2 DRUG"):
        posterior.condition(accept=[(0, 2, "DRUG")])
    with pytest.raises(AlError, match=r"AL006.*unknown label"):
        posterior.condition(accept=[(0, 1, "NONE")])
    with pytest.raises(AlError, match="AL006"):
        posterior.condition(accept=[(1, 3, "DRUG"), (2, 3, "PER")])
    with pytest.raises(AlError, match="AL009"):
        posterior.condition(reject=[(2, 5, "DRUG")])
    with pytest.raises(AlError, match="AL009"):
        posterior.prob(2, 2, "DRUG")
    assert posterior.prob(0, 1, "NONE") == 0.0
    # rejecting what the model cannot say changes nothing
    same = posterior.condition(reject=[(0, 1, "NONE")])
    assert same.entropy == pytest.approx(posterior.entropy)


def test_missed_mass_bounds_a_document_that_never_closes():
    """The rows of open entities that never close grow with the square of the length; the budget stops them."""
    nlp = make_ner(labels=("X",))
    ner = nlp.get_pipe("ner")
    upper = ner.model.get_ref("upper")
    upper.set_param("W", numpy.zeros_like(upper.get_param("W")))
    bias = {"B-X": 0.0, "I-X": 30.0, "L-X": 0.0, "U-X": 0.0, "O": 0.0, "U-": 0.0}
    names = [ner.moves.get_class_name(i) for i in range(ner.moves.n_moves)]
    upper.set_param("b", numpy.array([bias[name] for name in names], dtype="f"))
    doc = random_doc(nlp, numpy.random.default_rng(0), 2000)
    posterior = get_posteriors(nlp, [doc])[0]
    with pytest.warns(AlWarning, match=r"ALW003.*more than 800 tokens"):
        assert 0.5 < posterior.missed_mass <= 1
    assert sum(map(len, posterior.source.chunks.starts)) <= ROWS_PER_TOKEN * 2000
    ents = [(e.start, e.end, e.label_) for e in nlp(doc).ents]
    assert [(s.start, s.end, s.label) for s in posterior.greedy] == ents
    short = get_posteriors(nlp, [random_doc(nlp, numpy.random.default_rng(0), 150)])[0]
    assert short.missed_mass < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("length", [n for n in LENGTHS if n < 5000])
@pytest.mark.parametrize("bias", SLOW)
def test_the_bound_holds_however_slowly_entities_close(length, bias):
    """A flat model whose entities have 2 tokens on average, or 10, or 150, or never end, against a reading that leaves out nothing."""
    nlp = flat(bias)
    posterior = read(nlp, random_doc(nlp, numpy.random.default_rng(0), length))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", AlWarning)
        bound = posterior.missed_mass
    assert max(off_by(posterior)) <= bound + SLACK
    # what is more than was promised is said
    assert bool(said) == (bound > promised(length) + SLACK) == (bias >= 5 and length > 800)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("length", LENGTHS)
def test_the_bound_holds_of_a_model_that_learned(length, temperature):
    nlp = make_ner(updates=20)
    doc = random_doc(nlp, numpy.random.default_rng(length), length)
    posterior = read(nlp, doc, temperature)
    assert posterior.missed_mass <= promised(length) + SLACK
    assert max(off_by(posterior)) <= posterior.missed_mass + SLACK


@pytest.mark.slow
def test_long_documents():
    nlp = make_ner(updates=20)
    doc = random_doc(nlp, numpy.random.default_rng(0), 20_000)
    posterior = get_posteriors(nlp, [doc])[0]
    assert posterior.missed_mass <= 1e-3 * 20_000 / 200
    assert posterior.token_probs.shape == (20_000, 3)
    assert numpy.isfinite(posterior.entropy) and posterior.entropy > 0
    given = posterior.condition(outside=[5], reject=[posterior.spans[0]])
    assert given.token_probs[5, -1] == pytest.approx(1)
    ents = [(e.start, e.end, e.label_) for e in nlp(doc).ents]
    assert [(s.start, s.end, s.label) for s in posterior.greedy] == ents


def test_the_best_analysis_of_a_long_document_keeps_its_logarithm():
    nlp = make_ner(scale=0.1)
    rng = numpy.random.default_rng(1)
    short, long = get_posteriors(nlp, [random_doc(nlp, rng, n) for n in (300, 3000)])
    assert long.best_prob == 0 and numpy.isfinite(long.best_logprob)
    assert long.best_logprob / 3000 == pytest.approx(short.best_logprob / 300, rel=0.3)


def test_long_accepted_entities_are_followed_beyond_the_allowance():
    """Answers elsewhere use up the rows of a document; an accepted entity is never cut for that."""
    nlp = make_ner(labels=("X",))
    posterior = get_posteriors(nlp, [random_doc(nlp, numpy.random.default_rng(2), 400)])[0]
    given = posterior.condition(accept=[(150, 290, "X")], outside=range(150))
    assert given.prob(150, 290, "X") == pytest.approx(1)
    assert 0 <= given.missed_mass <= 1


def test_spans_are_ordered():
    nlp = make_ner()
    doc = random_doc(nlp, numpy.random.default_rng(3), 6)
    spans = [spacy.tokens.Span(doc, 0, 2, label="PER"), spacy.tokens.Span(doc, 3, 4, label="DRUG")]
    doc.set_ents(spans, default="outside")
    found = get_posteriors(nlp, [doc])[0].spans
    keys = [(-s.prob, s.start, s.end, s.label) for s in found]
    assert keys == sorted(keys) and [(s.start, s.end) for s in found[:2]] == [(0, 2), (3, 4)]


def test_numpy_numbers_are_temperatures():
    nlp = make_ner()
    docs = [random_doc(nlp, numpy.random.default_rng(4), 4)]
    for temperature in (numpy.float32(1.5), numpy.int64(2)):
        same = get_posteriors(nlp, docs, temperature=float(temperature))[0].entropy
        assert get_posteriors(nlp, docs, temperature=temperature)[0].entropy == pytest.approx(same)


def test_where_everything_was_cut_it_is_said():
    nlp = make_ner()
    doc = random_doc(nlp, numpy.random.default_rng(5), 4)
    doc.set_ents([spacy.tokens.Span(doc, 0, 3, label="PER")], default="missing")
    posterior = get_posteriors(nlp, [doc], epsilon=2.0)[0]
    assert posterior.missed_mass == 1
    with pytest.raises(AlError, match="AL014"):
        _ = posterior.best


def test_presets_the_model_lacks_hold():
    """As in spaCy, which adds their labels when it parses; the posterior is the same before and after that."""
    for use_upper in (True, False):
        nlp = make_ner(use_upper=use_upper)
        pipe, rng, docs = nlp.get_pipe("ner"), numpy.random.default_rng(0), []
        for start, end, label in ((1, 3, "ALIEN"), (0, 1, "ALIEN"), (2, 4, "GUEST"), (1, 3, "PER")):
            docs.append(random_doc(nlp, rng, 4))
            preset = spacy.tokens.Span(docs[-1], start, end, label=label)
            docs[-1].set_ents([preset], default="missing")
        n_moves, n_labels = pipe.moves.n_moves, len(pipe.labels)
        before = get_posteriors(nlp, docs)
        assert (pipe.moves.n_moves, len(pipe.labels)) == (n_moves, n_labels)
        assert before[0].labels[n_labels:] == ("ALIEN", "GUEST")
        for doc, posterior in zip(docs, before):
            (preset,) = doc.ents
            assert posterior.prob(preset.start, preset.end, preset.label_) == pytest.approx(1)
            assert get_posteriors(nlp, [doc])[0].entropy == pytest.approx(posterior.entropy)
        parsed = list(nlp.pipe(doc.copy() for doc in docs))
        assert pipe.moves.n_moves > n_moves
        # now spaCy itself has the labels, and the oracle steps through its states
        compare(nlp, docs)
        for doc, posterior, after in zip(parsed, before, get_posteriors(nlp, docs)):
            assert {(s.start, s.end, s.label) for s in posterior.greedy} == {
                (ent.start, ent.end, ent.label_) for ent in doc.ents
            }
            found, again = (
                {(s.start, s.end, s.label): s.prob for s in one.spans} for one in (posterior, after)
            )
            assert found == pytest.approx(again, abs=1e-6)


def test_an_inside_tag_without_a_beginning_is_left_out_and_reported(nlp):
    doc = random_doc(nlp, numpy.random.default_rng(0), 5)
    bare = get_posteriors(nlp, [doc])[0]
    label = doc.vocab.strings.add(nlp.get_pipe("ner").labels[0])
    doc.from_array(
        ["ENT_IOB", "ENT_TYPE"], numpy.array([[0, 0], [3, 0], [1, label], [0, 0], [0, 0]], "u8")
    )
    with pytest.warns(AlWarning, match=r"1 preset entities.*inside tag"):
        posterior = get_posteriors(nlp, [doc])[0]
    assert posterior.prob(1, 2, nlp.get_pipe("ner").labels[0]) == 0
    assert posterior.entropy != pytest.approx(bare.entropy)


def test_unlabelled_component_is_explained():
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    with pytest.raises(AlError, match="AL007"):
        get_posteriors(nlp, [nlp.make_doc("one two")])


def test_settings_are_what_the_reader_documents():
    source = get_posteriors(make_ner(), [Doc(spacy.blank("en").vocab, words=["a"])])[0].source
    assert source.settings == ReaderSettings(EntityTemperatures(1.0, 1.0), EPSILON, ROWS_PER_TOKEN)
    assert pytest.approx(1e-3) == EPSILON * 200 and ROWS_PER_TOKEN >= 199 / 2


def test_a_view_without_an_order_holds_the_same():
    nlp = make_ner(scale=3.0)
    rng = numpy.random.default_rng(5)
    docs = [random_doc(nlp, rng, n) for n in (6, 0, 1, 9, 9, 4)]
    for posterior in get_posteriors(nlp, docs):
        for floor in (1e-6, 0.05):
            ordered, other = posterior.above(floor), posterior.above(floor, ordered=False)
            keys = [(-s.prob, s.start, s.end, s.label) for s in ordered]
            assert keys == sorted(keys) and all(s.prob >= floor for s in ordered)
            assert {*ordered} == {*other} and len(ordered) == len(other)
            possible = [
                (i, j, label)
                for i in range(len(posterior))
                for j in range(i + 1, len(posterior) + 1)
                for label in posterior.labels
                if posterior.prob(i, j, label) >= floor
            ]
            assert {(s.start, s.end, s.label) for s in other} == {*possible}


def test_of_tokens_that_are_not_there_it_says_nothing():
    nlp = make_ner()
    (posterior,) = get_posteriors(nlp, [Doc(nlp.vocab, words=["aspirin"])])
    for start, end in ((0, 2), (1, 1), (-1, 1)):
        with pytest.raises(AlError, match="AL009"):
            posterior.free_prob(start, end)
    assert posterior.logprob([(0, 1, "NOBODY")]) == -numpy.inf
