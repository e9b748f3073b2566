"""How much of a batch is noise, strategy by strategy: noise is planted in a pool, and a small model that never saw any chooses.

`python -m spacy_al.bench.noise CORPORA/bc5cdr --foreign CORPORA/german_ler/test.spacy`
"""

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy
import spacy
import typer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from spacy.vocab import Vocab
from typer import Option
from wasabi import table

from spacy_al.bench.noise_texts import plant_noise
from spacy_al.config.settings import Settings
from spacy_al.corpus.duplicates import copy_keys, opening
from spacy_al.corpus.pool import read_shard_items
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.query.noise import NAMES, REASONS, line_keys, noise_bits, rules_that_hold
from spacy_al.query.picks import pick
from spacy_al.query.pool_scores import PoolScores
from spacy_al.query.ranking import rank_pool
from spacy_al.query.scorer import Scorer
from spacy_al.query.strategy import Strategy, make_strategy
from spacy_al.registry import named, resolve
from spacy_al.util import content_hash

# What chooses: acquisition, sampler, and settings beside them
STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {"sampler": "uniform"},
    "token entropy, highest": {"acquisition": ("token_entropy", "max")},
    "token entropy, mean": {"acquisition": ("token_entropy", "mean")},
    "token entropy, sum": {"acquisition": ("token_entropy", "sum")},
    "mnlp": {"acquisition": ("mnlp", None)},
    "least confidence": {"acquisition": ("sequence_least_confidence", None)},
    "expected errors": {"acquisition": ("expected_errors", None)},
    "mean, stochastic, beta 4": {
        "acquisition": ("token_entropy", "mean"),
        "sampler": "stochastic",
        "beta": 4.0,
    },
    "mean × density": {"acquisition": ("token_entropy", "mean"), "density_weight": 1.0},
    "mean, without the farthest 10%": {
        "acquisition": ("token_entropy", "mean"),
        "filter": {"far": 0.1},
    },
    "k-centre": {"acquisition": ("token_entropy", "mean"), "sampler": "k_centre"},
    "k-means++": {"acquisition": ("token_entropy", "mean"), "sampler": "kmeans_pp"},
    "error reduction": {"acquisition": ("token_entropy", "mean"), "sampler": "error_reduction"},
}
SHARES = (0.05, 0.2)
EPOCHS = 15


def settings_of(how: dict[str, Any], noise: Sequence[str], seed: int) -> Settings:
    """The settings of a strategy.

    noise (Sequence[str]): Rules that leave texts out; none for no filter.
    """
    blocks = {"sampler": named("al_samplers", how.get("sampler", "top_k"))}
    if "beta" in how:
        blocks["sampler"]["beta"] = how["beta"]
    name, reduce = how.get("acquisition", ("token_entropy", "mean"))
    blocks["acquisition"] = named("al_acquisitions", name)
    if reduce:
        blocks["acquisition"]["reduce"] = reduce
    filters = {**how.get("filter", {}), **({"noise": [*noise]} if noise else {})}
    density = how.get("density_weight", 0.0)
    return Settings(seed=seed, blocks=blocks, filter=filters, density_weight=density)


def share_of_noise(
    pool: Path, planted: dict[str, str], model: str, n: int, seed: int, rules: Sequence[str] = NAMES
) -> dict[str, tuple[float, float]]:
    """The share of a batch that was planted, by strategy: without the filter and with it.

    pool (Path): With what was planted in it; each text is read once, for all strategies.
    planted (dict): Text -> its kind.
    model (str): That chooses.
    n (int): Texts in the batch.
    seed (int): Of what is drawn.
    rules (Sequence[str]): Of the filter.
    """
    bad = {int(content_hash(text), 16) for text in planted}
    strategies = {
        (name, bool(noise)): _strategy(settings_of(how, noise, seed), model, n)
        for name, how in STRATEGIES.items()
        for noise in ((), rules)
    }
    scorer = Scorer(next(iter(strategies.values())).job)
    base, posteriors = _read(pool, scorer)
    found = dict[tuple[str, bool], float]()
    for key, strategy in strategies.items():
        # ties are settled by it as well
        scorer.acquisition = resolve(strategy.job.blocks["acquisition"])
        scores = replace(base, scores=scorer.acquisition(posteriors), report=Counter())
        ranking = rank_pool(scores, strategy, scorer, pool, None)
        ids = pick(ranking, n).ids
        found[key] = sum(int(identity, 16) in bad for identity in ids) / len(ids)
    return {name: (found[name, False], found[name, True]) for name in STRATEGIES}


def _strategy(settings: Settings, model: str, n: int) -> Strategy:
    names = ("trained_on", "acquisition", "density_weight", "sampler", "patterns", "component")
    given: dict[str, Any] = dict.fromkeys((*names, "seconds", "seed", "lang", "code"))
    return make_strategy(
        settings, model, n=n, round=0, labeled=(), keep_tokens=False, gpu_id=-1, **given
    )


