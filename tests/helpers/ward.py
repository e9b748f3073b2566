"""Sentences of a made-up ward, with gold: four kinds of entities, each told by the words around it and by its own."""

import random

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

OPEN = {
    "DRUG": ("al", "be", "cor", "dex", "flu", "met", "nor", "pro"),
    "PERSON": ("An", "Bel", "Cor", "Dor", "El", "Fin", "Gro", "Hal"),
    "DOSE": ("5", "10", "20", "40", "80", "100", "250", "500"),
    "ROUTE": ("orally", "rectally", "topically", "nasally", "by drip", "by patch", "by pump"),
}
ENDS = {"DRUG": ("pril", "olol", "cillin", "statin"), "PERSON": ("berg", "ström", "dal", "man")}
TEMPLATES = (
    "PERSON was given DRUG DOSE ROUTE this morning .",
    "Start DRUG DOSE daily for PERSON .",
    "PERSON refuses DRUG .",
    "Nurse PERSON reports that the patient slept well .",
    "DRUG is to be taken ROUTE , DOSE at night .",
    "Please stop DRUG and call PERSON .",
    "The room was cleaned and the bed was made .",
    "Give DOSE of DRUG ROUTE , then wait .",
    "Blood was drawn at noon , all values were fine .",
    "PERSON will come back in two weeks .",
)


def ward(n, seed, labels=tuple(OPEN)):
    """n different sentences; only these labels are annotated."""
    rng, found = random.Random(seed), {}
    while len(found) < n:
        words, spans = [], []
        for word in rng.choice(TEMPLATES).split():
            if word not in OPEN:
                words.append(word)
                continue
            own = rng.choice(OPEN[word]) + (rng.choice(ENDS[word]) if word in ENDS else "")
            parts = [*own.split(), *(["mg"] if word == "DOSE" else [])]
            spans.append((len(words), len(words) + len(parts), word))
            words += parts
        doc = Doc(Vocab(), words=words)
        doc.set_ents([Span(doc, *span[:2], label=span[2]) for span in spans if span[2] in labels])
        found.setdefault(doc.text, doc)
    return list(found.values())
