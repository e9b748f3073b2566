"""Estimators of other libraries as posteriors."""

import numpy
import pytest
import scipy.sparse
import spacy
from numpy.testing import assert_allclose
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from spacy.tokens import DocBin

from spacy_al import estimator_posteriors, registry
from spacy_al.config.settings import Settings
from spacy_al.embeddings.documents import hashed_words
from spacy_al.errors import AlError, UsageError
from spacy_al.query.scorer import Job, Scorer
from spacy_al.query.select import select

TEXTS = ["good day", "bad night", "good good", "bad bad", "so so", ""]
LABELS = ["NEG", "POS", "MID"]
ANSWERS = ["POS", "NEG", "POS", "NEG"]


class Wrapped:
    """As the wrappers of neural networks are: columns in the order of the labels, no classes_."""

    def __init__(self, probs):
        self.probs = numpy.asarray(probs)

    def predict_proba(self, vectors):
        return numpy.repeat(self.probs[None], vectors.shape[0], axis=0)


def vectors_of(n=4):
    nlp = spacy.blank("en")
    return hashed_words([nlp(text) for text in TEXTS[:n]])


def test_equals_what_the_estimator_says():
    vectors = vectors_of()
    for estimator in (MultinomialNB(), LogisticRegression(), RandomForestClassifier(5, random_state=0)):  # fmt: skip
        estimator.fit(vectors, ANSWERS)
        posteriors = estimator_posteriors(estimator, vectors)
        assert posteriors[0].labels == ("NEG", "POS") and posteriors[0].exclusive
        assert_allclose([p.probs for p in posteriors], estimator.predict_proba(vectors))
        # in the order that is asked for, and nothing for what it has never seen
        for row, again in zip(
            posteriors, estimator_posteriors(estimator, vectors, ["POS", "MID", "NEG"])
        ):
            assert again.labels == ("POS", "MID", "NEG")
            assert_allclose(again.probs, [row.probs[1], 0, row.probs[0]])
        scores = registry.al_acquisitions.get("spacy-al.margin.v1")()(posteriors)
        assert scores.shape == (4,)


@pytest.mark.slow
def test_classes_that_are_numbers_are_positions():
    # as XGBoost wants them
    estimator = MultinomialNB().fit(vectors_of(), [2, 0, 2, 0])
    (first, *_) = estimator_posteriors(estimator, vectors_of(), LABELS)
    assert_allclose(first.probs[[0, 2]], estimator.predict_proba(vectors_of())[0])
    assert first.probs[1] == 0
    (first, *_) = estimator_posteriors(estimator, vectors_of())
    assert first.labels == ("0", "2") and first.probs.argmax() == 1
    forest = RandomForestClassifier(2, random_state=0).fit(vectors_of(), ANSWERS)
    for tree in forest.estimators_:
        (first, *_) = estimator_posteriors(tree, vectors_of(), ["NEG", "POS"])
        assert_allclose(first.probs, tree.predict_proba(vectors_of())[0])
    (first, *_) = estimator_posteriors(Wrapped([0.2, 0.5, 0.3]), vectors_of(), LABELS)
    assert first.probs.tolist() == [0.2, 0.5, 0.3]


def test_several_labels():
    vectors, answers = vectors_of().toarray()[:, ::1], numpy.array([[1, 0], [0, 0], [1, 0], [1, 0]])
    vectors = vectors[:, vectors.any(axis=0)]
    forest = RandomForestClassifier(5, random_state=0).fit(vectors, answers)
    posteriors = estimator_posteriors(forest, vectors, ["A", "B"], exclusive=False)
    tables = forest.predict_proba(vectors)
    assert_allclose([p.probs[0] for p in posteriors], tables[0][:, 1])
    # a label that no text had is a class of its own
    assert [p.probs[1] for p in posteriors] == [0] * 4 and not posteriors[0].exclusive
    answers[0, 1] = 1
    several = OneVsRestClassifier(LogisticRegression()).fit(vectors, answers)
    posteriors = estimator_posteriors(several, vectors, ["A", "B"], exclusive=False)
    assert_allclose([p.probs for p in posteriors], several.predict_proba(vectors))


@pytest.mark.slow
def test_in_place_of_a_component():
    @spacy.registry.misc("test_estimator_bayes.v1")
    def bayes():
        return MultinomialNB().fit(vectors_of(), ANSWERS)

    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in LABELS:
        pipe.add_label(label)
    block = {
        "@al_posteriors": "spacy-al.estimator.v1",
        "estimator": {"@misc": "test_estimator_bayes.v1"},
        "embedding": {"@al_embeddings": "spacy-al.hashed_words.v1"},
    }
    read = spacy.registry.resolve({"posterior": block})["posterior"]
    posteriors = read(pipe, [nlp.make_doc(text) for text in TEXTS], 1.0)
    expected = bayes().predict_proba(vectors_of(5))
    assert_allclose([p.probs[:2] for p in posteriors[:5]], expected)
    assert all(p.labels == tuple(LABELS) for p in posteriors)
    assert_allclose(posteriors[5].probs, 1 / 3)
    # a batch equals one by one, and empty ones need no vector
    for text, posterior in zip(TEXTS, posteriors):
        (alone,) = read(pipe, [nlp.make_doc(text)], 1.0)
        assert_allclose(alone.probs, posterior.probs)


