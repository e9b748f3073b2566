"""What a notebook shows of a posterior: the numbers that it has, and labels as text."""

import re
from html import unescape

import numpy
import pytest
import spacy

from spacy_al import get_posteriors
from spacy_al.posteriors.category import Categories
from spacy_al.posteriors.notebook import MOST
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.tokens import Tokens
from tests.helpers.ner_oracle import make_ner

HOSTILE = "<script>alert(1)</script>"


def rows(html):
    found = re.findall(r"<tr>((?:<td>.*?</td>)+)</tr>", html)
    return [[unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", row)] for row in found]


def test_entities_are_the_most_probable_spans():
    nlp = make_ner(("DRUG", "PERSON"), updates=5)
    [posterior] = get_posteriors(nlp, [nlp.make_doc("Dr Smith gave him two mg of aspirin")])
    html = posterior._repr_html_()
    shown = [
        [f"tokens {s.start} to {s.end - 1}", s.label, f"{s.prob:.3f}"] for s in posterior.spans
    ]
    assert rows(html) == shown[:MOST] and len(shown) > MOST
    assert f"<p>{len(shown) - MOST} more</p>" in html
    assert "8 tokens" in html and f"{posterior.entropy:.2f} nats" in html


def test_a_doc_without_tokens_is_an_empty_table():
    nlp = make_ner(("DRUG", "PERSON"), updates=5)
    [posterior] = get_posteriors(nlp, [spacy.tokens.Doc(nlp.vocab)])
    assert rows(posterior._repr_html_()) == []


@pytest.mark.parametrize("exclusive, said", [(True, "Exactly one"), (False, "Each may apply")])
def test_categories_come_by_their_probability(exclusive, said):
    html = Categories(("A", HOSTILE, "B"), numpy.array([0.1, 0.7, 0.2]), exclusive)._repr_html_()
    assert rows(html) == [[HOSTILE, "0.700"], ["B", "0.200"], ["A", "0.100"]]
    assert said in html and "<script>" not in html


def test_spans_and_tokens():
    probs = numpy.array([[0.25, 0.5], [0.9, 0.0]])
    one = Spans(("A", HOSTILE), numpy.array([0, 1]), numpy.array([2, 3]), probs, None, False, 3)
    assert rows(one._repr_html_()) == [
        ["tokens 1 to 2", "A", "0.900"],
        ["tokens 0 to 1", HOSTILE, "0.500"],
        ["tokens 0 to 1", "A", "0.250"],
    ]
    tokens = Tokens(("A", HOSTILE), numpy.array([[0.9, 0.1], [0.4, 0.6]]))
    assert rows(tokens._repr_html_()) == [
        ["token 1", HOSTILE, "0.600"],
        ["token 0", "A", "0.900"],
    ]
