"""The verbs as functions: the same work and the same defaults as the commands, with what these print as a result.

Each takes paths as text or as a `Path`, and spaCy's overrides of a config as a dict by their dotted names. None prints; what a command would
explain and end with is raised as an `AlError`. What a verb does is said by its page in the docs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

from spacy_al.auditing.answered import Reviewed, read_review
from spacy_al.auditing.audit import FOLDER, RANDOM, N
from spacy_al.auditing.audit import Audit as AuditResult
from spacy_al.auditing.audit import audit as audit_labels
from spacy_al.auditing.folds import FOLDS
from spacy_al.config.init import init
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings, read_settings, read_tokeniser
from spacy_al.corpus.address import pool_path
from spacy_al.corpus.ingest import ingest as ingest_texts
from spacy_al.corpus.ingest_report import IngestReport
from spacy_al.deployment.drift import check_drift
from spacy_al.distributed.engines import open_engine
from spacy_al.errors import Errors, UsageError
from spacy_al.evaluation.calibrate import MOST_DOCS
from spacy_al.evaluation.calibrate import calibrate as fit_and_keep
from spacy_al.loop.begun import open_run
from spacy_al.loop.facts import run_facts
from spacy_al.loop.labels import check_labels
from spacy_al.loop.next_batch import PRODIGY, check_output, select_next, write_batch
from spacy_al.loop.report import write_run_facts
from spacy_al.loop.rounds import run as run_rounds
from spacy_al.loop.status import status as run_status
from spacy_al.posteriors.component import load_code
from spacy_al.public.results import CalibrationResult, RunResult, SimulationResult
from spacy_al.query.select import Selection
from spacy_al.reporting.plot import check_plots
from spacy_al.reporting.savings import read_price
from spacy_al.simulation import make_plan
from spacy_al.simulation import simulate as simulate_plan
from spacy_al.simulation.options import full_training, simulation_command
from spacy_al.simulation.summary import write_facts
from spacy_al.tracking.follow import tracked_project
from spacy_al.util import cores

__all__ = ["audit", "calibrate", "ingest", "report", "run", "select", "simulate", "status"]

AnyPath: TypeAlias = str | PathLike[str]
Overrides: TypeAlias = Mapping[str, Any]


def ingest(
    inputs: AnyPath | Sequence[AnyPath],
    output: AnyPath,
    *,
    config: AnyPath | None = None,
    code: AnyPath | None = None,
    **how: Any,
) -> IngestReport:
    """Make a pool of texts: split, without duplicates, in shards.

    inputs: A file or a folder of files (.txt, .jsonl, .csv, .tsv, .spacy), or several.
    output: Folder of the pool.
    config: Training config whose tokeniser is used.
    code: Python file that registers functions.
    how: lang, unit, model, text_key, id_key, meta_key, min_tokens, max_tokens, keep_near_duplicates, shard_size, force, add, dry_run, as the options.
    RETURNS (IngestReport): Counts of what came in and what was left out, and why.
    RAISES (AlError): What is wrong with the input; the old pool then stays as it was.
    """
    several = [inputs] if isinstance(inputs, str | PathLike) else inputs
    load_code(_path(code))
    tokeniser = read_tokeniser(_path(config))
    return ingest_texts([*map(Path, several)], Path(output), tokeniser=tokeniser, **how)


def select(
    pool: AnyPath | None = None,
    *,
    config: AnyPath | None = None,
    overrides: Overrides | None = None,
    model: AnyPath | None = None,
    cold: bool = False,
    n: int | None = None,
    labeled: Sequence[AnyPath] = (),
    patterns: AnyPath | None = None,
    output: AnyPath | None = None,
    format: Literal["prodigy", "label-studio", "spacy"] = PRODIGY,  # type: ignore[assignment]
    engine: Literal["local", "ray"] = "local",
    workers: int | None = None,
    score_cache: AnyPath | None = None,
    code: AnyPath | None = None,
    **how: Any,
) -> Selection:
    """Rank a pool of unlabelled texts and choose those to label next, best first. Nothing is recorded.

    pool: A .spacy file or a folder of shards, or the URL of either; by default that of the config.
    config, overrides: A config with an [al] section, whose run is then looked at as well.
    model: A trained pipeline; by default the newest model-best of the config's run, else the only one below this folder.
    cold (bool): Use no model: choose what represents the pool.
    n (int | None): Texts to choose; by default 20, or batch_size of the config.
    labeled: Corpora or files of tasks whose texts are not asked again.
    patterns: Of an entity or span ruler; without a model, texts in which they match come first.
    output, format: A file for the tasks, and what it is for; None writes none.
    code: Python file that registers functions.
    engine, workers: Where texts are scored: here, or on a Ray cluster of so many workers.
    score_cache: Folder in which scores are kept for the next call.
    how: acquisition, density_weight, sampler, component, seed, round, lang, keep_tokens, n_process, refresh, per_shard, gpu_id, as the options.
    RETURNS (Selection): `tasks`, as Prodigy has them, and how they were chosen.
    RAISES (AlError): What is wrong with the input, and AL086 if nothing is left to ask.
    """
    if overrides and config is None:
        raise UsageError(Errors.AL089.format(given=", ".join(overrides)))
    load_code(_path(code))
    settings = read_settings(Path(config), _plain(overrides)) if config else None
    found = pool_path(pool) if pool else (settings or Settings()).pool
    if found is None:
        raise UsageError(Errors.AL090)
    if output is not None:
        check_output(Path(output), format, found)
    selection = select_next(
        found,
        settings,
        model=None if model is None else str(model),
        cold=cold,
        n=n,
        labeled=[*map(Path, labeled)],
        patterns=_path(patterns),
        engine=open_engine(engine, workers),
        score_cache=_path(score_cache),
        code=None if code is None else str(code),
        **how,
    )
    if output is not None:
        write_batch(selection.tasks, Path(output), format)
    return selection


def run(
    config: AnyPath,
    overrides: Overrides | None = None,
    *,
    model: AnyPath | None = None,
    oracle: AnyPath | None = None,
    show: Callable[[str], None] | None = None,
    code: AnyPath | None = None,
    gpu_id: int = -1,
    n_process: int = 1,
) -> RunResult:
    """Train, evaluate, select, take the answers, and again, as far as it goes without a person; and write the report.

    config, overrides: A config with an [al] section.
    model: A trained pipeline that the run begins with, where the config is still to be written.
    oracle: Labelled corpus that answers in place of a person.
    show (Callable | None): Gets the lines that tell what goes on, e.g. `print`.
    code: Python file that registers functions.
    gpu_id (int): GPU, -1 for none.
    n_process (int): Processes that score.
    RETURNS (RunResult): With the `report`; its `state` is "wait" or "stopped".
    RAISES (AlError): What the steps raise. The round stays where it was, and the same call goes on from there.
    """
    if model is not None:
        load_code(_path(code))
        init(Path(config), model=str(model))
    how: dict[str, Any] = {"gpu_id": gpu_id, "n_process": n_process}
    how |= {"show": show} if show else {}
    project = open_run(
        Path(config), _plain(overrides), oracle=_path(oracle), code=_path(code), **how
    )
    check_labels(project)
    with tracked_project(project) as project:
        run_rounds(project)
    return _result(project, write=True)


def status(
    config: AnyPath,
    overrides: Overrides | None = None,
    *,
    check: bool = False,
    recent: AnyPath | None = None,
    code: AnyPath | None = None,
) -> RunResult:
    """The rounds of a run, what it waits for, and why it goes on or has stopped.

    config, overrides, code: As for `run`.
    check: Look whether recent texts are still like those that the run is measured on.
    recent: Pool of these texts; by default the run's own, from `since` in [al.pool] on.
    RETURNS (RunResult): With `drift` where it was looked.
    RAISES (AlError): As `run`, and AL360 and AL365 where it cannot be looked.
    """
    project = open_run(Path(config), _plain(overrides), code=_path(code))
    looked = check_drift(project, _path(recent)) if check or recent else None
    return replace(_result(project), drift=looked)


def report(
    config: AnyPath,
    overrides: Overrides | None = None,
    *,
    output: AnyPath | None = None,
    simulation: AnyPath | None = None,
    target: float | None = None,
    price: str | None = None,
    without_texts: bool = False,
    mask: Sequence[str] = (),
    code: AnyPath | None = None,
) -> RunResult:
    """Write report.html and metrics.json of a run: learning curve, forecast, what was asked and why.

    config, overrides, code: As for `run`.
    output: Folder for both; by default the output of the run.
    simulation: Folder of a simulation of the same project, whose random arm is drawn beside the run.
    target (float | None): Score whose cost is forecast; by default where there is no test set, that of the config's target_score.
    price (str | None): What an hour of an annotator costs, e.g. "90 EUR".
    without_texts (bool): Show no question: nothing of the pool's texts is in the report.
    mask: What is hidden in the questions: patterns ("email", "phone", "date", "id"), labels of the run, files of patterns.
    RETURNS (RunResult): With the `report`.
    RAISES (AlError): If there is no run, AL047 if a file cannot be written, AL473 or AL474 for a mask that is none.
    """
    project = open_run(Path(config), _plain(overrides), code=_path(code))
    return _result(
        project,
        write=True,
        folder=_path(output),
        simulation=_path(simulation),
        target=target,
        price=read_price(price) if price else None,
        texts=not without_texts,
        mask=mask,
    )


def simulate(
    config: AnyPath,
    gold: AnyPath,
    overrides: Overrides | None = None,
    *,
    output: AnyPath = "training/simulate",
    strategy: str | Sequence[str] = (),
    strategies: AnyPath | None = None,
    seeds: int = 3,
    start: int = 100,
    rounds: int | None = None,
    batches: Sequence[int] = (),
    full: int | None = None,
    oracle: str | None = None,
    n_process: int | None = None,
    code: AnyPath | None = None,
) -> SimulationResult:
    """Label a corpus again, from its gold, by one strategy after another, and compare them with random choice.

    It trains in processes of its own: in a script it is called below `if __name__ == "__main__":`.

    config, overrides: A config with an [al] section. The test set is `paths.test`.
    gold: Labelled corpus to choose from.
    output: Folder of the results; the same call goes on where one was interrupted.
    strategy: Acquisition, "density", sampler, or several of them joined by +; one or several to compare.
    strategies: File of strategies with names of their own.
    seeds (int): How many.
    start (int): Texts labelled at first, drawn at random.
    rounds (int | None): Of batch_size texts; by default max_rounds.
    batches (Sequence[int]): Batch sizes to compare.
    full (int | None): Also train once on the whole corpus, for this many steps.
    oracle (str | None): "gold" or "real".
    n_process (int | None): Processes; by default one a core.
    code: Python file that registers functions.
    RETURNS (SimulationResult): With the `report`.
    RAISES (AlError): What is wrong with the plan, and what fails in a round.
    """
    # not after hours of work
    check_plots()
    load_code(_path(code))
    names, file, folder = _names(strategy), _path(strategies), Path(output)
    plan = make_plan(
        Path(config),
        Path(gold),
        _plain(overrides),
        strategy=names,
        strategies=file,
        seeds=seeds,
        start=start,
        rounds=rounds,
        batches=batches,
        oracle=oracle,
        code=_path(code),
    )
    done = simulate_plan(plan, folder, n_process=n_process or cores(), full=full_training(full))
    rows = list(done)
    command = simulation_command(plan, folder, names, file, batches, full=full, oracle=oracle)
    facts = write_facts(plan, folder, rows, full is not None, command)
    return SimulationResult(folder, folder / "report.html", facts["strategies"], facts)


def calibrate(
    model: AnyPath,
    gold: AnyPath,
    *,
    component: str | None = None,
    max_docs: int = MOST_DOCS,
    coverage: float | None = None,
    seed: int = 0,
    dry_run: bool = False,
    code: AnyPath | None = None,
) -> CalibrationResult:
    """Fit a temperature on held-out gold documents, so that what is called 80% probable is right in 80% of cases.

    model: Directory of the trained pipeline; its temperature is stored in it.
    gold: Held-out gold documents, never those that the model was trained on.
    component (str | None): Whose probabilities; by default the only component that has any.
    max_docs, seed (int): Documents used at most, a random sample, and what it is drawn with.
    coverage (float | None): Fit sets of answers too that hold the right one with this probability: half of the documents are for them.
    dry_run (bool): Fit, and store nothing.
    code: Python file that registers functions.
    RETURNS (CalibrationResult): The temperature, and what it mends.
    RAISES (AlError): What is wrong with the model or the gold.
    """
    load_code(_path(code))
    record = fit_and_keep(
        str(model),
        Path(gold),
        component=component,
        max_docs=max_docs,
        coverage=coverage,
        seed=seed,
        dry_run=dry_run,
    )
    return CalibrationResult(
        record["component"],
        record["temperature"],
        record["documents"],
        record["before"],
        record["after"],
        record["path"],
        record.get("sets"),
        record,
    )


def audit(
    corpus: AnyPath,
    *,
    config: AnyPath | None = None,
    overrides: Overrides | None = None,
    model: AnyPath | None = None,
    component: str | None = None,
    folds: int = FOLDS,
    n: int = N,
    n_random: int = RANDOM,
    seed: int = 0,
    folder: AnyPath = FOLDER,
    output: AnyPath | None = None,
    answers: AnyPath | None = None,
    show: Callable[[str], None] | None = None,
    code: AnyPath | None = None,
    gpu_id: int = -1,
) -> AuditResult | Reviewed:
    """Find labels that are probably wrong or missing in an annotated corpus, by models that have not seen it.

    corpus: A .spacy file, a folder of them, or what else convert reads. With `answers`, a review list that this has written.
    config, overrides: A training config, whose pipeline is trained on all folds of the corpus but one, for each fold.
    model: Instead, a trained pipeline that has not seen the corpus.
    component (str | None): Whose labels; by default those of the only component that has a posterior.
    folds (int): How many.
    n, n_random (int): Texts of the review list: the most doubtful ones, and others by chance.
    seed (int): Of the folds and the draws.
    folder: Keeps the models of the folds.
    output: A file for the review list; None writes none.
    answers: Answered rows of the review list.
    show (Callable | None): Gets the lines that tell what goes on, e.g. `print`.
    code: Python file that registers functions.
    gpu_id (int): GPU, -1 for none.
    RETURNS (AuditResult | Reviewed): Its `rows` are the findings, its `tasks` the review list; with `answers`, what was wrong, and
        `remaining`, an estimate of what is left.
    RAISES (AlError): What is wrong with the corpus, the config, the model or the answers.
    """
    if answers is not None:
        return read_review(Path(corpus), Path(answers), seed)
    return audit_labels(
        Path(corpus),
        config=_path(config),
        overrides=_plain(overrides),
        model=None if model is None else str(model),
        component=component,
        folds=folds,
        n=n,
        n_random=n_random,
        seed=seed,
        folder=Path(folder),
        output=_path(output),
        code=_path(code),
        gpu_id=gpu_id,
        show=show,
    )


def _result(
    project: Project,
    *,
    write: bool = False,
    folder: Path | None = None,
    simulation: Path | None = None,
    target: float | None = None,
    price: tuple[float, str] | None = None,
    texts: bool = True,
    mask: Sequence[str] = (),
) -> RunResult:
    found = run_status(project)
    facts = run_facts(
        project, simulation=simulation, target=target, price=price, texts=texts, mask=mask
    )
    path = write_run_facts(facts, folder or project.output) if write else None
    return RunResult(
        found["state"],
        found["sentence"],
        found["rounds"],
        found["best"],
        project.output,
        path,
        found,
        facts,
    )


def _path(given: AnyPath | None) -> Path | None:
    return None if given is None else Path(given)


def _plain(overrides: Overrides | None) -> dict[str, Any]:
    """Overrides as a config has them, in which a path is text."""
    return {
        name: str(value) if isinstance(value, PathLike) else value
        for name, value in (overrides or {}).items()
    }


def _names(strategy: str | Sequence[str]) -> list[str]:
    return [strategy] if isinstance(strategy, str) else [*strategy]
