"""The readers against the components themselves, on tiny pipelines of every type and encoder."""

import pickle

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed, registry
from thinc.api import Model, chain
from thinc.layers import Linear

from spacy_al import AlError, get_posteriors
from spacy_al.posteriors.encoder import check_encoded, check_finite
from spacy_al.posteriors.outputs import exclusive_probs, independent_probs, output_kind
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.span_view import SpanProb, SpanView
from spacy_al.types import CategoryPosterior, SpanPosterior, TokenPosterior

ENCODERS = ["own", "shared", "vectors"]
TEXTCATS = ["textcat", "textcat_multilabel"]
TAGGERS = ["tagger", "morphologizer", "senter"]
SPANCATS = ["spancat", "spancat_singlelabel"]
COMPONENTS = TEXTCATS + TAGGERS + SPANCATS

TEXTS = [
    ("the patient took aspirin . she slept", "DT NN VB NN . PR VB", "GOOD", [(3, 4, "DRUG")]),
    ("aspirin did not help at all", "NN VB RB VB IN DT", "BAD", [(0, 1, "DRUG"), (4, 6, "DOSE")]),
    ("two hundred milligrams", "CD CD NN", "GOOD", [(0, 3, "DOSE")]),
    ("slept", "VB", "BAD", []),
]
UNSEEN = ["", "aspirin", "she took two milligrams of ibuprofen . it did help", "", "a", "all slept"]

CNN = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 16, "depth": 1, "embed_size": 200}
CNN |= {"window_size": 1, "maxout_pieces": 2, "subword_features": True, "pretrained_vectors": None}
LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
BOW = {"@architectures": "spacy.TextCatBOW.v3", "ngram_size": 1, "length": 1024}
BOW |= {"no_output_layer": False}


def encoder(kind):
    if kind == "shared":
        return LISTENER
    return CNN | {"pretrained_vectors": True if kind == "vectors" else None}


