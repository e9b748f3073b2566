"""Models of a measurement: texts that are drawn from a corpus, and what is trained on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.random import Generator
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import MODEL, train


def draw_docs(path: Path, n: int | None, rng: Generator) -> list[Doc]:
    """At most so many docs of a `.spacy` file by chance, all for None; none without tokens."""
    docs = [doc for doc in read_shard(path, Vocab()) if len(doc)]
    return [docs[row] for row in rng.permutation(len(docs))[:n]]


def train_on(
    docs: Sequence[Doc], folder: Path, dev: Path, config: Path, overrides: Mapping[str, Any]
) -> TrainedComponent:
    """An entity recogniser, trained in a folder unless it is there."""
    if not (folder / MODEL).is_dir():
        corpus = folder / "train.spacy"
        write_shard(docs, corpus)
        write_config(config, overrides, corpus, dev, folder, n_words=sum(map(len, docs)))
        train(folder)
    return open_component(str(folder / MODEL), "ner")
