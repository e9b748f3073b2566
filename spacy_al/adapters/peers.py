"""Query strategies of other libraries as samplers for exclusive text classification.

They see the embeddings, and the embeddings and labels of what is labelled, on which they train a logistic regression where
they need a classifier; not the component. modAL is not among them: its last release (0.4.2.1, 2023) wants exactly skorch
0.9, which imports `distutils`, and Python has had none since 3.12. The functions behind its strategies can still be
called in a sampler of one's own.
"""

import importlib
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.arrays.checks import at_least, same_length
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.selection.rows import rows_of, taking_part
from spacy_al.types import Floats, Ints, Sampler

# Where their strategies are
MODULES = {"skactiveml": "pool", "small_text": "query_strategies"}


@registry.al_samplers("spacy-al.skactiveml.v1")
def make_skactiveml(
    strategy: str = "Badge", settings: dict[str, Any] | None = None, prefilter: int = 0
) -> Sampler:
    """A strategy of scikit-activeml (Kottke et al., 2021), for classification and pools.

    strategy (str): A class of `skactiveml.pool`, e.g. "Badge", "TypiClust", "QueryByCommittee".
    settings (dict | None): What it is made with.
    prefilter (int): So many times n rows with the highest scores take part; 0 for all.
    RETURNS (Sampler): See `peer`.
    RAISES (UsageError): AL023, AL245 where the library is missing, AL246 for an unknown strategy.
    """
    at_least(0, prefilter, "prefilter")
    _strategy("skactiveml", strategy)
    return partial(skactiveml, strategy=strategy, settings=settings or {}, prefilter=prefilter)


@registry.al_samplers("spacy-al.small_text.v1")
def make_small_text(
    strategy: str = "BreakingTies", settings: dict[str, Any] | None = None, prefilter: int = 0
) -> Sampler:
    """A strategy of small-text (Schröder et al., 2023).

    strategy (str): A class of `small_text`, e.g. "BreakingTies", "ContrastiveActiveLearning", "GreedyCoreset".
    settings (dict | None): What it is made with.
    prefilter (int): So many times n rows with the highest scores take part; 0 for all.
    RETURNS (Sampler): See `peer`.
    RAISES (UsageError): AL023, AL245 where the library is missing, AL246 for an unknown strategy.
    """
    at_least(0, prefilter, "prefilter")
    _strategy("small_text", strategy)
    return partial(small_text, strategy=strategy, settings=settings or {}, prefilter=prefilter)


def skactiveml(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
    strategy: str = "Badge",
    settings: dict[str, Any],
    prefilter: int = 0,
) -> tuple[Ints, Floats]:
    """The choice of a strategy of scikit-activeml; see `peer`."""
    query = partial(_query_skactiveml, strategy=strategy, settings=settings)
    return peer(scores, n, rng, embeddings, groups, labelled, query, prefilter, "skactiveml")


def small_text(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    embeddings: Any = None,
    groups: Ints | None = None,
    labelled: Any = None,
    strategy: str = "BreakingTies",
    settings: dict[str, Any],
    prefilter: int = 0,
) -> tuple[Ints, Floats]:
    """The choice of a strategy of small-text; see `peer`."""
    query = partial(_query_small_text, strategy=strategy, settings=settings)
    return peer(scores, n, rng, embeddings, groups, labelled, query, prefilter, "small_text")


def peer(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    embeddings: Any,
    groups: Ints | None,
    labelled: Any,
    query: Callable[..., Any],
    prefilter: int,
    name: str,
) -> tuple[Ints, Floats]:
    """A batch by another library's strategy.

    scores (Floats): Shape (N,); they say who stands for a group, and what `prefilter` keeps.
    n (int): Batch size; all that takes part if there is less.
    rng (Generator): Seeds the strategy.
    embeddings (Any): Shape (N, d).
    groups (Ints | None): Group of each row, shape (N,); the highest score of each takes part.
    labelled (Any): `embeddings` (L, d) and `counts` (L, K) of what is labelled; texts without a label are left out.
    query (Callable): query(pool, known, answers, n_labels, n, seed) -> rows of the pool.
    prefilter (int): So many times n rows take part; 0 for all.
    name (str): The library, for messages.
    RETURNS (tuple[Ints, Floats]): Rows in the strategy's order; propensities of 1.0, since it does not tell its own.
    RAISES (AlError): AL021, AL023 to AL025; AL246 if the strategy fails, AL247 for texts with several labels.
    """
    rows = taking_part(scores, n, embeddings, groups, prefilter, name)
    seed, n = int(rng.integers(2**31)), min(n, len(rows))
    if not n:
        return numpy.zeros(0, dtype="i8"), numpy.zeros(0)
    known, answers, n_labels = _known(labelled, embeddings.shape[1], name)
    pool = _dense(rows_of(embeddings, rows))
    with _own_chance(seed):
        chosen = query(pool, known, answers, n_labels, n, seed)
    return rows[numpy.asarray(chosen, dtype="i8")], numpy.ones(len(chosen))


