"""The list of texts that were forgotten: hashes alone, kept where a text could come back, so that it does not."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, Errors
from spacy_al.util import content_hash

FILE = "forgotten.json"
# Of what stands before and after a text at most so much is kept beside it
CONTEXT_CHARS = 1000


@dataclass(frozen=True)
class Forgotten:
    """Texts that are to be nowhere.

    ids (frozenset[str]): Their hashes.
    parts (frozenset[str]): Hashes of the ends of long ones, which stand beside their neighbours.
    rounds (frozenset[int]): Of a run, whose models were trained with one of them and are still there.
    is_done (bool): False from the moment when the list is written until they are nowhere.
    """

    ids: frozenset[str] = field(default_factory=frozenset)
    parts: frozenset[str] = field(default_factory=frozenset)
    rounds: frozenset[int] = field(default_factory=frozenset)
    is_done: bool = True

    def has(self, text: object) -> bool:
        """Whether it is one of them."""
        return bool(self.ids) and isinstance(text, str) and content_hash(text) in self.ids

    def has_part(self, text: object) -> bool:
        """Whether it is one of them, or as much of one as is kept beside a neighbour."""
        return bool(text) and isinstance(text, str) and content_hash(text) in self.ids | self.parts

    def __or__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(
            self.ids | other.ids,
            self.parts | other.parts,
            self.rounds | other.rounds,
            self.is_done and other.is_done,
        )


def hashes_of(texts: Iterable[str]) -> Forgotten:
    """The hashes of texts."""
    ids, parts = set(), set()
    for text in texts:
        ids.add(content_hash(text))
        if len(text) > CONTEXT_CHARS:
            parts |= {content_hash(text[-CONTEXT_CHARS:]), content_hash(text[:CONTEXT_CHARS])}
    return Forgotten(frozenset(ids), frozenset(parts))


def list_of_pool(pool: Path) -> Path:
    """Where the list of a pool stands: beside it, since a pool may be replaced as a whole."""
    pool = pool.resolve()
    return pool.with_name(f"{pool.name}.{FILE}")


def read_list(path: Path) -> Forgotten:
    """A list; an empty one where there is no file. RAISES (AlError): AL344 if it is damaged: nobody would know what is to stay away."""
    if not path.is_file():
        return Forgotten()
    try:
        found = json.loads(path.read_text("utf8"))
        ids, parts = (frozenset(map(str, found[name])) for name in ("texts", "parts"))
        rounds = frozenset(map(int, found["rounds"]))
        return Forgotten(ids, parts, rounds, bool(found["is_done"]))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AlError(Errors.AL344.format(path=path, why=error)) from None


def write_list(path: Path, forgotten: Forgotten) -> None:
    """Write a list; it is on disk when this returns. RAISES (AlError): AL047."""
    found: dict[str, Any] = {"texts": sorted(forgotten.ids), "parts": sorted(forgotten.parts)}
    found |= {"rounds": sorted(forgotten.rounds), "is_done": forgotten.is_done}
    with writing(path) as file:
        file.write(json.dumps(found) + "\n")
