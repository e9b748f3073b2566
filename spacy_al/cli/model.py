"""The pipeline that a command is given."""

import spacy
from spacy.language import Language

from spacy_al.errors import AlError, Errors


def load(model: str) -> Language:
    """A pipeline from a directory or an installed package.

    RAISES (AlError): AL055 if there is none.
    """
    try:
        return spacy.load(model)
    except (OSError, ImportError, ValueError, KeyError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise AlError(Errors.AL055.format(name=model, why=why)) from error
