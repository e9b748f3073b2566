"""What is lost where each shard proposes its best texts and the batch is taken of those: `select --per-shard`.

python -m spacy_al.bench.proposals POOL MODEL -n 50 --per-shard 50 --per-shard 100
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.query.select import select

SAMPLERS = ("top_k", "mmr", "cluster_margin")


def compare_proposed(
    pool: Path, model: Path, *, n: int, most: Sequence[int], samplers: Sequence[str] = SAMPLERS
) -> list[tuple[str, list[float]]]:
    """How much of the batch of the whole pool is found again.

    pool (Path): A folder of shards.
    model (Path): Scores them.
    n (int): Texts of a batch.
    most (Sequence[int]): Texts that each shard proposes.
    samplers (Sequence[str]): By their short names.
    RETURNS (list): A sampler, and for each of `most` the share of the whole pool's batch that is in the batch.
    """
    rows = []
    for sampler in samplers:
        texts = [
            {
                task["text"]
                for task in select(pool, model=str(model), n=n, sampler=sampler, per_shard=k).tasks
            }
            for k in (None, *most)
        ]
        rows.append((sampler, [len(texts[0] & own) / len(texts[0]) for own in texts[1:]]))
    return rows


def proposals_cli(
    pool: Annotated[Path, Argument(help="A folder of shards")],
    model: Annotated[Path, Argument(help="The model")],
    per_shard: Annotated[list[int], Option("--per-shard", help="Texts that a shard proposes")],
    n: Annotated[int, Option("-n", min=1, help="Texts of a batch")] = 50,
    sampler: Annotated[list[str] | None, Option("--sampler", help="By its short name")] = None,
) -> None:
    """Measure how much of the whole pool's batch is found among what shards propose."""
    rows = compare_proposed(pool, model, n=n, most=per_shard, samplers=sampler or SAMPLERS)
    shown = [(name, *(f"{share:.0%}" for share in shares)) for name, shares in rows]
    header = ("sampler", *(f"{most} a shard" for most in per_shard))
    typer.echo(table(shown, header=header, divider=True))


if __name__ == "__main__":
    typer.run(proposals_cli)
