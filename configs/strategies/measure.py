"""What one selection takes: seconds of the processor and memory of every strategy, each in a process of its own, with the same model and pool.

    python measure.py ../ner.cfg entities.cfg results/bc5cdr corpora/bc5cdr/pool.spacy -n 100

results/bc5cdr is the folder of a simulation, whose first model is used.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

HERE, WHOSE = Path(__file__).parent, ("SELF", "CHILDREN")
CHILD = (
    f"import sys; sys.path.insert(0, {str(HERE)!r}); import measure; measure.child(*sys.argv[1:])"
)


def measure_cli(
    config: Annotated[Path, Argument(help="Training config with an [al] section")],
    strategies: Annotated[Path, Argument(help="File of strategies")],
    results: Annotated[Path, Argument(help="Folder of a simulation")],
    pool: Annotated[Path, Argument(help="Texts to choose from")],
    n: Annotated[int, Option("-n", help="Texts to choose")] = 100,
    code: Annotated[Path | None, Option("--code", help="File with registered functions")] = None,
    only: Annotated[list[str] | None, Option("--strategy", help="Some of them")] = None,
) -> None:
    """Write `selecting.json` beside the results: seconds, and megabytes at most, of one selection."""
    from spacy_al.config.settings import read_strategies

    found = {}
    for name in [*(only or read_strategies(strategies)), "random"]:
        words = [config, strategies, results, pool, n, name, code or ""]
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *map(str, words)],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        found[name] = json.loads(done.stdout)
        print(f"{name}: {found[name]['seconds']:.1f} s, {found[name]['megabytes']:.0f} MB")
    (results / "selecting.json").write_text(json.dumps(found, indent=2) + "\n", "utf8")


def child(
    config: str, strategies: str, results: str, pool: str, n: str, name: str, code: str
) -> None:
    """Print what one selection takes."""
    from spacy.util import import_file

    if code:
        import_file("code", code)
    from spacy_al.config.settings import overlaid, read_settings, read_strategies
    from spacy_al.query.select import select

    settings = read_settings(Path(config), {"paths.train": None, "paths.dev": None})
    start = Path(results) / "start" / "seed-0"
    model, sampler = str(start / "model-best"), None
    if name == "random":
        sampler = "uniform"
    else:
        settings = overlaid(settings, read_strategies(Path(strategies))[name], name)
    # one of which nothing is reported loads what every selection needs
    select(Path(pool), n=1, model=model, settings=settings, labeled=[start / "train.spacy"])
    started = _seconds()
    select(
        Path(pool),
        n=int(n),
        model=model,
        sampler=sampler,
        settings=settings,
        labeled=[start / "train.spacy"],
    )
    seconds = _seconds() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(seconds, 2), "megabytes": round(peak, 1)}))


def _seconds() -> float:
    """Of the processor: others at work on the machine make a clock say more."""
    own, children = (resource.getrusage(getattr(resource, f"RUSAGE_{who}")) for who in WHOSE)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    typer.run(measure_cli)
