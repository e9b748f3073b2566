"""`spacy-al calibrate`: make a model's probabilities mean what they say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import Code, Quiet
from spacy_al.evaluation.calibrate import MOST_DOCS, KeptCalibration, calibrate
from spacy_al.posteriors.component import load_code
from spacy_al.posteriors.temperature import FittedSets

# Labels whose coverage is shown
WORST = 8

MODEL = "Directory of the trained pipeline; its temperature is stored in it"
GOLD = "Held-out gold documents (.spacy, or a folder of them), never those that the model was trained on"
COMPONENT = "Whose probabilities (default: the only component that has any)"
COVERAGE = "Also fit sets of answers that hold the right one with this probability, such as 0.9; half of the documents are for that"
BY_LABEL = "Of categories, fit a scale and a bias for each in place of one temperature, if folds say that it is better"
MAX_DOCS = "Use a random sample of at most so many documents"


@app.command("calibrate")
@explained
def calibrate_cli(
    model: Annotated[str, Argument(help=MODEL)],
    gold: Annotated[Path, Argument(help=GOLD)],
    component: Annotated[str | None, Option("--component", help=COMPONENT)] = None,
    max_docs: Annotated[int, Option("--max-docs", "-n", help=MAX_DOCS)] = MOST_DOCS,
    coverage: Annotated[float | None, Option("--coverage", help=COVERAGE)] = None,
    by_label: Annotated[bool, Option("--by-label", help=BY_LABEL)] = False,
    code: Code = None,
    seed: Annotated[int, Option("--seed", help="Of the sample")] = 0,
    dry_run: Annotated[bool, Option("--dry-run", help="Fit and show, store nothing")] = False,
    quiet: Quiet = False,
) -> None:
    """Fit a temperature on held-out gold documents, so that what is called 80% probable is right in 80% of cases.

    It is stored beside the weights and belongs to them: every command finds it there, and after another training it is
    ignored until you calibrate again. An entity recogniser gets two, one between entities and one inside.
    """
    load_code(code)
    record = calibrate(
        model,
        gold,
        component=component,
        max_docs=max_docs,
        coverage=coverage,
        by_label=by_label,
        seed=seed,
        dry_run=dry_run,
    )
    if not quiet:
        say(format_record(record))
        if by_label and not isinstance(record["temperature"], Mapping):
            say(
                "ℹ Folds of these documents do not show that a scale and a bias for each category are better"
            )


def format_record(record: KeptCalibration) -> str:
    """The fit as a table, and where it is stored."""
    chosen = "set by the model"
    rows = []
    kinds: tuple[Literal["chosen", "candidates"], ...] = ("chosen", "candidates")
    for kind, words in zip(kinds, (chosen, "all candidates above .01")):
        for when, judged in (("before", record["before"]), ("after", record["after"])):
            if judged:
                values = judged[kind]
                numbers = [_number(values[key]) for key in ("ece", "log_loss", "brier")]
                rows.append((words, when, values["events"], *numbers))
    header = (record["component"], "", "events", "ECE", "log loss", "Brier")
    lines = [table(rows, header=header, divider=True, aligns=("l", "l", "r", "r", "r", "r"))]
    unaligned = record["unaligned"]
    counts = f"{record['documents']} documents, {record['answers']} right answers"
    lines += [f"ℹ {counts}" + (f" ({unaligned} fall on no token)" if unaligned else "")]
    if others := record["other_labels"]:
        named = ", ".join(f"{label} ({count})" for label, count in others.items())
        lines += [f"ℹ Not judged, as the model has no such label: {named}"]
    if record["temperature"] is not None:
        lines += [f"ℹ Temperature: {format_temperature(record['temperature'])}"]
    if "sets" in record:
        lines += format_sets(record["sets"])
    if record["path"] is not None:
        lines += [f"✔ Stored in {record['path']}"]
    return "\n".join(lines)


def format_sets(sets: FittedSets) -> list[str]:
    """What sets of answers cover."""
    found, asked = sets["held_out"], sets["coverage"]
    begin = f"ℹ Sets that hold what is right with a probability of {asked:.0%}: answers with one of {max(0.0, 1 - sets['threshold']):.2g} or more, by {sets['documents']} other texts"
    if found["coverage"] is None:
        return [f"{begin}, too few to judge them by halves"]
    size, closed = found["size"], found["closed"]
    lines = [
        begin,
        f"  by halves: {found['coverage']:.1%} covered, {closed:.1%} of the sets closed"
        + (f", {size:.2f} answers in these" if size is not None else ""),
    ]
    worst = sorted(found["per_label"].items(), key=lambda item: item[1])[:WORST]
    if worst:
        named = ", ".join(f"{label} {share:.0%} of {n}" for label, (share, n) in worst)
        lines += [f"  by label, where it is right, the least covered first: {named}"]
    return lines


def format_temperature(temperature: Any) -> str:
    """`1.83`, or `closed 1.83, open 1.21`, or how far scales and biases of labels go."""
    if isinstance(temperature, dict) and "scale" in temperature:
        ranges = {key: sorted(temperature[key].values()) for key in ("scale", "bias")}
        shown = ", ".join(f"{key} {v[0]:.3g} to {v[-1]:.3g}" for key, v in ranges.items())
        return f"by label, {shown}"
    if isinstance(temperature, dict):
        return ", ".join(f"{key} {value:.3g}" for key, value in temperature.items())
    return f"{temperature:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
