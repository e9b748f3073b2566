"""The texts that somebody wants to be forgotten, found in the pool and in the run by their ids, documents, or what is known of those."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.corpus.captured import captured_id, captured_meta, read_captures
from spacy_al.corpus.dates import meta_value
from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.pool import shards
from spacy_al.corpus.record_removal import ID
from spacy_al.corpus.shard import read_bare
from spacy_al.errors import AlError, Errors
from spacy_al.store.store import Store
from spacy_al.util import content_hash


@dataclass(frozen=True)
class Wanted:
    """Which texts are to be forgotten.

    ids (Collection[str]): Their ids, or names that have one in them, as those of questions do.
    docs (Collection[str]): All texts of these documents.
    fields (Mapping[str, str]): All texts that were ingested with these values in their meta.
    """

    ids: Collection[str] = ()
    docs: Collection[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ids or self.docs or self.fields)


def find_texts(
    project: Project, wanted: Wanted, before: Forgotten, captured: Iterable[Path] = ()
) -> tuple[dict[str, str], frozenset[str]]:
    """The texts that are wanted, or were forgotten before and are still there, by their ids; and the ids of those that were captured
    without their texts.

    captured (Iterable[Path]): Files of `al_capture`, which know texts that no pool has.
    before (Forgotten): What was forgotten before, which is no error; nor is anything where that was interrupted.
    RAISES (AlError): AL341 for what neither the pool nor the run knows; as the readers of both.
    """
    assert project.settings.pool is not None
    ids = {one for name in wanted.ids for one in ID.findall(name)}
    all_ids, docs = ids | before.ids, {*wanted.docs}
    found, seen, bare = dict[str, str](), set[tuple[str, str]](), set[str]()

    def look_at(text: str | None, source: Mapping[str, Any], id: str) -> None:
        meta = source.get("meta")
        fields = {
            pair for pair in wanted.fields.items() if str(meta_value(meta, pair[0])) == pair[1]
        }
        seen.update(fields)
        if (doc := source.get("doc")) in docs:
            seen.add(("doc", str(doc)))
        if id in all_ids or fields or doc in docs:
            if text is None:
                bare.add(id)
            else:
                found[id] = text

    for shard in shards(project.settings.pool):
        for stored in read_bare(shard):
            look_at(stored.text, stored.source, content_hash(stored.text))
    if project.database.is_file():
        with Store(project.database, create=False) as store:
            for task in store.tasks():
                look_at(task.task["text"], task.task.get("meta", {}), task.item)
    for record in (record for path in captured for record in read_captures(path)):
        source = {"doc": captured_id(record), "meta": captured_meta(record)}
        look_at(record.get("text"), source, str(record.get("hash")))
    known = {*found, *bare, *before.ids}
    lacking = [name for name in wanted.ids if not {*ID.findall(name)} & known]
    lacking += [f"--doc {name}" for name in wanted.docs if ("doc", name) not in seen]
    lacking += [
        f"{name}={said}" for name, said in wanted.fields.items() if (name, said) not in seen
    ]
    if lacking and before.is_done:
        raise AlError(Errors.AL341.format(pool=project.settings.pool, what=", ".join(lacking)))
    return found, frozenset(bare)
