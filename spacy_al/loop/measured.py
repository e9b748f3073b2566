"""What the scores of a run count: only labels that every text was asked about, so that a score never changes its meaning unsaid."""

from collections.abc import Sequence
from pathlib import Path

from spacy.tokens import Doc

from spacy_al.config.project import Project
from spacy_al.evaluation.gold import stored_docs
from spacy_al.loop.answers import merged_answers
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.merge import write_corpus
from spacy_al.tasks.relabel import names_in, relabel_doc


def labels_on_dev(store: Store, project: Project) -> tuple[list[str], dict[str, str]]:
    """The labels that scores on dev count, and why not the others.

    RETURNS (tuple): Labels in their order; label -> why it is not measured.
    """
    if project.settings.dev is not None:
        docs = list(stored_docs(project.settings.dev)) if _has_changed(store) else []
        return labels_of_gold(project, store.labels(), docs, "paths.dev")
    dev = merged_answers(store, project, purpose="dev")
    total = len(dev.docs)
    lacks = [label for labels in dev.lacking.values() for label in labels]
    why = {
        label: f"{total - lacks.count(label)} of {total} texts were asked about it"
        for label in store.labels().names
        if label in lacks
    }
    return [label for label in store.labels().names if label not in why], why


def labels_of_gold(
    project: Project, labels: RunLabels, docs: Sequence[Doc], name: str
) -> tuple[list[str], dict[str, str]]:
    """The same for a file: it is taken to be labelled with all labels that the run started with, and with those that it has."""
    there = {labels.today(one) for one in names_in(docs, project.kind, project.settings.spans_key)}
    later = labels.later(0)
    why = {label: f"{name} has none" for label in later if label not in there}
    return [label for label in labels.names if label not in why], why


def gold_now(project: Project, labels: RunLabels, path: Path, folder: Path) -> Path:
    """A labelled corpus in the labels of now: itself, or a copy in the folder of a round where its labels have other names.

    RAISES (AlError): As `stored_docs` and `write_corpus`.
    """
    if not labels.is_known or path == project.output / "dev.spacy":
        return path
    docs = list(stored_docs(path)) if len(labels.operations) > 1 else []
    names = names_in(docs, project.kind, project.settings.spans_key)
    if all(labels.today(name) == name for name in names):
        return path
    for doc in docs:
        relabel_doc(doc, labels, project.kind, project.settings.spans_key)
    # beside its name, as a corpus of the same name may stand there
    made = folder / f"{path.stem}-relabelled.spacy"
    write_corpus(docs, made)
    return made


def _has_changed(store: Store) -> bool:
    return len(store.labels().operations) > 1
