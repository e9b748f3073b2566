"""Fit sets of answers on gold documents, and judge what they cover: which texts, labels and sizes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy

from spacy_al.evaluation.gold import Answer, Gold, SpanAnswer
from spacy_al.measures.conformal import (
    conformal_quantile,
    fewest_texts,
    label_sets,
    mass_score,
    mass_set,
    mean_by_text,
    right_label_scores,
)
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import Covered, FittedSets
from spacy_al.posteriors.tokens import Tokens
from spacy_al.types import Bools, Floats, Ints

# Analyses in a set at most: more are of no use to a person
MOST = 20
# The score of a right answer that the model cannot give, which no set covers
NEVER = 1.0
# Of each right answer its label and its score
Right: TypeAlias = list[tuple[str, float]]


@dataclass(frozen=True)
class Nonconformity:
    """Right answers against a posterior: an entry for each text, or for each of its tokens or right spans where these are what is answered.

    scores (Floats): (n,) of the right answer.
    texts (Ints): (n,) the text of each.
    probs (list[Floats]): Of each the probabilities that its set is made of.
    listed (list[bool]): Whether these are all there are.
    right (list[Right]): The labels that are right there, and the score of each by itself. Of an analysis each has the score of the whole.
    by_mass (bool): Whether sets are made by the mass of all that is more probable, not by the probability itself.
    """

    scores: Floats
    texts: Ints
    probs: list[Floats]
    listed: list[bool]
    right: list[Right]
    by_mass: bool

    def sizes(self, threshold: float, rows: Ints) -> list[int | None]:
        """Size of the set of each row; None where it is not closed."""
        if self.by_mass:
            listed = [(self.probs[row], self.listed[row]) for row in rows]
            return [mass_set(probs, threshold, all_listed=whole) for probs, whole in listed]
        found = list[int | None]()
        for row in rows:
            inside = label_sets(self.probs[row], threshold)
            open_end = inside.all() and not self.listed[row]
            found.append(None if threshold >= NEVER or open_end else int(inside.sum()))
        return found


def nonconformity(
    posteriors: Sequence[Any],
    answers: Sequence[Answer],
    most: int = MOST,
    *,
    by_mass: bool = False,
) -> Nonconformity:
    """The scores of the right answers: 1 - P(right), of analyses as of labels (Sadinle et al., 2019); where several
    categories are right, of the least probable one, as all have to be in the set. Of spans each right one has its own.

    posteriors (Sequence): One component's posteriors, at their temperature.
    answers (Sequence[Answer]): The right answer of each. Texts of which only a part is annotated are left out, as are tokens that are not.
    most (int): Analyses that are listed at most.
    by_mass (bool): Score analyses by the mass of all that are more probable (Romano et al., 2020). As fewer of such sets are closed, this
        is for comparison (`spacy_al.bench.conformal`).
    """
    scores, texts, listed = list[float](), list[int](), list[bool]()
    probs, rights = list[Floats](), list[Right]()
    for text, (posterior, answer) in enumerate(zip(posteriors, answers)):
        for score, own, whole, right in _scores_of(posterior, answer, most, by_mass):
            scores.append(score)
            texts.append(text)
            probs.append(own)
            listed.append(whole)
            rights.append(right)
    return Nonconformity(
        numpy.array(scores, dtype="f8"),
        numpy.array(texts, dtype=int),
        probs,
        listed,
        rights,
        by_mass,
    )


def fit_sets(found: Nonconformity, coverage: float, most: int = MOST) -> FittedSets:
    """The threshold of sets that hold the right answer with a stated probability, and what such sets cover.

    found (Nonconformity): Of texts that neither the model nor its temperature has seen.
    coverage (float): Above 0 and below 1.
    most (int): Analyses that are shown at most.
    RAISES (AlError): AL460 for too few texts, AL461.
    """
    threshold = conformal_quantile(found.scores, coverage, found.texts)
    return {
        "coverage": coverage,
        "threshold": threshold,
        "most": most,
        "documents": len({*found.texts.tolist()}),
        "held_out": _crossed(found, coverage),
    }


def judge_sets(found: Nonconformity, thresholds: Floats, rows: Ints) -> Covered:
    """What the sets of some rows cover.

    thresholds (Floats): One for each of the rows.
    rows (Ints): Which.
    """
    # as sums of the same numbers may differ in their last digits
    covered: Bools = found.scores[rows] <= thresholds + 1e-12
    sizes = [found.sizes(t, numpy.array([row]))[0] for t, row in zip(thresholds, rows)]
    closed = numpy.array([size is not None for size in sizes], dtype=bool)
    texts = found.texts[rows]
    by_label: dict[str, list[bool]] = defaultdict(list)
    for row, threshold in zip(rows.tolist(), thresholds.tolist()):
        for label, score in found.right[row]:
            by_label[label].append(score <= threshold + 1e-12)
    return {
        "coverage": mean_by_text(covered, texts),
        "closed": mean_by_text(closed, texts),
        "closed_coverage": mean_by_text(covered[closed], texts[closed]),
        "size": mean_by_text([s for s in sizes if s is not None], texts[closed]),
        "per_label": {k: (sum(v) / len(v), len(v)) for k, v in sorted(by_label.items())},
    }


def _crossed(found: Nonconformity, coverage: float) -> Covered:
    """Fitted on each half of the texts and judged on the other. Nothing is said of fewer than the level takes."""
    texts = numpy.random.default_rng(0).permutation(numpy.unique(found.texts))
    halves = [numpy.isin(found.texts, half) for half in (texts[::2], texts[1::2])]
    if len(texts) // 2 < fewest_texts(coverage):
        return judge_sets(found, numpy.zeros(0), numpy.zeros(0, dtype=int))
    thresholds = numpy.zeros(len(found.scores))
    for fit, judged in (halves, halves[::-1]):
        thresholds[judged] = conformal_quantile(found.scores[fit], coverage, found.texts[fit])
    return judge_sets(found, thresholds, numpy.arange(len(found.scores)))


def _scores_of(
    posterior: Any, answer: Any, most: int, by_mass: bool
) -> list[tuple[float, Floats, bool, Right]]:
    if isinstance(posterior, EntityPosterior):
        return _analysis_score(posterior, answer, most, by_mass)
    if isinstance(posterior, Categories):
        return _category_score(posterior, answer)
    if isinstance(posterior, Spans):
        return _spans_score(posterior, answer)
    assert isinstance(posterior, Tokens), type(posterior)
    place = {label: k for k, label in enumerate(posterior.labels)}
    rows = [row for row, label in enumerate(answer) if label is not None]
    known = [row for row in rows if answer[row] in place]
    right = numpy.array([place[answer[row]] for row in known], dtype=int)
    scores = dict(zip(known, right_label_scores(posterior.token_probs[known], right).tolist()))
    found = [(row, str(answer[row]), scores.get(row, NEVER)) for row in rows]
    return [
        (score, posterior.token_probs[row], True, [(label, score)]) for row, label, score in found
    ]


def _analysis_score(
    posterior: EntityPosterior, answer: SpanAnswer, most: int, by_mass: bool
) -> list[tuple[float, Floats, bool, Right]]:
    if not answer.known.all():
        return []
    right = tuple(sorted(answer.spans))
    probs, analyses = posterior.analyses(most)
    right_prob = float(numpy.exp(posterior.logprob(right)))
    score = 1 - right_prob
    if by_mass:
        place = analyses.index(right) if right in analyses else None
        score = mass_score(probs, place, right_prob)
    labels = sorted({label for *_, label in right})
    return [(score, probs, len(probs) < most, [(label, score) for label in labels])]


def _category_score(
    posterior: Categories, answer: dict[str, bool]
) -> list[tuple[float, Floats, bool, Right]]:
    right = [label for label, is_right in answer.items() if is_right]
    if posterior.exclusive and len(right) != 1:
        return []
    if not posterior.exclusive and not all(label in answer for label in posterior.labels):
        return []
    probs = dict(zip(posterior.labels, posterior.probs.tolist()))
    scores = [(label, 1 - probs.get(label, 0.0)) for label in right]
    # all that are right have to be in the set
    worst = max((score for _, score in scores), default=0.0)
    return [(worst, posterior.probs, True, scores)]


def _spans_score(posterior: Spans, answer: SpanAnswer) -> list[tuple[float, Floats, bool, Right]]:
    """What the suggester does not suggest has no probability, and no set covers it."""
    if not answer.known.all():
        return []
    found = [(span[2], 1 - posterior.prob(*span)) for span in sorted(answer.spans)]
    return [(score, posterior.span_probs, True, [(label, score)]) for label, score in found]


def halves_of(gold: Gold, seed: int = 0) -> tuple[Gold, Gold]:
    """The documents in two parts by chance. What falls on no token is counted for the whole alone."""
    order = numpy.random.default_rng(seed).permutation(len(gold.docs)).tolist()
    first, second = (_part(gold, sorted(rows)) for rows in (order[::2], order[1::2]))
    return first, second


def _part(gold: Gold, rows: Sequence[int]) -> Gold:
    part = Gold(
        [gold.docs[row] for row in rows],
        [gold.answers[row] for row in rows],
        rows=[gold.rows[row] for row in rows],
    )
    part.counts["documents"] = len(rows)
    part.counts["answers"] = sum(map(_n_answers, part.answers))
    return part


def _n_answers(answer: Answer) -> int:
    if isinstance(answer, SpanAnswer):
        return len(answer.spans)
    if isinstance(answer, dict):
        return len(answer)
    return sum(label is not None for label in answer)
