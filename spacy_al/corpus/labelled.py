"""The texts that are labelled already, so that they are never asked again."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare, read_shard
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.util import content_hash, why_not


def labelled_ids(path: Path) -> set[str]:
    """The ids of the texts in a labelled corpus or a file of tasks.

    path (Path): A `.spacy` file, a folder of them, or a `.jsonl` of tasks, answered or not.
    RETURNS (set[str]): Hashes of the texts, the ids of the same texts in a pool.
    RAISES (AlError): As `shards` and `read_shard`: leaving out part of it would ask for labels that are
        already there. Another kind of file is AL060. Lines of tasks that cannot be read are counted in
        a warning, since the last one of a file that is being written may be half a line.
    """
    if path.exists() and path.is_file() and path.suffix == ".jsonl":
        return _task_ids(path)
    if path.exists() and path.is_file() and path.suffix != ".spacy":
        raise AlError(Errors.AL060.format(path=path))
    return {content_hash(doc.text) for shard in shards(path) for doc in read_bare(shard)}


def labelled_docs(paths: Sequence[Path], nlp: Language) -> dict[str, Doc]:
    """The labelled texts, each once, as they are stored.

    Files of tasks have no labels and are passed over, and so are texts that a pool could not hold: empty ones, white space,
    longer ones than the pipeline takes.

    paths (Sequence[Path]): `.spacy` files or folders of them; of a text in several, the first counts.
    nlp (Language): Its vocab and its greatest length are used.
    RETURNS (dict[str, Doc]): By the hash of the text.
    RAISES (AlError): As `shards` and `read_shard`.
    """
    found: dict[str, Doc] = {}
    for path in paths:
        for shard in shards(path) if path.suffix != ".jsonl" else ():
            for doc in read_shard(shard, nlp.vocab):
                if doc.text.strip() and len(doc.text) <= nlp.max_length:
                    found.setdefault(content_hash(doc.text), doc)
    return found


def _task_ids(path: Path) -> set[str]:
    ids, bad = set(), []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    ids.add(content_hash(json.loads(line)["text"]))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    bad.append(f"{path.name}:{number}")
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error
    if bad:
        message = Warnings.W042.format(count=len(bad), path=path, first=bad[0])
        warnings.warn(message, AlWarning, stacklevel=3)
    return ids
