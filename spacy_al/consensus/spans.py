"""Consensus of spans: each that somebody marked is right or wrong as a whole, and those that overlap compete.

Each annotator who saw a text says yes or no to each candidate in it. Annotators find what is there at a rate for each label, and mark what
is not there at another. Who is wrong is so beside what is there more often than elsewhere: with another boundary, or another label. The places where nobody marked anything count as well, many at a time: an annotator whose entities all others
have is no better for it if all of them miss as many.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from spacy_al.consensus.apart import States, make_states
from spacy_al.consensus.dawid_skene import ENOUGH, STEPS
from spacy_al.consensus.votes import PIN, sums
from spacy_al.types import Bools, Floats, Ints

# Whoever saw a text, and may have marked this label in it; and whether all that is right in it is known
Panel = tuple[tuple[int, ...], int, bool]
# So many marks are added to what an annotator has of each label, as good as those of all labels
STRENGTH = 2.0
# Boundaries beside the right ones that are as tempting: each end a token further in or out
EDGES = 4.0
# Beside the model's own certainty
SURE = 0.001


@dataclass(frozen=True)
class SpanVotes:
    """What annotators said of candidates, one row a yes or no.

    texts, starts, ends, labels (Ints): Of each candidate, shape (n_candidates,).
    candidates, annotators (Ints), yes (Bools): Of each vote, shape (n_votes,).
    panels (Floats): 1 for each annotator who looked at places where nobody marked anything, shape (n_panels, n_annotators).
    panel_labels (Ints), sites (Floats): For which label, and at how many places, shape (n_panels,).
    panels_known (Bools): Whether it is known that nothing is there, shape (n_panels,).
    states (States): Which candidates can be right together.
    near (Ints): Of each vote 1 for a no beside a mark of the same annotator with the same label that overlaps the candidate, 2 where it is the very span with
        another label, else 0.
    priors (Floats): What a model believes of each candidate, NaN where none has been asked, shape (n_candidates,).
    known (Floats): 1 for a candidate that is known to be right, 0 for one that is known to be wrong, else NaN, shape (n_candidates,).
    text_names, annotator_names, label_names (list): Of the numbers.
    """

    texts: Ints
    starts: Ints
    ends: Ints
    labels: Ints
    candidates: Ints
    annotators: Ints
    yes: Bools
    panels: Floats
    panel_labels: Ints
    panels_known: Bools
    sites: Floats
    states: States
    priors: Floats
    known: Floats
    near: Ints
    text_names: list[Any]
    annotator_names: list[Any]
    label_names: list[Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many candidates, annotators and labels there are."""
        return len(self.texts), len(self.annotator_names), len(self.label_names)

    @property
    def cells(self) -> Ints:
        """Of each vote the number of its annotator and label, as `table` has them."""
        found: Ints = self.annotators * self.shape[2] + self.labels[self.candidates]
        return found

    def table(self, weights: Floats | Bools) -> Floats:
        """Sums of a weight a vote, shape (n_annotators, n_labels)."""
        _, n, k = self.shape
        return sums(self.cells, weights, n * k).reshape(n, k)

    def panel_table(self, weights: Floats) -> Floats:
        """Sums of a weight a panel, shape (n_annotators, n_labels)."""
        found = numpy.zeros((self.shape[1], self.shape[2]))
        numpy.add.at(found.T, self.panel_labels, self.panels * weights[:, None])
        return found

    def by_label(self, of_candidates: Floats, of_panels: Floats) -> Floats:
        """Sums over candidates and places, shape (n_labels,)."""
        k = self.shape[2]
        found: Floats = sums(self.labels, of_candidates, k) + sums(self.panel_labels, of_panels, k)
        return found


@dataclass(frozen=True)
class SpanConsensus:
    """What came of the votes.

    probs (Floats): Of each candidate the probability that it is right, shape (n_candidates,).
    finds (Floats): The share of what is there that an annotator marks, shape (n_annotators, n_labels).
    spurious (Floats): The share of the places where nothing is that they mark, same shape.
    base (Floats): The share of places where something is, shape (n_labels,).
    slips (Floats): How often an annotator who does not mark what is there marks something with its label that overlaps it, and the same with another
        label, shape (n_annotators, 2).
    """

    probs: Floats
    finds: Floats
    spurious: Floats
    base: Floats
    slips: Floats


