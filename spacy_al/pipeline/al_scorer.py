"""The pipeline component that writes acquisition scores on documents."""

from spacy.language import Language

import spacy_al  # noqa: F401  registers what a config can name


def make_al_scorer(nlp: Language, name: str) -> None:
    raise NotImplementedError
