"""Texts taken out of what a teacher said: where an entity begins tells of a text."""

from pathlib import Path

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.removal import Removed
from spacy_al.teachers.said_cache import SaidBatch, read_said_batch, write_said_batch


def remove_from_said(path: Path, gone: Forgotten, *, dry: bool = False) -> Removed:
    """Take texts out of one file of a teacher's; the calls that they took stay counted.

    A damaged file goes as a whole: what it holds cannot be told, and the teacher is asked again when it is needed.
    """
    try:
        batch = read_said_batch(path)
    except ValueError:
        if not dry:
            path.unlink()
        return Removed(texts=1)
    said = {id_: one for id_, one in batch.said.items() if id_ not in gone.ids}
    failed = {id_: why for id_, why in batch.failed.items() if id_ not in gone.ids}
    removed = Removed(texts=len(batch.said) + len(batch.failed) - len(said) - len(failed))
    if removed and not dry:
        write_said_batch(path, SaidBatch(batch.calls, said, failed))
    return removed
