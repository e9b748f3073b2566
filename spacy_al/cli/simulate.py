"""`spacy-al simulate`: what a strategy would have gained on a corpus whose labels are known."""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, split_overrides
from spacy_al.curve import RANDOM, compare, plot
from spacy_al.data.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.settings import read_settings
from spacy_al.simulate import Plan, full_score, simulate
from spacy_al.util import progress, replacing

FULL = "Also train once on the whole corpus, for this many steps"


@app.command(
    "simulate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
@explained
def simulate_cli(
    ctx: typer.Context,
    config: Annotated[Path, Argument(help="Training config with an [al] section")],
    gold: Annotated[Path, Option("--gold", help="Labelled corpus to choose from")],
    output: Annotated[Path, Option("--output", "-o", help="Folder of the results")] = Path(
        "training/simulate"
    ),
    strategy: Annotated[
        list[str] | None, Option("--strategy", help="Acquisition; several times for several")
    ] = None,
    seeds: Annotated[int, Option("--seeds", min=1, help="Number of seeds")] = 3,
    start: Annotated[
        int, Option("--start", min=1, help="Texts labelled at first, drawn at random")
    ] = 100,
    rounds: Annotated[
        int | None, Option("--rounds", min=1, help="Rounds (default: max_rounds)")
    ] = None,
    full: Annotated[int | None, Option("--full", min=1, help=FULL)] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")] = False,
) -> None:
    """Label a corpus again, from its gold, by one strategy after another, and compare them with random choice.

    It can be stopped at any time: the same command goes on where it was. The test set is `paths.test`.
    """
    rest, overrides = split_overrides(ctx.args, config)
    if rest:
        raise typer.BadParameter(f"No such argument: {rest[0]}")
    settings = read_settings(config, overrides)
    if settings.dev is None or settings.test is None:
        raise UsageError(Errors.AL103.format(path=config))
    for path in (gold, settings.dev, settings.test):
        shards(path)
    plan = Plan(
        config,
        gold,
        settings.dev,
        settings.test,
        (*(strategy or ["token_entropy"]), RANDOM),
        tuple(range(seeds)),
        start,
        settings.batch_size,
        settings.max_rounds if rounds is None else rounds,
        overrides,
        settings,
    )
    total = len(plan.strategies) * len(plan.seeds) * (plan.rounds + 1)
    rows = list(progress(simulate(plan, output), total, "round"))
    whole = (
        full_score(plan, output, {"training.max_steps": full, "training.patience": full})
        if full
        else None
    )
    summary = compare(rows)
    with replacing(output / "summary.json") as file:
        file.write(
            srsly.json_dumps(
                {"plan": plan.describe(), "full": whole, "strategies": summary}, indent=2
            )
            + "\n"
        )
    plot(
        rows,
        output / "curve.png",
        title=f"{gold.parent.name}: {gold.stem}",
        score_name="score on test",
        full=whole,
    )
    if not quiet:
        cells = [
            (
                row["strategy"],
                row["seeds"],
                f"{row['final']:.3f} ± {row['spread']:.3f}",
                "" if row["strategy"] == RANDOM else f"{row['gain']:+.3f}",
                ""
                if row["low"] is None or row["strategy"] == RANDOM
                else f"{row['low']:+.3f} to {row['high']:+.3f}",
                ""
                if row["savings"] is None or row["strategy"] == RANDOM
                else f"{row['savings']:.0%}",
            )
            for row in summary
        ]
        header = ("Strategy", "Seeds", "Last score", "Gain in area", "95% interval", "Words saved")
        typer.echo(table(cells, header=header, divider=True, aligns=("l", *"rrrrr")), err=True)
        typer.echo(f"✔ Results in {output}", err=True)
