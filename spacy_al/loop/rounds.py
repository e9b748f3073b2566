"""The loop: train, evaluate, select, wait for answers, and again. One round can be read here from top to bottom.

The store says where a run is. Each step leaves files that are whole or absent, and then moves the round on in one
transaction. A step that was interrupted is done again, to the same result.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from spacy_al.config.project import Project
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError
from spacy_al.loop.answers import ask_oracle, check_oracle
from spacy_al.loop.begun import keep_overrides
from spacy_al.loop.corpus import make_round_corpus, model_before
from spacy_al.loop.examine import measure_round
from spacy_al.loop.hashes import training_hashes
from spacy_al.loop.history import spent, stopping
from spacy_al.loop.labels import config_labels, with_labels
from spacy_al.loop.learner import round_learner
from spacy_al.loop.measured import gold_now, labels_on_dev
from spacy_al.loop.notify import notify
from spacy_al.loop.plan import first_hour
from spacy_al.loop.questions import round_questions
from spacy_al.loop.start import before_training
from spacy_al.processes.lock import locked
from spacy_al.reporting.words import format_score_name, measured_on, plural
from spacy_al.store.desk import answer_progress
from spacy_al.store.export import export_answers, export_tasks
from spacy_al.store.store import Store
from spacy_al.tasks.records import Round
from spacy_al.training.made_from import hash_of
from spacy_al.training.pretrain import pretrain
from spacy_al.training.round import TrainingRound, train_round_models
from spacy_al.training.round_config import keep_project
from spacy_al.training.trainer import MODEL, Trained, read_trained, train

# The development set of a run that asks for its own
DEV = "dev.spacy"


@dataclass(frozen=True)
class Outcome:
    """Where a run has come to.

    state (str): "waiting" for answers, or "stopped".
    sentence (str): What it waits for, or why it has stopped.
    round (int): The latest round.
    """

    state: str
    sentence: str
    round: int


def run(project: Project) -> Outcome:
    """Go as far as possible without a person.

    project (Project): What to work on.
    RETURNS (Outcome): Why it goes no further.
    RAISES (AlError): AL155 if another process runs in the same output; what the steps raise. The round stays where it was.
    """
    found = config_labels(project)
    with locked(project.output), Store(project.database) as store:
        store.examine()
        if project.oracle:
            check_oracle(store, project, found)
        keep_overrides(store, project)
        while True:
            project = with_labels(store, project, found)
            current = store.round()
            if current is None or current.state == "done":
                _back_up(store, project)
                store.open_round(0 if current is None else current.number + 1)
                continue
            outcome = _step(store, project, current)(store, project, current)
            _write_metrics(store, project, current.number)
            project.follow()
            _tell(store, project, current)
            if outcome:
                _back_up(store, project)
                return outcome


def train_round(store: Store, project: Project, current: Round) -> None:
    """Train on the answers there were when the round was opened and on `paths.train`."""
    number, settings = current.number, project.settings
    corpus = make_round_corpus(store, project, current)
    if not corpus.is_learnable or not project.dev.exists():
        # nothing to learn from, or to measure on: the questions are chosen without a model
        metrics = before_training(project, corpus.metrics, store.labels(), project.folder(number))
        stop, reasons = stopping(store, project, number, metrics)
        state = "stopped" if stop else "select"
        store.advance(number, state, metrics={**metrics, "stopping": reasons})
        return
    encoder = pretrain(project, project.output / "pretrain") if settings.pretrain_epochs else None
    before, own = model_before(project, number), project.folder(number)
    chosen, learner = round_learner(store, project, number, corpus)

    for change in keep_project(project.config, project.overrides, own, before.parent):
        project.show(f"⚠ Since round {number - 1} the config has changed: {change}")
    texts, words = corpus.counts["texts"], corpus.counts["words"]
    taught = corpus.metrics.get("teacher", {})
    n_taught = taught.get("taught", 0) + taught.get("accepted", 0)
    beside = f", and {plural(n_taught, 'text')} as the teacher has them" if n_taught else ""
    project.show(
        f"Round {number}: training on {plural(texts, 'text')}, {plural(words, 'word')}{beside}"
    )
    counted, unmeasured = labels_on_dev(store, project)
    seconds = train_round_models(
        TrainingRound(
            number,
            own,
            project.config,
            project.overrides,
            settings,
            _own_gold(store, project, own),
            project.code,
            learner,
            counted if unmeasured or settings.asks_only else None,
        ),
        lambda folder: _train(project, number, folder).seconds,
        n_words=corpus.counts["words"] + corpus.n_taught_words,
        n_pseudo_words=corpus.n_pseudo_words,
        retrain_from=before if settings.retrain == "resume" and before.is_dir() else None,
        init_tok2vec=encoder,
        model_before=before,
    )
    first = read_trained(own)
    model = {"hash": first.hash, "path": str(first.model), "seconds": first.seconds}
    model["versions"] = first.versions
    metrics = {**corpus.metrics, "seconds_train": seconds}
    metrics["hashes"] = training_hashes(project, own)
    if learner is not None:
        metrics["learner"] = chosen.describe()
    store.advance(number, "evaluate", metrics=metrics, model=model)


def evaluate_round(store: Store, project: Project, current: Round) -> None:
    """Measure and calibrate the model, and ask the stopping criteria."""
    metrics = measure_round(store, project, current.number)
    stop, reasons = stopping(store, project, current.number, metrics)
    dev = metrics["dev"]
    said = "nothing to measure on"
    if dev["score"] is not None:
        sure = measured_on(dev["texts"], dev["interval"])
        said = f"{format_score_name(dev['score_name'])[0]} {dev['score']:.3f} on dev{sure}"
    project.show(f"Round {current.number}: {said}")
    state = "stopped" if stop else "select"
    store.advance(current.number, state, metrics={**metrics, "stopping": reasons})


def select_round(store: Store, project: Project, current: Round) -> Outcome | None:
    """Choose the next batch, in it texts to measure on where no development set is given; beside it what answers contradict."""
    number, started = current.number, time.perf_counter()

    def train_one(folder: Path) -> float:
        return _train(project, number, folder).seconds

    found = round_questions(store, project, number, train_one)
    if found.stops:
        # the pool is used up, or nearly, and there is nothing to ask besides
        store.advance(number, "stopped", metrics={"stopping": [found.stops]})
        return Outcome("stopped", found.stops, number)
    metrics = found.metrics
    if number == 0:
        metrics["plan"] = first_hour(store, project).sentence
        if not project.oracle:
            project.show(f"ℹ {metrics['plan']}")
    metrics["seconds_select"] = round(time.perf_counter() - started, 2)
    store.advance(number, "wait", metrics=metrics, tasks=found.tasks)
    return None


def wait_round(store: Store, project: Project, current: Round) -> Outcome | None:
    """Have the oracle answer, or find out whether people have."""
    folder = project.folder(current.number)
    if project.at_least or not (folder / "tasks.jsonl").is_file():
        export_tasks(store, current.number, folder / "tasks.jsonl")
    if project.oracle:
        ask_oracle(store, project, current.number)
    # gold says the same however often it is asked
    overlap = 1 if project.oracle else project.settings.overlap
    answered, total = answer_progress(store, overlap, project.at_least)
    if project.at_least and not total:
        reason = "Stops: the recipe has nothing left to ask."
        store.advance(current.number, "stopped", metrics={"stopping": [reason]})
        return Outcome("stopped", reason, current.number)
    if left := total - answered:
        return Outcome("waiting", project.waits(current.number, left, total), current.number)
    export_answers(store, current.number, folder / "answers.jsonl")
    store.advance(current.number, "done", metrics=spent(store, current.number))
    return None


def stopped_round(store: Store, project: Project, current: Round) -> Outcome | None:
    """Stay stopped, unless the config or the pool has been changed since so that it can go on."""
    metrics = store.metrics()[current.number]
    stop, reasons = stopping(store, project, current.number, metrics)
    if not stop:
        store.advance(current.number, "select", metrics={"stopping": reasons})
        return None
    sentence = next(reason for reason in reasons if reason.startswith("Stops"))
    return Outcome("stopped", sentence, current.number)


RoundStep: TypeAlias = Callable[[Store, Project, Round], Outcome | None]
STEPS: dict[str, RoundStep] = {
    "train": train_round,
    "evaluate": evaluate_round,
    "select": select_round,
    "wait": wait_round,
    "stopped": stopped_round,
}


def _tell(store: Store, project: Project, before: Round) -> None:
    """Tell whoever is to be told where a step has brought its round."""
    now = store.round()
    if now is None or now.state == before.state or project.settings.notify is None:
        return
    number, facts = now.number, {"round": now.number}
    if now.state == "stopped":
        reasons = store.metrics()[number].get("stopping", [])
        why = next((one for one in reasons if one.startswith("Stops")), "")
        notify(project, "stopped", **facts, why=why)
    # gold waits for nobody
    elif now.state == "wait" and not project.oracle:
        questions = project.at_least or sum(1 for _ in store.tasks(number))
        notify(project, "ready", **facts, questions=questions)
    elif now.state == "done" and not project.oracle:
        notify(project, "complete", **facts, answers=store.n_answers())


def _train(project: Project, number: int, folder: Path) -> Trained:
    """Train in the folder of a round, or of a member of its committee."""
    if folder != project.folder(number) and not (folder / MODEL).is_dir():
        member = folder.name.replace("-", " ")
        project.show(f"Round {number}: training {member} of the committee")
    return train(folder, gpu_id=project.gpu_id, code=project.code, show=project.show)


def _own_gold(store: Store, project: Project, folder: Path) -> Path:
    """What a round's training measures on: a copy of its own where the development set is asked for, since that grows on."""
    gold = gold_now(project, store.labels(), project.dev, folder)
    if gold != project.output / DEV:
        return gold
    with writing(folder / DEV, "wb") as file:
        file.write(gold.read_bytes())
    return folder / DEV


def _step(store: Store, project: Project, current: Round) -> RoundStep:
    """The step that is to be done in a round; its training once more if its model was deleted since, or is another than the store says."""
    stored = store.models().get(current.number)
    if current.state not in ("evaluate", "select") or stored is None:
        return STEPS[current.state]
    model = project.folder(current.number) / MODEL
    if hash_of(model) == stored["hash"]:
        return STEPS[current.state]
    if model.is_dir():
        project.show(f"⚠ {model} is not what round {current.number} has trained, and is made again")
        shutil.rmtree(model)
    return train_round


def _back_up(store: Store, project: Project) -> None:
    """A backup of the store; a run without one goes on, if it can be written to at all."""
    try:
        store.back_up()
    except AlError as error:
        if error.code != "AL113":
            raise
        project.show(f"⚠ No backup was made, the last one stays: {error.text}")


def _write_metrics(store: Store, project: Project, number: int) -> None:
    """The numbers of a round, for people and for version control; the store has them as well."""
    with writing(project.folder(number) / "metrics.json") as file:
        file.write(json.dumps(store.metrics().get(number, {}), indent=2, sort_keys=True) + "\n")
