"""A pool as numbers, a row a text: what shards are scored to, and what they are put together as."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from spacy_al.arrays.factored import stack
from spacy_al.config.settings import Settings
from spacy_al.corpus.duplicates import OPENING, PARTS
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats, Ints


@dataclass
class PoolScores:
    """A pool as numbers: one row a text, sorted by id, so that nothing depends on the order of the pool.

    ids (Ints): (N,) content hashes.
    scores (Floats): (N,) acquisition scores, all 1 without a model.
    near (Ints): (N, PARTS) keys of which copies of each other share one.
    openings (Ints): (N, OPENING) first words, by which texts of one template are found.
    lengths (Ints): (N,) tokens of each text.
    columns (dict): N rows of each of the job's columns: embeddings (N, d); label_probs (N, K), the greatest probability with which
        a label occurs; members (N, M, K), category probabilities of each member of a committee; marks (N,), how many
        entities, spans or categories one expects; word_shares (N,), the share of tokens that are of letters alone; noise (N,) and lines (N, 16), by which
        rules find what is noise;
        answer_counts (N, m), how many answers one expects to be right, said and wanted, and how far that may be off.
    report (Counter): What was read, and what was left out and why.
    n_tokens (int): Tokens read.
    """

    ids: Ints
    scores: Floats
    near: Ints
    openings: Ints
    lengths: Ints
    columns: dict[str, Any]
    report: Counter[str]
    n_tokens: int

    def keep(self, rows: Any) -> "PoolScores":
        """The same with some of the rows."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(
            self,
            ids=self.ids[rows],
            scores=self.scores[rows],
            near=self.near[rows],
            openings=self.openings[rows],
            lengths=self.lengths[rows],
            columns=columns,
        )


def merge_scores(parts: Sequence[PoolScores], report: Counter[str]) -> PoolScores:
    """The rows of all parts after each other."""
    # a shard without any text has no columns
    names = next((part.columns for part in parts if len(part.ids)), {})
    return PoolScores(
        numpy.concatenate([numpy.zeros(0, dtype="u8"), *(part.ids for part in parts)]),
        numpy.concatenate([numpy.zeros(0), *(part.scores for part in parts)]),
        numpy.concatenate([numpy.zeros((0, PARTS), dtype="u8"), *(part.near for part in parts)]),
        numpy.concatenate(
            [numpy.zeros((0, OPENING), dtype="u4"), *(part.openings for part in parts)]
        ),
        numpy.concatenate([numpy.zeros(0, dtype="i4"), *(part.lengths for part in parts)]),
        {name: stack([p.columns[name] for p in parts if len(p.ids)]) for name in names},
        report,
        sum(part.n_tokens for part in parts),
    )


def propose(scores: PoolScores, most: int) -> PoolScores:
    """The rows of highest score, of equal ones those of the lowest ids.

    most (int): How many.
    """
    order = numpy.lexsort((scores.ids, -scores.scores))
    left_out = max(0, len(order) - most)
    if left_out:
        scores.report["not proposed by their shard"] += left_out
        scores.report["read"] -= left_out
    return scores.keep(numpy.sort(order[:most]))


def refuse_empty(scores: PoolScores, pool: Path) -> None:
    """RAISES (AlError): AL086 if nothing is left to ask."""
    if not len(scores.ids):
        counts = ", ".join(f"{k} {why}" for why, k in sorted(scores.report.items()) if k)
        raise AlError(Errors.AL086.format(path=pool, counts=counts))


def leave_out(
    scores: PoolScores, labeled: Sequence[Path], asked: Collection[str], settings: Settings
) -> PoolScores:
    """Without what is labelled or asked already, or kept for measuring."""
    known = {
        "already asked": set(asked),
        "already labelled": _ids([*labeled, settings.train]),
        "in dev or test": _ids([settings.dev, settings.test]),
    }
    for why, ids in known.items():
        numbers = numpy.fromiter((int(identity, 16) for identity in ids), "u8", len(ids))
        left_out = numpy.isin(scores.ids, numbers)
        scores.report[why] += int(left_out.sum())
        scores.report["read"] -= int(left_out.sum())
        scores = scores.keep(~left_out)
    return scores


def _ids(paths: Sequence[Path | None]) -> set[str]:
    return {identity for path in paths if path for identity in labelled_ids(path)}
