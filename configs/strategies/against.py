"""One strategy of a simulation against another, paired by seed: the mean difference of the area under their curves, with its 95% interval.

python configs/strategies/against.py training/explore/banking77 explore_10 explore_0
"""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from spacy_al.measures.learning_curve import compare
from spacy_al.simulation.results import read_results


def against_cli(
    results: Annotated[Path, Argument(help="Output of simulate", file_okay=False)],
    strategy: Annotated[str, Argument(help="A strategy")],
    other: Annotated[str, Argument(help="Another, or random")],
) -> None:
    """Print by words and by texts how much larger the area of the first is, over the costs that both curves have."""
    rows = [row for row in read_results(results) if row["strategy"] in (strategy, other)]
    for cost in ("words", "texts"):
        for row in compare(rows, cost, baselines={strategy: other}):
            if row["strategy"] == strategy and row["gain"] is not None:
                low, high = (
                    f"{x:+.4f}" if x is not None else "?" for x in (row["low"], row["high"])
                )
                typer.echo(
                    f"{strategy} less {other}, by {cost}: {row['gain']:+.4f} ({low} to {high}), {row['seeds']} seeds"
                )


if __name__ == "__main__":
    typer.run(against_cli)
