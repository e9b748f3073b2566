"""The linear head: scikit-learn's own answers, spaCy's own commands, and what it does where there is little to learn from."""

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_al import AlError, get_posteriors, registry
from spacy_al.components import linear_textcat  # noqa: F401  (registers its factories)
from spacy_al.components.logistic import SEEN, fit_exclusive, fit_independent

# processes, or pipelines that are fitted or saved
pytestmark = pytest.mark.slow

WIDTH = 16
WORDS = ["aspirin", "fever", "dose", "lease", "tenant", "rent"]
KINDS = ("clinical", "legal", "other")


@registry.al_embeddings("test.vectors.v1")
def make_test_vectors():
    """The mean of a random vector a word, of unit length."""
    return embed


def embed(docs):
    rows = []
    for doc in docs:
        own = [numpy.random.default_rng(token.lower).normal(size=WIDTH) for token in doc]
        mean = numpy.mean(own, axis=0) if own else numpy.zeros(WIDTH)
        rows.append(mean / max(float(numpy.linalg.norm(mean)), 1e-12))
    return numpy.asarray(rows, dtype="f4").reshape(len(docs), WIDTH)


def texts(n, seed=0):
    """(text, kind): medical words make clinical ones, contract words legal ones."""
    rng = numpy.random.default_rng(seed)
    made = []
    for _ in range(n):
        kind = int(rng.integers(len(KINDS)))
        own = WORDS[:3] if kind == 0 else WORDS[3:] if kind == 1 else ["the", "a", "of"]
        made.append((" ".join(rng.choice([*own, "the"], size=6)), KINDS[kind]))
    return made


def pipeline(factory="al_textcat", ngram_buckets=0, **settings):
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy-al.linear_textcat.v1",
        "exclusive_classes": factory == "al_textcat",
        "ngram_buckets": ngram_buckets,
        "embedding": {"@al_embeddings": "test.vectors.v1"},
    }
    nlp.add_pipe(factory, config={"model": model, **settings})
    return nlp


def examples(nlp, made, labels=KINDS):
    return [
        Example.from_dict(
            nlp.make_doc(text), {"cats": {label: float(label == kind) for label in labels}}
        )
        for text, kind in made
    ]


@pytest.mark.parametrize("balanced", [True, False])
def test_the_head_is_that_of_scikit_learn(balanced):
    # the first label is rare
    made = [pair for pair in texts(80) if pair[1] != KINDS[0]][:50] + texts(10, seed=2)
    nlp = pipeline(inverse_penalty=30.0, balanced=balanced)
    nlp.initialize(lambda: examples(nlp, made))
    vectors = embed([nlp.make_doc(text) for text, _ in made]).astype("f8")
    weights = "balanced" if balanced else None
    theirs = LogisticRegression(C=30, max_iter=1000, tol=1e-6, class_weight=weights)
    theirs.fit(vectors, [kind for _, kind in made])
    docs = [nlp(text) for text, _ in texts(20, seed=1)]
    probs = [[doc.cats[label] for label in theirs.classes_] for doc in docs]
    expected = theirs.predict_proba(embed(docs).astype("f8"))
    assert_allclose(probs, expected, atol=1e-4)
    found = get_posteriors(nlp, [nlp.make_doc(text) for text, _ in texts(20, seed=1)])
    order = [found[0].labels.index(label) for label in theirs.classes_]
    assert_allclose([one.probs[order] for one in found], expected, atol=1e-4)
    assert found[0].exclusive


def test_the_penalty_is_chosen_by_what_is_held_out():
    rng = numpy.random.default_rng(0)
    vectors = rng.normal(size=(300, 20))
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    clear = (vectors[:, 0] > 0).astype(int)
    noise = rng.integers(0, 2, size=300)
    for right, expected in ((clear, 100.0), (noise, 1.0)):
        chosen = fit_exclusive(vectors, right, 2)
        as_given = fit_exclusive(vectors, right, 2, expected)
        assert_allclose(chosen.weights, as_given.weights)
        columns = numpy.stack([right > 0, right < 1], axis=1)
        chosen = fit_independent(vectors, columns, columns | True)
        as_given = fit_independent(vectors, columns, columns | True, expected)
        assert_allclose(chosen.weights, as_given.weights)


