"""How much there is to label in a document, whether the model is sure of it or not."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy

from spacy_al import registry
from spacy_al.acquisition.inputs import category_rows, misfit, span_rows, token_rows
from spacy_al.acquisition.reduce import reduce
from spacy_al.types import Acquisition, Floats, posterior_kind

NAME = "tag_count"


@registry.al_acquisitions("spacy-al.tag_count.v1")
def make_tag_count(expected: bool = True) -> Acquisition:
    """The number of words in entities, of spans, or of categories (Esuli et al., 2010; Kohl et al., 2024, call it tag count).

    It is no uncertainty: of a model that is sure it is not 0. The papers count words whose most probable tag is that of an
    entity; by default this is the expected number of words in entities instead, which also tells texts apart in which a
    young model predicts nothing yet.

    expected (bool): Whether it is the sum of the probabilities; else how many are more probable than not, for words in
        entities: how many are least probably outside of all.
    RETURNS (Acquisition): Posteriors of entities, spans or multilabel categories -> scores (n_docs,), 0 or more.
    """
    return partial(tag_count, expected=expected)


def tag_count(posteriors: Sequence[Any], expected: bool = True) -> Floats:
    """Numbers of what is found; see `make_tag_count`.

    RAISES (AlError): AL020 for another kind, AL021 for NaN or logits.
    """
    # a batch comes from one component; a stray posterior of another kind is refused where it is read
    kind = posterior_kind(posteriors[0]) if len(posteriors) else "spans"
    if kind == "entities":
        rows, lengths = token_rows(posteriors, NAME)
        outside = rows[:, -1]
        found = 1.0 - outside if expected else (rows[:, :-1].max(axis=1, initial=0.0) > outside)
    elif kind in ("multilabel categories", "spans"):
        several = kind == "multilabel categories"
        rows, lengths = (
            category_rows(posteriors, NAME, exclusive=False)
            if several
            else span_rows(posteriors, NAME)
        )
        found = rows if expected else rows > 0.5
    else:
        misfit(posteriors[0], NAME, "the probabilities of entities, spans or multilabel categories")
    # rows of single precision may sum to a little more than 1
    return reduce(numpy.maximum(found.astype("f8").reshape(lengths.sum()), 0.0), lengths, "sum")
