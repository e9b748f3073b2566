"""Which learner a round trains with, chosen by cross-validation on what is labelled (Stone, 1974), never on test.

An encoder that is good for one corpus gains nothing on another, and which one does is not to be known from outside. With everything
encoded once a comparison takes a minute or two; it is made when there are enough labels, and again when there are twice as many.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.config.learner import Learner
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.shared import shared_encoder
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.gold import stored_docs
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import load_pipeline
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import MODEL, train_here

# Fewer texts tell nothing of learners
ENOUGH = 50
FOLDS = 3
# How often a learner is left for one that is no better. The means of three folds are off by more than learners differ: at a standard
# error, twice as often, it was left for worse ones (docs/encoders.md)
LEVEL = 0.05
# So far behind on the first fold a learner is left behind
BEHIND = 0.05
# Texts that a comparison takes at most: it is to tell learners apart, not to train the best model
MOST = 500
VECTORS = "vectors"


@dataclass(frozen=True)
class ChosenLearner:
    """What a round trains with, and why.

    name (str): "scratch", "vectors" or "encoder".
    hash (str | None): Of the encoder, where it is one.
    texts (int): So many were labelled when learners were compared; 0 where they were not.
    scores (dict): Of each learner that was compared, its score on each fold.
    """

    name: str
    hash: str | None = None
    texts: int = 0
    scores: dict[str, list[float]] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """As plain data, for the store."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """For people."""
        if not self.scores:
            return f"The learner is '{self.name}'."
        said = ", ".join(f"{name} {numpy.mean(row):.3f}" for name, row in self.scores.items())
        return f"The learner is '{self.name}', by cross-validation on {self.texts} labelled texts: {said}."


def learners_for(settings: Settings) -> tuple[str, ...]:
    """Names of the learners that `auto` compares for a component; the one that is taken unseen comes first."""
    if settings.encoder is None or settings.source:
        return ("scratch",)
    row = FACTORIES.get(settings.factory or "")
    if row and row.task == "categories":
        return ("encoder", "scratch")
    return ("encoder", "vectors", "scratch")


def learner_of(settings: Settings, name: str, vectors: Path | None = None) -> Learner:
    """A learner with what it needs.

    name (str): "scratch", "vectors" or "encoder".
    vectors (Path | None): Where the static vectors are; by default in the output of the run.
    RAISES (AlError): AL311 without an encoder, and as `open_encoder` where it is missing.
    """
    if name == "scratch":
        return Learner(name)
    if settings.encoder is None:
        raise UsageError(Errors.AL311.format(learner=name))
    if name == "vectors":
        return Learner(name, settings.encoder, vectors or settings.output / VECTORS)
    found = shared_encoder(settings.encoder.settings, settings.encodings).hash
    known = settings.encoder.hash
    if known not in (None, found):
        raise AlError(Errors.AL321.format(name=settings.encoder.name, found=found, known=known))
    return Learner(name, replace(settings.encoder, hash=found))


def pool_vectors(settings: Settings, pool: Path, output: Path) -> Path:
    """The static vectors of a pool, distilled where they are not there yet.

    output (Path): Of the run; they are kept below it.
    RAISES (AlError): As `distill`.
    """
    from spacy_al.embeddings.distill import distill

    assert settings.encoder is not None and settings.encodings is not None
    folder = output / VECTORS
    nlp = load_pipeline(None, settings.lang, config=settings.tokeniser)
    distill(pool, nlp, settings.encoder.settings, folder, cache=settings.encodings)
    return folder


def choose_learner(
    settings: Settings,
    n_texts: int,
    before: ChosenLearner | None,
    compare: Callable[[Sequence[str]], Mapping[str, list[float]]],
) -> ChosenLearner:
    """The learner of a round.

    settings (Settings): Its `learner` is one of them, or "auto".
    n_texts (int): Labelled texts.
    before (ChosenLearner | None): Of the round before.
    compare (Callable): Takes names, that of the learner in use first, and returns the scores of each on the same folds. It is called
        where it is time to compare.
    """
    if settings.learner != "auto":
        return ChosenLearner(settings.learner)
    names = learners_for(settings)
    measured = before is not None and before.name in names and before.texts
    if len(names) == 1 or n_texts < ENOUGH or (measured and n_texts < 2 * measured):
        return before if before is not None and before.name in names else ChosenLearner(names[0])
    kept = before.name if before is not None and before.name in names else names[0]
    others = [name for name in names if name != kept]
    scores = {name: [*row] for name, row in compare([kept, *others]).items()}
    return ChosenLearner(better_learner(scores, kept), texts=n_texts, scores=scores)


def better_learner(scores: Mapping[str, Sequence[float]], kept: str) -> str:
    """The learner with the best mean, if it is better than the one that was used before by a paired t-test over the folds (Student,
    1908); else that one.

    scores (Mapping): Of each learner a score a fold. One with fewer folds than others was left behind, and is not taken.
    """
    from scipy.stats import t

    most = max(map(len, scores.values()))
    whole = {name: row for name, row in scores.items() if len(row) == most}
    best = max(whole, key=lambda name: float(numpy.mean(whole[name])))
    if kept not in whole:
        return best
    gains = numpy.subtract(scores[best], scores[kept])
    error = gains.std(ddof=1) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    needed = t.ppf(1 - LEVEL, len(gains) - 1) * error if error else 0.0
    return best if gains.mean() > needed else kept


def compare_learners(
    names: Sequence[str],
    *,
    settings: Settings,
    config: Path,
    overrides: Mapping[str, Any],
    corpus: Path,
    dev: Path,
    folder: Path,
    code: Path | None = None,
    vectors: Path | None = None,
    do_all: Callable[[Callable[..., float], Iterable[Any]], Iterable[float]] = map,
) -> dict[str, list[float]]:
    """Scores of learners on the same folds of a corpus: each is trained on all folds but one and measured on that.

    A learner that is far behind on the first fold is not tried on the others (a race, Maron and Moore, 1994): that saves a third of
    the time or more, where one starts from scratch. The first learner is not left behind: one fold is too little to leave it.

    names (Sequence[str]): The learners, the one in use first.
    settings (Settings): With the encoder and the component.
    config (Path), overrides (Mapping), code (Path | None): As for `write_config`.
    corpus (Path): What is labelled.
    dev (Path): What training stops on.
    folder (Path): For the trainings; it is gone afterwards.
    vectors (Path | None): Of the learner `vectors`.
    do_all (Callable): As `map`: does the trainings, perhaps in other processes.
    RETURNS (dict): A score for each fold; for one that was left behind, that of the first.
    RAISES (AlError): As `learner_of`, `write_config` and `train_here`.
    """
    docs = [doc for doc in stored_docs(corpus) if len(doc)]
    if len(docs) > MOST:
        taken = numpy.random.default_rng(settings.seed).permutation(len(docs))[:MOST]
        docs = [docs[i] for i in sorted(taken.tolist())]
    parts = folds(docs, min(FOLDS, len(docs)), settings.seed)
    learners = {name: learner_of(settings, name, vectors) for name in names}

    def written(name: str, number: int) -> Path:
        own = folder / f"{name}-{number}"
        own.mkdir(parents=True, exist_ok=True)
        rest, held = parts[number]
        write_shard(rest, own / "train.spacy")
        write_shard(held, own / "held.spacy")
        write_config(
            config,
            overrides,
            own / "train.spacy",
            dev,
            own,
            n_words=sum(map(len, rest)),
            learner=learners[name],
            component=settings.component,
            code=code,
        )
        return own

    score = partial(_score, component=settings.component)
    try:
        first = [*do_all(score, [written(name, 0) for name in names])]
        found = {name: [value] for name, value in zip(names, first)}
        ahead = [name for name in names if found[name][0] >= max(first) - BEHIND]
        ahead = [*dict.fromkeys([names[0], *ahead])]
        works = [(name, number) for name in ahead for number in range(1, len(parts))]
        rest = do_all(score, [written(*work) for work in works]) if len(ahead) > 1 else ()
        for (name, _), value in zip(works, rest):
            found[name].append(value)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found


def folds(docs: Sequence[Doc], n_folds: int, seed: int) -> list[tuple[list[Doc], list[Doc]]]:
    """Folds by chance: (all others, those that are held out) for each."""
    order = numpy.random.default_rng(seed).permutation(len(docs))
    parts = [set(part.tolist()) for part in numpy.array_split(order, n_folds)]
    return [
        (
            [doc for i, doc in enumerate(docs) if i not in part],
            [doc for i, doc in enumerate(docs) if i in part],
        )
        for part in parts
    ]


def _score(folder: Path, component: str | None) -> float:
    train_here(folder, sum(1 for _ in stored_docs(folder / "train.spacy")))
    found = evaluate(folder / MODEL, folder / "held.spacy", component)["score"]
    shutil.rmtree(folder, ignore_errors=True)
    return float(found or 0.0)
