"""What a model was made from, kept beside it, so that it is used again for the same alone.

A folder with a model in it says nothing of the corpus, the config or the code that made it: any of them may have changed since,
or the store may have been restored from a backup.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spacy.util import is_package, load_config

from spacy_al.config.components import pipeline_folder
from spacy_al.corpus.shard import writing
from spacy_al.embeddings.encoder import CACHE, find_model
from spacy_al.errors import AlError
from spacy_al.posteriors.temperature import FILE as CALIBRATION
from spacy_al.util import versions

FILE = "made_from.json"
MODEL = "the model itself"
# A new version of any of them is no reason to make a model again
VERSIONS = "versions"
# Settings of the loop, and paths, which count by what lies there
LEFT_OUT = ("al", "paths")
# Settings that name files; any other value is a path if it looks like one
NAMES = ("path", "source", "vectors", "init_tok2vec")
ENCODER = "encoder"
# What is written about a model, beside its weights
CARD = "model_card.md"


def inputs(config: Path, code: Path | None = None) -> dict[str, Any]:
    """All that a training reads: settings by dotted name; files, folders and installed pipelines that they name by hashes of their content.

    config (Path): Of the training.
    code (Path | None): Python file that registers functions.
    """
    made = load_config(config, interpolate=True)
    own = config.parent.resolve()
    found = dict(_flat({name: made[name] for name in made if name not in LEFT_OUT}, own))
    found["code"] = hash_of(code) if code else None
    return found


def sign(folder: Path, made_from: Mapping[str, Any], result: Path) -> None:
    """Keep what something was made from.

    folder (Path): Gets the file.
    made_from (Mapping): As `inputs` gives it.
    result (Path): What was made: a file, or a folder of a model.
    """
    with writing(folder / FILE) as file:
        file.write(
            json.dumps({**made_from, MODEL: hash_of(result), VERSIONS: versions()}, indent=1) + "\n"
        )


def changed_since(folder: Path, made_from: Mapping[str, Any], result: Path) -> list[str]:
    """What is other than when something was made: names of settings and files. Nothing if that was not kept, as before version 0.2.

    folder, made_from, result: As for `sign`.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        before = json.loads(path.read_text("utf8"))
        before.pop(VERSIONS, None)
    except (ValueError, AttributeError, TypeError):
        return [FILE]
    now = json.loads(json.dumps({**made_from, MODEL: hash_of(result)}))
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def made_by(folder: Path) -> dict[str, str]:
    """The versions that made what is in a folder; nothing where they were not kept."""
    try:
        found = json.loads((folder / FILE).read_text("utf8"))[VERSIONS]
        return {str(name): str(value) for name, value in found.items()}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return {}


def hash_of(path: Path) -> str | None:
    """A hash of a file or of all files of a folder, but for temperatures and cards, which come later; None where nothing is."""
    if path.is_file():
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return hash_folder(path) if path.is_dir() else None


def hash_folder(folder: Path) -> str:
    """A hash of the names and the content of the files of a model; spacy-al's own temperature among them is left out, and its card."""
    digest = hashlib.blake2b(digest_size=16)
    files = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    for name in sorted(set(files) - {CALIBRATION, CARD}):
        digest.update(
            name.encode("utf8") + b"\0" + hashlib.blake2b(files[name].read_bytes()).digest()
        )
    return digest.hexdigest()


def _flat(block: Mapping[str, Any], own: Path, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flat(value, own, f"{prefix}{name}.")
        elif name != CACHE:
            path = _named(name, value) if value and isinstance(value, str) else None
            if path is not None and path.resolve() in (own, *own.parents):
                # what a training writes to holds what it is to make
                yield f"{prefix}{name}", os.path.relpath(path, own)
                continue
            found = hash_of(path) if path is not None else None
            yield f"{prefix}{name}", value if found is None else found


def _named(name: str, value: str) -> Path | None:
    """The file or folder that the value of a setting names, or where the package lies that it names; None for any other value."""
    if name == ENCODER:
        try:
            return find_model(value)[0]
        except AlError:
            return None
    if is_package(value):
        try:
            return pipeline_folder(value)
        except (OSError, ValueError):
            # a package of another kind is not what spaCy loads
            pass
    return Path(value) if name in NAMES or Path(value).name != value else None
