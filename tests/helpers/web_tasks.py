"""Runs that wait for answers of every kind, for the tests of the page: no model, no training."""

import spacy

from spacy_al.store.store import Store
from spacy_al.tasks.task import make_task

NLP = spacy.blank("en")
LABELS = ["CONDITION", "DRUG", "DOSAGE"]
TEXT = "No sign of Crohn's disease under 40 mg of prednisolone daily."
TOPICS = ["cardiology", "oncology", "neurology", "surgery"]
TAGS = ["DET", "NOUN", "ADP", "PROPN", "PART", "NUM", "ADV", "PUNCT", "VERB", "ADJ", "PRON"]


def task(text=TEXT, *, kind="entities", suggestions=(), labels=LABELS, view="ner_manual", **more):
    meta = {
        "round": 0,
        "doc": "note-17",
        "why": "“Crohn” CONDITION 0.52, outside 0.47",
        "before": "The patient was seen again in March.",
        "after": "A follow-up is planned.",
    }
    doc = NLP.make_doc(text) if isinstance(text, str) else text
    extra = {key: more.pop(key) for key in ("uncertainty", "review") if key in more}
    made = make_task(
        doc,
        suggestions=suggestions,
        component_kind=kind,
        labels=labels,
        meta=meta,
        view_id=view,
        **more,
    )
    return {**made, **extra}


def entities(k=0, **more):
    suggestions = [(3, 6, "CONDITION", 0.83), (10, 11, "DRUG", 0.97)]
    shades = [0.0, 0.1, 0, 0.9, 0.5, 0.4, 0, 0.2, 0.2, 0, 0.05, 0.3, 0]
    return task(f"{TEXT} {k}", suggestions=suggestions, uncertainty=[*shades, 0.0], **more)


def partial(k=0):
    return task(
        f"{TEXT} {k}",
        suggestions=[(10, 11, "DRUG", 0.6)],
        asked=[9, 10, 11],
        believed=[(3, 6, "CONDITION", 0.96)],
        uncertainty=[0.0] * 14,
    )


def spans(k=0):
    suggestions = [(3, 6, "CONDITION", 0.9), (3, 5, "DRUG", 0.55), (7, 11, "DOSAGE", 0.7)]
    return task(f"{TEXT} {k}", kind="spans", view="spans_manual", suggestions=suggestions)


def one_category(k=0, labels=TOPICS):
    probs = [0.52, 0.31, 0.12, 0.05, *[0.0] * len(labels)]
    suggestions = list(zip(labels, probs))
    return task(
        f"{TEXT} {k}", kind="categories", view="choice", labels=labels, suggestions=suggestions
    )


def many_categories(k=0):
    suggestions = list(zip(TOPICS, [0.8, 0.55, 0.3, 0.02]))
    return task(
        f"{TEXT} {k}",
        kind="categories",
        view="choice",
        labels=TOPICS,
        suggestions=suggestions,
        exclusive=False,
    )


def tags(k=0, asked=None):
    text = "No sign of prednisolone today."
    right = ["DET", "NOUN", "ADP", "NOUN", "ADV", "PUNCT"]
    suggestions = [(i, i + 1, tag, 0.9) for i, tag in enumerate(right)]
    text = f"{text[:-1]}{k}."
    how = {"kind": "tags", "view": "pos_manual", "labels": TAGS}
    if asked is None:
        return task(text, suggestions=suggestions, **how)
    inside = [one for one in suggestions if one[0] in asked]
    beyond = [one for one in suggestions if one[0] not in asked]
    return task(text, suggestions=inside, asked=asked, believed=beyond, **how)


def yes_no(k=0):
    return task(f"{TEXT} {k}", suggestions=[(3, 6, "CONDITION", 0.52)], view="ner", asked=[])


def make_run(path, tasks, purpose="train"):
    """A database whose first round waits for answers to these tasks."""
    with Store(path) as store:
        store.open_round(0)
        store.advance(0, "wait", tasks=[(purpose, made) for made in tasks])
    return path
