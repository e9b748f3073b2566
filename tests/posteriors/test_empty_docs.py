"""Documents without a token, and of one token of white space: every reader, at any temperature, and what is measured of them."""

import numpy
import pytest

from spacy_al import get_posteriors
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.registry import al_acquisitions
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import COMPONENTS, TEXTCATS, make

TEXTS = (["", " ", "\n", "all slept"], [""], [" "], ["\n\n", ""])
ENTITIES = ["ner", "beam_ner"]


@pytest.fixture(scope="module", params=COMPONENTS + ENTITIES)
def nlp(request):
    name = request.param
    return make_ner(factory=name, updates=3) if name in ENTITIES else make(name)


def arrays(posterior):
    names = ("probs", "negative", "token_probs")
    return [a for name in names if (a := getattr(posterior, name, None)) is not None]


@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.filterwarnings("error")
def test_a_temperature_afterwards_is_one_from_the_start(nlp, texts):
    docs = [nlp.make_doc(text) for text in texts]
    [name] = nlp.pipe_names
    pipe = nlp.get_pipe(name)
    raw = get_posteriors(nlp, docs, temperature=1.0)
    temperatures = [1.0, 2.5, 0.4]
    if name in TEXTCATS:
        scale = dict.fromkeys(pipe.labels, 1.5)
        temperatures.append({"scale": scale, "bias": dict.fromkeys(pipe.labels, -0.5)})
    with numpy.errstate(all="raise", under="ignore"):
        for temperature in temperatures:
            found = at_temperature(pipe, raw, temperature)
            assert len(found) == len(docs)
            for one, other in zip(found, get_posteriors(nlp, docs, temperature=temperature)):
                for before, after in zip(arrays(one), arrays(other), strict=True):
                    assert numpy.isfinite(before).all()
                    numpy.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.filterwarnings("error")
def test_every_acquisition_scores_them(nlp, texts):
    posteriors = get_posteriors(nlp, [nlp.make_doc(text) for text in texts])
    scored = 0
    # other tests register some of their own
    ours = {n: one for n, one in al_acquisitions.get_all().items() if n.startswith("spacy-al.")}
    for name, make_one in ours.items():
        try:
            scores = make_one()(posteriors)
        except (TypeError, ValueError) as error:
            # one that needs settings, or another kind of posterior, a committee or a teacher
            needs = isinstance(error, TypeError) and "argument" in str(error)
            assert needs or getattr(error, "code", "") in ("AL020", "AL231", "AL440"), name
            continue
        scored += 1
        assert scores.shape == (len(texts),)
        assert numpy.isfinite(scores).all() and (scores >= 0).all(), name
        # nothing can be learned where nothing can be marked
        if nlp.pipe_names[0] not in TEXTCATS:
            assert all(score == 0 for text, score in zip(texts, scores) if not text), name
    assert scored
