"""Batches told apart by arrays are told apart as spaCy does it."""

import pytest
import spacy
from spacy.pipeline.tok2vec import Tok2VecListener

from spacy_al.processes import listeners


@pytest.fixture
def both(monkeypatch):
    theirs = Tok2VecListener.get_batch_id
    monkeypatch.setattr(Tok2VecListener, "get_batch_id", theirs)
    listeners.tell_batches_fast()
    return theirs, Tok2VecListener.get_batch_id


def test_the_number_is_that_of_spacy(both):
    theirs, ours = both
    nlp = spacy.blank("en")
    batches = [[], [nlp.make_doc("")], [nlp.make_doc("a b"), nlp.make_doc("c")]]
    for batch in batches:
        # sums of one doc wrap around in 64 bits, which no two batches of a training notice
        assert ours(batch) % 2**64 == theirs(batch) % 2**64
    assert len({ours(batch) for batch in batches}) == 2


def test_a_shared_encoder_learns_as_before(both):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec")
    tok2vec = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}
    model = {"@architectures": "spacy.Tagger.v2", "tok2vec": tok2vec}
    nlp.add_pipe("tagger", config={"model": model})
    from spacy.training import Example

    docs = [Example.from_dict(nlp.make_doc("a b"), {"tags": ["X", "Y"]})]
    sgd = nlp.initialize(lambda: docs)
    losses = [nlp.update(docs, sgd=sgd)["tagger"] for _ in range(20)]
    assert losses[-1] < losses[0]