def _read(pool: Path, scorer: Scorer) -> tuple[PoolScores, list[Any]]:
    """The texts of a pool by their ids, with the columns that any strategy looks at, and their posteriors."""
    items = sorted(read_shard_items(pool, scorer.nlp), key=lambda item: item.id)
    docs = [item.doc for item in items]
    posteriors = scorer.posteriors(docs)
    columns = {
        "embeddings": scorer.embed(docs, posteriors),
        "noise": noise_bits(docs),
        "lines": line_keys(docs),
    }
    lengths = numpy.array([len(doc) for doc in docs], dtype="i4")
    scores = PoolScores(
        numpy.array([int(item.id, 16) for item in items], dtype="u8"),
        numpy.ones(len(docs)),
        numpy.array([copy_keys(item.text) for item in items], dtype="u8"),
        numpy.array([opening(item.text) for item in items], dtype="u4"),
        lengths,
        columns,
        Counter(),
        int(lengths.sum()),
    )
    return scores, posteriors


def found_by_rules(texts: Sequence[str], kinds: Sequence[str | None], lang: str) -> dict[str, Any]:
    """Of each kind, and of the texts that are none (None), which share any rule finds, and which the rule of that name."""
    nlp = spacy.blank(lang)
    docs = [nlp.make_doc(text) for text in texts]
    held = rules_that_hold(NAMES, noise_bits(docs), line_keys(docs))
    anyone = numpy.any([*held.values()], axis=0)
    found = {}
    for kind in dict.fromkeys(kinds):
        rows = numpy.array([one == kind for one in kinds])
        own = held[REASONS[kind]][rows].mean() if kind else None
        found[kind or "clean"] = (int(rows.sum()), float(anyone[rows].mean()), own)
    return found


def train_small(docs: Sequence[Doc], lang: str, seed: int, path: Path) -> str:
    """A pipeline with an entity recogniser, trained on a few clean docs."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank(lang)
    nlp.add_pipe("ner")
    examples = []
    for gold in docs:
        spans = [(ent.start_char, ent.end_char, ent.label_) for ent in gold.ents]
        examples.append(Example.from_dict(nlp.make_doc(gold.text), {"entities": spans}))
    optimizer = nlp.initialize(lambda: examples)
    rng = random.Random(seed)
    for _ in range(EPOCHS):
        rng.shuffle(examples)
        for batch in minibatch(examples, 16):
            nlp.update(batch, sgd=optimizer, drop=0.1)
    nlp.to_disk(path)
    return str(path)


def noise_cli(
    corpus: Annotated[Path, typer.Argument(help="Folder with a labelled train.spacy")],
    foreign: Annotated[Path | None, Option(help="Texts of another language (.spacy)")] = None,
    lang: Annotated[str, Option(help="Language of the corpus")] = "en",
    labelled: Annotated[int, Option(help="Clean texts that the model is trained on")] = 300,
    size: Annotated[int, Option(help="Clean texts in the pool")] = 1200,
    n: Annotated[int, Option("-n", help="Texts in a batch")] = 100,
    seeds: Annotated[int, Option(help="Pools and models")] = 3,
) -> None:
    """Measure which share of a batch is planted noise, without and with the filter."""
    docs = list({doc.text: doc for doc in read_shard(corpus / "train.spacy", Vocab())}.values())
    others = [doc.text for doc in read_shard(foreign, Vocab())] if foreign else []
    rows: dict[str, list[list[float]]] = {name: [[] for _ in range(4)] for name in STRATEGIES}
    rules: dict[str, list[Any]] = {}
    for seed in range(seeds):
        rng = random.Random(seed)
        rng.shuffle(docs)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            model = train_small(docs[:labelled], lang, seed, folder / "model")
            clean = [doc.text for doc in docs[labelled : labelled + size]]
            rest = [doc.text for doc in docs[labelled + size :]] or clean
            for k, share in enumerate(SHARES):
                planted = plant_noise(rest, round(size * share / (1 - share)), rng, others)
                nlp = spacy.blank(lang)
                made = [nlp.make_doc(text) for text in (*clean, *planted)]
                pool = write_shard(made, folder / f"pool-{k}.spacy")
                for name, shares in share_of_noise(pool, planted, model, n, seed).items():
                    for j, value in enumerate(shares):
                        rows[name][2 * k + j].append(value)
                kinds = [*[None] * len(clean), *planted.values()]
                for kind, known in found_by_rules([*clean, *planted], kinds, lang).items():
                    rules.setdefault(kind, []).append(known)
    header = ["chooses", *(f"{s:.0%}, {w}" for s in SHARES for w in ("no filter", "filter"))]
    lines = [(name, *map(_spread, values)) for name, values in rows.items()]
    typer.echo(table(lines, header=header, divider=True, aligns=("l", *"rrrr")))
    lines = [
        (
            kind,
            sum(number for number, *_ in known),
            *(
                ""
                if known[0][column] is None
                else f"{numpy.average([one[column] for one in known], weights=[one[0] for one in known]):.1%}"
                for column in (1, 2)
            ),
        )
        for kind, known in rules.items()
    ]
    header = ["texts", "number", "any rule finds", "its own rule finds"]
    typer.echo(table(lines, header=header, divider=True, aligns=("l", "r", "r", "r")))


def _spread(values: Sequence[float]) -> str:
    return f"{numpy.mean(values):.0%} ({min(values):.0%} to {max(values):.0%})"


if __name__ == "__main__":
    typer.run(noise_cli)
