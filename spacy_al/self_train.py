"""Self-training: whole texts that the model is sure of train beside what people labelled, each round's own, and not too often.

Pseudo-labels outnumber answers soon, and a model that learns its own mistakes keeps them (Yarowsky, 1995; Scudder, 1965). So the
reader of a corpus passes over most of them in each pass, other ones each time.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.corpus import create_docbin_reader

from spacy_al.data.annotate import SELF
from spacy_al.errors import Errors, UsageError


@spacy.registry.readers("spacy-al.Corpus.v1")
def make_corpus(
    path: Path | None,
    rate: float = 0.1,
    seed: int = 0,
    gold_preproc: bool = False,
    max_length: int = 0,
    limit: int = 0,
    augmenter: Callable[..., Any] | None = None,
) -> Callable[[Language], Iterable[Example]]:
    """spaCy's own corpus, without most of the texts that nobody but a model has labelled.

    rate (float): The share of such texts that each pass over the corpus sees.
    seed (int): Of which.
    path, gold_preproc, max_length, limit, augmenter: As of `spacy.Corpus.v1`.
    RETURNS (Callable): Takes the pipeline, and gives the examples of one pass.
    RAISES (UsageError): AL221 for a rate that is none.
    """
    # written so that NaN is refused as well
    if not 0 <= rate <= 1:
        raise UsageError(Errors.AL221.format(value=rate))
    corpus = create_docbin_reader(path, gold_preproc, max_length, limit, augmenter)
    return partial(sampled, corpus, rate, numpy.random.default_rng(seed))


def sampled(
    corpus: Callable[[Language], Iterable[Example]],
    rate: float,
    rng: numpy.random.Generator,
    nlp: Language,
) -> Iterator[Example]:
    """One pass over a corpus; see `make_corpus`."""
    for example in corpus(nlp):
        if not is_self_labelled(example.reference) or rng.random() < rate:
            yield example


def is_self_labelled(doc: Doc) -> bool:
    """Whether nobody but a model has labelled any of a text."""
    return len(doc) > 0 and sum(len(span) for span in doc.spans.get(SELF, ())) == len(doc)
