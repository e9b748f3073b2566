"""`spacy-al select`: which texts of a pool to label next."""

import os
import sys
import unicodedata
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.cli._util import parse_config_overrides
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import color, table

from spacy_al.cli.app import app, explained
from spacy_al.data.tasks import Task, to_docbin, to_label_studio, write_tasks
from spacy_al.errors import Errors, UsageError
from spacy_al.select import Selection, select
from spacy_al.settings import Settings, read_settings
from spacy_al.util import replacing

SHOWN = 10
WIDTH = 110

MODEL = "Trained pipeline (default: the newest model-best below this folder)"
COLD = "Use no model: choose what represents the pool"
LABELED = "Corpus or file of tasks whose texts are not asked again; may be given several times"
CONFIG = "Config with an [al] section; its settings can be overridden, e.g. --al.batch_size 50"
ACQUISITION = "Registered acquisition, e.g. token_entropy, expected_errors, margin"
DENSITY = "Exponent of the mean similarity to the pool; 0 for none"
SAMPLER = "Registered sampler, e.g. top_k, uniform, representative"
KEEP = "Keep the pool's tokens rather than the pipeline's"
NUMBER = "Texts to choose (default: 20, or batch_size of the config)"


class Format(str, Enum):
    """Of the tasks."""

    prodigy = "prodigy"
    label_studio = "label-studio"
    spacy = "spacy"


