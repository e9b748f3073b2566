"""Gradient embeddings: against finite differences, against multiplied-out ones, and through a whole selection."""

from types import SimpleNamespace

import numpy
import pytest
import spacy
from numpy.testing import assert_allclose
from spacy.tokens import Doc

import spacy_al
from spacy_al.arrays.factored import Factored, sketch
from spacy_al.config.settings import Settings
from spacy_al.embeddings.documents import encoder_mean
from spacy_al.embeddings.gradients import gradient, residual
from spacy_al.errors import AlError
from spacy_al.posteriors.committee import CommitteePosterior
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.tokens import Tokens
from spacy_al.query.select import select
from spacy_al.registry import al_samplers
from spacy_al.selection import knn_density, mean_cosine
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

NLP = spacy.blank("en")
WORDS = [
    "the",
    "borrower",
    "shall",
    "pay",
    "rent",
    "on",
    "the",
    "first",
    "day",
    "of",
    "each",
    "month",
    ".",
]


def rng(seed=0):
    return numpy.random.default_rng(seed)


def doc_of(n_tokens, seed=0, width=4):
    doc = Doc(NLP.vocab, words=WORDS[:n_tokens])
    if width:
        doc.tensor = rng(seed).normal(size=(n_tokens, width)).astype("f4")
    return doc


def softmax(logits):
    e = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + numpy.exp(-logits))


def by_differences(loss, weights, step=1e-5):
    found = numpy.zeros_like(weights)
    for place in numpy.ndindex(*weights.shape):
        moved = [weights.copy(), weights.copy()]
        moved[0][place] -= step
        moved[1][place] += step
        found[place] = (loss(moved[1]) - loss(moved[0])) / (2 * step)
    return found


def categories(probs, exclusive=True):
    return SimpleNamespace(labels=tuple("ABCDE"[: len(probs)]), probs=probs, exclusive=exclusive)


def tokens(probs):
    return SimpleNamespace(labels=tuple("ABCDE"[: probs.shape[-1]]), token_probs=probs)


def spans(start, end, probs, negative=None, exclusive=False):
    return SimpleNamespace(
        labels=("A", "B"),
        start=numpy.array(start, dtype="i8"),
        end=numpy.array(end, dtype="i8"),
        probs=probs,
        span_probs=probs.ravel(),
        negative=negative,
        exclusive=exclusive,
    )


def sketch_of(matrix):
    """The sketch of a gradient that was multiplied out: one outer product for each of its rows."""
    return sketch(numpy.eye(len(matrix)), matrix).sum(axis=0)


# the gradient is the gradient


@pytest.mark.parametrize("seed", range(3))
def test_categories_against_finite_differences(seed):
    doc, weights = doc_of(6, seed), rng(seed + 9).normal(size=(3, 4))
    h = doc.tensor.mean(axis=0).astype("f8")
    probs = softmax(weights @ h)
    row = gradient([doc], [categories(probs)])
    slow = by_differences(lambda w: -numpy.log(softmax(w @ h)[probs.argmax()]), weights)
    assert_allclose(numpy.outer(row.left[0], row.right[0]), slow, atol=1e-5)

    probs = sigmoid(weights @ h)
    answer = probs >= 0.5

    def loss(w):
        p = sigmoid(w @ h)
        return -numpy.log(numpy.where(answer, p, 1 - p)).sum()

    row = gradient([doc], [categories(probs, exclusive=False)])
    assert_allclose(
        numpy.outer(row.left[0], row.right[0]), by_differences(loss, weights), atol=1e-5
    )


@pytest.mark.parametrize("seed", range(3))
def test_tokens_against_finite_differences(seed):
    doc, weights = doc_of(6, seed), rng(seed + 9).normal(size=(3, 4))
    h = doc.tensor.astype("f8")
    probs = softmax(h @ weights.T)
    best = probs.argmax(axis=1)
    slow = by_differences(
        lambda w: -numpy.log(softmax(h @ w.T)[numpy.arange(6), best]).sum(), weights
    )
    assert_allclose(gradient([doc], [tokens(probs)])[0], sketch_of(slow), atol=1e-4)


@pytest.mark.parametrize("exclusive", [True, False])
def test_spans_against_finite_differences(exclusive):
    doc, weights = doc_of(6), rng(9).normal(size=(2 + exclusive, 4))
    start, end = [0, 1, 1, 4], [2, 2, 6, 5]
    h = numpy.array([doc.tensor[a:b].mean(axis=0) for a, b in zip(start, end)], dtype="f8")
    probs = softmax(h @ weights.T) if exclusive else sigmoid(h @ weights.T)
    best, right = probs.argmax(axis=1), probs >= 0.5

    def loss(w):
        if exclusive:
            return -numpy.log(softmax(h @ w.T)[numpy.arange(4), best]).sum()
        p = sigmoid(h @ w.T)
        return -numpy.log(numpy.where(right, p, 1 - p)).sum()

    posterior = spans(start, end, probs[:, :2], probs[:, 2] if exclusive else None, exclusive)
    slow = by_differences(loss, weights)
    assert_allclose(gradient([doc], [posterior])[0], sketch_of(slow), atol=1e-4)