def spelled(n, seed=0):
    """(text, kind): the words' vectors say nothing, a number at a word's end says all."""
    rng = numpy.random.default_rng(seed)
    kinds = rng.integers(2, size=n)
    return [
        (f"w{rng.integers(10**6)} w{rng.integers(10**6)}x{'4711' if kind else '0815'}", KINDS[kind])
        for kind in kinds
    ]


@pytest.mark.parametrize("factory", ["al_textcat", "al_textcat_multilabel"])
def test_n_grams_see_what_vectors_do_not(factory, tmp_path):
    made, held = spelled(120), spelled(60, seed=1)

    def count_right(n_buckets):
        nlp = pipeline(factory, ngram_buckets=n_buckets)
        nlp.initialize(lambda: examples(nlp, made, KINDS[:2]))
        nlp.to_disk(tmp_path / str(n_buckets))
        docs = spacy.load(tmp_path / str(n_buckets)).pipe(text for text, _ in held)
        return sum(max(doc.cats, key=doc.cats.get) == kind for doc, (_, kind) in zip(docs, held))

    assert count_right(256) > 55
    assert count_right(0) < 45


def test_n_grams_that_say_nothing_weigh_nothing():
    rng = numpy.random.default_rng(0)
    vectors = rng.normal(size=(200, 20))
    right = (vectors[:, 0] > 0).astype(int)
    alone = fit_exclusive(vectors, right, 2)
    beside = fit_exclusive(numpy.hstack([vectors, rng.normal(size=(200, 8))]), right, 2, n_grams=8)
    assert_allclose(beside.weights[:, :20], alone.weights)
    assert not beside.weights[:, 20:].any()


def test_a_scale_is_part_of_the_weights():
    rng = numpy.random.default_rng(0)
    grams = rng.normal(size=(200, 8))
    vectors = numpy.hstack([rng.normal(size=(200, 20)) / 50, grams])
    head = fit_exclusive(vectors, (grams[:, 0] > 0).astype(int), 2, 3.0, n_grams=8)
    scaled = fit_exclusive(
        vectors * ([1.0] * 20 + [1.4] * 8), (grams[:, 0] > 0).astype(int), 2, 3.0
    )
    assert_allclose(head.weights, scaled.weights * ([1.0] * 20 + [1.4] * 8))
    assert_allclose(head.bias, scaled.bias)


def test_two_labels_and_one():
    vectors = numpy.random.default_rng(0).normal(size=(30, 4))
    right = (vectors[:, 0] > 0).astype(int)
    head = fit_exclusive(vectors, right, 2, 1.0, balanced=False)
    logits = vectors @ head.weights.T + head.bias
    probs = 1 / (1 + numpy.exp(logits[:, 0] - logits[:, 1]))
    theirs = LogisticRegression(C=1.0, tol=1e-6).fit(vectors, right)
    assert_allclose(probs, theirs.predict_proba(vectors)[:, 1], atol=1e-6)
    alone = fit_exclusive(vectors, numpy.zeros(30, dtype=int), 2, 1.0)
    assert not alone.weights.any()
    odds = numpy.exp(alone.bias[0] - alone.bias[1])
    assert odds == pytest.approx((30 + SEEN) / SEEN)


def test_a_label_that_no_text_has_is_improbable_and_not_impossible():
    rng = numpy.random.default_rng(1)
    vectors, right = rng.normal(size=(40, 6)), rng.integers(0, 3, size=40)
    head = fit_exclusive(vectors, right, 5, 1.0, balanced=False)
    logits = vectors @ head.weights.T + head.bias
    probs = numpy.exp(logits - numpy.logaddexp.reduce(logits, axis=1)[:, None])
    assert_allclose(probs[:, 3], probs[:, 4])
    assert 0.2 * SEEN / 40 < probs[:, 3].mean() < 5 * SEEN / 40