def make_span_votes(
    said: Mapping[tuple[Hashable, Hashable], Mapping[tuple[int, int, Any], bool]],
    sites: Iterable[tuple[Hashable, Collection[Hashable], Any, int]],
    *,
    flat: bool,
    priors: Mapping[tuple[Hashable, tuple[int, int, Any]], float] | None = None,
    gold: Mapping[Hashable, Collection[tuple[int, int, Any]]] | None = None,
) -> SpanVotes:
    """The votes on spans.

    said (Mapping): Text and annotator -> (start, end, label) -> yes or no, ends exclusive.
    sites (Iterable): Text, the annotators who saw it, a label that they could mark, and how many places for it there are, such as its
        tokens; candidates are taken from these.
    flat (bool): Whether no two that are right share a token.
    priors (Mapping | None): What a model believes of candidates: the exact probability of the span.
    gold (Mapping | None): Text -> all that is right in it, where that is known; what is right and nobody marked has a no of everybody.
    """
    sites, believed, right = list(sites), priors or {}, gold or {}
    keys = sorted({(str(text), mark, text) for text, who in said for mark in said[text, who]})
    numbers = {(text, mark): number for number, (_, mark, text) in enumerate(keys)}
    names = sorted({text for _, _, text in keys} | {one[0] for one in sites}, key=str)
    people = sorted({who for _, who in said} | {who for one in sites for who in one[1]}, key=str)
    labels = sorted({mark[2] for _, mark, _ in keys} | {one[2] for one in sites}, key=str)
    text_of, who_of, label_of = (
        {name: n for n, name in enumerate(x)} for x in (names, people, labels)
    )
    rows = sorted(
        (numbers[text, mark], who_of[who], yes)
        for (text, who), marks in said.items()
        for mark, yes in marks.items()
    )
    table = numpy.array(rows, dtype="i8").reshape(-1, 3).T
    there = Counter((text, mark[2]) for _, mark, text in keys)
    panels = Counter[Panel]()
    for text, who, label, n in sites:
        own = tuple(sorted(who_of[one] for one in who))
        panels[own, label_of[label], text in right] += max(0, n - there[text, label])
    seen = numpy.zeros((len(panels), len(people)))
    for row, (own, *_) in enumerate(panels):
        seen[row, list(own)] = 1
    marks = [mark for _, mark, _ in keys]
    texts, starts, ends, of_label = (
        numpy.array(column, dtype="i8")
        for column in (
            [text_of[text] for _, _, text in keys],
            [mark[0] for mark in marks],
            [mark[1] for mark in marks],
            [label_of[mark[2]] for mark in marks],
        )
    )
    states = make_states(texts, starts, ends, of_label, flat=flat)
    says_yes = numpy.zeros((len(keys), len(people)), dtype=bool)
    says_yes[table[0], table[1]] = table[2] > 0
    one, other = states.pairs
    is_same = (starts[one] == starts[other]) & (ends[one] == ends[other])
    beside = numpy.zeros(says_yes.shape, dtype="i8")
    numpy.maximum.at(beside, one, says_yes[other] * (1 + is_same)[:, None])
    return SpanVotes(
        texts,
        starts,
        ends,
        of_label,
        table[0],
        table[1],
        table[2].astype(bool),
        seen,
        numpy.array([label for _, label, _ in panels], dtype="i8"),
        numpy.array([is_known for *_, is_known in panels], dtype=bool),
        numpy.array([*panels.values()], dtype="f8"),
        states,
        numpy.array([believed.get((text, mark), numpy.nan) for _, mark, text in keys], dtype="f8"),
        numpy.array(
            [float(mark in right[text]) if text in right else numpy.nan for _, mark, text in keys],
            dtype="f8",
        ),
        beside[table[0], table[1]] * (table[2] == 0),
        names,
        people,
        labels,
    )


def span_majority(votes: SpanVotes) -> Floats:
    """The share of those who were asked about a candidate that say yes, shape (n_candidates,)."""
    n = votes.shape[0]
    asked = sums(votes.candidates, None, n)
    found: Floats = sums(votes.candidates, votes.yes, n) / asked
    return found


def span_consensus(votes: SpanVotes) -> SpanConsensus:
    """Fit by expectation and maximisation, from the majority on: Dawid and Skene (1979) of yes and no, for each label.

    It differs from the paper in four things: places where nobody marked anything are counted and not listed, candidates that overlap
    exclude each other, what is wrong is more often beside what is right, and rates of rare labels lean on those of all labels.
    """
    probs = span_majority(votes)
    missed: Floats = numpy.zeros(len(votes.sites))
    near: Floats = numpy.zeros(len(probs))
    found = SpanConsensus(probs, *_rates(votes, probs, near, missed))
    for _ in range(STEPS):
        missed = votes.sites * silent_probs(votes, found)
        probs, near = votes.states.marginals(log_odds(votes, found), near_odds(votes, found))
        found, before = SpanConsensus(probs, *_rates(votes, probs, near, missed)), found
        if numpy.abs(probs - before.probs).max(initial=0.0) < ENOUGH:
            break
    return found


