"""A file of cached scores: the rows of one shard under one model, as numpy's own archive, in which each array has a checksum."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy

from spacy_al.arrays.factored import Factored
from spacy_al.corpus.shard import writing
from spacy_al.query.pool_scores import PoolScores
from spacy_al.types import Floats, Ints

SUFFIX, COLUMN = ".alscores", "column."
ROWS = ("ids", "scores", "near", "openings", "lengths")
SPARSE, FACTORS = ("data", "indices", "indptr", "shape"), ("left", "right")


@dataclass(frozen=True)
class Low:
    """Texts of a shard that were not scored anew, as they ranked too low before.

    ids (Ints): (M,) content hashes.
    scores (Floats): (M,) what the last model that scored them gave each.
    """

    ids: Ints = field(default_factory=lambda: numpy.zeros(0, "u8"))
    scores: Floats = field(default_factory=lambda: numpy.zeros(0))


def write_scores(path: Path, scores: PoolScores, low: Low) -> None:
    """Write a file that appears under its name only when whole and on disk. RAISES (AlError): AL047."""
    arrays = {name: getattr(scores, name) for name in ROWS}
    arrays |= {"low_ids": low.ids, "low_scores": low.scores}
    for name, column in scores.columns.items():
        arrays |= {f"{COLUMN}{name}{part}": value for part, value in _parts(column)}
    with writing(path, "wb") as file:
        numpy.savez(file, **arrays)


def read_lasts(path: Path) -> tuple[Ints, Floats]:
    """Ids and scores alone, those of texts that were passed over with them. Raises as `read_scores`."""
    arrays = _read(path, ("ids", "scores", "low_ids", "low_scores"))
    ids = numpy.concatenate([arrays["ids"], arrays["low_ids"]])
    scores = numpy.concatenate([arrays["scores"], arrays["low_scores"]])
    if len(ids) != len(scores):
        raise ValueError("its parts differ in length")
    return ids, scores


def read_scores(path: Path) -> tuple[PoolScores, Low]:
    """What a file holds. Its report is empty.

    RAISES (FileNotFoundError): There is none.
    RAISES (ValueError): It is damaged, or something else.
    """
    arrays = _read(path)
    try:
        columns = _columns(arrays)
        rows = {name: arrays[name] for name in ROWS}
        n_tokens = int(arrays["lengths"].sum())
        scores = PoolScores(**rows, columns=columns, report=Counter(), n_tokens=n_tokens)
        low = Low(arrays["low_ids"], arrays["low_scores"])
    except (LookupError, TypeError) as error:
        raise ValueError(f"it lacks {error}") from error
    sizes = {len(values) for values in rows.values()} | {c.shape[0] for c in columns.values()}
    if len(sizes) != 1 or len(low.ids) != len(low.scores):
        raise ValueError("its parts differ in length")
    return scores, low


def _read(path: Path, names: Sequence[str] = ()) -> dict[str, Any]:
    """Some arrays of a file, by default all. Reading one compares it with its checksum."""
    try:
        with path.open("rb") as opened, numpy.load(opened, allow_pickle=False) as file:
            return {name: file[name] for name in names or file.files}
    except FileNotFoundError:
        raise
    except Exception as error:
        # damage shows anywhere between the list of arrays and their last byte
        raise ValueError((str(error) or type(error).__name__).splitlines()[0]) from error


def _parts(column: Any) -> list[tuple[str, Any]]:
    """The arrays of a column, with what their names end in."""
    if hasattr(column, "tocsr"):
        column = column.tocsr()
        return [(f".{part}", numpy.asarray(getattr(column, part))) for part in SPARSE]
    if isinstance(column, Factored):
        return [(f".{part}", getattr(column, part)) for part in FACTORS]
    return [("", numpy.asarray(column))]


def _columns(arrays: dict[str, Any]) -> dict[str, Any]:
    """The columns out of their arrays. RAISES (KeyError): A part of one is missing."""
    found: dict[str, Any] = {}
    for key in (key for key in arrays if key.startswith(COLUMN)):
        name, _, part = key.removeprefix(COLUMN).partition(".")
        own = f"{COLUMN}{name}"
        if not part:
            found[name] = arrays[key]
        elif part in FACTORS:
            found[name] = Factored(arrays[f"{own}.left"], arrays[f"{own}.right"])
        elif name not in found:
            from scipy.sparse import csr_matrix

            data, indices, indptr, shape = (arrays[f"{own}.{one}"] for one in SPARSE)
            found[name] = csr_matrix((data, indices, indptr), shape=tuple(shape.tolist()))
    return found