def settings(component, kind="own", architecture="reduce"):
    """The config of a component with a model that is as small as it can be."""
    exclusive = component == "textcat"
    if component in TAGGERS:
        return {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": encoder(kind)}}
    if component in SPANCATS:
        reducer = {"@layers": "spacy.mean_max_reducer.v1", "hidden_size": 8}
        model = {"tok2vec": encoder(kind), "reducer": reducer}
        # so that even these models find something
        eager = {"threshold": 0.2} if component == "spancat" else {"negative_weight": 0.02}
        return {"model": model} | eager
    bow = BOW | {"exclusive_classes": exclusive}
    return {
        "model": {
            "bow": bow,
            "logits": bow | {"no_output_layer": True},
            "cnn": {
                "@architectures": "spacy.TextCatCNN.v2",
                "exclusive_classes": exclusive,
                "tok2vec": encoder(kind),
            },
            "reduce": {
                "@architectures": "spacy.TextCatReduce.v1",
                "exclusive_classes": exclusive,
                "tok2vec": encoder(kind),
                "use_reduce_first": True,
                "use_reduce_last": True,
                "use_reduce_max": True,
                "use_reduce_mean": True,
            },
            "ensemble": {
                "@architectures": "spacy.TextCatEnsemble.v2",
                "linear_model": bow,
                "tok2vec": encoder(kind),
            },
            "attention": {
                "@architectures": "spacy.TextCatParametricAttention.v1",
                "exclusive_classes": exclusive,
                "tok2vec": encoder(kind),
            },
            # a model of the wrong kind for its component, which spaCy accepts
            "mismatch": BOW | {"exclusive_classes": not exclusive},
        }[architecture]
    }


def examples(nlp):
    for text, tags, cat, spans in TEXTS:
        words = text.split()
        doc = nlp.make_doc(text)
        pos = ["NOUN" if tag == "NN" else "X" for tag in tags.split()]
        morphs = ["Number=Sing" if tag == "NN" else "" for tag in tags.split()]
        starts = [i == 0 or words[i - 1] == "." for i in range(len(words))]
        gold = Doc(
            nlp.vocab, words=words, tags=tags.split(), pos=pos, morphs=morphs, sent_starts=starts
        )
        gold.cats = {label: float(label == cat) for label in ("GOOD", "BAD", "NONE")}
        gold.spans["sc"] = [Span(gold, start, end, label=label) for start, end, label in spans]
        yield Example(doc, gold)


def make(component, kind="own", architecture="reduce", steps=4, config=None):
    """A pipeline with one component, trained for a few steps; None as steps leaves it uninitialized."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    if kind == "vectors":
        words = " ".join(text for text, *_ in TEXTS).split()
        rng = numpy.random.default_rng(0)
        nlp.vocab.reset_vectors(width=8)
        for word in sorted(set(words)):
            nlp.vocab.set_vector(word, rng.normal(size=8).astype("float32"))
    if kind == "shared":
        nlp.add_pipe("tok2vec", config={"model": CNN})
    nlp.add_pipe(component, config=config or settings(component, kind, architecture))
    if steps is not None:
        train = list(examples(nlp))
        optimizer = nlp.initialize(lambda: train)
        optimizer.learn_rate = 0.02
        for _ in range(steps):
            nlp.update(train, sgd=optimizer)
    return nlp


@pytest.fixture(scope="module")
def pipelines():
    """Every component with every encoder, each trained when it is first asked for."""
    made = {}

    def get(component, kind="own", architecture="reduce"):
        key = component, kind, architecture
        if key not in made:
            made[key] = make(*key)
        return made[key]

    return get


def bare(nlp, texts=UNSEEN):
    return [nlp.make_doc(text) for text in texts]


def arrays(posterior):
    """Everything in a posterior that is a probability."""
    found = [getattr(posterior, name, None) for name in ("probs", "token_probs", "negative")]
    return [array for array in found if array is not None]


@pytest.fixture(params=[(c, k) for c in COMPONENTS for k in ENCODERS], ids="-".join)
def nlp(request, pipelines):
    return pipelines(*request.param)


class TestEveryReader:
    def test_batch_equals_one_by_one(self, nlp):
        together = get_posteriors(nlp, bare(nlp))
        apart = [get_posteriors(nlp, [doc])[0] for doc in bare(nlp)]
        assert len(together) == len(UNSEEN)
        for one, other in zip(together, apart):
            for a, b in zip(arrays(one), arrays(other), strict=True):
                assert a.dtype == "float64"
                assert a.shape == b.shape
                numpy.testing.assert_allclose(a, b, atol=1e-5)

    def test_empty_input(self, nlp):
        assert get_posteriors(nlp, []) == []
        for posterior in get_posteriors(nlp, bare(nlp, ["", ""])):
            assert all(numpy.isfinite(a).all() for a in arrays(posterior))

    def test_docs_and_model_are_unchanged(self, nlp):
        docs = bare(nlp)
        before = [doc.to_bytes() for doc in docs], nlp.to_bytes()
        get_posteriors(nlp, docs, temperature=2.0)
        assert ([doc.to_bytes() for doc in docs], nlp.to_bytes()) == before

    def test_reader_leaves_encoded_docs_alone(self, nlp):
        docs = bare(nlp)
        for _, pipe in nlp.pipeline[:-1]:
            docs = list(pipe.pipe(docs))
        before = [doc.to_bytes() for doc in docs]
        name, pipe = nlp.pipeline[-1]
        reader_of(nlp, name)(pipe, docs, 1.0)
        assert [doc.to_bytes() for doc in docs] == before

    def test_more_docs_than_a_batch(self, nlp):
        posteriors = get_posteriors(nlp, bare(nlp, UNSEEN * 40))
        for one, other in zip(posteriors[: len(UNSEEN)], posteriors[-len(UNSEEN) :]):
            for a, b in zip(arrays(one), arrays(other), strict=True):
                numpy.testing.assert_allclose(a, b, atol=1e-5)

    def test_temperature_moves_entropy_one_way(self, nlp):
        def entropy(temperature):
            total = 0.0
            for posterior in get_posteriors(nlp, bare(nlp), temperature=temperature):
                for p in arrays(posterior):
                    total -= (p * numpy.log(numpy.maximum(p, 1e-300))).sum()
                    if not getattr(posterior, "exclusive", True):
                        total -= ((1 - p) * numpy.log(numpy.maximum(1 - p, 1e-300))).sum()
            return total

        entropies = [entropy(t) for t in (0.25, 0.5, 0.99, 1.0, 1.01, 2.0, 10.0)]
        assert entropies == sorted(entropies)
        assert entropies[0] < entropies[-1]

    @pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), {"closed": 1.0}, "2"])
    def test_temperature_must_be_a_number(self, nlp, value):
        with pytest.raises(AlError, match="AL010"):
            get_posteriors(nlp, bare(nlp), temperature=value)

    def test_pickles(self, nlp):
        for posterior in get_posteriors(nlp, bare(nlp)):
            copy = pickle.loads(pickle.dumps(posterior))
            for a, b in zip(arrays(posterior), arrays(copy), strict=True):
                numpy.testing.assert_array_equal(a, b)
        pickle.dumps(reader_of(nlp, nlp.pipe_names[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("component, kind", list(zip(COMPONENTS, ENCODERS * 3)))
def test_a_loaded_pipeline_gives_the_same(pipelines, component, kind, tmp_path):
    nlp = pipelines(component, kind)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    for one, other in zip(get_posteriors(nlp, bare(nlp)), get_posteriors(loaded, bare(loaded))):
        for a, b in zip(arrays(one), arrays(other), strict=True):
            numpy.testing.assert_allclose(a, b, atol=1e-6)


class TestCategories:
    @pytest.mark.parametrize("kind", ENCODERS)
    @pytest.mark.parametrize("architecture", ["bow", "cnn", "reduce", "ensemble", "attention"])
    @pytest.mark.parametrize("component", TEXTCATS)
    def test_equals_cats(self, pipelines, component, architecture, kind):
        nlp = pipelines(component, kind, architecture)
        exclusive = component == "textcat"
        for text, posterior in zip(UNSEEN, get_posteriors(nlp, bare(nlp))):
            assert isinstance(posterior, CategoryPosterior)
            assert posterior.labels == nlp.get_pipe(component).labels
            assert posterior.exclusive is exclusive
            if exclusive:
                assert posterior.probs.sum() == pytest.approx(1, abs=1e-12)
            if text:
                cats = nlp(text).cats
                expected = [cats[label] for label in posterior.labels]
                numpy.testing.assert_allclose(posterior.probs, expected, atol=1e-5)

    @pytest.mark.parametrize("component", TEXTCATS)
    def test_empty_doc(self, pipelines, component):
        nlp = pipelines(component)
        probs = get_posteriors(nlp, bare(nlp, [""]))[0].probs
        if component == "textcat":
            numpy.testing.assert_allclose(probs, 1 / 3)
        else:
            assert probs.tolist() == list(nlp("").cats.values()) == [0, 0, 0]

    @pytest.mark.parametrize("component", TEXTCATS)
    def test_logits_are_normalised(self, pipelines, component):
        nlp = pipelines(component, "own", "logits")
        pipe = nlp.get_pipe(component)
        assert output_kind(pipe.model) == "logits"
        docs = [doc for doc in bare(nlp) if len(doc)]
        logits = pipe.model.predict(docs).astype("float64")
        assert (numpy.abs(logits.sum(axis=1) - 1) > 0.01).any()
        odds = numpy.exp(logits)
        exclusive = component == "textcat"
        expected = odds / odds.sum(axis=1, keepdims=True) if exclusive else odds / (1 + odds)
        found = numpy.stack([p.probs for p in get_posteriors(nlp, docs)])
        numpy.testing.assert_allclose(found, expected, atol=1e-6)

    def test_logistic_outputs_under_the_exclusive_component(self, pipelines):
        nlp = pipelines("textcat", "own", "mismatch")
        assert output_kind(nlp.get_pipe("textcat").model) == "logistic"
        docs = bare(nlp, [text for text in UNSEEN if text])
        p = nlp.get_pipe("textcat").predict(docs).astype("float64")
        # exactly one of the Bernoullis is true: p_i times (1 - p_j) of all others, renormalised
        others = [[numpy.delete(1 - row, i).prod() for i in range(len(row))] for row in p]
        expected = p * others / (p * others).sum(axis=1, keepdims=True)
        found = numpy.stack([p.probs for p in get_posteriors(nlp, docs)])
        numpy.testing.assert_allclose(found, expected, atol=1e-6)

    def test_softmax_under_the_multilabel_component(self, pipelines):
        nlp = pipelines("textcat_multilabel", "own", "mismatch")
        for posterior in get_posteriors(nlp, bare(nlp, ["slept"])):
            assert not posterior.exclusive
            expected = [nlp("slept").cats[label] for label in posterior.labels]
            numpy.testing.assert_allclose(posterior.probs, expected, atol=1e-6)

    def test_unknown_last_layer(self):
        custom = Model("custom", lambda model, X, is_train: (X * 1, lambda dY: dY))
        nlp = make("textcat")
        pipe = nlp.get_pipe("textcat")
        pipe.model = chain(pipe.model, custom)
        assert output_kind(pipe.model) == "unknown"
        found = get_posteriors(nlp, bare(nlp, ["slept"]))[0]
        expected = pipe.predict(bare(nlp, ["slept"]))[0]
        numpy.testing.assert_allclose(found.probs, expected, atol=1e-6)

        tripled = Model("custom", lambda model, X, is_train: (X * 3, lambda dY: dY))
        pipe.model = chain(pipe.model, tripled)
        with pytest.raises(AlError, match=r"AL012.*'textcat'"):
            get_posteriors(nlp, bare(nlp, ["slept"]))

    def test_labels_added_after_training_are_impossible(self, pipelines):
        nlp = make("textcat", steps=2)
        nlp.get_pipe("textcat").add_label("LATE")
        for temperature in (1.0, 5.0):
            posterior = get_posteriors(nlp, bare(nlp, ["slept"]), temperature=temperature)[0]
            assert posterior.labels[-1] == "LATE"
            assert posterior.probs[-1] == 0
            assert posterior.probs.sum() == pytest.approx(1, abs=1e-12)


class TestTokens:
    def test_tagger_predicts_logits(self, pipelines):
        assert output_kind(pipelines("tagger").get_pipe("tagger").model) == "logits"

    @pytest.mark.parametrize("kind", ENCODERS)
    @pytest.mark.parametrize("component", TAGGERS)
    def test_equals_predictions(self, pipelines, component, kind):
        nlp = pipelines(component, kind)
        pipe = nlp.get_pipe(component)
        for text, posterior in zip(UNSEEN, get_posteriors(nlp, bare(nlp))):
            assert isinstance(posterior, TokenPosterior)
            assert posterior.labels == tuple(pipe.labels)
            doc = nlp(text)
            assert posterior.token_probs.shape == (len(doc), len(posterior.labels))
            numpy.testing.assert_allclose(posterior.token_probs.sum(axis=1), 1, atol=1e-12)
            best = [posterior.labels[i] for i in posterior.token_probs.argmax(axis=1)]
            if component == "tagger":
                assert best == [token.tag_ for token in doc]
            elif component == "senter":
                # the first token of a doc starts a sentence, whatever the model says
                expected = ["S" if t.is_sent_start else "I" for t in doc]
                assert best[1:] == expected[1:]
            else:
                features = [str(t.morph) + "|" * bool(str(t.morph)) + f"POS={t.pos_}" for t in doc]
                assert best == features

    def test_normalised_model_gives_the_same(self, pipelines):
        nlp = make("tagger")
        expected = get_posteriors(nlp, bare(nlp), temperature=3.0)
        nlp.get_pipe("tagger").model.get_ref("softmax").attrs["softmax_normalize"] = True
        assert output_kind(nlp.get_pipe("tagger").model) == "softmax"
        for one, other in zip(get_posteriors(nlp, bare(nlp), temperature=3.0), expected):
            numpy.testing.assert_allclose(one.token_probs, other.token_probs, atol=1e-5)


class TestSpans:
    @pytest.mark.parametrize("kind", ENCODERS)
    @pytest.mark.parametrize("component", SPANCATS)
    def test_equals_scores(self, pipelines, component, kind):
        nlp = pipelines(component, kind)
        n_found = 0
        for text, posterior in zip(UNSEEN, get_posteriors(nlp, bare(nlp))):
            assert isinstance(posterior, SpanPosterior)
            assert posterior.labels == ("DRUG", "DOSE")
            doc = nlp(text)
            group = doc.spans["sc"]
            n_found += len(group)
            for span, score in zip(group, group.attrs.get("scores", [])):
                prob = posterior.prob(span.start, span.end, span.label_)
                assert prob == pytest.approx(float(numpy.squeeze(score)), abs=1e-5)
            n = len(doc)
            assert len(posterior.start) == n + max(n - 1, 0) + max(n - 2, 0)
            assert len(posterior.span_probs) == 2 * len(posterior.start)
        assert n_found

    def test_negative_label(self, pipelines):
        nlp = pipelines("spancat_singlelabel")
        for posterior in get_posteriors(nlp, bare(nlp)):
            assert posterior.exclusive
            total = posterior.probs.sum(axis=1) + posterior.negative
            numpy.testing.assert_allclose(total, 1, atol=1e-12)

    def test_multilabel(self, pipelines):
        nlp = pipelines("spancat")
        for posterior in get_posteriors(nlp, bare(nlp)):
            assert not posterior.exclusive
            assert posterior.negative is None
            assert ((posterior.probs >= 0) & (posterior.probs <= 1)).all()

    def test_view(self, pipelines):
        nlp = pipelines("spancat")
        posterior = get_posteriors(nlp, bare(nlp, UNSEEN[2:3]))[0]
        spans = posterior.spans
        assert len(spans) == (posterior.span_probs >= 1e-6).sum()
        for span in spans:
            assert posterior.prob(span.start, span.end, span.label) == span.prob
        assert posterior.spans is spans

    def test_prob_of_what_is_not_suggested(self, pipelines):
        nlp = pipelines("spancat")
        posterior = get_posteriors(nlp, bare(nlp, UNSEEN[2:3]))[0]
        assert posterior.prob(0, 5, "DRUG") == 0.0
        assert posterior.prob(0, 1, "UNKNOWN") == 0.0
        for start, end in [(0, 0), (-1, 2), (3, 99), (4, 2)]:
            with pytest.raises(AlError, match="AL009"):
                posterior.prob(start, end, "DRUG")

    @pytest.mark.parametrize("component", SPANCATS)
    def test_suggester_without_candidates(self, component):
        config = settings(component)
        config["suggester"] = {"@misc": "spacy.ngram_suggester.v1", "sizes": [3]}
        nlp = make(component, steps=1, config=config)
        for texts in (["slept", ""], ["slept", "a b c d", "", "a b"]):
            for text, posterior in zip(texts, get_posteriors(nlp, bare(nlp, texts))):
                n = max(len(text.split()) - 2, 0)
                assert posterior.probs.shape == (n, 2)
                assert posterior.start.shape == posterior.end.shape == (n,)
                assert len(posterior.spans) == 2 * n

    def test_candidate_suggested_twice_counts_once(self):
        @registry.misc("test.twice")
        def make_suggester():
            return suggest_twice

        config = settings("spancat") | {"suggester": {"@misc": "test.twice"}}
        nlp = make("spancat", steps=1, config=config)
        for posterior in get_posteriors(nlp, bare(nlp)):
            assert posterior.start.tolist() == list(range(posterior.length))


def suggest_twice(docs, *, ops=None):
    from thinc.types import Ragged

    rows = [[i, i + 1] for doc in docs for i in range(len(doc)) for _ in range(2)]
    lengths = numpy.array([2 * len(doc) for doc in docs], dtype="i")
    return Ragged(numpy.array(rows, dtype="i").reshape(-1, 2), lengths)


class TestView:
    def test_order_slices_and_repr(self):
        view = SpanView.sorted(
            numpy.array([2, 0, 0, 0, 5, 6]),
            numpy.array([3, 2, 1, 1, 6, 7]),
            numpy.array([0, 1, 1, 0, 0, 0]),
            numpy.array([0.5, 0.5, 0.5, 0.5, 0.9, 0.1]),
            ("A", "B"),
        )
        items = [(5, 6, "A"), (0, 1, "A"), (0, 1, "B"), (0, 2, "B"), (2, 3, "A"), (6, 7, "A")]
        assert [(s.start, s.end, s.label) for s in view] == items
        assert list(view) == [view[i] for i in range(len(view))]
        assert view[0] == SpanProb(5, 6, "A", 0.9)
        assert view[-1] == SpanProb(6, 7, "A", 0.1)
        assert isinstance(view[1:3], SpanView)
        assert list(view[1:3]) == list(view)[1:3]
        assert list(view[::-1]) == list(view)[::-1]
        assert view[1:].prob.base is not None, "a slice copies nothing"
        assert SpanProb(2, 3, "A", 0.5) in view
        assert repr(view[:1]) == "SpanView([5..6 A 0.9])"
        assert repr(view).endswith("... 1 more])")
        assert repr(view[:0]) == "SpanView([])"
        with pytest.raises(IndexError):
            view[6]


class TestOutputs:
    def test_saturated_logistic_can_still_be_cooled_and_warmed(self):
        ones = numpy.array([[1.0, 0.0]], dtype="float32")
        assert independent_probs(ones, "logistic", 1.0, None).tolist() == [[1, 0]]
        warm = independent_probs(ones, "logistic", 10.0, None)
        assert 0.5 < warm[0, 0] < 0.9
        assert 0 < warm[0, 1] < 0.5

    def test_extreme_logits(self):
        scores = numpy.array([[1e30, -1e30, 0.0]], dtype="float32")
        assert exclusive_probs(scores, "logits", 1.0, None).tolist() == [[1, 0, 0]]
        assert independent_probs(scores, "logits", 1.0, None).tolist() == [[1, 0, 0.5]]

    @pytest.mark.parametrize("kind", ["softmax", "unknown"])
    def test_rows_that_do_not_sum_to_one(self, kind):
        pipe = make("textcat", steps=None).get_pipe("textcat")
        with pytest.raises(AlError, match=r"AL012.*sums to 0\.7"):
            exclusive_probs(numpy.array([[0.5, 0.5], [0.2, 0.5]]), kind, 1.0, pipe)

    @pytest.mark.parametrize("kind", ["logistic", "unknown"])
    def test_values_that_are_no_probabilities(self, kind):
        pipe = make("textcat", steps=None).get_pipe("textcat")
        with pytest.raises(AlError, match=r"AL012.*-3 is not between"):
            independent_probs(numpy.array([[0.5, -3.0]]), kind, 1.0, pipe)

    def test_kind_sees_through_wrappers_only(self):
        from thinc.api import residual, with_array

        assert output_kind(with_array(chain(Linear(2, 2), Linear(2, 2)))) == "logits"
        assert output_kind(residual(Linear(2, 2))) == "unknown"


class TestErrors:
    @pytest.mark.parametrize("component", COMPONENTS)
    def test_listener_without_its_encoder(self, pipelines, component):
        nlp = pipelines(component, "shared")
        with nlp.select_pipes(disable="tok2vec"):
            with pytest.raises(AlError, match=f"AL004.*1 tokens.*'{component}'.*'tok2vec'"):
                get_posteriors(nlp, bare(nlp))
            assert len(get_posteriors(nlp, bare(nlp, ["", ""]))) == 2

    def test_own_encoder_needs_nothing(self, pipelines):
        nlp = pipelines("tagger")
        check_encoded(nlp.get_pipe("tagger"), bare(nlp))

    def test_named_upstream(self):
        nlp = make("tagger", "shared", steps=None)
        for node in nlp.get_pipe("tagger").model.walk():
            if node.name == "tok2vec-listener":
                node.upstream_name = "big_encoder"
        with pytest.raises(AlError, match=r"AL004.*'big_encoder'"):
            check_encoded(nlp.get_pipe("tagger"), bare(nlp))

    @pytest.mark.parametrize("component", COMPONENTS)
    def test_damaged_weights(self, component):
        nlp = make(component, steps=1)
        head = [node for node in nlp.get_pipe(component).model.walk() if node.has_param("b")][-1]
        head.set_param("b", numpy.full_like(head.get_param("b"), numpy.nan))
        with pytest.raises(AlError, match=f"AL005.*'{component}'.*starts 'aspirin'"):
            get_posteriors(nlp, bare(nlp))

    def test_finite_names_the_doc(self, pipelines):
        nlp = pipelines("tagger")
        pipe, docs = nlp.get_pipe("tagger"), bare(nlp, ["a b", "", "c\nd e", "f"])
        values = numpy.ones((6, 2), dtype="float32")
        assert check_finite(values, pipe, docs) is values
        values[4, 1] = numpy.inf
        for lengths in ([2, 0, 3, 1], None):
            with pytest.raises(AlError, match=r"AL005.*starts 'c d e'"):
                check_finite(values, pipe, docs, lengths)
        with pytest.raises(AlError, match=r"AL005.*starts 'f'"):
            check_finite(numpy.array([1, 1, 1, numpy.nan]), pipe, docs)

    @pytest.mark.parametrize("component", COMPONENTS)
    def test_no_labels(self, component):
        nlp = make(component, steps=None)
        with pytest.raises(AlError, match=f"AL007.*'{component}'"):
            get_posteriors(nlp, bare(nlp))

    @pytest.mark.parametrize("component", ["textcat", "tagger", "spancat"])
    def test_labels_but_no_weights(self, component):
        nlp = make(component, steps=None)
        nlp.get_pipe(component).add_label("A")
        with pytest.raises(AlError, match=f"AL007.*'{component}'"):
            get_posteriors(nlp, bare(nlp))
