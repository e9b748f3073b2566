"""One round of one strategy, in a process that is used for many: train, measure, choose. Returns numbers, writes no results."""

import json
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

from spacy.util import get_model_meta
from spacy.vocab import Vocab

from spacy_al.config.settings import Settings
from spacy_al.errors import AlError, AlWarning, Errors
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.measures.learning_curve import RANDOM, is_random
from spacy_al.measures.simulated import Choice, RoundNumbers
from spacy_al.posteriors.component import TrainedComponent, load_code, open_component
from spacy_al.query.select import select
from spacy_al.simulation.corpus import Corpus, read_corpus
from spacy_al.simulation.history import forget, remember
from spacy_al.simulation.learner import POOL, step_learner
from spacy_al.simulation.partial import (
    doubted_entities,
    label_corpus_rest,
    label_texts,
    labelled,
    labelled_whole,
    own_asked_tokens,
)
from spacy_al.simulation.plan import SimulationPlan
from spacy_al.simulation.step import Step, followed
from spacy_al.tasks.merge import write_corpus
from spacy_al.training.committee import read_together
from spacy_al.training.pseudo_tokens import add_self_labels
from spacy_al.training.round import TRAIN, TrainingRound, train_round_models
from spacy_al.training.trainer import train_here
from spacy_al.util import content_hash

NUMBERS = "numbers.json"
WORK = "work"


@dataclass
class _Here:
    """The things that a process holds for all its rounds."""

    plan: SimulationPlan
    output: Path
    corpus: Corpus


_here: _Here | None = None


def set_up(plan: SimulationPlan, output: Path) -> None:
    """Read the corpus, once."""
    global _here
    load_code(plan.code)
    _here = _Here(plan, output, read_corpus(plan, Vocab()))


def do(step: Step) -> tuple[RoundNumbers, list[str]]:
    """Numbers of a step, and the warnings that came of it.

    RAISES (AlError): What `select` and `evaluate` raise; AL107 if training fails, AL211 if a model has no labels to choose by.
    """
    assert _here is not None
    with warnings.catch_warnings(record=True) as caught, _quiet():
        # the same for every round, so nothing is shown once and then never
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", AlWarning)
        if step.overrides is not None:
            numbers = _full(_here, step)
        elif step.strategy is None:
            numbers = _start(_here, step)
        else:
            numbers = _round(_here, step)
    return numbers, list(dict.fromkeys(str(warning.message) for warning in caught))


def start_folder(output: Path, seed: int) -> Path:
    """Where the model is kept from which all strategies start."""
    return output / "start" / f"seed-{seed}"


def _start(here: _Here, step: Step) -> RoundNumbers:
    """The model is whole where its numbers lie beside it."""
    folder = start_folder(here.output, step.seed)
    if not (folder / NUMBERS).is_file():
        with _attempt(here, f"start {step.seed}") as attempt:
            numbers = _learn(here, step, attempt)
            (attempt / NUMBERS).write_text(json.dumps(numbers), "utf8")
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            attempt.rename(folder)
    return _numbers_in(folder)


def _numbers_in(folder: Path) -> RoundNumbers:
    stored: RoundNumbers = json.loads((folder / NUMBERS).read_text("utf8"))
    return stored


def _round(here: _Here, step: Step) -> RoundNumbers:
    settings = _settings(here, step)
    # members are trained as the model was, some along with it
    if step.number == 0 and settings.committee in ("none", "rounds"):
        folder = start_folder(here.output, step.seed)
        numbers = _numbers_in(folder)
        if settings.committee == "none" and not _calibrates(here, step):
            return {**numbers, **_choose(here, step, folder / "model-best")}
        with _attempt(here, f"{step.seed} {step.number} {step.strategy}") as attempt:
            # other strategies are to find the model as it was
            shutil.copytree(folder / "model-best", attempt / "model-best")
            shutil.copy(folder / "train.spacy", attempt)
            return {**numbers, **_choose_looking_back(here, step, attempt)}
    with _attempt(here, f"{step.seed} {step.number} {step.strategy}") as attempt:
        numbers = _learn(here, step, attempt)
        if step.number == here.plan.rounds_of(step.strategy):
            forget(here.output, step)
            return {**numbers, "seconds_select": 0.0, "batch": []}
        return {**numbers, **_choose_looking_back(here, step, attempt)}


def _choose_looking_back(here: _Here, step: Step, attempt: Path) -> Choice:
    """As `_choose`, where later rounds look back at the model after it was kept for them."""
    settings = _settings(here, step)
    if settings.committee == "rounds":
        attempt = remember(here.output, step, attempt, settings.committee_size - 1)
    return _choose(here, step, attempt / "model-best")


def _full(here: _Here, step: Step) -> RoundNumbers:
    everything = Step(None, step.seed, 0, (tuple(sorted(here.corpus.docs)),))
    assert step.overrides is not None
    with _attempt(here, "full") as attempt:
        return _learn(here, everything, attempt, dict(step.overrides))


