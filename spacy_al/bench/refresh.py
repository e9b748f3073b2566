"""What is lost where a new model scores only the texts that ranked high under the model before: `refresh` of [al.pool].

    python -m spacy_al.bench.refresh POOL BEFORE AFTER -n 100 --share 0.1 --share 0.3

BEFORE and AFTER are two models of a run, such as those of one round and the next.
"""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.query.select import Selection, select

SHARES = (0.1, 0.2, 0.3, 0.5)


def compare_refreshed(
    pool: Path, before: Path, after: Path, *, n: int = 100, shares: Sequence[float] = SHARES
) -> list[tuple[float, float, float]]:
    """How much of the batch of the whole pool is found again.

    pool (Path): A `.spacy` file or a folder of shards.
    before, after (Path): Two pipelines of one kind.
    n (int): Texts of a batch.
    shares (Sequence[float]): As `select` takes `refresh`.
    RETURNS (list): (share, share of the pool that was scored anew, share of the whole pool's batch that is in the batch) for
        each; of share 0, which is first, for the batch that the model before would have chosen.
    """
    highest = partial(select, pool, n=n, sampler="top_k")
    whole = _ids(highest(model=str(after)))
    with tempfile.TemporaryDirectory() as made:
        known = Path(made, "known")
        last = highest(model=str(before), score_cache=known)
        rows = [(0.0, 0.0, len(whole & _ids(last)) / len(whole))]
        for share in shares:
            own = Path(made, f"{share:g}")
            shutil.copytree(known, own)
            found = highest(model=str(after), score_cache=own, refresh=share)
            scored = found.n_pool / last.n_pool
            rows.append((share, scored, len(whole & _ids(found)) / len(whole)))
    return rows


def _ids(selection: Selection) -> set[str]:
    return {task["text"] for task in selection.tasks}


def refresh_cli(
    pool: Annotated[Path, Argument(help="The pool")],
    before: Annotated[Path, Argument(help="The model before")],
    after: Annotated[Path, Argument(help="The new model")],
    n: Annotated[int, Option("-n", min=1, help="Texts of a batch")] = 100,
    share: Annotated[list[float] | None, Option("--share", help="Of the pool, scored anew")] = None,
) -> None:
    """Measure how much of the whole pool's batch is found by scoring a share of it."""
    rows = compare_refreshed(pool, before, after, n=n, shares=share or SHARES)
    shown = [(f"{a:g}", f"{b:.1%}", f"{c:.0%}") for a, b, c in rows]
    header = ("refresh", "scored anew", "of the batch")
    typer.echo(table(shown, header=header, divider=True, aligns=("r", "r", "r")))
    typer.echo("Refresh 0: the batch of the model before")


if __name__ == "__main__":
    typer.run(refresh_cli)
