"""What a large pool takes: bytes, processor time and memory a sentence, measured on growing pools, and what follows for a billion.

    python -m spacy_al.bench.scale MODEL TEXTS --size 25000 --size 50000 --size 100000 -o scale.json --plot scale.png

TEXTS is a `.spacy` file or a folder of them, whose texts are copied with other words in places until a pool is as large as it is to be.
Each size is a process of its own that selects twice with a cache of scores: first all is scored, then all is known. The largest size is
no input of the formulae: they are fitted on the others, and what they say of it is compared with what was measured.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import table

from spacy_al.bench.machine import describe
from spacy_al.bench.scale_plot import plot_scale
from spacy_al.corpus.pool import SHARD_SIZE, pool_texts
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.cache_file import size_of
from spacy_al.util import batched, replacing

# A word of so many is another one
CHANGED = 0.3
BILLION = 10**9
# What is measured a sentence, and how it is called
MEASURED = {
    "cpu_score": "seconds of a core, scored",
    "cpu_known": "seconds of a core, out of the cache",
    "pool_bytes": "bytes of the pool's shards",
    "cache_bytes": "bytes of cached scores",
    "ranking_memory": "bytes of memory of the process that ranks",
}


def make_pool(texts: Sequence[str], size: int, folder: Path, seed: int = 0) -> None:
    """Write perturbed copies of texts as shards.

    texts (Sequence[str]): Some thousands.
    size (int): How many copies.
    folder (Path): Of the pool.
    seed (int): Of which words become which.
    """
    for number, docs in enumerate(batched(_perturbed(texts, size, seed), SHARD_SIZE)):
        write_shard(docs, folder / f"{number:06}.spacy")


def _perturbed(texts: Sequence[str], size: int, seed: int) -> Iterator[Doc]:
    rng = numpy.random.default_rng(seed)
    split = [text.split() for text in texts]
    words = numpy.array([word for one in split for word in one])
    vocab = Vocab()
    for i in range(size):
        if i % SHARD_SIZE == 0:
            vocab = Vocab()
        own = numpy.array(split[i % len(split)], dtype=words.dtype)
        other = rng.random(len(own)) < CHANGED
        own[other] = words[rng.integers(len(words), size=int(other.sum()))]
        yield Doc(vocab, own.tolist())


def select_once(pool: str, model: str, cache: str, n_process: str) -> None:
    """Select from a pool, and print what it took as JSON: CPU seconds, and the peaks of memory of this process and of a worker in MB."""
    import resource

    from spacy_al.query.select import select

    select(Path(pool), model=model, score_cache=Path(cache), n_process=int(n_process))
    here, there = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = sum(used.ru_utime + used.ru_stime for used in (here, there))
    print(json.dumps({"cpu": cpu, "here": here.ru_maxrss / 1024, "worker": there.ru_maxrss / 1024}))


def measure_scale(
    model: Path, texts: Sequence[str], sizes: Sequence[int], *, n_process: int = 2, seed: int = 0
) -> list[dict[str, float]]:
    """What a pool of each size took, in a process of its own.

    model (Path): Scores it.
    texts (Sequence[str]): Of which copies are made.
    sizes (Sequence[int]): In texts.
    n_process (int): Processes that score.
    RETURNS (list[dict]): A row a size: `texts`, what MEASURED names as totals, and `worker_memory`.
    RAISES (RuntimeError): A process failed.
    """
    rows = []
    for size in sorted(sizes):
        with tempfile.TemporaryDirectory() as made:
            pool, cache = Path(made, "pool"), Path(made, "cache")
            make_pool(texts, size, pool, seed)
            scored, known = (_run(pool, model, cache, n_process) for _ in range(2))
            row = {"texts": float(size), "cpu_score": scored["cpu"], "cpu_known": known["cpu"]}
            row |= {"pool_bytes": _bytes(pool), "cache_bytes": _bytes(cache)}
            row |= {"ranking_memory": scored["here"] * 2**20, "worker_memory": scored["worker"]}
            rows.append(row)
    return rows


def _run(pool: Path, model: Path, cache: Path, n_process: int) -> dict[str, float]:
    words = [str(pool), str(model.resolve()), str(cache), str(n_process)]
    script = "import sys; from spacy_al.bench.scale import select_once; select_once(*sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _bytes(folder: Path) -> float:
    return float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


def fit(rows: Sequence[Mapping[str, float]], name: str) -> tuple[float, float]:
    """(a, b) of a + b * texts, by least squares."""
    sizes, totals = (numpy.array([row[key] for row in rows]) for key in ("texts", name))
    slope, start = numpy.polyfit(sizes, totals, 1)
    return float(start), float(slope)


def formulae(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """For each thing that is measured: `start` and `each` of the line through all sizes but the largest, and its `error` there.

    rows (Sequence): As `measure_scale` gives them, three or more.
    RETURNS (dict): `error` is what the line says of the largest size over what was measured there, less 1.
    """
    *before, largest = rows
    found = {}
    for name in MEASURED:
        start, each = fit(before, name)
        said = start + each * largest["texts"]
        found[name] = {"start": start, "each": each, "error": said / largest[name] - 1}
    return found


def arithmetic(
    lines: Mapping[str, Mapping[str, float]],
    *,
    texts: int = BILLION,
    tokens: float,
    width: int = 384,
    cores: int = 100,
    core_hour: float = 0.05,
    gb_month: float = 0.023,
) -> list[tuple[str, str, str]]:
    """What a pool takes: (what, formula, result).

    lines (Mapping): As `formulae` gives them; `each` is used, as a start is paid once.
    texts, tokens (int, float): Of the pool, and tokens a text.
    width (int): Numbers of a vector of an encoder.
    cores (int): That score at once.
    core_hour, gb_month (float): Prices of a core for an hour, and of a GB for a month.
    """
    each = {name: line["each"] for name, line in lines.items()}
    hours = {name: each[name] * texts / 3600 for name in ("cpu_score", "cpu_known")}
    sizes = {"pool": each["pool_bytes"] * texts, "scores": each["cache_bytes"] * texts}
    vectors = float(size_of(texts, 0, width))
    token_vectors = float(size_of(texts, int(tokens * texts), width))
    stored = sizes["pool"] + sizes["scores"] + vectors
    n = f"{texts:,}"
    return [
        ("the pool", f"{each['pool_bytes']:.0f} B x {n}", _size(sizes["pool"])),
        ("cached scores", f"{each['cache_bytes']:.0f} B x {n}", _size(sizes["scores"])),
        ("vectors of texts", f"(32 + 2 x {width}) B x {n}", _size(vectors)),
        ("and of tokens", f"+ {tokens:.1f} x 2 x {width} B x {n}", _size(token_vectors)),
        ("ranking, in memory", f"{each['ranking_memory']:.0f} B x {n}", _size(each["ranking_memory"] * texts)),
        ("scoring, core hours", f"{each['cpu_score'] * 1000:.2f} ms x {n}", f"{hours['cpu_score']:,.0f}"),
        (f"scoring, hours on {cores} cores", f"core hours / {cores}", f"{hours['cpu_score'] / cores:.1f}"),
        ("all known, core hours", f"{each['cpu_known'] * 1000:.2f} ms x {n}", f"{hours['cpu_known']:,.0f}"),
        ("scoring, money", f"core hours x {core_hour:g}", f"{hours['cpu_score'] * core_hour:,.0f}"),
        ("a month on disk, money", f"(pool + scores + vectors of texts) x {gb_month:g} a GB", f"{stored / 1e9 * gb_month:,.0f}"),
    ]  # fmt: skip


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e12:.2f} TB" if n_bytes >= 1e12 else f"{n_bytes / 1e9:.1f} GB"


def format_scale(found: Mapping[str, Any]) -> str:
    """Three tables: what was measured, the lines through it, and the arithmetic."""
    rows = [
        (f"{row['texts']:,.0f}", *(f"{row[name]:,.4g}" for name in MEASURED), f"{row['worker_memory']:.0f}")
        for row in found["rows"]
    ]  # fmt: skip
    header = ("texts", *MEASURED, "a worker, MB")
    lines = [
        (MEASURED[name], f"{line['start']:,.4g}", f"{line['each']:.4g}", f"{line['error']:+.1%}")
        for name, line in found["formulae"].items()
    ]
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    aligns = ("l", *"r" * len(MEASURED), "r")
    return "\n".join(
        [
            table(rows, header=header, divider=True, aligns=aligns),
            table(
                lines, header=("", "at the start", "a text", "error at the largest"), divider=True
            ),
            table(found["arithmetic"], header=("", "formula", "result"), divider=True),
            f"{found['tokens']:.1f} tokens a text, {found['n_process']} processes, seed {found['seed']}",
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, {versions}; {machine['threads']}",
        ]
    )


def scale_cli(
    model: Annotated[Path, Argument(help="Pipeline that scores")],
    source: Annotated[Path, Argument(metavar="TEXTS", help=".spacy file or folder of texts")],
    size: Annotated[list[int], Option("--size", help="Texts of a pool; three or more of these")],
    n_process: Annotated[int, Option(min=1, help="Processes that score")] = 2,
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
    rows = measure_scale(model, own, sorted(set(size)), n_process=n_process, seed=seed)
    tokens = sum(len(text.split()) for text in own) / len(own)
    lines = formulae(rows)
    prices = {"width": width, "cores": cores, "core_hour": core_hour, "gb_month": gb_month}
    found = {"rows": rows, "formulae": lines, "tokens": tokens, "n_process": n_process}
    found |= {"seed": seed, "machine": describe()}
    found["arithmetic"] = arithmetic(lines, texts=texts, tokens=tokens, **prices)  # type: ignore[arg-type]
    typer.echo(format_scale(found))
    if output:
        with replacing(output) as file:
            json.dump(found, file, indent=2)
    if plot:
        plot_scale(rows, lines, plot)


if __name__ == "__main__":
    typer.run(scale_cli)