def log_odds(votes: SpanVotes, model: SpanConsensus) -> Floats:
    """Of each candidate how much surer than not the votes on it make it, where nothing overlaps it, shape (n_candidates,)."""
    own = votes.labels
    prior = numpy.where(numpy.isnan(votes.priors), model.base[own], votes.priors)
    prior = numpy.clip(prior, SURE * model.base[own], 1 - SURE)
    finds, spurious = (table.ravel()[votes.cells] for table in (model.finds, model.spurious))
    ways = numpy.column_stack([1 - model.slips.sum(axis=1), model.slips])
    misses = (1 - finds) * ways[votes.annotators, votes.near]
    said = numpy.where(votes.yes, finds / spurious, misses / (1 - spurious))
    votes_say = sums(votes.candidates, numpy.log(said), votes.shape[0])
    found: Floats = numpy.log(prior) - numpy.log1p(-prior) + votes_say
    return numpy.where(numpy.isnan(votes.known), found, PIN * (2 * votes.known - 1))


def near_odds(votes: SpanVotes, model: SpanConsensus) -> Floats:
    """How much likelier wrong marks are beside what is right than elsewhere, and on the very span with another label, as logarithms for each
    candidate, shape (2, n_candidates)."""
    own = numpy.where(votes.yes, numpy.log(model.spurious.ravel()[votes.cells]), 0.0)
    marked = sums(votes.candidates, votes.yes, votes.shape[0])
    ways = numpy.log([EDGES, max(1, votes.shape[2] - 1)])
    found: Floats = -sums(votes.candidates, own, votes.shape[0]) - ways[:, None] * marked
    return found


def silent_probs(votes: SpanVotes, model: SpanConsensus) -> Floats:
    """The probability that something is where nobody marked anything, shape (n_panels,)."""
    silent = numpy.log1p(-model.finds) - numpy.log1p(-model.spurious)
    base = model.base[votes.panel_labels]
    odds: Floats = numpy.log(base) - numpy.log1p(-base)
    odds = odds + (votes.panels * silent.T[votes.panel_labels]).sum(axis=1)
    found: Floats = 1 / (1 + numpy.exp(-odds))
    return numpy.where(votes.panels_known, 0.0, found)


def count_slips(votes: SpanVotes, right: Floats) -> Floats:
    """Of each annotator how often they marked nothing in place of what is there, something with its label that overlaps it, or the same with another label,
    shape (n_annotators, 3). right: of each vote whether the candidate is."""
    n, missing = votes.shape[1], right * ~votes.yes
    return sums(votes.annotators * 3 + votes.near, missing, n * 3).reshape(n, 3)


def _rates(
    votes: SpanVotes, probs: Floats, near: Floats, missed: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """How often annotators find, mark wrongly, there is something, and they slip, of the probabilities."""
    right = probs[votes.candidates]
    hits, there = votes.table(right * votes.yes), votes.table(right) + votes.panel_table(missed)
    wrong = votes.table(numpy.maximum(1 - right - near[votes.candidates], 0) * votes.yes)
    empty = votes.table(1 - right) + votes.panel_table(votes.sites - missed)
    base = (votes.by_label(probs, missed) + 0.5) / (
        votes.by_label(numpy.ones_like(probs), votes.sites) + 1
    )
    slips = count_slips(votes, right) + 0.5
    slips = (slips / slips.sum(axis=1, keepdims=True))[:, 1:]
    # where nothing can overlap, nobody slips
    slips = slips if votes.near.any() else numpy.zeros_like(slips)
    return _towards(hits, there, 2.0, 1.0), _towards(wrong, empty, 0.5, 0.5), base, slips


def _towards(hits: Floats, all: Floats, yes: float, no: float) -> Floats:
    """Rates of each annotator and label, which lean on the annotator's own over all labels."""
    own = (hits.sum(axis=1) + yes) / (all.sum(axis=1) + yes + no)
    # of marks, or the many places where nothing is would outweigh them whatever the annotator does
    more = (STRENGTH / own)[:, None]
    found: Floats = (hits + more * own[:, None]) / (all + more)
    return numpy.clip(found, 1e-9, 1 - 1e-6)