def test_the_features_of_a_span_do_not_hang_on_how_much_stands_before_it():
    doc, alone = Doc(NLP.vocab, words=["word"] * 20_000), doc_of(2)
    doc.tensor = numpy.full((20_000, 4), 7.3, dtype="f4")
    doc.tensor[-2:] = alone.tensor
    probs = numpy.array([[0.4, 0.3]])
    late = gradient([doc], [spans([19_998], [20_000], probs)])
    assert_allclose(late, gradient([alone], [spans([0], [2], probs)]), atol=1e-6)


def test_a_certain_document_teaches_nothing():
    certain = numpy.eye(3)[[0, 2, 1, 1]]
    assert (gradient([doc_of(4)], [tokens(certain)]) == 0).all()
    assert (gradient([doc_of(4)], [categories(certain[0])]).squares() == 0).all()
    assert (residual(numpy.array([0.0, 1.0, 1.0]), exclusive=False) == 0).all()
    # of two that are equally probable one is the answer
    assert residual([0.5, 0.5], exclusive=True).tolist() == [-0.5, 0.5]


# distances


def test_distances_of_sentences_are_about_those_of_the_gradients():
    docs = [doc_of(3 + seed % 8, seed, width=48) for seed in range(60)]
    probs = [softmax(2 * rng(seed).normal(size=(len(doc), 9))) for seed, doc in enumerate(docs)]
    rows = gradient(docs, [tokens(p) for p in probs])
    assert rows.shape == (60, 256) and rows[0].nbytes == 1024
    out = numpy.array(
        [(residual(p, exclusive=True).T @ doc.tensor).ravel() for p, doc in zip(probs, docs)]
    )

    def distances(vectors):
        return numpy.linalg.norm(vectors[:, None] - vectors, axis=-1)[numpy.triu_indices(60, 1)]

    ratio = distances(rows) / distances(out)
    assert abs(ratio.mean() - 1) < 0.03 and ratio.std() < 0.1


def test_categories_are_never_multiplied_out():
    docs = [doc_of(5, seed, width=96) for seed in range(20)]
    rows = gradient(docs, [categories(rng(s).dirichlet(numpy.ones(77))) for s in range(20)])
    assert isinstance(rows, Factored) and rows.shape == (20, 77 * 96)
    assert rows.left.nbytes + rows.right.nbytes == 20 * (77 + 96) * 4
    assert_allclose(rows.right, encoder_mean(docs), atol=1e-6)


def test_densities_of_factored_rows():
    rows = Factored(rng().normal(size=(30, 3)), rng(1).normal(size=(30, 4)))
    out = numpy.einsum("nk,nd->nkd", rows.left, rows.right).reshape(30, -1)
    assert_allclose(mean_cosine(rows), mean_cosine(out), atol=1e-12)
    assert_allclose(knn_density(rows, 3), knn_density(out, 3), atol=0.1)


# what else may come


def test_of_a_committee_the_mean_of_its_members():
    doc = doc_of(5)
    kinds = [
        [tokens(rng(seed).dirichlet(numpy.ones(3), 5)) for seed in range(4)],
        [Tokens(("A", "B"), rng(seed).dirichlet(numpy.ones(2), 5)) for seed in range(4)],
        [
            Spans(
                labels=("A", "B"),
                start=numpy.array([0, 2]),
                end=numpy.array([2, 3]),
                probs=rng(seed).random((2, 2)),
                negative=None,
                exclusive=False,
                length=5,
            )
            for seed in range(3)
        ],
    ]
    for members in kinds:
        each = [gradient([doc], [member])[0] for member in members]
        found = gradient([doc], [CommitteePosterior(tuple(members), members[0])])[0]
        assert_allclose(found, numpy.mean(each, axis=0), atol=1e-5)
    for exclusive in (True, False):
        members = [categories(rng(s).dirichlet(numpy.ones(3)), exclusive) for s in range(4)]
        each = [gradient([doc], [member]).left[0] for member in members]
        found = gradient([doc], [CommitteePosterior(tuple(members), members[0])]).left[0]
        assert_allclose(found, numpy.mean(each, axis=0), atol=1e-6)


def test_documents_without_tokens_or_candidates_are_zeros():
    empty = Doc(NLP.vocab)
    for width in (4, 0):
        rows = gradient(
            [doc_of(3, width=width), empty],
            [tokens(numpy.full((3, 2), 0.5)), tokens(numpy.zeros((0, 2)))],
        )
        assert rows[0].any() and not rows[1].any()
        both = [categories(numpy.array([0.6, 0.4]))] * 2
        rows = gradient([doc_of(3, width=width), empty], both)
        assert rows.squares()[0] > 0 and rows.squares()[1] == 0
    none = spans([], [], numpy.zeros((0, 2)))
    some = spans([0], [1], numpy.ones((1, 2)) * 0.4)
    rows = gradient([doc_of(3), doc_of(3), empty], [some, none, none])
    assert rows.any(axis=1).tolist() == [True, False, False]


