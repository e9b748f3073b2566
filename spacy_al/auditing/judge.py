"""From what a model believes of a text, and what is annotated there, to findings: one for each mark, and for each place where one may be missing.

What is given at a place, another label on the same tokens, an entity that overlaps, and nothing there are all that can be; the exact posterior of an
entity recogniser has the probability of each. Whichever of the others has most is the reason.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy

from spacy_al.auditing.finding import EXTRA, LACKING, SWAPPED, Finding
from spacy_al.evaluation.gold import SpanAnswer
from spacy_al.measures.mark_errors import BOUNDARY, LABEL, MISSING, SPURIOUS
from spacy_al.types import Floats

# A place without a mark is looked at from this probability of an entity on, what may stand in the place of a mark from this
LEAST, FLOOR = 0.1, 0.01


def entity_findings(posterior: Any, answer: SpanAnswer) -> list[Finding]:
    """Findings of an entity recogniser: one a given entity, and one a place that nothing is marked at.

    posterior (EntityPosterior): Of the document.
    answer (SpanAnswer): What is annotated. A label that the model lacks is not judged, and neither are tokens of which nothing is
        known.
    """
    candidates = list(posterior.above(FLOOR))
    tokens, found = _given_probs(posterior, answer), list[Finding]()
    for start, end, label in sorted(answer.spans):
        if label not in posterior.labels:
            continue
        given = posterior.prob(start, end, label)
        nothing = posterior.free_prob(start, end)
        same = {
            name: posterior.prob(start, end, name) for name in posterior.labels if name != label
        }
        relabelled = sum(same.values())
        # exactly what is left
        moved = max(1 - given - nothing - relabelled, 0.0)
        proposed: tuple[int, int, str] | None = None
        over = [s for s in candidates if s.start < end and start < s.end]
        other = next((s for s in over if (s.start, s.end) != (start, end)), None)
        most = max(relabelled, nothing, moved if other else 0.0)
        if most == relabelled and same:
            name = max(same, key=lambda one: same[one])
            proposed, prob, reason = (start, end, name), same[name], LABEL
        elif most == nothing or other is None:
            prob, reason = nothing, SPURIOUS
        else:
            proposed, prob, reason = (other.start, other.end, other.label), other.prob, BOUNDARY
        made = Finding(start, end, label, given, proposed, prob, reason)
        found.append(replace(made, prob_tokens=_least(tokens, made)))
    taken = ~answer.known
    for start, end, _ in answer.spans:
        taken[start:end] = True
    for span in candidates:
        # the most probable come first, and what overlaps them is another reading of the same place
        if span.prob < LEAST or taken[span.start : span.end].any():
            continue
        taken[span.start : span.end] = True
        made = _missing(span, posterior.free_prob(span.start, span.end))
        found.append(replace(made, prob_tokens=_least(tokens, made)))
    return found


def span_findings(posterior: Any, answer: SpanAnswer) -> list[Finding]:
    """Findings of a span categoriser, whose spans may overlap and are judged each by itself.

    posterior (Spans): Of the document. A given span that the suggester does not suggest is not judged.
    answer (SpanAnswer): What is annotated.
    """
    spans = list(posterior.above(LEAST))
    places = {*zip(posterior.start.tolist(), posterior.end.tolist())}
    free = [s for s in spans if (s.start, s.end, s.label) not in answer.spans]
    found = []
    for start, end, label in sorted(answer.spans):
        if label not in posterior.labels or (start, end) not in places:
            continue
        given = posterior.prob(start, end, label)
        over = (s for s in free if s.start < end and start < s.end)
        # the most probable come first; each explains one mark
        other = next((s for s in over if s.prob >= 0.5 and s.prob > given), None)
        if other is None:
            found.append(Finding(start, end, label, given, None, 1 - given, SPURIOUS))
            continue
        free.remove(other)
        reason = LABEL if (other.start, other.end) == (start, end) else BOUNDARY
        proposed = other.start, other.end, other.label
        found.append(Finding(start, end, label, given, proposed, other.prob, reason))
    return found + [_missing(span, 1 - span.prob) for span in free]


def category_findings(posterior: Any, answer: dict[str, bool]) -> list[Finding]:
    """Findings of a text classifier: one a text where one category applies, else one for each category that was decided.

    posterior (Categories): Of the document. A text without exactly one category where they exclude each other is not judged, nor is a label that the model
        lacks.
    answer (dict): Label -> whether it applies.
    """
    probs = dict(zip(posterior.labels, posterior.probs.tolist()))
    if not posterior.exclusive:
        return [
            Finding(0, 0, label, probs[label], None, 1 - probs[label], EXTRA)
            if applies
            else Finding(0, 0, None, 1 - probs[label], (0, 0, label), probs[label], LACKING)
            for label, applies in sorted(answer.items())
            if label in probs
        ]
    given = [label for label, applies in answer.items() if applies]
    if len(given) != 1 or given[0] not in probs or len(probs) < 2:
        return []
    other = max((name for name in probs if name != given[0]), key=lambda name: probs[name])
    return [Finding(0, 0, given[0], probs[given[0]], (0, 0, other), probs[other], SWAPPED)]


def tag_findings(posterior: Any, answer: Sequence[str | None]) -> list[Finding]:
    """Findings of a tagger: one for each token that has a tag which the model knows.

    posterior (Tokens): Of the document.
    answer (Sequence): A tag a token, None where unknown.
    """
    place = {label: column for column, label in enumerate(posterior.labels)}
    found = []
    for token, tag in enumerate(answer):
        if tag is None or tag not in place or len(place) < 2:
            continue
        row = posterior.token_probs[token]
        others = row.copy()
        others[place[tag]] = -1.0
        best = int(numpy.argmax(others))
        proposed = token, token + 1, posterior.labels[best]
        given = float(row[place[tag]])
        found.append(Finding(token, token + 1, tag, given, proposed, float(row[best]), LABEL))
    return found


def n_marks(answer: Any) -> int:
    """How many marks an answer has that could be wrong: spans, tags, the one category, or decisions on each of several."""
    if isinstance(answer, SpanAnswer):
        return len(answer.spans)
    return len(answer) if isinstance(answer, dict) else sum(tag is not None for tag in answer)


def not_judged(answer: Any, findings: Iterable[Finding], exclusive: bool) -> list[str]:
    """The labels of given marks that no finding is about, sorted."""
    if isinstance(answer, SpanAnswer):
        seen = {(one.start, one.end, one.given) for one in findings}
        return sorted(mark[2] for mark in answer.spans if mark not in seen)
    if isinstance(answer, dict):
        if exclusive and sum(answer.values()) != 1:
            # it is no single category that could be right or wrong
            return []
        names = {one.given or (one.proposed[2] if one.proposed else "") for one in findings}
        return sorted(
            label
            for label, applies in answer.items()
            if label not in names and (applies or not exclusive)
        )
    judged = {one.start for one in findings}
    return sorted(tag for i, tag in enumerate(answer) if tag is not None and i not in judged)


def _given_probs(posterior: Any, answer: SpanAnswer) -> Floats:
    """(n_tokens,) probability that each token is in an entity of the label that it has, or in none if it has none; 1 where that is not known."""
    labels = [*posterior.labels]
    column = numpy.full(len(answer.known), len(labels))
    judged = answer.known.copy()
    for start, end, label in answer.spans:
        judged[start:end] = label in labels
        column[start:end] = labels.index(label) if label in labels else 0
    probs = posterior.token_probs[numpy.arange(len(column)), column]
    return numpy.where(judged, probs, 1.0)


def _least(tokens: Floats, finding: Finding) -> float:
    start, end = finding.tokens
    return float(tokens[start:end].min())


def _missing(span: Any, nothing: float) -> Finding:
    proposed = span.start, span.end, span.label
    return Finding(span.start, span.end, None, nothing, proposed, span.prob, MISSING)


# By the kind of what a person is asked for
JUDGES: dict[str, Callable[[Any, Any], list[Finding]]] = {
    "entities": entity_findings,
    "spans": span_findings,
    "tags": tag_findings,
    "categories": category_findings,
}
