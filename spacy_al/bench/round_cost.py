"""What a round of the loop, or an arm of a simulation, takes of the processor, part by part; versions or settings side by side.

    python -m spacy_al.bench.round_cost configs/ner.cfg CORPUS --tree old=../before --tree new=.
    python -m spacy_al.bench.round_cost my.cfg CORPUS --set "scratch=--al.learner scratch" --set "encoder=--al.learner encoder"

CORPUS is a folder with train.spacy and dev.spacy, labelled. A tree is a folder that holds the package, such as a working
tree of another commit. Each run is the command itself, in processes of its own: they take turns.
"""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import table

import spacy_al
from spacy_al.bench import parts
from spacy_al.bench.machine import describe
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.util import replacing

HERE = f"installed={Path(spacy_al.__file__).parent.parent}"
WHOLE = "whole processes, user + system"


def cut_corpus(
    corpus: Path, folder: Path, *, labelled: int, dev: int, pool: int, seed: int
) -> None:
    """Write the texts that a round works on: `train`, `dev`, `pool` without labels and `gold`, the same with them."""
    rng = numpy.random.default_rng(seed)
    train = [doc for doc in read_shard(corpus / "train.spacy", Vocab()) if doc.text.strip()]
    held_out = [doc for doc in read_shard(corpus / "dev.spacy", Vocab()) if doc.text.strip()]
    train = [train[i] for i in rng.permutation(len(train))[: labelled + pool]]
    bare = [
        Doc(doc.vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc])
        for doc in train[labelled:]
    ]
    lots = {"train": train[:labelled], "pool": bare, "gold": train[labelled:]}
    lots["dev"] = [held_out[i] for i in rng.permutation(len(held_out))[:dev]]
    for name, docs in lots.items():
        write_shard(docs, folder / f"{name}.spacy")


def run_once(command: Sequence[str], tree: Path, folder: Path) -> dict[str, Any]:
    """One command with the package of a tree.

    command (Sequence[str]): What comes after `python`.
    tree (Path): Holds the package.
    folder (Path): Where it runs.
    RETURNS (dict): `seconds` of the processor by part, and `whole`, of it and all its children as the system counts them.
    RAISES (RuntimeError): It did not end well; exit status 3 means that the loop waits for answers.
    """
    with tempfile.TemporaryDirectory() as beside:
        shutil.copy(parts.__file__, Path(beside) / "sitecustomize.py")
        path = os.pathsep.join((beside, str(tree.resolve()), os.environ.get("PYTHONPATH", "")))
        environment = {**os.environ, "PYTHONPATH": path, parts.FOLDER: beside}
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=folder, env=environment, stdout=log, stderr=log
            )
            # the parent's own and, added up by the system, those of its children
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            raise RuntimeError((folder / "log.txt").read_text("utf8")[-2000:])
        seconds: dict[str, float] = defaultdict(float)
        for file in Path(beside).glob("*.json"):
            for part, spent in json.loads(file.read_text("utf8"))["seconds"].items():
                seconds[part] += spent
    whole = used.ru_utime + used.ru_stime
    # when a process comes to its end nobody looks any more
    seconds[parts.REST] += whole - sum(seconds.values())
    return {"seconds": dict(seconds), "whole": whole}


def outcome(folder: Path) -> dict[str, Any]:
    """What came of a run, apart from times: weights, measurements, what is asked."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.name in ("metrics.json", "results.jsonl"):
            found[name] = [_timeless(json.loads(line)) for line in _records(path)]
        elif path.name == "tasks.jsonl":
            texts = [json.loads(line)["text"] for line in path.read_text("utf8").splitlines()]
            found[name] = texts
        elif path.is_file() and "model-best" in path.parts and path.name == "model":
            found[name] = hashlib.blake2b(path.read_bytes()).hexdigest()
    return found


def _records(path: Path) -> list[str]:
    text = path.read_text("utf8")
    return text.splitlines() if path.suffix == ".jsonl" else [text]


def _timeless(value: Any) -> Any:
    """Without seconds, and numbers to ten digits: sums in another order differ in their last ones."""
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if "seconds" not in k}
    if isinstance(value, list):
        return [_timeless(v) for v in value]
    return float(f"{value:.9e}") if isinstance(value, float) else value


def round_cost(
    config: Path,
    corpus: Path,
    trees: dict[str, Path],
    *,
    settings: Mapping[str, Sequence[str]] | None = None,
    pairs: int = 3,
    simulated: bool = False,
    labelled: int = 250,
    dev: int = 300,
    pool: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Run the same round with each tree, or with each of several settings, in turn.

    config (Path): Of the loop.
    corpus (Path): A folder with labelled train.spacy and dev.spacy.
    trees (dict[str, Path]): By name, what holds the package.
    settings (Mapping | None): By name, words that are added to the command, for the first tree; what they come to may differ.
    pairs (int): How often each runs. The first is the first in every other turn.
    simulated (bool): In place of a round of the loop an arm of a simulation: random choice and the config's own, two rounds.
    labelled, dev, pool (int): Texts to learn from, to measure on, and to choose from.
    seed (int): Of which they are.
    RETURNS (dict): `machine`, `sizes`; of `trees` (or settings) their runs; `alike`: whether all of a setting came to the same.
    RAISES (RuntimeError): A run failed.
    """
    sizes = {"labelled": labelled, "dev": dev, "pool": pool, "seed": seed}
    arms: dict[str, tuple[Path, tuple[str, ...]]] = {name: (trees[name], ()) for name in trees}
    if settings:
        tree = next(iter(trees.values()))
        arms = {name: (tree, tuple(words)) for name, words in settings.items()}
    found: dict[str, Any] = {name: [] for name in arms}
    outcomes = defaultdict(list)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cut_corpus(corpus, folder, **sizes)
        command = ["-m", "spacy_al", *_words(config.resolve(), folder, simulated, labelled)]
        for turn in range(pairs):
            for name in list(arms)[:: -1 if turn % 2 else 1]:
                # the same name for all, since a run writes down where it is
                shutil.rmtree(folder / "out", ignore_errors=True)
                tree, words = arms[name]
                found[name].append(run_once([*command, *words], tree, folder))
                outcomes[words].append(outcome(folder / "out"))
    alike = all(one == own[0] for own in outcomes.values() for one in own)
    what = "an arm of a simulation" if simulated else "a round of the loop"
    how = {"what": what, "sizes": sizes, "machine": describe()}
    return {**how, "trees": found, "alike": alike}


