"""`spacy-al calibrate`: make a model's probabilities mean what they say."""

from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import Code, Quiet
from spacy_al.evaluation.calibrate import MOST_DOCS, KeptCalibration, calibrate
from spacy_al.posteriors.component import load_code

MODEL = "Directory of the trained pipeline; its temperature is stored in it"
GOLD = "Held-out gold documents (.spacy, or a folder of them), never those that the model was trained on"
COMPONENT = "Whose probabilities (default: the only component that has any)"
MAX_DOCS = "Use a random sample of at most so many documents"


@app.command("calibrate")
@explained
def calibrate_cli(
    model: Annotated[str, Argument(help=MODEL)],
    gold: Annotated[Path, Argument(help=GOLD)],
    component: Annotated[str | None, Option("--component", help=COMPONENT)] = None,
    max_docs: Annotated[int, Option("--max-docs", "-n", help=MAX_DOCS)] = MOST_DOCS,
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
        model, gold, component=component, max_docs=max_docs, seed=seed, dry_run=dry_run
    )
    if not quiet:
        say(format_record(record))


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
    if record["path"] is not None:
        lines += [f"✔ Stored in {record['path']}"]
    return "\n".join(lines)


def format_temperature(temperature: Any) -> str:
    """`1.83`, or `closed 1.83, open 1.21`."""
    if isinstance(temperature, dict):
        return ", ".join(f"{key} {value:.3g}" for key, value in temperature.items())
    return f"{temperature:.3g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
