"""The report of a run, as a file."""

import json
from collections.abc import Sequence
from pathlib import Path

from spacy_al.config.project import Project
from spacy_al.corpus.shard import writing
from spacy_al.loop.facts import run_facts
from spacy_al.reporting import report
from spacy_al.reporting.facts import RunFacts


def write_report(
    project: Project,
    *,
    folder: Path | None = None,
    simulation: Path | None = None,
    target: float | None = None,
    price: tuple[float, str] | None = None,
    texts: bool = True,
    mask: Sequence[str] = (),
) -> Path:
    """Write `report.html` and `metrics.json`.

    project (Project): The run.
    folder (Path | None): Gets them; by default the output of the run.
    simulation (Path | None): Folder of a simulation of the same project, whose random arm is shown for comparison.
    target (float | None): A score whose cost is forecast; by default that at which the config would stop,
        where scores are of dev, which it stops on.
    price (tuple | None): What an hour of an annotator costs, and its currency.
    texts (bool): Whether questions are shown; without them nothing of the pool is in it.
    mask (Sequence[str]): What is hidden in the questions: see `make_mask`.
    RETURNS (Path): The HTML file.
    RAISES (AlError): If there is no run, AL047 if a file cannot be written.
    """
    facts = run_facts(
        project, simulation=simulation, target=target, price=price, texts=texts, mask=mask
    )
    return write_run_facts(facts, folder or project.output)


def write_run_facts(facts: RunFacts, folder: Path) -> Path:
    """Write what a run's facts tell. Arguments and more as for `write_report`."""
    page = report(facts)
    path = folder / "report.html"
    with writing(path) as file:
        file.write(page)
    # the texts are in the rounds' folders
    rounds = [{k: v for k, v in row.items() if k != "batch"} for row in facts["rounds"]]
    with writing(folder / "metrics.json") as file:
        file.write(json.dumps({**facts, "rounds": rounds}, indent=2) + "\n")
    return path