def _words(config: Path, folder: Path, simulated: bool, labelled: int) -> Iterator[str]:
    yield from ("simulate" if simulated else "run", str(config), "--quiet")
    gold = str(folder / "gold.spacy")
    if simulated:
        yield from ("--gold", gold, "--output", "out", "--seeds", "1", "--rounds", "2")
        yield from ("--start", str(labelled), "--n-process", "1")
    else:
        yield from ("--once", "--paths.train", str(folder / "train.spacy"), "--al.output", "out")
    yield from ("--paths.dev", str(folder / "dev.spacy"), "--paths.pool", f"{folder}/pool.spacy")
    yield from ("--paths.test", str(folder / "dev.spacy") if simulated else "null")


def format_round_cost(found: dict[str, Any]) -> str:
    """A table of medians over runs, a column a tree, and what each part has become of the first tree's."""
    trees = found["trees"]
    parts_found = {part for runs in trees.values() for run in runs for part in run["seconds"]}
    known = [*dict.fromkeys(part for *_, part in parts.PARTS), parts.REST]
    rows = []
    for part in (part for part in known if part in parts_found):
        spent = [median(run["seconds"].get(part, 0.0) for run in runs) for runs in trees.values()]
        rows.append((part, *_cells(spent)))
    spent = [median(run["whole"] for run in runs) for runs in trees.values()]
    rows.append((WHOLE, *_cells(spent)))
    header = (found["what"], *trees, *(f"{name} / {next(iter(trees))}" for name in [*trees][1:]))
    text = table(rows, header=header, divider=True, aligns=("l", *"r" * (len(header) - 1)))
    first = next(iter(trees.values()))
    ratios = [
        f"{name}: " + ", ".join(f"{a['whole'] / b['whole']:.2f}" for a, b in zip(runs, first))
        for name, runs in [*trees.items()][1:]
    ]
    sizes, machine = found["sizes"], found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        text,
        *(f"Of whole processes, run by run, {line}" for line in ratios),
        f"CPU seconds, medians of {len(first)}; all runs came to the same: {'yes' if found['alike'] else 'NO'}",
        f"{sizes['labelled']:,} labelled texts, {sizes['dev']:,} of dev, {sizes['pool']:,} in the pool, seed {sizes['seed']}",
        f"{machine['processor']}, Python {machine['python']}, {versions}; {machine['threads']}",
    ]
    return "\n".join(lines)


def _cells(spent: Sequence[float]) -> Iterator[str]:
    yield from (f"{value:.2f}" for value in spent)
    yield from (f"{value / spent[0]:.2f}" if spent[0] else "" for value in spent[1:])


def main(
    config: Annotated[Path, Argument(help="Config of the loop", exists=True)],
    corpus: Annotated[Path, Argument(help="Folder with labelled train.spacy and dev.spacy")],
    tree: Annotated[
        list[str] | None, Option("--tree", help="NAME=FOLDER that holds the package")
    ] = None,
    set: Annotated[
        list[str] | None, Option("--set", help="NAME=WORDS to add to the command")
    ] = None,
    pairs: Annotated[int, Option(min=1, help="How often each runs")] = 3,
    simulated: Annotated[bool, Option("--simulate", help="An arm of a simulation")] = False,
    labelled: Annotated[int, Option(min=1, help="Texts to learn from")] = 250,
    dev: Annotated[int, Option(min=1, help="Texts to measure on")] = 300,
    pool: Annotated[int, Option(min=1, help="Texts to choose from")] = 2000,
    seed: Annotated[int, Option(help="Of which these are")] = 0,
    output: Annotated[Path | None, Option("--output", "-o", help="All figures as JSON")] = None,
) -> None:
    """Measure a round of the loop, or an arm of a simulation, in processor time.

    Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for figures that can be compared.
    """
    named = dict(word.split("=", 1) for word in tree or [HERE])
    settings = dict(word.split("=", 1) for word in set or ())
    found = round_cost(
        config,
        corpus,
        {name: Path(where) for name, where in named.items()},
        settings={name: shlex.split(words) for name, words in settings.items()},
        pairs=pairs,
        simulated=simulated,
        labelled=labelled,
        dev=dev,
        pool=pool,
        seed=seed,
    )
    typer.echo(format_round_cost(found))
    if output:
        with replacing(output) as file:
            json.dump(found, file, indent=2)


if __name__ == "__main__":
    typer.run(main)
