"""Texts taken out of records: JSON values as they stand in files and in the database of a run."""

import re
from typing import Any

from spacy_al.corpus.captured import is_captured
from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.removal import AROUND, Removed

ID = re.compile(r"[0-9a-f]{16}")


def is_record_of(record: Any, gone: Forgotten) -> bool:
    """Whether a record is one of a text: a task, an answered one, one of Label Studio's, a captured one, or its id."""
    if isinstance(record, str):
        return names_text(record, gone)
    if not isinstance(record, dict):
        return False
    if is_captured(record) and record.get("hash") in gone.ids:
        # which may be kept without its text
        return True
    data = record.get("data")
    inner = data.get("text") if isinstance(data, dict) else None
    return gone.has(record.get("text")) or gone.has(inner)


def names_text(name: str, gone: Forgotten) -> bool:
    """Whether a name has the id of a text in it, as that of a question about it has."""
    return any(one in gone.ids for one in ID.findall(name))


def remove_from_record(value: Any, gone: Forgotten) -> tuple[Any, Removed]:
    """A JSON value without what belongs to texts: what is kept by their ids, ids in lists, and what stands beside their neighbours.

    RETURNS (tuple): The value, the same where nothing of them was in it; and counts.
    """
    removed = Removed()
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        for name, one in value.items():
            if names_text(name, gone):
                removed += Removed(texts=1)
            elif name in AROUND and gone.has_part(one):
                made[name], removed = "", removed + Removed(contexts=1)
            else:
                made[name], more = remove_from_record(one, gone)
                removed += more
        return (made, removed) if removed else (value, removed)
    if isinstance(value, list):
        kept = []
        for one in value:
            if isinstance(one, str) and (names_text(one, gone)):
                removed += Removed(texts=1)
                continue
            clean, more = remove_from_record(one, gone)
            kept.append(clean)
            removed += more
        return (kept, removed) if removed else (value, removed)
    return value, removed


def remove_records(records: list[Any], gone: Forgotten) -> tuple[list[Any], Removed]:
    """A list of records without those of texts, the others as `remove_from_record` leaves them."""
    kept, removed = [], Removed()
    for record in records:
        if is_record_of(record, gone):
            removed += Removed(texts=1)
            continue
        clean, more = remove_from_record(record, gone)
        kept.append(clean)
        removed += more
    return kept, removed
