"""Findings: against every analysis that there is, and one of each reason."""

from dataclasses import dataclass

import numpy
import pytest

from spacy_al import get_posteriors
from spacy_al.auditing.finding import EXTRA, LACKING, SWAPPED, describe_finding
from spacy_al.auditing.judge import (
    category_findings,
    entity_findings,
    n_marks,
    not_judged,
    span_findings,
    tag_findings,
)
from spacy_al.evaluation.gold import SpanAnswer
from spacy_al.measures.mark_errors import BOUNDARY, LABEL, MISSING, SPURIOUS
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.tokens import Tokens
from tests.helpers.ner_oracle import analyses, make_ner, random_doc, token_marginals


def answer(spans, n, known=None):
    mask = numpy.ones(n, dtype=bool)
    if known is not None:
        mask[:] = False
        mask[known] = True
    return SpanAnswer(frozenset(spans), mask)


def shares(expected, mark):
    """By brute force: exactly the mark, another label, nothing there, and an entity that overlaps."""
    start, end, _ = mark
    found = dict.fromkeys(("given", "label", "nothing", "boundary"), 0.0)
    for spans, p in expected.items():
        over = [s for s in spans if s[0] < end and start < s[1]]
        if not over:
            found["nothing"] += p
        elif mark in over:
            found["given"] += p
        elif any(s[:2] == (start, end) for s in over):
            found["label"] += p
        else:
            found["boundary"] += p
    return found


def test_reasons_are_what_every_analysis_says():
    pipelines = make_ner(scale=1.5, updates=3), make_ner(updates=30)
    rng, seen = numpy.random.default_rng(0), set()
    for k in range(24):
        nlp = pipelines[k % 2]
        doc = random_doc(nlp, rng, 5)
        (posterior,) = get_posteriors(nlp, [doc], epsilon=0.0)
        expected, _ = analyses(nlp.get_pipe("ner"), doc)
        start = int(rng.integers(4))
        mark = (start, start + int(rng.integers(1, 3)), str(rng.choice(["DRUG", "PER"])))
        own = shares(expected, mark)
        found = entity_findings(posterior, answer([mark], 5))
        (one,) = [finding for finding in found if finding.given]
        assert one.prob_given == pytest.approx(own["given"], abs=1e-5)
        rows = token_marginals(expected, 5, list(posterior.labels))
        column = list(posterior.labels).index(mark[2])
        start, end = one.tokens
        least = min(rows[i, column if mark[0] <= i < mark[1] else -1] for i in range(start, end))
        assert one.prob_tokens == pytest.approx(least, abs=1e-5)
        rest = {LABEL: own["label"], SPURIOUS: own["nothing"], BOUNDARY: own["boundary"]}
        assert rest[one.reason] == pytest.approx(max(rest.values()), abs=1e-5)
        if one.reason == SPURIOUS:
            assert one.proposed is None
            assert one.prob_proposed == pytest.approx(own["nothing"], abs=1e-5)
        seen.add(one.reason)
        for other in found:
            if other.given is None:
                assert other.reason == MISSING and other.proposed[:2] == (other.start, other.end)
                free = shares(expected, other.proposed)["nothing"]
                assert other.prob_given == pytest.approx(free, abs=1e-5)
                assert other.end <= mark[0] or mark[1] <= other.start
    assert seen >= {LABEL, SPURIOUS, BOUNDARY}


def test_what_nobody_has_annotated_is_not_missing():
    nlp = make_ner(scale=1.5, updates=3)
    doc = random_doc(nlp, numpy.random.default_rng(3), 6)
    (posterior,) = get_posteriors(nlp, [doc])
    assert entity_findings(posterior, answer([], 6))
    assert entity_findings(posterior, answer([], 6, known=[])) == []
    # a label that the model lacks is no sign that nothing is there
    strange = answer([(0, 6, "NOBODY")], 6)
    found = entity_findings(posterior, strange)
    assert found == [] and not_judged(strange, found, True) == ["NOBODY"]


SPANS = Spans(
    ("A", "B"),
    numpy.array([0, 0, 2, 4]),
    numpy.array([1, 2, 3, 5]),
    numpy.array([[0.05, 0.05], [0.1, 0.9], [0.02, 0.03], [0.95, 0.02]]),
    None,
    False,
    6,
)