def test_without_an_encoder_words_tell_documents_apart():
    def row(words, **given):
        doc = Doc(NLP.vocab, words=words)
        return gradient([doc], [tokens(numpy.tile([0.6, 0.4], (len(words), 1)))], **given)[0]

    one, same, other = row(["rent", "due"]), row(["Due", "RENT"]), row(["chest", "pain"])
    assert_allclose(one, same, atol=1e-6)
    assert numpy.linalg.norm(one - other) > 0.5 * numpy.linalg.norm(one)
    # two independent gradients are at a right angle
    assert abs(one @ other) < 0.3 * numpy.linalg.norm(one) * numpy.linalg.norm(other)

    def category(words):
        doc = Doc(NLP.vocab, words=words)
        return gradient([doc], [categories(numpy.array([0.6, 0.4]))]).right[0]

    assert_allclose(category(["rent", ",", "\n", "due"]), category(["rent", "due"]))
    assert category([",", "."]).any()


def test_refuses_what_it_cannot_read():
    with pytest.raises(AlError, match=r"AL210.*unknown"):
        gradient([doc_of(2)], [SimpleNamespace(labels=("A",))])


# whole pipelines


@pytest.mark.parametrize("shared", [True, False])
def test_entities_of_a_pipeline(shared):
    nlp = make_ner(updates=3, shared=shared)
    docs = [nlp.make_doc(" ".join(WORDS[i : i + 5])) for i in range(6)]
    if shared:
        docs = [nlp.get_pipe("tok2vec")(doc) for doc in docs]
    posteriors = spacy_al.get_posteriors(nlp, docs, "ner")
    rows = gradient(docs, posteriors)
    assert rows.shape == (6, 256) and numpy.isfinite(rows).all() and rows.any(axis=1).all()
    for doc, posterior, row in zip(docs, posteriors, rows):
        assert_allclose(gradient([doc], [posterior])[0], row, atol=1e-6)
        if shared:
            slow = residual(posterior.token_probs, exclusive=True).T @ doc.tensor
            assert_allclose(row, sketch_of(slow), atol=1e-4)


def test_select_by_gradients(tmp_path):
    nlp = spacy.blank("xx")
    nlp.add_pipe("tok2vec", config={"model": {"@architectures": "spacy.HashEmbedCNN.v2", **TINY}})
    textcat = nlp.add_pipe("textcat", config={"model": HEAD})
    for label in "ABC":
        textcat.add_label(label)
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    texts = [" ".join(rng(i).permutation(WORDS)[: 4 + i % 8]) for i in range(40)]
    write_shards([nlp.make_doc(text) for text in texts], tmp_path / "pool", 15)
    blocks = {"embedding": {"@al_embeddings": "spacy-al.gradient.v1"}}
    for sampler, weight in (("kmeans_pp", 0.0), ("cluster_margin", 1.0)):
        selection = select(
            tmp_path / "pool",
            n=6,
            model=str(tmp_path / "model"),
            settings=Settings(blocks=blocks),
            sampler=sampler,
            density_weight=weight,
        )
        assert len({task["text"] for task in selection.tasks}) == 6
        propensities = [task["meta"]["propensity"] for task in selection.tasks]
        assert (max(propensities) < 1) == (sampler == "kmeans_pp")


TINY = {
    "pretrained_vectors": None,
    "width": 8,
    "depth": 1,
    "embed_size": 100,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": False,
}
HEAD = {
    "@architectures": "spacy.TextCatReduce.v1",
    "exclusive_classes": True,
    "use_reduce_first": False,
    "use_reduce_last": False,
    "use_reduce_max": False,
    "use_reduce_mean": True,
    "tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 8, "upstream": "*"},
}


def test_kmeans_pp_over_gradients_is_badge():
    """Texts that err alike are not drawn together, and all confident ones together are one kind."""
    docs = [doc_of(4, seed=i // 10) for i in range(40)]
    # the first half is sure, and of the second there are two kinds
    probs = [0.999 - 1e-5 * i if i < 20 else 0.55 + 1e-4 * i for i in range(40)]
    rows = gradient(docs, [categories(numpy.array([p, 1 - p])) for p in probs])
    kinds, sampler = numpy.zeros(4), al_samplers.get("spacy-al.kmeans_pp.v1")()
    for seed in range(50):
        kinds[sampler(numpy.ones(40), 3, rng(seed), embeddings=rows)[0] // 10] += 1
    assert kinds[2] > 47 and kinds[3] > 47 and kinds[:2].sum() > 47
