"""What a teacher has said, as marks over the tokens of documents: for scoring, for showing, and for training."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spacy.tokens import Doc

from spacy_al.config.settings import Settings
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.tasks.decision import Mark
from spacy_al.teachers.ask import said_folder
from spacy_al.teachers.said import marks_on
from spacy_al.teachers.said_cache import SaidCache
from spacy_al.teachers.teacher import teacher_hash
from spacy_al.util import content_hash

# How many of them are named in words
NAMED = 3


@dataclass(frozen=True)
class TeacherMarks:
    """The marks of one teacher. Plain data, so that it travels to other processes, which open the cache themselves.

    folder (Path): Of the cache.
    hash (str): The teacher's.
    kind (str): "entities", "spans", "tags" or "categories".
    exclusive (bool): Whether exactly one category applies.
    names (Mapping): The labels of the run by those of the teacher; empty where they are the same.
    """

    folder: Path
    hash: str
    kind: str
    exclusive: bool = True
    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cache(self) -> SaidCache:
        """What it has said, as of the first time that anything is asked for."""
        return SaidCache(self.folder, self.hash)

    def of(self, doc: Doc) -> list[Mark] | None:
        """Of a document; None where it has said nothing of its text."""
        said = self.cache.said.get(content_hash(doc.text))
        if said is None:
            return None
        return marks_on(doc, said, self.kind, exclusive=self.exclusive, names=self.names)

    def of_docs(self, docs: Iterable[Doc]) -> list[list[Mark] | None]:
        """Of several documents, in order."""
        return [self.of(doc) for doc in docs]

    def __getstate__(self) -> dict[str, object]:
        # another process reads the cache anew
        return {name: value for name, value in self.__dict__.items() if name != "cache"}


def teacher_marks(settings: Settings) -> TeacherMarks | None:
    """Those of the teacher that a config names; None without one."""
    if settings.teacher is None:
        return None
    row = FACTORIES.get(settings.factory or USUAL, FACTORIES[USUAL])
    return TeacherMarks(
        said_folder(settings),
        teacher_hash(settings),
        row.task,
        row.is_exclusive,
        dict(settings.teacher.labels),
    )


def in_words(doc: Doc, theirs: Sequence[Mark], shown: Sequence[Mark]) -> str:
    """What a teacher says otherwise than what is marked, in words; nothing where it says the same.

    theirs, shown (Sequence[Mark]): (start, end, label) over tokens; a category is (0, 0, label).
    RETURNS (str): E.g. "also “aspirin” DRUG; not “flu” DISEASE".
    """
    parts = []
    for word, more in (("also", {*theirs} - {*shown}), ("not", {*shown} - {*theirs})):
        named = [_named(doc, mark) for mark in sorted(more)]
        rest = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
        parts += [f"{word} {', '.join(named[:NAMED])}{rest}"] if named else []
    return "; ".join(parts)


def _named(doc: Doc, mark: Mark) -> str:
    start, end, label = mark
    return f"“{doc[start:end].text}” {label}" if end else label
