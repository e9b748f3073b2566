"""`spacy-al reproduce`: rounds done again, and compared."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from typer import Option

from spacy_al.cli.app import app, explained, printable, say, split_overrides
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Gpu, Processes
from spacy_al.errors import Errors, UsageError
from spacy_al.loop.begun import open_run
from spacy_al.loop.reproduce import Reproduction, reproduce

ALL = "All rounds that have trained"
DRY_RUN = "Compare hashes, and train nothing"
BATCH = "Choose the questions again as well, where the pool is still the same"
JSON = "Print JSON on standard output"


@app.command("reproduce", context_settings=WITH_OVERRIDES)
@explained
def reproduce_cli(
    ctx: typer.Context,
    config: Config,
    all_rounds: Annotated[bool, Option("--all", help=ALL)] = False,
    dry_run: Annotated[bool, Option("--dry-run", help=DRY_RUN)] = False,
    batch: Annotated[bool, Option("--batch", help=BATCH)] = False,
    as_json: Annotated[bool, Option("--json", help=JSON)] = False,
    n_process: Processes = 1,
    code: Code = None,
    gpu_id: Gpu = -1,
) -> None:
    """Train ROUND again (reproduce CONFIG ROUND), from what its folder has, and compare the weights byte for byte, and the scores.

    First it is said what is another than when it was trained: data, config, code, versions. The run is not changed. Exit status: 0 the same, 1
    something differs, or a round cannot be repeated, as after `forget`.
    """
    words, overrides = split_overrides(ctx.args, config)
    numbers = _parse_rounds(words)
    if bool(numbers) == all_rounds:
        raise UsageError(Errors.AL376)
    project = open_run(config, overrides, code=code, gpu_id=gpu_id, n_process=n_process, show=say)
    found = reproduce(project, numbers or None, dry_run=dry_run, batch=batch)
    if as_json:
        rows = [{**asdict(one), "is_same": one.is_same} for one in found]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for one in found:
            say(format_reproduction(one))
    if not all(one.is_same for one in found):
        raise typer.Exit(1)


def _parse_rounds(words: list[str]) -> list[int]:
    """RAISES (BadParameter): What is no number of a round."""
    wrong = [word for word in words if not (word.isascii() and word.isdigit())]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]} is no number of a round")
    return [*map(int, words)]


def format_reproduction(found: Reproduction) -> str:
    """What came of a round, in lines."""
    name = f"Round {found.round}"
    lines = [f"⚠ {name}: {printable(one)}" for one in found.differences]
    if found.impossible is not None:
        lines.append(f"✘ {name} cannot be repeated: {printable(found.impossible)}.")
        return "\n".join(lines)
    if not found.trained:
        if not lines:
            lines.append(f"✔ {name}: nothing that it was made from has changed.")
        return "\n".join(lines)
    scores = _scores(found)
    if found.is_same:
        lines.append(
            f"✔ {name}: trained again, and the same byte for byte ({found.hash_again}){scores}."
        )
    elif found.files:
        shown = ", ".join(map(printable, found.files[:5]))
        more = f" and {len(found.files) - 5} more" if len(found.files) > 5 else ""
        lines.append(f"✘ {name}: trained again, and {shown}{more} differ{scores}.")
    else:
        lines.append(f"✘ {name}: trained again, with the same weights{scores}.")
    if found.batch is not None:
        right, n = found.batch
        mark = "✔" if right == n else "✘"
        lines.append(f"{mark} {name}: {right} of its {n} questions are chosen again.")
    elif found.batch_why is not None:
        lines.append(
            f"ℹ {name}: its questions were not chosen again, {printable(found.batch_why)}."
        )
    return "\n".join(lines)


def _scores(found: Reproduction) -> str:
    if found.score is None and found.score_again is None:
        return ""
    first, second = (
        "none" if value is None else f"{value:.4f}" for value in (found.score, found.score_again)
    )
    return f"; on dev {second}, as it was" if first == second else f"; on dev {second}, was {first}"
