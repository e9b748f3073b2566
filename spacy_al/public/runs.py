"""The verbs of a run, and of one that is simulated, as functions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_al.config.init import init
from spacy_al.config.project import Project
from spacy_al.deployment.drift import check_drift
from spacy_al.loop.begun import open_run
from spacy_al.loop.facts import run_facts
from spacy_al.loop.labels import check_labels
from spacy_al.loop.report import write_run_facts
from spacy_al.loop.rounds import run as run_rounds
from spacy_al.loop.status import status as run_status
from spacy_al.posteriors.component import load_code
from spacy_al.public.arguments import AnyPath, Overrides, path_of, plain_overrides
from spacy_al.public.results import RunResult, SimulationResult
from spacy_al.reporting.plot import check_plots
from spacy_al.reporting.savings import read_price
from spacy_al.simulation import make_plan
from spacy_al.simulation import simulate as simulate_plan
from spacy_al.simulation.options import full_training, simulation_command
from spacy_al.simulation.summary import write_facts
from spacy_al.tracking.follow import tracked_project
from spacy_al.util import cores, several


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
        load_code(path_of(code))
        init(Path(config), model=str(model))
    how: dict[str, Any] = {"gpu_id": gpu_id, "n_process": n_process}
    how |= {"show": show} if show else {}
    project = open_run(
        Path(config), plain_overrides(overrides), oracle=path_of(oracle), code=path_of(code), **how
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
    project = open_run(Path(config), plain_overrides(overrides), code=path_of(code))
    looked = check_drift(project, path_of(recent)) if check or recent else None
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
    mask: str | Sequence[str] = (),
    code: AnyPath | None = None,
) -> RunResult:
    """Write report.html and metrics.json of a run: learning curve, forecast, what was asked and why.

    config, overrides, code: As for `run`.
    output: Folder for both; by default the output of the run.
    simulation: Folder of a simulation of the same project, whose random arm is drawn beside the run.
    target (float | None): Score whose cost is forecast; by default where there is no test set, that of the config's target_score.
    price (str | None): What an hour of an annotator costs, e.g. "90 EUR".
    without_texts (bool): Show no question: nothing of the pool's texts is in the report.
    mask: What is hidden in the questions: patterns ("email", "phone", "date", "id"), labels of the run, files of patterns; one or several.
    RETURNS (RunResult): With the `report`.
    RAISES (AlError): If there is no run, AL047 if a file cannot be written, AL473 or AL474 for a mask that is none.
    """
    project = open_run(Path(config), plain_overrides(overrides), code=path_of(code))
    return _result(
        project,
        write=True,
        folder=path_of(output),
        simulation=path_of(simulation),
        target=target,
        price=read_price(price) if price else None,
        texts=not without_texts,
        mask=several(mask),
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
    load_code(path_of(code))
    names, file, folder = several(strategy), path_of(strategies), Path(output)
    plan = make_plan(
        Path(config),
        Path(gold),
        plain_overrides(overrides),
        strategy=names,
        strategies=file,
        seeds=seeds,
        start=start,
        rounds=rounds,
        batches=batches,
        oracle=oracle,
        code=path_of(code),
    )
    done = simulate_plan(plan, folder, n_process=n_process or cores(), full=full_training(full))
    rows = list(done)
    command = simulation_command(plan, folder, names, file, batches, full=full, oracle=oracle)
    facts = write_facts(plan, folder, rows, full is not None, command)
    return SimulationResult(folder, folder / "report.html", facts["strategies"], facts)


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