def _learn(
    here: _Here, step: Step, folder: Path, overrides: Mapping[str, Any] | None = None
) -> RoundNumbers:
    """Train on what was answered so far, and measure."""
    plan, ids = here.plan, [i for batch in step.batches for i in batch]
    found = labelled(here.corpus, step)
    for doc in found.docs:
        marks = step.self_labels.get(content_hash(doc.text), ())
        add_self_labels(doc, marks, kind=plan.kind)
    words = here.corpus.words(ids)
    own = labelled_whole(here.corpus, step)
    started = time.perf_counter()
    write_corpus([*found.docs, *own], folder / TRAIN)
    settings = _settings(here, step)
    chosen, learner = step_learner(plan, settings, here.output, step, folder, len(found.docs))
    training = TrainingRound(
        step.number,
        folder,
        plan.config,
        {**plan.overrides, "training.seed": step.seed},
        settings,
        plan.dev,
        plan.code,
        learner,
    )

    def train_one(where: Path) -> float:
        is_model, began = where == folder, time.perf_counter()
        texts = len(found.docs) + (len(own) if is_model else 0)
        train_here(where, texts, overrides if is_model else None)
        return time.perf_counter() - began

    train_round_models(
        training,
        train_one,
        n_words=words,
        n_pseudo_words=sum(len(doc) for doc in own),
        # after the last round nothing is chosen any more
        with_members=step.number < plan.rounds_of(step.strategy),
    )
    trained = time.perf_counter()
    scores = evaluate(folder / "model-best", plan.test, plan.component)
    numbers: RoundNumbers = {
        "texts": len(ids),
        "words": words,
        "words_decided": found.words_decided,
        "entities": found.n_labels,
        "seconds": round(found.seconds, 3),
        "trained_on": len(found.docs),
        "score": float(scores["score"] or 0.0),
        "score_name": scores["score_name"],
        "f_by_label": {
            label: round(row["f"], 4) for label, row in (scores["per_label"] or {}).items()
        },
        "labels": dict(sorted(found.labels.items())),
        "merged": dict(sorted(found.report.items())),
        "seconds_train": round(trained - started, 2),
        "seconds_evaluate": round(time.perf_counter() - trained, 2),
    }
    if learner is not None:
        numbers["learner"] = chosen.describe()
    return numbers


def _choose(here: _Here, step: Step, model: Path) -> Choice:
    plan, strategy = here.plan, step.strategy
    assert strategy is not None
    started = time.perf_counter()
    settings = _settings(here, step)
    if not is_random(strategy) and not get_model_meta(model)["labels"].get(plan.component):
        count = sum(map(len, step.batches))
        raise AlError(Errors.AL211.format(seed=step.seed, strategy=strategy, count=count))
    found: Choice = {}
    partial, how = settings.partial, settings.self_training
    if _calibrates(here, step):
        found = {**found, **calibrate_on_dev(_component(here, model), plan.dev, step.seed)}
    chosen = select(
        here.output / POOL,
        n=plan.batch_of(strategy, step.number),
        # chance needs no model, and would wait for one that scores the pool in vain
        model=None if is_random(strategy) else str(model),
        sampler="uniform" if is_random(strategy) else None,
        asked={i for batch in step.batches for i in batch},
        trained_on=model.parent / "train.spacy",
        # the pool is without what is measured on, and the config's own corpus is not the simulation's
        settings=replace(
            read_together(settings, model.parent),
            train=None,
            dev=None,
            test=None,
            recency=None,
            score_cache=None,
            refresh=0.0,
        ),
        seed=step.seed,
        round=step.number,
        code=str(plan.code) if plan.code else None,
    )
    first = {content_hash(task["text"]): task for task in reversed(chosen.tasks)}
    batch = [*reversed(first)]
    found |= {"seconds_select": round(time.perf_counter() - started, 2), "batch": batch}
    if partial:
        found["asked"] = [own_asked_tokens(here.corpus, name, first[name]) for name in batch]
        found["doubted"] = doubted_entities(here.corpus, chosen.tasks)
    after = followed(step, found)
    if partial and partial.rest == "self":
        found |= label_corpus_rest(here.corpus, after, _component(here, model), partial)
    if how and after.number >= how.after:
        pool = here.output / POOL
        found |= label_texts(here.corpus, after, _component(here, model), how, pool)
    return found


def _settings(here: _Here, step: Step) -> Settings:
    """Those of the strategy; what all start from, and all of the corpus, are trained on as chance would have it."""
    return replace(here.plan.settings_of(step.strategy or RANDOM), seed=step.seed)


def _calibrates(here: _Here, step: Step) -> bool:
    """Whether what is asked, or trains, depends on probabilities that mean what they say."""
    settings = _settings(here, step)
    asks = settings.partial is not None and settings.partial.temperature is None
    return asks or settings.self_training is not None


def _component(here: _Here, model: Path) -> TrainedComponent:
    # the code of the plan is loaded once a process
    return open_component(str(model), here.plan.component)


@contextmanager
def _attempt(here: _Here, name: str) -> Iterator[Path]:
    """A folder of its own, gone afterwards unless it was given another name."""
    folder = here.output / WORK / content_hash(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without bars and tables of processes that share a terminal."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        yield
