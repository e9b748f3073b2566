"""Grow open entities token by token, for all starts of a batch at once, while they still hold probability."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy

from spacy_al.lattice.chain import row_sums
from spacy_al.types import Bools, Floats, Ints

# score(token, start) -> log odds of going on inside against closing here, (n_rows, n_labels)
OpenScores = Callable[[Ints, Ints], Floats]


@dataclass
class Chunks:
    """Entities of two tokens and more, one array a length: within a length every start occurs once.

    starts (list[Ints]): For length d + 2, at index d: flat indices of the first tokens.
    weights (list[Floats]): Beside each, (n_starts, n_labels): probability of the chunk given a closed state before it.
    cut (Floats): (n_tokens,) probability, given a closed state before the token, of what was not followed.
    greedy_end (Ints): (n_tokens,) last token of the chunk that the greedy parse opens here, -1 where not followed.
    """

    n_labels: int
    cut: Floats
    greedy_end: Ints
    starts: list[Ints] = field(default_factory=list)
    weights: list[Floats] = field(default_factory=list)

    @property
    def flat(self) -> tuple[Ints, Ints, Floats]:
        """All chunks in one: first token, last token, weights."""
        if not self.starts:
            empty = numpy.zeros(0, dtype=numpy.int64)
            return empty, empty, numpy.zeros((0, self.n_labels))
        lengths = numpy.repeat(numpy.arange(1, len(self.starts) + 1), [len(s) for s in self.starts])
        starts = numpy.concatenate(self.starts)
        return starts, starts + lengths, numpy.concatenate(self.weights)


def expand(
    begin: Floats,
    score: OpenScores,
    fixed: Floats,
    doc_of: Ints,
    lengths: Ints,
    *,
    epsilon: float,
    rows_per_token: int,
    temperature: float = 1.0,
    greedy_label: Ints | None = None,
    protected: Bools | None = None,
    followed: Ints | None = None,
) -> Chunks:
    """The probabilities of all chunks that hold at least `epsilon`, given a closed state before them.

    begin (Floats): (n_tokens, n_labels) probability of opening an entity here, given a closed state.
    score (OpenScores): Log odds of inside against last for open states.
    fixed (Floats): (n_tokens, n_labels) log odds where the rules leave no choice (+-inf, or 0 for an even one), nan elsewhere.
    doc_of (Ints): (n_tokens,) index of each token's document.
    lengths (Ints): (n_docs,) tokens.
    epsilon (float): An open state whose probability (summed over labels, given a closed state before its start) is
        below this is cut, so at most `epsilon` is missed for each token.
    rows_per_token (int): Open states that a document may have in all, times its length; beyond it all are cut.
    temperature (float): Divides the log odds.
    greedy_label (Ints | None): (n_tokens,) label that the greedy parse opens here, -1 for none.
    protected (Bools | None): (n_tokens,) tokens at which only the allowance of rows cuts.
    followed (Ints | None): (n_tokens,) from each token, the last one up to which nothing at all is cut, or -1.
    RETURNS (Chunks): The chunks, and what was cut.
    """
    n_tokens, n_labels = begin.shape
    chunks = Chunks(n_labels, numpy.zeros(n_tokens), numpy.full(n_tokens, -1))
    special: Bools = numpy.asarray(~numpy.isnan(fixed).all(axis=1))
    allowance, used = lengths * rows_per_token, None
    start = numpy.arange(n_tokens)
    weight, token = begin, start
    length = 0
    while True:
        length += 1
        total = row_sums(weight)
        keep: Bools = numpy.asarray(total >= epsilon if epsilon > 0 else total > 0)
        if protected is not None:
            keep |= (total > 0) & (protected[token] | protected[start])
        if followed is not None:
            keep |= (total > 0) & (followed[start] > token)
        if not keep.all():
            chunks.cut[start[~keep]] += total[~keep]
            rows = numpy.flatnonzero(keep)
            start, token, weight = start[rows], token[rows], weight.take(rows, axis=0)
        if not len(start):
            return chunks
        # before that no document can have used up its allowance
        if length > rows_per_token:
            if used is None:
                before = numpy.concatenate([start[:0], *chunks.starts])
                used = numpy.bincount(doc_of[before], minlength=len(lengths))
            used += numpy.bincount(doc_of[start], minlength=len(lengths))
            fits: Bools = numpy.asarray(used <= allowance)[doc_of[start]]
            if followed is not None:
                fits |= followed[start] > token
            if not fits.all():
                chunks.cut[start[~fits]] += row_sums(weight[~fits])
                start, token, weight = start[fits], token[fits], weight[fits]
            if not len(start):
                return chunks
        token = token + 1
        odds = score(token, start).astype(numpy.float64)
        rows = numpy.flatnonzero(special[token])
        if len(rows):
            rule = fixed[token[rows]]
            odds[rows] = numpy.where(numpy.isnan(rule), odds[rows], rule)
        if greedy_label is not None:
            _close_greedily(chunks.greedy_end, greedy_label, odds, start, token)
        inside, last = _going_on(odds, temperature)
        if len(rows):
            inside[rows] = numpy.where(numpy.isinf(rule), rule > 0, inside[rows])
            last[rows] = numpy.where(numpy.isinf(rule), rule < 0, last[rows])
        last *= weight
        inside *= weight
        chunks.starts.append(start)
        chunks.weights.append(last)
        weight = inside


def _going_on(odds: Floats, temperature: float) -> tuple[Floats, Floats]:
    """Probabilities of going on inside and of closing here. Changes its argument."""
    odds /= -temperature
    # beyond e^300 the other choice is below any probability that matters
    numpy.clip(odds, -300, 300, out=odds)
    ratio = numpy.exp(odds, out=odds)
    inside = 1 + ratio
    numpy.divide(1, inside, out=inside)
    ratio *= inside
    return inside, ratio


def _close_greedily(ends: Ints, labels: Ints, odds: Floats, start: Ints, token: Ints) -> None:
    """Note where the greedy parse closes the entities that it would open at `start`."""
    rows = numpy.flatnonzero((labels[start] >= 0) & (ends[start] < 0))
    rows = rows[odds[rows, labels[start[rows]]] < 0]
    ends[start[rows]] = token[rows]