@pytest.mark.slow
def test_select_chooses_by_it(tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        """
import numpy, spacy

class Odd:
    classes_ = ["NEG", "POS"]

    def predict_proba(self, vectors):
        sure = numpy.where(numpy.asarray(vectors.sum(axis=1)).ravel() > 2, 0.5, 1.0)
        return numpy.column_stack([sure, 1 - sure])

@spacy.registry.misc("test_estimator_odd.v1")
def odd():
    return Odd()
""",
        "utf8",
    )
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in ("NEG", "POS"):
        pipe.add_label(label)
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    texts = ["one two", "three", "here are four words", "five six"]
    DocBin(docs=[nlp.make_doc(text) for text in texts]).to_disk(tmp_path / "pool.spacy")
    block = {
        "@al_posteriors": "spacy-al.estimator.v1",
        "estimator": {"@misc": "test_estimator_odd.v1"},
        "embedding": {"@al_embeddings": "spacy-al.hashed_words.v1"},
    }
    settings = Settings(blocks={"posterior": block}, component="textcat")
    selection = select(
        tmp_path / "pool.spacy",
        model=str(tmp_path / "model"),
        settings=settings,
        code=str(code),
        n=1,
    )
    assert [task["text"] for task in selection.tasks] == ["here are four words"]


@pytest.mark.parametrize(
    "estimator, labels, code",
    [
        (Wrapped([0.5, 0.5, 0.5]), LABELS, "AL244.*Wrapped"),
        (Wrapped([1.5, -0.5, 0.0]), LABELS, "AL244"),
        (Wrapped([numpy.nan, 0.5, 0.5]), LABELS, "AL244"),
        (Wrapped([[0.5, 0.5, 0.0]]), LABELS, "AL244"),
        (Wrapped([0.25] * 4), LABELS, "AL243.*class 3"),
        (MultinomialNB().fit(scipy.sparse.csr_matrix(numpy.eye(2)), ["POS", "BAD"]), LABELS, "AL243.*BAD"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_explained(estimator, labels, code):
    with pytest.raises(AlError, match=code):
        estimator_posteriors(estimator, numpy.eye(2), labels)


# Fitted on what is labelled

UNFITTED = """
import spacy
from sklearn.naive_bayes import MultinomialNB

@spacy.registry.misc("test_estimator_unfitted.v1")
def unfitted():
    return MultinomialNB()
"""
BLOCK = {
    "@al_posteriors": "spacy-al.estimator.v1",
    "estimator": {"@misc": "test_estimator_unfitted.v1"},
    "embedding": {"@al_embeddings": "spacy-al.hashed_words.v1"},
}


@pytest.fixture
def corpus(tmp_path):
    """Writes labelled texts; beside them are a model, a pool and the code."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in LABELS:
        pipe.add_label(label)
    nlp.initialize()
    nlp.to_disk(tmp_path / "model")
    (tmp_path / "code.py").write_text(UNFITTED, "utf8")
    pool = ["a good night", "a good, good day", "bad bad bad day"]
    DocBin(docs=[nlp.make_doc(text) for text in pool]).to_disk(tmp_path / "pool.spacy")

    def write(cats):
        docs = []
        for text, right in zip(TEXTS, cats):
            docs.append(nlp.make_doc(text))
            docs[-1].cats = {label: float(label == right) for label in LABELS} if right else {}
        DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
        return tmp_path

    return write


def scorer_of(folder, labelled):
    model, code = str(folder / "model"), str(folder / "code.py")
    return Scorer(Job(model, blocks={"posterior": BLOCK}, code=code, labelled=labelled))


@pytest.mark.slow
def test_an_unfitted_one_learns_what_is_labelled(corpus):
    folder = corpus([*ANSWERS, None])
    scorer = scorer_of(folder, (folder / "train.spacy",))
    posteriors = scorer.posteriors([scorer.nlp.make_doc(text) for text in TEXTS])
    # the text without a category is not learned from, and the category without a text has probability 0
    expected = MultinomialNB().fit(vectors_of(), ANSWERS).predict_proba(vectors_of(5))
    assert_allclose([p.probs[:2] for p in posteriors[:5]], expected)
    assert [p.probs[2] for p in posteriors[:5]] == [0] * 5
    # what is labelled later changes what it says
    corpus(["POS", "NEG", "POS", "POS"])
    again = scorer_of(folder, (folder / "train.spacy",))
    (now,) = again.posteriors([again.nlp.make_doc("bad bad")])
    assert now.probs[1] > posteriors[3].probs[1]


@pytest.mark.slow
def test_one_of_several_labels_learns_as_well():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat_multilabel")
    for label in ("A", "B"):
        pipe.add_label(label)
    docs = [nlp.make_doc(text) for text in TEXTS[:4]]
    cats = [{"A": 1.0, "B": 0.0}, {"A": 0.0, "B": 1.0}, {"A": 1.0, "B": 1.0}, {"A": 0.0, "B": 0.0}]
    read = registry.al_posteriors.get("spacy-al.estimator.v1")(
        OneVsRestClassifier(LogisticRegression()), hashed_words
    )
    # what nobody decided teaches nothing
    open_ones = [(docs[0], {}), (docs[0], {"B": 1.0})]
    posteriors = read(pipe, docs, 1.0, labelled=[*zip(docs, cats), *open_ones])
    own = OneVsRestClassifier(LogisticRegression())
    own.fit(vectors_of(), [[1, 0], [0, 1], [1, 1], [0, 0]])
    assert_allclose([p.probs for p in posteriors], own.predict_proba(vectors_of()))
    assert not posteriors[0].exclusive


@pytest.mark.slow
def test_the_only_label_of_several():
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat_multilabel")
    pipe.add_label("SPAM")
    docs = [nlp.make_doc(text) for text in TEXTS[:4]]
    read = registry.al_posteriors.get("spacy-al.estimator.v1")(LogisticRegression(), hashed_words)
    cats = [{"SPAM": float(answer == "NEG")} for answer in ANSWERS]
    posteriors = read(pipe, docs, 1.0, labelled=list(zip(docs, cats)))
    own = LogisticRegression().fit(vectors_of(), [0, 1, 0, 1])
    assert_allclose([p.probs[0] for p in posteriors], own.predict_proba(vectors_of())[:, 1])


@pytest.mark.slow
def test_classes_have_no_gaps(corpus):
    class Strict(MultinomialNB):
        def fit(self, vectors, answers):
            assert sorted(set(answers.tolist())) == [0, 1]
            return super().fit(vectors, answers)

    nlp = spacy.load(corpus(ANSWERS) / "model")
    read = registry.al_posteriors.get("spacy-al.estimator.v1")(Strict(), hashed_words)
    docs = [nlp.make_doc(text) for text in TEXTS[:4]]
    # the category between the two has no text
    cats = [{"NEG": float(a == "NEG"), "MID": float(a == "POS")} for a in ANSWERS]
    posteriors = read(nlp.get_pipe("textcat"), docs, 1.0, labelled=list(zip(docs, cats)))
    expected = MultinomialNB().fit(vectors_of(), ANSWERS).predict_proba(vectors_of())
    assert_allclose([p.probs[[0, 2]] for p in posteriors], expected)
    assert posteriors[0].labels == ("NEG", "POS", "MID") and posteriors[0].probs[1] == 0


def test_what_is_measured_on_teaches_nothing(corpus):
    folder = corpus(ANSWERS)
    settings = Settings(
        blocks={"posterior": BLOCK}, component="textcat", dev=folder / "train.spacy"
    )
    how = {"model": str(folder / "model"), "code": str(folder / "code.py"), "settings": settings}
    with pytest.raises(UsageError, match="AL248"):
        select(folder / "pool.spacy", labeled=[folder / "train.spacy"], **how)


@pytest.mark.slow
def test_select_fits_it_on_the_labelled_corpus(corpus):
    folder = corpus(ANSWERS)
    selection = select(
        folder / "pool.spacy",
        model=str(folder / "model"),
        labeled=[folder / "train.spacy"],
        settings=Settings(blocks={"posterior": BLOCK}, component="textcat"),
        code=str(folder / "code.py"),
        n=1,
    )
    assert [task["text"] for task in selection.tasks] == ["a good night"]


def test_one_category_alone_tells_nothing(corpus):
    folder = corpus(["POS", "POS"])
    scorer = scorer_of(folder, (folder / "train.spacy",))
    posteriors = scorer.posteriors([scorer.nlp.make_doc(text) for text in ("good day", "bad")])
    assert_allclose([p.probs for p in posteriors], 1 / 3)


@pytest.mark.slow
def test_nothing_to_learn_from_is_explained(corpus):
    folder = corpus([None])
    for labelled in ((folder / "train.spacy",), ()):
        scorer = scorer_of(folder, labelled)
        with pytest.raises(UsageError, match=r"AL248.*MultinomialNB.*paths\.train"):
            scorer.score([scorer.nlp.make_doc("good day")])


def test_who_cannot_say_whether_it_is_fitted_is_taken_as_it_is():
    class Own(Wrapped):
        def fit(self, vectors, answers):
            raise AssertionError("fitted elsewhere")

    make = registry.al_posteriors.get("spacy-al.estimator.v1")
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("textcat")
    for label in ("A", "B"):
        pipe.add_label(label)
    (posterior,) = make(Own([0.25, 0.75]), hashed_words)(pipe, [nlp.make_doc("good")], 1.0)
    assert_allclose(posterior.probs, [0.25, 0.75])
