"""The files that tell what came of a simulation."""

import json
from pathlib import Path

from spacy_al.measures.simulated import ResultRow
from spacy_al.reporting import report
from spacy_al.reporting.facts import CorpusFacts, SimulationFacts
from spacy_al.reporting.plot import plot
from spacy_al.simulation.facts import simulation_facts
from spacy_al.simulation.plan import SimulationPlan
from spacy_al.simulation.results import CORPUS, read_full
from spacy_al.util import replacing


def write_facts(
    plan: SimulationPlan, output: Path, rows: list[ResultRow], full: bool, command: str
) -> SimulationFacts:
    """Write `summary.json`, `metrics.json`, `curve.png` and `report.html`, and return what they hold."""
    corpus: CorpusFacts = json.loads((output / CORPUS).read_text("utf8"))
    whole = read_full(output) if full else None
    title = title_of(plan.gold)
    found = simulation_facts(plan, rows, corpus, whole, title=title, command=command)
    for name in ("summary.json", "metrics.json"):
        with replacing(output / name) as file:
            file.write(json.dumps(found, indent=2) + "\n")
    score_name = f"{found['score_name']} on test"
    costs = [cost for cost in found["costs"] if cost.startswith("words")]
    plot(rows, output / "curve.png", title=title, score_name=score_name, full=whole, costs=costs)
    with replacing(output / "report.html") as file:
        file.write(report(found))
    return found


def title_of(gold: Path) -> str:
    """A corpus by its folder and its own name, also where it was named without the folder."""
    return f"{gold.absolute().parent.name}: {gold.stem}"