def _query_skactiveml(
    pool: Floats, known: Floats, answers: Ints, n_labels: int, n: int, seed: int, **named: Any
) -> Any:
    from skactiveml.classifier import (
        MixtureModelClassifier,
        ParzenWindowClassifier,
        SklearnClassifier,
    )
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    def wrapped(estimator: Any, size: int) -> Any:
        return SklearnClassifier(estimator, classes=list(range(size)), random_state=seed)

    make = _strategy("skactiveml", named["strategy"])
    classifier = wrapped(LogisticRegression(max_iter=1000), n_labels)
    own = {"FourDs": MixtureModelClassifier, "ProbabilisticAL": ParzenWindowClassifier}
    if named["strategy"] in own:
        classifier = own[named["strategy"]](classes=list(range(n_labels)), random_state=seed)
    models = {
        "clf": classifier,
        "estimator": classifier,
        "ensemble": wrapped(RandomForestClassifier(10, random_state=seed), n_labels),
        "discriminator": wrapped(LogisticRegression(max_iter=1000), 2),
    }
    wanted = inspect.signature(make.query).parameters
    given = {key: model for key, model in models.items() if key in wanted}
    unknown = numpy.full(len(pool), numpy.nan)
    settings = {"random_state": seed, **named["settings"]}
    if "classes" in inspect.signature(make).parameters:
        settings["classes"] = list(range(n_labels))
    with _explained("skactiveml", named["strategy"]):
        strategy = make(**settings)
        return strategy.query(
            numpy.concatenate((pool, known)),
            numpy.concatenate((unknown, answers)),
            candidates=numpy.arange(len(pool)),
            batch_size=n,
            **given,
        )


def _query_small_text(
    pool: Floats, known: Floats, answers: Ints, n_labels: int, n: int, seed: int, **named: Any
) -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression
    from small_text import LABEL_UNLABELED, SklearnClassifier, SklearnDataset

    class Embedding(SklearnClassifier):  # type: ignore[misc]
        """The vectors are the features themselves."""

        def embed(self, data: Any, return_proba: bool = False, **kwargs: Any) -> Any:
            dense = data.x.toarray()
            if not return_proba:
                return dense
            even = numpy.full((len(dense), n_labels), 1 / n_labels)
            return dense, self.predict_proba(data) if trained else even

    make = _strategy("small_text", named["strategy"])
    vectors, trained = numpy.concatenate((pool, known)), len(set(answers.tolist())) > 1
    every = numpy.concatenate((numpy.full(len(pool), LABEL_UNLABELED), answers))
    with _explained("small_text", named["strategy"]):
        strategy = make(**named["settings"])
        data = SklearnDataset(csr_matrix(vectors), every, target_labels=numpy.arange(n_labels))
        classifier = Embedding(LogisticRegression(max_iter=1000, random_state=seed), n_labels)
        if trained:
            classifier.fit(data[numpy.arange(len(pool), len(vectors))])
        unlabelled, labelled = numpy.arange(len(pool)), numpy.arange(len(pool), len(vectors))
        return strategy.query(classifier, data, unlabelled, labelled, answers, n=n)


def _strategy(library: str, name: str) -> Any:
    """RAISES (UsageError): AL245 where the library is missing, AL246 for what is none of its strategies."""
    try:
        module = importlib.import_module(f"{library}.{MODULES[library]}")
    except ImportError:
        raise UsageError(Errors.AL245.format(name=library)) from None
    found = getattr(module, name, None)
    if not (inspect.isclass(found) and callable(getattr(found, "query", None))):
        raise UsageError(
            Errors.AL246.format(name=library, strategy=name, why="there is no such strategy")
        )
    return found


@contextmanager
def _explained(library: str, strategy: str) -> Iterator[None]:
    """RAISES (AlError): AL246 for whatever the strategy raises."""
    try:
        yield
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise AlError(Errors.AL246.format(name=library, strategy=strategy, why=why)) from error


@contextmanager
def _own_chance(seed: int) -> Iterator[None]:
    """numpy's global state, which some strategies draw from, seeded and put back; their warnings are about their insides."""
    state = numpy.random.get_state()  # noqa: NPY002
    numpy.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        numpy.random.set_state(state)  # noqa: NPY002


def _known(labelled: Any, width: int, name: str) -> tuple[Floats, Ints, int]:
    """Vectors and labels of the labelled texts, and the number of labels."""
    if labelled is None or labelled.embeddings is None:
        return numpy.zeros((0, width)), numpy.zeros(0, dtype="i8"), 2
    counts = numpy.asarray(labelled.counts)
    same_length(labelled.embeddings.shape[0], counts, "The counts of labels")
    if ((counts > 0).sum(axis=1) > 1).any():
        raise AlError(Errors.AL247.format(name=name))
    rows = numpy.flatnonzero(counts.any(axis=1))
    vectors = _dense(rows_of(labelled.embeddings, rows))
    return vectors, counts[rows].argmax(axis=1), max(2, counts.shape[1])


def _dense(vectors: Any) -> Floats:
    if hasattr(vectors, "sketch"):
        vectors = vectors.sketch()
    dense: Floats = vectors.toarray() if hasattr(vectors, "toarray") else vectors
    return dense
