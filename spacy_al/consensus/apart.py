"""Spans that may not overlap: all sets of them that are possible, and the best one."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy

from spacy_al.consensus.votes import sums
from spacy_al.types import Bools, Floats, Ints

# Sets of spans of one cluster that are gone through; where there are more, at most one span of the cluster is right
MOST = 1000


def best_apart(starts: Sequence[int], ends: Sequence[int], weights: Sequence[float]) -> list[int]:
    """The spans that do not overlap and have the greatest sum of weights: weighted interval scheduling, in n log n.

    starts, ends (Sequence[int]): Ends exclusive.
    weights (Sequence[float]): What is not above 0 is left out.
    RETURNS (list[int]): Their numbers, by start.
    """
    order = sorted(
        (i for i, weight in enumerate(weights) if weight > 0), key=lambda i: (ends[i], starts[i], i)
    )
    last = [ends[i] for i in order]
    best, taken = [0.0], list[int]()
    for n, i in enumerate(order):
        before = bisect_right(last, starts[i], hi=n)
        taken.append(before if best[before] + weights[i] > best[n] else -1)
        best.append(max(best[n], best[before] + weights[i]))
    found, n = [], len(order)
    while n:
        if taken[n - 1] < 0:
            n -= 1
        else:
            found.append(order[n - 1])
            n = taken[n - 1]
    return found[::-1]


@dataclass(frozen=True)
class States:
    """The sets of candidates of which all can be right at once, of each cluster of candidates that overlap.

    clusters (Ints): Where the states of each cluster begin, shape (n_clusters,).
    of_state (Ints): The cluster of each state, shape (n_states,).
    members, in_states (Ints): Candidate and state of each membership, shape (n_members,).
    beside, in_beside (Ints): The same of each candidate that is not in a state and is beside one that is: it
        overlaps it and has the same label, or is the same span with another one.
    is_same (Ints): 1 where it is the very span of one that is, with another label.
    pairs (Ints): Candidates of which one is beside the other, each pair in both orders, shape (2, n_pairs).
    n_candidates (int): How many there are.
    """

    clusters: Ints
    of_state: Ints
    members: Ints
    in_states: Ints
    beside: Ints
    in_beside: Ints
    is_same: Ints
    pairs: Ints
    n_candidates: int

    def scores(self, log_odds: Floats, near: Floats | None = None) -> Floats:
        """The log weight of each state.

        log_odds (Floats): Of each candidate, where it is right.
        near (Floats | None): What is added for each candidate where one that it is beside is right, and where the same span is right with
            another label, shape (2, n_candidates).
        """
        n = len(self.of_state)
        found = sums(self.in_states, log_odds[self.members], n)
        if near is not None:
            found += sums(self.in_beside, near[self.is_same, self.beside], n)
        return found

    def marginals(self, log_odds: Floats, near: Floats | None = None) -> tuple[Floats, Floats]:
        """The probability that a candidate is right, and that one that it is beside is, both shape (n_candidates,): of all states of its
        cluster the share of those that it is in, or beside. Arguments as of `scores`."""
        if not self.n_candidates:
            return numpy.zeros(0), numpy.zeros(0)
        scores = self.scores(log_odds, near)
        powers = numpy.exp(scores - numpy.maximum.reduceat(scores, self.clusters)[self.of_state])
        probs = powers / numpy.add.reduceat(powers, self.clusters)[self.of_state]
        n = self.n_candidates
        inside = sums(self.members, probs[self.in_states], n)
        beside = sums(self.beside, probs[self.in_beside], n)
        return numpy.clip(inside, 0.0, 1.0), numpy.clip(beside, 0.0, 1.0)

    def draw(
        self, log_odds: Floats, near: Floats | None, rng: numpy.random.Generator
    ) -> tuple[Bools, Bools]:
        """Which candidates are right in one draw, and which are beside one that is, both shape (n_candidates,)."""
        found, beside = numpy.zeros((2, self.n_candidates), dtype=bool)
        if self.n_candidates:
            noisy = self.scores(log_odds, near) + rng.gumbel(size=len(self.of_state))
            won = noisy == numpy.maximum.reduceat(noisy, self.clusters)[self.of_state]
            found[self.members[won[self.in_states]]] = True
            beside[self.beside[won[self.in_beside]]] = True
        return found, beside


def make_states(texts: Ints, starts: Ints, ends: Ints, labels: Ints, *, flat: bool) -> States:
    """The states of candidates.

    texts, starts, ends, labels (Ints): Of each candidate, shape (n_candidates,).
    flat (bool): Whether no two that are right share a token. Otherwise each stands alone.
    """
    clusters, of_state = list[int](), list[int]()
    members, in_states = list[int](), list[int]()
    beside, in_beside, pairs = list[int](), list[int](), list[tuple[int, int]]()
    is_same = list[int]()
    for number, own in enumerate(_clusters(texts, starts, ends, flat)):
        clusters.append(len(of_state))
        meets = {
            i: {
                j
                for j in own
                if j != i
                and starts[i] < ends[j]
                and starts[j] < ends[i]
                and (labels[i] == labels[j] or (starts[i], ends[i]) == (starts[j], ends[j]))
            }
            for i in (own if flat else ())
        }
        pairs += [(i, j) for i, others in meets.items() for j in others]
        for state in _possible(own, starts, ends):
            members += state
            in_states += [len(of_state)] * len(state)
            others = set[int]().union(*(meets.get(i, set()) for i in state))
            places = {(starts[i], ends[i]) for i in state}
            beside += others
            is_same += [int((starts[i], ends[i]) in places) for i in others]
            in_beside += [len(of_state)] * len(others)
            of_state.append(number)
    return States(
        _ints(clusters),
        _ints(of_state),
        _ints(members),
        _ints(in_states),
        _ints(beside),
        _ints(in_beside),
        _ints(is_same),
        numpy.array(pairs, dtype="i8").reshape(-1, 2).T,
        len(texts),
    )


def _ints(numbers: list[int]) -> Ints:
    return numpy.array(numbers, dtype="i8")


def _clusters(texts: Ints, starts: Ints, ends: Ints, flat: bool) -> Iterator[list[int]]:
    """Candidates of one text that overlap, or do so by way of others."""
    own, until = list[int](), (-1, -1)
    for i in numpy.lexsort((ends, starts, texts)).tolist():
        place = int(texts[i]), int(starts[i])
        if own and not (flat and place < until):
            yield own
            own = []
        until = max(until, (place[0], int(ends[i]))) if own else (place[0], int(ends[i]))
        own.append(i)
    if own:
        yield own


def _possible(own: list[int], starts: Ints, ends: Ints) -> list[list[int]]:
    """The sets of spans of a cluster that do not overlap, the empty one first. own: by start."""
    found: list[list[int]] = [[]]
    for i in own:
        found += [[*state, i] for state in found if not state or ends[state[-1]] <= starts[i]]
        if len(found) > MOST:
            return [[], *([one] for one in own)]
    return found