def test_spans():
    given = answer([(0, 2, "A"), (2, 3, "A"), (0, 1, "B"), (5, 6, "A")], 6)
    found = {(one.start, one.end, one.given): one for one in span_findings(SPANS, given)}
    assert set(found) == {(0, 2, "A"), (2, 3, "A"), (0, 1, "B"), (4, 5, None)}
    # marks go in order, and what explains one explains no other
    assert found[0, 1, "B"].reason == BOUNDARY and found[0, 1, "B"].proposed == (0, 2, "B")
    assert found[0, 2, "A"].reason == SPURIOUS
    (one,) = span_findings(SPANS, answer([(0, 2, "A"), (4, 5, "A")], 6))[:1]
    assert one.reason == LABEL and one.proposed == (0, 2, "B")
    assert found[2, 3, "A"].reason == SPURIOUS
    assert found[2, 3, "A"].prob_proposed == pytest.approx(0.98)
    assert found[4, 5, None].reason == MISSING and found[4, 5, None].prob_given == pytest.approx(
        0.05
    )
    # what the suggester never suggests cannot be doubted
    assert not_judged(given, found.values(), False) == ["A"]


def test_one_category():
    posterior = Categories(("A", "B", "C"), numpy.array([0.1, 0.7, 0.2]), True)
    (one,) = category_findings(posterior, {"A": True, "B": False, "C": False})
    assert (one.given, one.proposed, one.reason) == ("A", (0, 0, "B"), SWAPPED)
    assert one.score == pytest.approx(0.9 * 0.7 / 0.8) and one.is_likely
    (one,) = category_findings(posterior, {"B": True})
    assert one.proposed == (0, 0, "C") and not one.is_likely
    assert category_findings(posterior, {"A": False}) == []
    assert category_findings(posterior, {"X": True}) == []
    assert not_judged({"X": True, "A": False}, [], True) == ["X"]


def test_several_categories():
    posterior = Categories(("A", "B", "C"), numpy.array([0.1, 0.7, 0.2]), False)
    found = category_findings(posterior, {"A": True, "B": False})
    assert [one.reason for one in found] == [EXTRA, LACKING]
    assert [one.prob_given for one in found] == pytest.approx([0.1, 0.3])
    assert all(one.is_likely for one in found)


def test_tags():
    posterior = Tokens(("N", "V"), numpy.array([[0.9, 0.1], [0.8, 0.2], [0.5, 0.5]]))
    found = tag_findings(posterior, ["V", None, "N"])
    assert [(one.start, one.given, one.proposed[2], one.reason) for one in found] == [
        (0, "V", "N", LABEL),
        (2, "N", "V", LABEL),
    ]
    assert found[0].score == pytest.approx(0.81) and not found[1].is_likely
    assert not_judged(["V", "X", "N"], found, True) == ["X"]


@dataclass
class Other:
    given: str | None
    proposed: tuple | None
    reason: str
    prob_given: float = 0.1
    prob_proposed: float = 0.8


@pytest.mark.parametrize(
    "one, words, said",
    [
        (Other("A", (0, 1, "B"), LABEL), ["x", "x"], "“x” as A has 0.10, and as B 0.80."),
        (
            Other("A", (0, 2, "A"), BOUNDARY),
            ["x", "x y"],
            "“x” as A has 0.10, and “x y” as A 0.80.",
        ),
        (
            Other("A", None, SPURIOUS),
            ["x", "x"],
            "“x” as A has 0.10; that nothing is there has 0.80.",
        ),
        (
            Other(None, (0, 1, "A"), MISSING),
            ["x", "x"],
            "Nothing is marked at “x”, which has 0.10; as A it has 0.80.",
        ),
        (Other("A", (0, 0, "B"), SWAPPED), None, "A has 0.10, and B 0.80."),
        (Other("A", None, EXTRA), None, "A is given, and has 0.10."),
        (Other(None, (0, 0, "B"), LACKING), None, "B is not given, and has 0.80."),
    ],
)
def test_one_sentence(one, words, said):
    assert describe_finding(one, words) == said


def test_marks_are_counted():
    assert n_marks(answer([(0, 1, "A")], 3)) == 1
    assert n_marks({"A": True, "B": False}) == 2
    assert n_marks(["N", None]) == 1
