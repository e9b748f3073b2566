"""The corpus that answers in place of people: its texts, its labels, and whether it has an answer at all."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors
from spacy_al.evaluation.gold import stored_docs
from spacy_al.tasks.merge import count_labels
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash


def read_gold_texts(path: Path) -> dict[str, Doc]:
    """The gold documents of a `.spacy` file or a folder of them by the ids of their texts; of equal texts the first.

    RAISES (AlError): As `shards` and `read_shard`.
    """
    found: dict[str, Doc] = {}
    for doc in stored_docs(path):
        found.setdefault(content_hash(doc.text), doc)
    return found


def gold_labels(path: Path, *, kind: str, spans_key: str = "sc") -> list[str]:
    """The labels of a gold corpus, sorted. Raises as `read_gold_texts`.

    path (Path): A `.spacy` file, or a folder of them.
    kind (str): "entities", "spans", "tags" or "categories".
    spans_key (str): Where spans are.
    """
    labels: set[str] = set()
    for doc in stored_docs(path):
        labels.update(doc.cats if kind == "categories" else count_labels(doc, kind, spans_key))
    return sorted(labels)


def check_gold(
    tasks: Iterable[Task], gold: Mapping[str, Doc], *, kind: str, spans_key: str = "sc"
) -> None:
    """See to it that the gold has an answer, before the first task is answered: what it leaves open would be ignored.

    RAISES (AlError): AL120 with how many tasks are without gold; AL121 if none of the gold is annotated.
    """
    texts = [task["text"] for task in tasks]
    lost = [text for text in texts if content_hash(text) not in gold]
    if lost:
        raise AlError(Errors.AL120.format(count=len(lost), total=len(texts), first=lost[0][:60]))
    if not any(_is_annotated(doc, kind, spans_key) for doc in gold.values()):
        raise AlError(Errors.AL121.format(total=len(gold), kind=kind))


def _is_annotated(doc: Doc, kind: str, spans_key: str) -> bool:
    if kind == "categories":
        return bool(doc.cats)
    if kind == "spans":
        return spans_key in doc.spans
    return doc.has_annotation("TAG" if kind == "tags" else "ENT_IOB")
