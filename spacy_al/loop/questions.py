"""What a round asks: texts to measure on, audits of a teacher, second opinions, and what the sampler chooses."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.errors import AlError
from spacy_al.loop.again import questions_once_more
from spacy_al.loop.answers import reviews
from spacy_al.loop.batch import choose_batch, count_pool
from spacy_al.loop.gold import gold_questions, n_gold
from spacy_al.loop.hashes import pool_hashes
from spacy_al.loop.labels import found_by_model
from spacy_al.loop.measuring import among, measuring_texts, mixed
from spacy_al.loop.privacy import private_settings, record_privacy
from spacy_al.loop.second import second_opinions
from spacy_al.loop.taught import accepted_ids, judge_taught
from spacy_al.metrics import RoundMetrics
from spacy_al.query.costs import fit_seconds
from spacy_al.store.store import Store
from spacy_al.tasks.relabel import task_of_model
from spacy_al.tasks.task import Task
from spacy_al.training.committee import read_together, train_members
from spacy_al.util import content_hash

# The pool is empty, has no text that may be asked, or a batch would break the privacy that was promised
NO_MORE = ("AL086", "AL164", "AL471")


@dataclass
class RoundQuestions:
    """What a round asks, in its order, with the purpose of each; `stops`: why it asks nothing at all."""

    metrics: RoundMetrics
    tasks: list[tuple[str, Task]] = field(default_factory=list)
    stops: str = ""


def round_questions(
    store: Store, project: Project, number: int, train_one: Callable[[Path], float]
) -> RoundQuestions:
    """Choose what a round asks.

    store, project, number: Whose round.
    train_one (Callable): Trains a member of the committee in its folder; returns the seconds.
    RETURNS (RoundQuestions): Tasks and metrics.
    RAISES (AlError): As `choose_batch`, but for NO_MORE.
    """
    settings = project.settings
    assert settings.pool is not None
    stated = store.metrics().get(number, {}).get("hashes", {})
    found = RoundQuestions({"pool_texts": count_pool(store, project, number)})
    found.metrics["hashes"] = {**stated, **pool_hashes(settings.pool)}
    found.tasks += [("review", task) for task in reviews(store, number)]
    found.tasks += questions_once_more(store, project, number)
    try:
        _choose(found, store, project, number, train_one)
    except AlError as error:
        if error.code not in NO_MORE:
            raise
        # what there is to ask besides is asked nevertheless
        if not found.tasks:
            found.stops = f"Stops: {error.text}"
    return found


def _choose(
    found: RoundQuestions,
    store: Store,
    project: Project,
    number: int,
    train_one: Callable[[Path], float],
) -> None:
    """Add to what is asked. Where it ends in an error, what was added before it stays."""
    settings, folder, metrics = project.settings, project.folder(number), found.metrics
    assert settings.pool is not None
    again = [*found.tasks]
    # before there is anything to train on, a component that was trained elsewhere knows what to ask
    model = str(folder / "model-best") if (folder / "model-best").is_dir() else settings.source
    # those of this round as well: some may have been asked while it trained
    asked = store.asked_ids()
    how: dict[str, Any] = {"settings": settings, "round": number, "code": project.code_text}
    how |= {"gpu_id": project.gpu_id, "n_process": project.n_process}
    # what the model was trained on, for samplers that look at it
    corpus = folder / "train.spacy"
    how["trained_on"] = corpus if corpus.is_file() else None
    if settings.cost == "seconds":
        how["seconds"] = fit_seconds(store)
    measure = measuring_texts(store, project, number)
    found.tasks += [("dev", task) for task in measure.tasks]
    asked |= measure.kept
    n_new = settings.batch_size - len(measure.tasks)
    audits, teacher = judge_taught(store, project, number, asked, n_new)
    if teacher:
        metrics["teacher"] = teacher
    found.tasks += [("train", task) for task in audits]
    asked |= {content_hash(task["text"]) for task in audits}
    if teacher.get("on"):
        # a question about them would teach nothing new
        asked |= accepted_ids(project, number)
    if model and model != settings.source:
        # some are missing where the settings ask for a committee only since the model was trained
        train_members(settings, folder, number, train_one)
        how["settings"] = read_together(settings, folder)
    if project.at_least:
        metrics["strategy"] = f"recipe {settings.recipe}"
        return
    left = n_new - len(audits)
    # something new is asked in any case
    others = second_opinions(store, project, number)[: max(0, left - 1)]
    second = [("train", task) for task in others]
    found.tasks += second
    n_test = min(n_gold(store, project, number), max(0, left - len(others) - 1))
    as_gold = dict(how)
    how["settings"] = private_settings(store, how["settings"], number, model)
    n = left - len(others) - n_test
    batch = choose_batch(project, settings.pool, number, n=n, model=model, asked=asked, **how)
    record_privacy(store, number, batch.selection)
    new = dict.fromkeys(label for task in batch.tasks for label in task["labels"])
    found_by_model(store, [*new])
    learn = [task_of_model(task, store.labels()) for task in batch.tasks]
    tests, right = gold_questions(
        store, project, number, n_test, learn, model=model, asked=asked, **as_gold
    )
    metrics |= {"gold": right} if right else {}
    found.tasks = again + second + mixed(measure.tasks, among(audits, among(tests, learn)))
    metrics["strategy"], metrics["eligible"] = batch.selection.strategy, batch.selection.n_pool
    metrics["left_out"] = {why: n for why, n in batch.selection.report.items() if n}
