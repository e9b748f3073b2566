"""What a query strategy would have gained on a corpus whose labels are known: every strategy from the same start.

Each round trains a model with spaCy's own training on what is labelled so far, scores it on the test set, and lets the
strategy choose from the rest of the corpus, whose labels it never sees. Every round is kept as it ends, so that a
simulation that was stopped goes on where it was.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import load_config

from spacy_al.curve import RANDOM
from spacy_al.data.pool import write_shard
from spacy_al.data.shard import read_shard
from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.read import find_component
from spacy_al.select import select
from spacy_al.settings import Settings
from spacy_al.util import content_hash, replacing

RESULTS = "results.jsonl"
# What is reported of each component: spaCy's name of the score
SCORES = {
    "ner": "ents_f",
    "beam_ner": "ents_f",
    "spancat": "spans_{key}_f",
    "spancat_singlelabel": "spans_{key}_f",
    "textcat": "cats_score",
    "textcat_multilabel": "cats_score",
    "tagger": "tag_acc",
    "morphologizer": "pos_acc",
    "senter": "sents_f",
}


@dataclass(frozen=True)
class Plan:
    """A simulation. Two that differ in any of this do not share results.

    config (Path): A spaCy training config.
    gold (Path): The labelled corpus to choose from.
    dev, test (Path): For spaCy's training to stop on, and for the scores that are reported.
    strategies (tuple[str, ...]): Registered acquisitions, or "random".
    seeds (tuple[int, ...]): Of the first texts, of training and of what is drawn.
    start, batch, rounds (int): Texts labelled at first, texts a round, rounds.
    overrides (dict): Of the config.
    settings (Settings): The config's `[al]` section: component, density, sampler and so on of every strategy.
    """

    config: Path
    gold: Path
    dev: Path
    test: Path
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    start: int
    batch: int
    rounds: int
    overrides: dict[str, Any]
    settings: Settings

    def describe(self) -> dict[str, Any]:
        """As plain data, for the results, with hashes of what the files hold."""
        plain = {name: str(v) if isinstance(v, Path) else v for name, v in self.__dict__.items()}
        hashes = {
            name: _file_hash(getattr(self, name)) for name in ("config", "gold", "dev", "test")
        }
        return {**plain, "settings": str(self.settings), "hashes": hashes}


def simulate(plan: Plan, output: Path) -> Iterator[dict[str, Any]]:
    """Run what is not yet in the results, and yield every round's row, old and new.

    output (Path): A folder for the results, and for the files of the round that is running.
    YIELDS (dict): strategy, seed, round, texts, words, entities, score, seconds_train, seconds_select, batch (ids).
    RAISES (AlError): AL100 if the corpus holds fewer texts than the plan needs, AL101 if the folder holds the
        results of another plan.
    """
    _check_plan(plan, output)
    nlp = spacy.blank(load_config(plan.config, overrides=plan.overrides)["nlp"]["lang"])
    gold = {
        content_hash(doc.text): doc for doc in read_shard(plan.gold, nlp.vocab) if doc.text.strip()
    }
    needed = plan.start + plan.batch * plan.rounds
    if len(gold) < needed:
        raise AlError(Errors.AL100.format(path=plan.gold, found=len(gold), needed=needed))
    pool = output / "pool.spacy"
    write_shard(
        (
            Doc(nlp.vocab, [t.text for t in d], [bool(t.whitespace_) for t in d])
            for d in gold.values()
        ),
        pool,
    )
    rows = read_results(output)
    with replacing(output / RESULTS) as file:
        # without a line that was cut off, or the next would be written behind it
        file.writelines(json.dumps(row) + "\n" for row in rows)
    known = {(row["strategy"], row["seed"], row["round"]): row for row in rows}
    for seed in plan.seeds:
        order = numpy.random.default_rng(seed).permutation(sorted(gold))
        for strategy in plan.strategies:
            ids = order[: plan.start].tolist()
            for number in range(plan.rounds + 1):
                key = (strategy, seed, number)
                if key not in known:
                    # all strategies start from the same model
                    shared = next(
                        (r for r in known.values() if (r["seed"], r["round"]) == (seed, 0)), None
                    )
                    docs = [gold[i] for i in ids]
                    row = _round(
                        plan, output, nlp, pool, docs, key, shared if number == 0 else None
                    )
                    known[key] = row
                    with (output / RESULTS).open("a", encoding="utf8") as file:
                        file.write(json.dumps(row) + "\n")
                yield known[key]
                ids += known[key]["batch"]


def read_results(output: Path) -> list[dict[str, Any]]:
    """The rows so far. A last line that was cut off is left out; its round is run again."""
    path = output / RESULTS
    rows = []
    for line in path.read_text("utf8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def full_score(plan: Plan, output: Path, overrides: dict[str, Any]) -> dict[str, Any]:
    """Score and size of a model trained on the whole corpus, kept in `full.json`."""
    path = output / "full.json"
    kept = json.loads(path.read_text("utf8")) if path.is_file() else {}
    if kept.get("overrides") != overrides:
        nlp = spacy.blank(load_config(plan.config, overrides=plan.overrides)["nlp"]["lang"])
        docs = list(read_shard(plan.gold, nlp.vocab))
        model, seconds = _train(plan, output / "full", docs, plan.seeds[0], overrides)
        row = {
            "texts": len(docs),
            "words": sum(map(len, docs)),
            "seconds_train": seconds,
            "overrides": overrides,
            **_score(plan, model),
        }
        path.write_text(json.dumps(row) + "\n", "utf8")
    return json.loads(path.read_text("utf8"))


def _round(
    plan: Plan,
    output: Path,
    nlp: Any,
    pool: Path,
    docs: Sequence[Doc],
    key: tuple[str, int, int],
    shared: dict[str, Any] | None,
) -> dict[str, Any]:
    strategy, seed, number = key
    folder = output / f"seed-{seed}" / ("start" if number == 0 else strategy)
    if shared is None or not (folder / "model-best").is_dir():
        model, seconds = _train(plan, folder, docs, seed, {})
    else:
        model, seconds = folder / "model-best", shared["seconds_train"]
    row: dict[str, Any] = {"strategy": strategy, "seed": seed, "round": number, "texts": len(docs)}
    row |= {"words": sum(map(len, docs)), "entities": sum(len(doc.ents) for doc in docs)}
    row |= {"seconds_train": seconds, **_score(plan, model)}
    started = time.perf_counter()
    batch: list[str] = []
    if number < plan.rounds:
        how: dict[str, Any] = (
            {"sampler": "uniform"} if strategy == RANDOM else {"acquisition": strategy}
        )
        # what is labelled is said below; the config's own corpora are not the simulation's
        how["settings"] = replace(plan.settings, train=None, dev=None, test=None)
        # every round draws anew
        chosen = select(
            pool,
            n=plan.batch,
            model=str(model),
            labeled=[folder / "train.spacy"],
            seed=seed * 1000 + number,
            **how,
        )
        batch = [content_hash(task["text"]) for task in chosen.tasks]
    return {**row, "seconds_select": round(time.perf_counter() - started, 2), "batch": batch}


def _train(
    plan: Plan, folder: Path, docs: Sequence[Doc], seed: int, overrides: dict[str, Any]
) -> tuple[Path, float]:
    """Train in a folder of its own, which takes its name when the model is whole."""
    attempt = folder.with_name(f".{folder.name}.attempt")
    shutil.rmtree(attempt, ignore_errors=True)
    attempt.mkdir(parents=True)
    DocBin(docs=docs).to_disk(attempt / "train.spacy")
    paths = {
        "paths.train": str(attempt / "train.spacy"),
        "paths.dev": str(plan.dev),
        "training.seed": seed,
    }
    started = time.perf_counter()
    with redirect_stdout(StringIO()):
        train(plan.config, attempt, overrides={**plan.overrides, **paths, **overrides})
    seconds = round(time.perf_counter() - started, 2)
    shutil.rmtree(attempt / "model-last", ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    attempt.rename(folder)
    return folder / "model-best", seconds


def _score(plan: Plan, model: Path) -> dict[str, float]:
    nlp = spacy.load(model)
    gold = read_shard(plan.test, nlp.vocab)
    scores = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in gold])
    component = find_component(nlp, plan.settings.component)
    name = SCORES[nlp.get_pipe_meta(component).factory]
    key = getattr(nlp.get_pipe(component), "key", "")
    return {"score": float(scores[name.format(key=key)] or 0.0)}


def _file_hash(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=8).hexdigest()


def _check_plan(plan: Plan, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    path = output / "plan.json"
    described = plan.describe()
    # more seeds and strategies can be added to what is there
    fixed = {name: v for name, v in described.items() if name not in ("seeds", "strategies")}
    if path.is_file():
        before = json.loads(path.read_text("utf8"))
        if {name: before.get(name) for name in fixed} != json.loads(json.dumps(fixed)):
            raise AlError(Errors.AL101.format(path=output))
    path.write_text(json.dumps(described, indent=2) + "\n", "utf8")
