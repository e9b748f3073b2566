"""Teachers of tests: an entity ruler of gazetteers, and a language model of stated error rates behind spacy-llm's own task."""

import json

from spacy.tokens import DocBin

from tests.helpers.chaos import ROOT
from tests.helpers.ward import ward

LABELS = ["DRUG", "PERSON"]
# What spacy-llm says of a model that does not tell how much it can read
UNTOLD = "ignore:Task supports sharding"


def gazetteer(docs, labels=LABELS, *, without=()):
    """Patterns of all entities of docs with these labels, but for those of some texts."""
    found = {(span.text, span.label_) for doc in docs for span in doc.ents if span.label_ in labels}
    return [
        {"label": label, "pattern": text} for text, label in sorted(found) if text not in without
    ]


def write_patterns(patterns, path):
    path.write_text("".join(json.dumps(one) + "\n" for one in patterns), "utf8")


def make_ward(folder, n=60, seed=1, n_dev=20):
    """A project of ward sentences: `my.cfg`, a pool with its gold, dev, and a gazetteer; overrides of it."""
    docs = ward(n + n_dev, seed, LABELS)
    for name, part in (("pool", docs[:n]), ("dev", docs[n:])):
        DocBin(docs=part).to_disk(folder / f"{name}.spacy")
    write_patterns(gazetteer(docs), folder / "patterns.jsonl")
    text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    for name in ("seed", "test"):
        text = text.replace(f'"corpus/{name}.spacy"', "null")
    for name in ("dev", "pool"):
        text = text.replace(f'"corpus/{name}.spacy"', json.dumps(str(folder / f"{name}.spacy")))
    text = text.replace('output = "training/al"', f"output = {json.dumps(str(folder / 'out'))}")
    (folder / "my.cfg").write_text(text, "utf8")
    return {
        "training.max_steps": 60,
        "training.eval_frequency": 20,
        "components.tok2vec.model.encode.width": 32,
        "components.tok2vec.model.encode.depth": 1,
        "al.batch_size": 12,
        "al.max_rounds": 2,
        "al.labels": LABELS,
    }


def ruler(folder, **more):
    """A block [al.teacher] of an entity ruler with a gazetteer."""
    patterns = str(folder / "patterns.jsonl")
    return {"component": {"factory": "entity_ruler", "patterns": patterns}, **more}
