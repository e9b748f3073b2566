"""A run that has asked about the texts of `labelled_files`, and what it has learned of a file that is imported."""

import json
from collections import namedtuple

import spacy

from spacy_al.adapters.prodigy import import_answers
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.loop.answers import merged_answers
from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task
from tests.helpers.labelled_files import CATEGORIES, labelled_docs

NLP = spacy.blank("xx")
KINDS = {
    "ner": ("entities", "ner_manual", ["LOC", "ORG", "PER"]),
    "textcat_multilabel": ("categories", "choice", sorted(set(CATEGORIES))),
}
# Of a run as `convert` tells of a corpus: see `mutate.judge`
Found = namedtuple("Found", "docs kind refused contradictions repeated")


def as_asked(path):
    """Have a file of Prodigy's say which round asked, as what Prodigy writes of our tasks does."""
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    lines = [{**line, "meta": {**line.get("meta", {}), "round": 0}} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf8")


def import_into(path, format, factory, folder):
    """Import a file into a run of its own, in a folder.

    RETURNS (Found): What the run is taught then.
    RAISES (AlError): As `import_answers`.
    """
    kind, view, labels = KINDS[factory]
    with Store(folder / "run" / "al.db") as store:
        store.open_round(0)
        tasks = [
            make_task(
                NLP.make_doc(doc.text),
                suggestions=[],
                component_kind=kind,
                labels=labels,
                meta={"round": 0, "component": "x"},
                view_id=view,
                exclusive=False,
            )
            for doc in labelled_docs()
        ]
        store.advance(0, "wait", tasks=[("train", task) for task in tasks])
        result = import_answers(store, path, format=format)
        store.examine()
        settings = Settings(output=store.path.parent, factory=factory, labels=labels)
        docs = merged_answers(store, Project(folder / "x.cfg", {}, settings)).docs
    assert len(docs) <= result.taken
    left = [result.first] * (result.counts.total() - result.taken)
    return Found(docs, kind, {"left out": left} if left else {}, result.contradictions, 0)
