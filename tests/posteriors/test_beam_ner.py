"""The globally normalised posterior against brute force, and a wide beam against it."""

import numpy
import pytest
import spacy

from spacy_al import get_posteriors
from tests.helpers.ner_oracle import analyses, make_ner, random_doc
from tests.posteriors.test_ner import compare, preset_docs

VARIANTS = {
    "default": {},
    "shared encoder": {"shared": True},
    "no upper layer": {"use_upper": False},
    "one piece": {"maxout_pieces": 1},
    "six-token state": {"extra_state_tokens": True},
    "trained": {"updates": 20},
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def nlp(request):
    return make_ner(factory="beam_ner", **VARIANTS[request.param])


@pytest.mark.slow
def test_equals_brute_force(nlp):
    rng = numpy.random.default_rng(1)
    docs = [
        random_doc(nlp, rng, int(rng.integers(0, 6)), starts=True, spaces=True) for _ in range(10)
    ]
    compare(nlp, docs, name="beam_ner", normalized="globally")
    compare(nlp, preset_docs(nlp, rng, 6, name="beam_ner"), name="beam_ner", normalized="globally")


@pytest.mark.slow
def test_a_wide_beam_approaches_it():
    nlp = make_ner(factory="beam_ner", updates=20)
    rng = numpy.random.default_rng(2)
    pipe = nlp.get_pipe("beam_ner")
    docs = [random_doc(nlp, rng, 6) for _ in range(5)]
    far = []
    for width in (2, 16, 2000):
        beams = pipe.beam_parse(docs, beam_width=width)
        worst = 0.0
        for posterior, scores in zip(get_posteriors(nlp, docs), pipe.scored_ents(beams)):
            for span in posterior.spans:
                worst = max(
                    worst, abs(scores.get((span.start, span.end, span.label), 0.0) - span.prob)
                )
        far.append(worst)
    assert far[0] > far[2] and far[2] < 1e-6


def test_conditioning():
    nlp = make_ner(factory="beam_ner")
    doc = random_doc(nlp, numpy.random.default_rng(3), 4)
    expected, _ = analyses(nlp.get_pipe("beam_ner"), doc, normalized="globally")
    kept = {spans: p for spans, p in expected.items() if (1, 3, "PER") in spans}
    given = get_posteriors(nlp, [doc])[0].condition(accept=[(1, 3, "PER")])
    for spans in kept:
        for span in spans:
            p = sum(p for other, p in kept.items() if span in other) / sum(kept.values())
            assert given.prob(*span) == pytest.approx(p, abs=1e-5)


def test_what_lies_beyond_the_longest_entity_is_said():
    nlp = make_ner(factory="beam_ner")
    rng = numpy.random.default_rng(4)
    short, long = get_posteriors(nlp, [random_doc(nlp, rng, 100), random_doc(nlp, rng, 101)])
    assert short.missed_mass == 0 and long.missed_mass == 1
    assert long.prob(0, 101, "PER") > 0


def test_presets_longer_than_the_longest_entity():
    nlp = make_ner(factory="beam_ner")
    doc = random_doc(nlp, numpy.random.default_rng(5), 130)
    doc.set_ents([spacy.tokens.Span(doc, 0, 120, label="PER")], default="missing")
    posterior = get_posteriors(nlp, [doc])[0]
    assert posterior.token_probs[0] == pytest.approx([0, 1, 0])
    assert (posterior.best[0].start, posterior.best[0].end) == (0, 120)
