"""Folds of an annotated corpus: each text is judged by a model that has seen neither it nor what belongs to it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.corpus.shard import SOURCE_KEY, write_shard
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.posteriors.component import TrainedComponent, load_code, open_component
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import train
from spacy_al.types import Bools, Ints
from spacy_al.util import content_hash

FOLDS = 5
# Of the texts that a fold leaves to its model, the share that training stops on, and that the temperature is fitted on
MEASURING = 0.15


@dataclass(frozen=True)
class Fold:
    """A part of the corpus and the model that is to judge it.

    number (int): From 1.
    train, dev, held (Ints): Rows of the corpus: what the model learns from, what its training stops on and its temperature
        is fitted on, and what it judges. Disjoint.
    """

    number: int
    train: Ints
    dev: Ints
    held: Ints


def groups_of(docs: Sequence[Doc]) -> Ints:
    """(N,) the number of the group of each text: those of one document, as `ingest` has stored it, and those that are equal."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    keys: dict[tuple[str, str], int] = {}
    rows, columns = list[int](), list[int]()
    for row, doc in enumerate(docs):
        source = doc.user_data.get(SOURCE_KEY)
        own = [("text", content_hash(doc.text))]
        if isinstance(source, Mapping) and source.get("doc"):
            own.append(("doc", str(source["doc"])))
        for key in own:
            rows.append(row)
            columns.append(len(docs) + keys.setdefault(key, len(keys)))
    size = len(docs) + len(keys)
    links = coo_matrix((numpy.ones(len(rows)), (rows, columns)), shape=(size, size))
    _, found = connected_components(links, directed=False)
    return numpy.asarray(found[: len(docs)], dtype="i8")


def make_folds(groups: Ints, n_folds: int, seed: int) -> list[Fold]:
    """Folds of about as many groups, by chance; no group is in two parts of a fold.

    groups (Ints): (N,) of each text.
    RAISES (UsageError): AL422 with fewer groups than a fold needs.
    """
    names, inverse = numpy.unique(groups, return_inverse=True)
    # what is left to the smallest training is learned from, and measured on
    if not 2 <= n_folds <= len(names) or len(names) - math.ceil(len(names) / n_folds) < 2:
        raise UsageError(Errors.AL422.format(folds=n_folds, count=len(names)))
    rng = numpy.random.default_rng(seed)
    made = []
    for number, part in enumerate(numpy.array_split(rng.permutation(len(names)), n_folds), 1):
        rest = rng.permutation(numpy.setdiff1d(numpy.arange(len(names)), part))
        # one group at least on either side
        n_dev = min(max(1, round(MEASURING * len(rest))), len(rest) - 1)
        rows = (_rows(numpy.isin(inverse, own)) for own in (rest[n_dev:], rest[:n_dev], part))
        made.append(Fold(number, *rows))
    return made


def train_folds(
    docs: Sequence[Doc],
    folds: Sequence[Fold],
    config: Path,
    folder: Path,
    *,
    component: str,
    overrides: Mapping[str, Any] | None = None,
    code: Path | None = None,
    gpu_id: int = -1,
    show: Callable[[str], None] | None = None,
) -> Iterator[tuple[Fold, TrainedComponent]]:
    """A model for each fold, opened. One that is there is used if it was made from the same texts, settings and code.

    docs (Sequence[Doc]): The corpus.
    config (Path), overrides (Mapping): A training config; its corpora are not looked at.
    folder (Path): Gets a folder for each fold.
    component (str): Its name.
    show (Callable | None): Takes a line on what goes on.
    RAISES (AlError): As `write_config`, `train` and `open_component`; AL429 if a fold learns from texts without a label.
    """
    load_code(code)
    for fold in folds:
        own = folder / f"fold-{fold.number}-of-{len(folds)}"
        own.mkdir(parents=True, exist_ok=True)
        learned = [docs[row] for row in fold.train.tolist()]
        write_shard(learned, own / "train.spacy")
        write_shard([docs[row] for row in fold.dev.tolist()], own / "dev.spacy")
        write_config(
            config,
            overrides or {},
            own / "train.spacy",
            own / "dev.spacy",
            own,
            n_words=sum(map(len, learned)),
            component=component,
            code=code,
        )
        if show:
            what = f"learns from {len(fold.train):,} texts and judges {len(fold.held):,}"
            show(f"ℹ Fold {fold.number} of {len(folds)} {what}")
        found = train(own, code=code, gpu_id=gpu_id, show=_warnings_of(show))
        judge = open_component(
            str(found.model), component, code=str(code) if code else None, gpu_id=gpu_id
        )
        if not judge.labels:
            facts = {"number": fold.number, "folds": len(folds), "count": len(learned)}
            raise AlError(Errors.AL429.format(**facts))
        yield fold, judge


def dev_of(folder: Path, fold: Fold, n_folds: int) -> Path:
    """The texts that the temperature of a fold's model is fitted on."""
    return folder / f"fold-{fold.number}-of-{n_folds}" / "dev.spacy"


def _rows(mask: Bools) -> Ints:
    return numpy.flatnonzero(mask)


def _warnings_of(show: Callable[[str], None] | None) -> Callable[[str], None] | None:
    """Of all that training prints, what it warns of."""
    return None if show is None else lambda line: show(line) if line.startswith("⚠") else None
