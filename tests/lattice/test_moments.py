"""Moments of the number of segments, against all analyses one by one."""

import numpy
import pytest
from numpy.testing import assert_allclose

from spacy_al import get_posteriors
from spacy_al.lattice import nbest
from spacy_al.lattice.moments import segment_moments
from tests.helpers.ner_oracle import make_ner


@pytest.fixture(scope="module")
def nlp():
    return make_ner(updates=3)


def test_they_are_those_of_all_analyses(nlp):
    texts = ["Ada met Bob", "Dr Smith gave him aspirin", "No"]
    posteriors = get_posteriors(nlp, [nlp.make_doc(text) for text in texts])
    source = posteriors[0].source
    assert all(posterior.source is source for posterior in posteriors)
    found = segment_moments(source.chain, *source.greedy_spans)
    assert found.shape == (3, 5)
    for posterior in posteriors:
        row = found[posterior.index]
        named = {(s.start, s.end, posterior.labels.index(s.label)) for s in posterior.greedy}
        analyses = nbest(source.chain.document(posterior.index), 3000)
        probs = numpy.exp([logp for logp, _ in analyses])
        assert probs.sum() > 0.99
        hits = numpy.array([len(named & {*segments}) for _, segments in analyses])
        sizes = numpy.array([len(segments) for _, segments in analyses])
        probs = probs / probs.sum()
        a, b = probs @ hits, probs @ sizes
        wanted = [a, b, probs @ (hits - a) ** 2, probs @ ((hits - a) * (sizes - b)), probs @ (sizes - b) ** 2]  # fmt: skip
        assert_allclose(row, wanted, atol=0.03)