def test_of_several_labels_each_has_its_own_texts():
    rng = numpy.random.default_rng(2)
    vectors = rng.normal(size=(50, 4))
    applies, known = vectors[:, :3] > 0, rng.random((50, 3)) < 0.8
    applies[:, 2] = True
    head = fit_independent(vectors, applies, known, 2.0, balanced=False)
    for label in (0, 1):
        rows = known[:, label]
        theirs = LogisticRegression(C=2.0, tol=1e-6).fit(vectors[rows], applies[rows, label])
        assert_allclose(head.weights[label], theirs.coef_[0], atol=1e-6)
    n = known[:, 2].sum()
    assert not head.weights[2].any()
    assert head.bias[2] == pytest.approx(numpy.log((n + SEEN) / SEEN))


@pytest.mark.parametrize("factory", ["al_textcat", "al_textcat_multilabel"])
def test_it_comes_back_from_disk_and_bytes(factory, tmp_path):
    nlp = pipeline(factory)
    nlp.initialize(lambda: examples(nlp, texts(30)))
    expected = nlp("aspirin fever rent").cats
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("aspirin fever rent").cats == expected
    again = pipeline(factory).from_bytes(nlp.to_bytes())
    assert again("aspirin fever rent").cats == expected


def test_what_is_not_decided_teaches_nothing():
    nlp = pipeline("al_textcat_multilabel")
    made = examples(nlp, texts(40))
    partly = [Example.from_dict(nlp.make_doc("rent rent"), {"cats": {"legal": 1.0}})]
    nothing = [Example.from_dict(nlp.make_doc("fever"), {"cats": {}})]
    nlp.initialize(lambda: [*made, *partly, *nothing])
    head = nlp.get_pipe("al_textcat_multilabel").model.layers[1]
    other = pipeline("al_textcat_multilabel")
    other.initialize(lambda: [*made, *partly])
    again = other.get_pipe("al_textcat_multilabel").model.layers[1]
    assert_allclose(head.get_param("W"), again.get_param("W"))
    clinical = nlp.get_pipe("al_textcat_multilabel").labels.index("clinical")
    third = pipeline("al_textcat_multilabel")
    third.initialize(lambda: made)
    theirs = third.get_pipe("al_textcat_multilabel").model.layers[1]
    assert_allclose(head.get_param("W")[clinical], theirs.get_param("W")[clinical])


def test_vectors_that_are_not_dense_are_refused():
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "al_textcat",
        config={
            "model": {
                "@architectures": "spacy-al.linear_textcat.v1",
                "exclusive_classes": True,
                "embedding": {"@al_embeddings": "spacy-al.hashed_words.v1"},
            }
        },
    )
    with pytest.raises(AlError, match=r"AL320.*dense.*csr_matrix"):
        nlp.initialize(lambda: examples(nlp, texts(10)))


@pytest.mark.slow
def test_spacy_train(tmp_path):
    nlp = pipeline()
    for name, seed in (("train", 0), ("dev", 1)):
        docs = [eg.reference for eg in examples(nlp, texts(40, seed))]
        DocBin(docs=docs).to_disk(tmp_path / f"{name}.spacy")
    config = nlp.config.copy()
    config["paths"].update({name: str(tmp_path / f"{name}.spacy") for name in ("train", "dev")})
    config["training"]["max_steps"] = 2
    config["training"]["eval_frequency"] = 1
    config.to_disk(tmp_path / "config.cfg")
    from spacy.cli.train import train

    train(tmp_path / "config.cfg", tmp_path / "out")
    trained = spacy.load(tmp_path / "out" / "model-best")
    right = [
        max(trained(text).cats, key=trained(text).cats.get) == kind for text, kind in texts(60, 2)
    ]
    assert numpy.mean(right) > 0.85
