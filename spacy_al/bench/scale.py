"""What a large pool takes: seconds, bytes and memory a sentence, measured on growing pools, and what follows for a billion.

    python -m spacy_al.bench.scale MODEL TEXTS --size 25000 --size 50000 --size 100000 -o scale.json --plot scale.png

TEXTS is a `.spacy` file or a folder of them, whose texts are copied with other words in places until a pool is as large as it is to be.
From each pool `select` takes a batch twice with a cache of scores: first all is scored, then all is known. The largest size is
no input of the formulae: they are fitted on the others, and what they say of it is compared with what was measured.

All is written as it goes into the folder of `--work`, one size after the other, and the same command goes on from there, the scores of whole
shards included. On disk are the pool and the cache of one size at a time, some 300 bytes a text of the largest; in memory one shard.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.bench.machine import describe
from spacy_al.bench.scale_lines import BILLION, MEASURED, arithmetic, formulae, off_line
from spacy_al.bench.scale_plot import plot_scale
from spacy_al.bench.scale_pool import make_pool
from spacy_al.bench.watch import watch_command
from spacy_al.corpus.pool import SHARD_SIZE, pool_texts
from spacy_al.query.score_file import SUFFIX
from spacy_al.util import content_hash, replacing

# First all is scored, then all is known
STEPS = ("score", "known")
# Between two points of a curve
SECONDS = 5.0
STATE, POOL, CACHE, BATCH = "measured.json", "pool", "cache", "batch.jsonl"


@dataclass
class Work:
    """What was measured so far, in a folder.

    folder (Path): Holds it, and the pool and the cache of the size that is measured now.
    told (dict): What is measured; another thing needs another folder.
    """

    folder: Path
    told: dict[str, Any]

    def __post_init__(self) -> None:
        self.steps: dict[str, dict[str, Any]] = {}
        path = self.folder / STATE
        if path.is_file():
            found = json.loads(path.read_text("utf8"))
            if found["told"] != self.told:
                raise typer.BadParameter(f"{path} is of other texts, models or settings")
            self.steps = found["steps"]

    def step(self, size: int, name: str) -> dict[str, Any]:
        """A step of a size: `points`, of which the last is its total, whether it is `done`, and the bytes on disk in the end."""
        return self.steps.setdefault(f"{size} {name}", {"points": [], "done": False})

    def write(self) -> None:
        """Put it on disk, whole."""
        with replacing(self.folder / STATE) as file:
            json.dump({"told": self.told, "steps": self.steps}, file)


def measure_scale(
    work: Work, model: Path, texts: Sequence[str], sizes: Sequence[int], options: Sequence[str]
) -> list[dict[str, float]]:
    """What a pool of each size took, in processes of its own.

    work (Work): What is in it already is not measured again.
    model (Path): Scores it.
    texts (Sequence[str]): Of which copies are made.
    sizes (Sequence[int]): In texts.
    options (Sequence[str]): Of `select`: where and by how many processes it scores.
    RETURNS (list[dict]): A row a size: `texts`, what MEASURED names as totals, and `worker_memory`, the bytes of the largest other process.
    RAISES (RuntimeError): A process failed.
    """
    rows = []
    for size in sorted(sizes):
        for name in STEPS:
            if not work.step(size, name)["done"]:
                make_pool(texts, size, work.folder / POOL, work.told["seed"])
                _measure(work, model, size, name, options)
        # the next size has a pool of its own
        for name in (POOL, CACHE):
            shutil.rmtree(work.folder / name, ignore_errors=True)
        scored, known = (work.step(size, name) for name in STEPS)
        last = {name: step["points"][-1] for name, step in zip(STEPS, (scored, known))}
        row = {"texts": float(size), "worker_memory": last["score"]["others"]}
        row |= {f"{kind}_{name}": last[name][kind] for name in STEPS for kind in ("cpu", "wall")}
        row |= {name: scored[name] for name in ("pool_bytes", "cache_bytes")}
        rows.append(row | {"ranking_memory": last["score"]["own"]})
    return rows


def _measure(work: Work, model: Path, size: int, name: str, options: Sequence[str]) -> None:
    """One step of a size. What an earlier attempt took counts, as what it scored does."""
    step, pool, cache = work.step(size, name), work.folder / POOL, work.folder / CACHE
    points: list[dict[str, float]] = step["points"]
    before = points[-1] if points else dict.fromkeys(("wall", "cpu", "own", "others"), 0.0)
    words = ["select", str(pool), "-m", str(model), "--score-cache", str(cache)]
    written = 0.0
    for watched in watch_command([*words, "-o", str(work.folder / BATCH), *options]):
        now = {
            "texts": min(_n_cached(cache), size),
            "wall": before["wall"] + watched.wall,
            "cpu": before["cpu"] + watched.cpu,
            "own": max(before["own"], watched.own),
            "others": max(before["others"], watched.others),
        }
        if time.monotonic() >= written + SECONDS:
            points.append(now)
            work.write()
            written = time.monotonic()
    points.append(now)
    step |= {"done": True, "pool_bytes": _bytes(pool), "cache_bytes": _bytes(cache)}
    work.write()
    typer.echo(f"{size:,} {name}: {now['wall']:.0f} s, {now['cpu']:.0f} s of a core", err=True)


def _n_cached(cache: Path) -> int:
    """About how many texts a cache holds, by the names of its files: that of a shard, or of one of several parts of it."""
    names = [path.stem for path in cache.glob(f"*/*{SUFFIX}")]
    return round(SHARD_SIZE * sum(1 / int(name.rpartition("-")[2]) for name in names))


def _bytes(folder: Path) -> float:
    return float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


def format_scale(found: Mapping[str, Any]) -> str:
    """Three tables: what was measured, the lines through it, and the arithmetic."""
    rows = [
        (f"{row['texts']:,.0f}", *(f"{row[name]:,.4g}" for name in MEASURED), f"{row['worker_memory'] / 2**20:.0f}")
        for row in found["rows"]
    ]  # fmt: skip
    header = ("texts", *MEASURED, "a worker, MB")
    lines = [
        (MEASURED[name], f"{line['start']:,.4g}", f"{line['each']:.4g}", f"{line['error']:+.1%}")
        for name, line in found["formulae"].items()
    ]
    machine = found["machine"]
    off = [
        float(abs(off_line(found["points"], kind)[1]).max(initial=0)) for kind in ("cpu", "wall")
    ]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    aligns = ("l", *"r" * len(MEASURED), "r")
    return "\n".join(
        [
            table(rows, header=header, divider=True, aligns=aligns),
            table(
                lines, header=("", "at the start", "a text", "error at the largest"), divider=True
            ),
            table(found["arithmetic"], header=("", "formula", "result"), divider=True),
            f"Off a straight line while the largest was scored, by the time of all: {off[0]:.1%} of a core, {off[1]:.1%} by the clock",
            f"{found['tokens']:.1f} tokens a text, {found['workers']} workers ({found['engine']}), seed {found['seed']}",
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, {versions}; {machine['threads']}",
        ]
    )


def scale_cli(
    model: Annotated[Path, Argument(help="Pipeline that scores")],
    source: Annotated[Path, Argument(metavar="TEXTS", help=".spacy file or folder of texts")],
    size: Annotated[list[int], Option("--size", help="Texts of a pool; three or more of these")],
    work: Annotated[Path, Option("--work", help="Folder that is written to as it goes")],
    engine: Annotated[str, Option(help="Where is scored: local or ray")] = "local",
    workers: Annotated[int, Option(min=1, help="Processes that score")] = 2,
    texts: Annotated[int, Option(help="Texts that the arithmetic is about")] = BILLION,
    width: Annotated[int, Option(help="Numbers of an encoder's vector")] = 384,
    cores: Annotated[int, Option(help="Cores that score at once")] = 100,
    core_hour: Annotated[float, Option(help="Price of a core for an hour")] = 0.05,
    gb_month: Annotated[float, Option(help="Price of a GB for a month")] = 0.023,
    seed: Annotated[int, Option(help="Of the copies")] = 0,
    output: Annotated[Path | None, Option("--output", "-o", help="All figures as JSON")] = None,
    plot: Annotated[Path | None, Option("--plot", help="Picture of the lines (PNG)")] = None,
) -> None:
    """Measure what a pool takes as it grows, and reckon what a far larger one would."""
    if len(set(size)) < 3:
        raise typer.BadParameter("three sizes are needed: a line through two, and one to compare")
    own = [text for text in pool_texts(source) if text.split()]
    options = ["--n-process", str(workers)]
    if engine != "local":
        options = ["--engine", engine, "--workers", str(workers)]
    told = {"model": str(model.resolve()), "texts": content_hash("\n".join(own)), "seed": seed}
    told |= {"engine": engine, "workers": workers}
    place = Work(work, told)
    rows = measure_scale(place, model.resolve(), own, sorted(set(size)), options)
    tokens = sum(len(text.split()) for text in own) / len(own)
    lines = formulae(rows)
    prices = {"width": width, "cores": cores, "core_hour": core_hour, "gb_month": gb_month}
    found: dict[str, Any] = {
        **told,
        "rows": rows,
        "formulae": lines,
        "tokens": tokens,
        "machine": describe(),
    }
    found["points"] = place.step(max(size), "score")["points"]
    found["arithmetic"] = arithmetic(lines, texts=texts, tokens=tokens, **prices)  # type: ignore[arg-type]
    typer.echo(format_scale(found))
    if output:
        with replacing(output) as file:
            json.dump(found, file, indent=2)
    if plot:
        plot_scale(rows, lines, found["points"], plot)


if __name__ == "__main__":
    typer.run(scale_cli)
