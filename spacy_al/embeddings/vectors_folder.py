"""Static vectors as a pipeline of no components in a folder, with a note on what they were made of."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy.vectors import Vectors

from spacy_al.corpus.folder import replacing_folder
from spacy_al.errors import AlError, Errors
from spacy_al.util import why_not

META, KEY = "meta.json", "distilled"
# What spaCy reads of it
PARTS = ("config.cfg", "tokenizer", "vocab/vectors", "vocab/vectors.cfg")


def write_vectors(folder: Path, lang: str, vectors: Vectors, about: Mapping[str, Any]) -> None:
    """Save a blank pipeline with vectors, which appears under its name only when it is whole.

    about (Mapping): What they were made of, for `meta.json`.
    RAISES (AlError): AL047, AL306. What was there before stays.
    """
    check_replaceable(folder)
    nlp = spacy.blank(lang)
    nlp.vocab.vectors = vectors
    nlp.meta["name"] = KEY
    nlp.meta["description"] = "Static vectors of words, distilled from a pool by spacy-al distill"
    nlp.meta[KEY] = dict(about)
    with replacing_folder(folder) as place:
        nlp.to_disk(place)


def read_about(folder: Path) -> dict[str, Any]:
    """What `write_vectors` noted; nothing where there is no such folder, or parts of it are gone."""
    if not all((folder / part).exists() for part in PARTS):
        return {}
    return _noted(folder)


def check_replaceable(folder: Path) -> None:
    """RAISES (AlError): AL306 if the folder is there and holds something else, which would be deleted; AL046."""
    try:
        free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise AlError(Errors.AL046.format(path=folder, why=why_not(error))) from error
    if not free and not _noted(folder):
        raise AlError(Errors.AL306.format(path=folder))


def _noted(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / META).read_text("utf8"))[KEY]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return about if isinstance(about, dict) else {}
