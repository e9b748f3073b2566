"""Any estimator that gives probabilities or decision values (scikit-learn, XGBoost, LightGBM, wrapped Keras or torch) as a text classifier."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, TypeAlias

import numpy
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.metrics import Temperature
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.decisions import (
    Decisions,
    enough_texts,
    fit_decisions,
    gives_decisions,
    warn_of_decisions,
)
from spacy_al.posteriors.read import Reader
from spacy_al.types import Bools, Floats, Ints
from spacy_al.util import several

Names: TypeAlias = str | Sequence[str] | None


@registry.al_posteriors("spacy-al.estimator.v1")
def make_estimator_reader(estimator: Any, embedding: Callable[..., Any]) -> Reader:
    """A reader of an estimator's opinion of a text's vector, in place of the component.

    Nothing of ours stores the estimator: a function that is registered in the file given as --code, for example in
    `spacy.registry.misc`, makes or loads it. One of scikit-learn's kind that is not fitted yet (`check_is_fitted`) is fitted on what is labelled, each round anew; give one that
    draws a `random_state`. One that decides without probabilities, such as LinearSVC, is calibrated where it is fitted here,
    see `fit_decisions`.

    estimator (Any): With `predict_proba` or `decision_function`.
    embedding (Callable): From `al_embeddings`; the one it was fitted on, if it was.
    RETURNS (Reader): Of a text classifier, which says which labels there are.
    RAISES (UsageError): AL242 with neither.
    """
    _check(estimator)
    if _fitted(estimator) and not gives_decisions(estimator):
        return partial(read_estimator, estimator=estimator, embedding=embedding)
    return EstimatorReader(estimator, embedding)


class EstimatorReader:
    """A reader that fits its estimator before it reads for the first time, where that is not done yet."""

    def __init__(self, estimator: Any, embedding: Callable[..., Any]) -> None:
        self.estimator, self.embedding = estimator, embedding
        # once it has learned: None where there is nothing to learn
        self._fitted: list[Any] = []

    def __call__(
        self,
        pipe: Any,
        docs: Sequence[Doc],
        temperature: Temperature,
        *,
        labelled: Sequence[tuple[Doc, Mapping[str, float]]] = (),
    ) -> list[Categories]:
        """As `read_estimator`.

        labelled (Sequence): Texts as the embedding wants them, with their categories. Those without a category are left out,
            and where several apply, those of which not all were decided.
        RETURNS (list[Categories]): As long as the texts have one category only, which nobody can tell from others, all are
            equally probable. Where several apply, one that all texts have has probability 1, one that none has 0.
        RAISES (UsageError): AL248 without any text to learn from.
        WARNS (AlWarning): ALW242 once, where decisions cannot be calibrated.
        """
        if not self._fitted:
            self._fitted.append(self._fit(pipe, labelled))
        (estimator,) = self._fitted
        if estimator is None:
            return [_unknown(pipe) for _ in docs]
        return read_estimator(
            pipe, docs, temperature, estimator=estimator, embedding=self.embedding
        )

    def _fit(self, pipe: Any, labelled: Sequence[tuple[Doc, Mapping[str, float]]]) -> Any:
        """A fitted estimator that `estimator_posteriors` can read; None if there is nothing to learn."""
        labels, exclusive = list(pipe.labels), _exclusive(pipe)
        if _fitted(self.estimator):
            warn_of_decisions(self.estimator)
            return Decisions(self.estimator, exclusive)
        applies = numpy.array(
            [[cats.get(label, 0.0) >= 0.5 for label in labels] for _, cats in labelled]
        ).reshape(len(labelled), len(labels))
        decided = [all(label in cats for label in labels) for _, cats in labelled]
        used = numpy.flatnonzero(applies.any(axis=1) if exclusive else decided)
        seen = numpy.flatnonzero(applies[used].any(axis=0))
        if not len(seen):
            raise UsageError(Errors.AL248.format(name=type(self.estimator).__name__))
        if exclusive and len(seen) < 2:
            return None
        vectors = self.embedding([labelled[row][0] for row in used.tolist()])
        if not exclusive:
            return self._named(self._fit_several(vectors, applies[used], labels), labels)
        names = [labels[column] for column in seen]
        # some estimators want classes without gaps
        answers = applies[used][:, seen].argmax(axis=1)
        if gives_decisions(self.estimator):
            self._warn([names[k] for k in numpy.flatnonzero(numpy.bincount(answers) < 2).tolist()])
            fitted = fit_decisions(self.estimator, vectors, answers)
            return self._named(fitted.predict_proba, names)
        self.estimator.fit(vectors, answers)
        return self._named(self.estimator.predict_proba, names)

    def _fit_several(
        self, vectors: Any, applies: Bools, labels: Sequence[str]
    ) -> Callable[[Any], Floats]:
        """A function of vectors that gives (n, n_labels) probabilities, of which any number may be high."""
        # to many estimators a label that all texts have, or none, is an error
        varied = numpy.flatnonzero(applies.any(axis=0) & ~applies.all(axis=0))
        answers = applies[:, varied].astype("i8")
        parts: list[Callable[[Any], Floats]] = []
        if gives_decisions(self.estimator):
            # each label is calibrated by itself
            few = [k for k, own in zip(varied.tolist(), answers.T) if not enough_texts(own)]
            self._warn([labels[k] for k in few])
            fitted = [fit_decisions(self.estimator, vectors, own) for own in answers.T]
            parts = [partial(_of_the_only, one) for one in fitted]
        elif len(varied):
            # to scikit-learn a single label makes two classes
            alone = len(varied) == 1
            self.estimator.fit(vectors, answers[:, 0] if alone else answers)
            parts = [partial(_of_the_only if alone else _of_several, self.estimator)]
        return partial(
            _filled, parts=parts, varied=varied, usual=numpy.asarray(applies.all(axis=0))
        )

    def _warn(self, few: Sequence[str]) -> None:
        if few:
            warn_of_decisions(self.estimator, few)

    def _named(self, predict_proba: Callable[..., Any], labels: list[str]) -> "_Named":
        return _Named(predict_proba, labels, type(self.estimator).__name__)


class _Named:
    """Probabilities of classes that have names, and the name of what gives them."""

    def __init__(self, predict_proba: Callable[..., Any], classes: list[str], name: str) -> None:
        self.predict_proba, self.classes_, self.estimator_name = predict_proba, classes, name


def read_estimator(
    pipe: Any,
    docs: Sequence[Doc],
    temperature: Temperature,
    *,
    estimator: Any,
    embedding: Callable[..., Any],
) -> list[Categories]:
    """The posterior of an estimator for each doc.

    pipe (TextCategorizer): Gives the labels, and whether they are exclusive.
    docs (Sequence[Doc]): Of one without tokens nothing is known, as in `read_categories`.
    temperature (Temperature): Not used: it was fitted on the component.
    RETURNS (list[Categories]): One per doc, in order.
    RAISES (AlError): AL242 to AL244.
    """
    labels = tuple(pipe.labels)
    exclusive = _exclusive(pipe)
    filled = [doc for doc in docs if len(doc)]
    vectors = embedding(filled) if filled else None
    found = iter(
        estimator_posteriors(estimator, vectors, labels, exclusive=exclusive) if filled else ()
    )
    return [next(found) if len(doc) else _unknown(pipe) for doc in docs]


def estimator_posteriors(
    estimator: Any, vectors: Any, labels: Names = None, *, exclusive: bool = True
) -> list[Categories]:
    """Posteriors from vectors of documents, for acquisitions of text classification.

    estimator (Any): Fitted, with `predict_proba`, or with `decision_function`, whose values are squeezed into probabilities, not calibrated.
    vectors (Any): As it was fitted on, shape (n, d).
    labels (str | Sequence[str] | None): One, or several in the order that the posteriors shall have, by default the estimator's own. Classes that are
        whole numbers are positions among them, others their names. A label that the estimator has never seen has probability 0.
    exclusive (bool): Whether exactly one label applies.
    RETURNS (list[Categories]): One a row.
    RAISES (AlError): AL242 (UsageError) with neither, AL243 for a class that is no label, AL244 for what are no probabilities.
    WARNS (AlWarning): ALW242 for decision values.
    """
    _check(estimator)
    if gives_decisions(estimator):
        warn_of_decisions(estimator)
        estimator = Decisions(estimator, exclusive)
    classes = getattr(estimator, "classes_", None)
    if exclusive:
        probs = numpy.asarray(estimator.predict_proba(vectors), dtype="f8")
    else:
        probs = _of_several(estimator, vectors)
        # XGBoost names the answers 0 and 1, scikit-learn's trees name those of each label
        if classes is not None and [numpy.ndim(name) for name in classes] != [0] * probs.shape[1]:
            classes = None
    if classes is None:
        classes = range(probs.shape[-1])
    if labels is None:
        labels = [str(label) for label in classes]
        classes = range(len(labels))
    labels = several(labels)
    shape = vectors.shape[0], len(classes)
    rows = numpy.zeros((vectors.shape[0], len(labels)))
    columns = _columns(classes, labels)
    fine = probs.shape == shape and ((probs >= 0) & (probs <= 1 + 1e-6)).all()
    if not fine or (exclusive and (numpy.abs(probs.sum(axis=1) - 1) > 1e-3).any()):
        raise AlError(
            Errors.AL244.format(
                name=getattr(estimator, "estimator_name", type(estimator).__name__),
                found=probs.shape,
                expected=shape,
            )
        )
    rows[:, columns] = probs.clip(0, 1)
    return [Categories(tuple(labels), row, exclusive) for row in rows]


def _check(estimator: Any) -> None:
    if not callable(getattr(estimator, "predict_proba", None)) and not gives_decisions(estimator):
        raise UsageError(Errors.AL242.format(found=type(estimator).__name__))


def _fitted(estimator: Any) -> bool:
    """Whether there is nothing to fit, as scikit-learn sees it; of what is none of its kind nobody can tell."""
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(estimator, BaseEstimator) or not callable(getattr(estimator, "fit", None)):
        return True
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True


def _unknown(pipe: Any) -> Categories:
    """The posterior of a text of which nothing is known."""
    labels, exclusive = tuple(pipe.labels), _exclusive(pipe)
    return Categories(
        labels, numpy.full(len(labels), 1 / len(labels) if exclusive else 0.0), exclusive
    )


def _exclusive(pipe: Any) -> bool:
    return not isinstance(pipe, MultiLabel_TextCategorizer)


def _of_several(estimator: Any, vectors: Any) -> Floats:
    """(n, n_labels) probabilities of labels that do not exclude each other."""
    found, classes = estimator.predict_proba(vectors), getattr(estimator, "classes_", None)
    if isinstance(found, list):
        # scikit-learn's trees and neighbours: (n, 2) for each, and classes 0 and 1 or only one of them
        found = numpy.column_stack(
            [_of_one(*pair) for pair in zip(found, classes or [[0, 1]] * len(found))]
        )
    return numpy.asarray(found, dtype="f8")


def _of_the_only(estimator: Any, vectors: Any) -> Floats:
    return _of_one(estimator.predict_proba(vectors), estimator.classes_)[:, None]


def _filled(
    vectors: Any, parts: Sequence[Callable[[Any], Floats]], varied: Ints, usual: Bools
) -> Floats:
    """Columns that were learned among those that are always the same."""
    probs = numpy.tile(usual.astype("f8"), (vectors.shape[0], 1))
    if parts:
        probs[:, varied] = numpy.column_stack([part(vectors) for part in parts])
    return probs


def _of_one(probs: Floats, classes: Any) -> Floats:
    """The probability that one label of several applies."""
    seen = list(classes)
    return probs[:, seen.index(1)] if 1 in seen else numpy.zeros(len(probs))


def _columns(classes: Any, labels: Sequence[str]) -> list[int]:
    """Where each class stands among the labels."""
    columns = []
    for name in classes:
        # the trees of a forest have 0.0, 1.0, ...
        whole = isinstance(name, Real) and float(name).is_integer()
        column = (
            int(name) if whole else list(labels).index(str(name)) if str(name) in labels else -1
        )
        if not 0 <= column < len(labels):
            raise AlError(Errors.AL243.format(found=name, labels=", ".join(labels)))
        columns.append(column)
    return columns