@app.command("select", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
@explained
def select_cli(
    ctx: typer.Context,
    pool: Annotated[Path | None, Argument(help="A .spacy file or a folder of shards")] = None,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    cold: Annotated[bool, Option("--cold", help=COLD)] = False,
    labeled: Annotated[list[Path] | None, Option("--labeled", help=LABELED)] = None,
    config: Annotated[Path | None, Option("--config", help=CONFIG)] = None,
    acquisition: Annotated[str | None, Option("--acquisition", help=ACQUISITION)] = None,
    density_weight: Annotated[float | None, Option("--density-weight", help=DENSITY)] = None,
    sampler: Annotated[str | None, Option("--sampler", help=SAMPLER)] = None,
    component: Annotated[str | None, Option("--component", help="Whose posterior is read")] = None,
    seed: Annotated[int | None, Option("--seed", help="Of what is drawn (default: 0)")] = None,
    n: Annotated[int | None, Option("-n", help=NUMBER)] = None,
    format: Annotated[Format, Option("--format", help="Of the tasks")] = Format.prodigy,
    output: Annotated[Path, Option("--output", "-o", help="File, or - for standard output")] = Path(
        "batch.jsonl"
    ),
    lang: Annotated[
        str | None, Option("--lang", "-l", help="Language, where there is no model")
    ] = None,
    keep_tokens: Annotated[bool, Option("--keep-tokens", help=KEEP)] = False,
    n_process: Annotated[int, Option("--n-process", help="Processes that score")] = 1,
    code: Annotated[
        Path | None, Option("--code", "-c", help="Python file with registered functions")
    ] = None,
    gpu_id: Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for none")] = -1,
    verbose: Annotated[
        bool, Option("--verbose", "-V", help="Show every text that was chosen")
    ] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")] = False,
) -> None:
    """Rank a pool of unlabelled texts and write those to label next as tasks, best first.

    Without a trained pipeline it chooses texts that represent the pool, and says so. Nothing is recorded:
    the same command gives the same batch. Annotation that the pool carries is never looked at.
    """
    overrides = _overrides(ctx.args)
    if overrides and config is None:
        raise UsageError(Errors.AL089.format(given=", ".join(f"--{name}" for name in overrides)))
    settings = read_settings(config, overrides) if config else Settings()
    chosen = pool or settings.pool
    if chosen is None:
        raise UsageError(Errors.AL090)
    model = None if cold else model or newest_model(Path("."))
    selection = select(
        chosen,
        n=n or (settings.batch_size if n is None else n),
        model=model,
        labeled=labeled,
        settings=settings,
        acquisition=acquisition,
        density_weight=density_weight,
        sampler=sampler,
        component=component,
        seed=seed,
        lang=lang,
        keep_tokens=keep_tokens,
        n_process=n_process,
        code=str(code) if code else None,
        gpu_id=gpu_id,
    )
    write_batch(selection.tasks, output, format.value)
    if not quiet:
        shown = len(selection.tasks) if verbose else SHOWN
        typer.echo(format_selection(selection, output, shown), err=True)


def newest_model(folder: Path) -> str | None:
    """The `model-best` below a folder that was written last, as `spacy train` leaves it; None if there is none."""
    found = [
        meta.parent
        for depth in range(5)
        for meta in folder.glob("/".join(["*"] * depth + ["model-best", "meta.json"]))
    ]
    # equal times are told apart by name, so that the choice does not depend on the file system
    return (
        str(
            max(
                found,
                key=lambda path: ((path / "meta.json").stat().st_mtime_ns, str(path)),
                default="",
            )
        )
        or None
    )


def write_batch(tasks: Sequence[Task], output: Path, format: str) -> None:
    """Write tasks as JSONL (prodigy), JSON (label-studio) or a DocBin (spacy)."""
    if format == "spacy":
        if str(output) == "-":
            raise UsageError(Errors.AL091)
        with replacing(output, "wb") as file:
            file.write(to_docbin(tasks, Vocab()).to_bytes())
    elif format == "label-studio":
        text = srsly.json_dumps([to_label_studio(task) for task in tasks], indent=2) + "\n"
        if str(output) == "-":
            sys.stdout.write(text)
        else:
            with replacing(output) as file:
                file.write(text)
    else:
        write_tasks(tasks, output)


def format_selection(selection: Selection, output: Path, shown: int = SHOWN) -> str:
    """The batch as a table for a terminal, with the uncertain words marked, and what was left out."""
    rows = []
    for task, uncertainty in list(zip(selection.tasks, selection.uncertainty))[:shown]:
        meta = task["meta"]
        why = _plain(meta["why"])
        rows.append((meta["rank"], f"{meta['score']:.3f}", why, _marked(task, uncertainty)))
    lines = []
    if selection.model is None:
        lines.append(
            "ℹ No model: a cold start, with texts that represent the pool and differ from each other"
        )
    else:
        state = "calibrated" if selection.calibrated else "uncalibrated probabilities"
        lines.append(
            f"ℹ {selection.component} of {selection.model} ({state}), {selection.strategy}"
        )
    # the text comes last, since colours count as characters when columns are padded
    header = ("#", "Score", "Least sure of", "Text")
    lines.append(table(rows, header=header, aligns=("r", "r", "l", "l"), max_col=48, divider=True))
    if len(selection.tasks) > shown:
        lines.append(f"  … and {len(selection.tasks) - shown} more")
    left = [
        f"{count} {why}"
        for why, count in sorted(selection.report.items())
        if why != "read" and count
    ]
    lines += [f"ℹ Left out: {', '.join(left)}"] if left else []
    lines.append(
        f"✔ {len(selection.tasks)} of {selection.n_pool} texts written to "
        f"{'standard output' if str(output) == '-' else output}"
    )
    return "\n".join(lines)


def _marked(task: Task, uncertainty: Any) -> str:
    """The text, short, its uncertain words marked where the terminal has colours."""
    tokens = task["tokens"]
    peak = float(max(uncertainty, default=0.0))
    first = 0
    if peak > 0:
        # start where the most uncertain word is in sight
        before = [len(token["text"]) + token["ws"] for token in tokens[: int(uncertainty.argmax())]]
        while sum(before[first:]) > WIDTH // 2:
            first += 1
    words, length = ["… "] if first else [], 2 if first else 0
    for token, value in zip(tokens[first:], uncertainty[first:]):
        text = _plain(token["text"])
        length += len(text) + token["ws"]
        if length > WIDTH:
            words.append("…")
            break
        if peak > 0 and value >= peak / 2:
            text = color(text, fg="yellow", bold=True) if _colours() else f"[{text}]"
        words.append(text + " " * token["ws"])
    return "".join(words)


def _plain(text: str) -> str:
    """Text from a pool on a terminal: without control characters, which a terminal would obey."""
    return "".join(
        c if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " "
        for c in str(text)
    )


def _colours() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def _overrides(args: list[str]) -> dict[str, Any]:
    """spaCy's overrides from what the command does not know; anything else there is wrong usage."""
    unknown = [arg for arg in args if arg.startswith("-") and "." not in arg.split("=")[0]]
    if unknown or (args and not args[0].startswith("--")):
        raise typer.BadParameter(f"No such option or argument: {(unknown or args)[0]}")
    return parse_config_overrides(args)
