"""Encoders for tests that need no torch: static vectors, which any part that takes an encoder takes."""

import sys

import numpy
import spacy

# A pipeline in an environment in which spacy-al is not installed
WITHOUT = """
import importlib.metadata, sys
found = importlib.metadata.entry_points
def kept(points):
    return importlib.metadata.EntryPoints(p for p in points if "spacy_al" not in p.value)
def without(**given):
    if given:
        return kept(found(**given))
    groups = found()
    return {name: kept(found(group=name)) for name in list(groups)} if hasattr(groups, "keys") else kept(groups)
importlib.metadata.entry_points = without
sys.modules["spacy_al"] = None
import spacy
nlp = spacy.load(sys.argv[1])
print([ent.label_ for ent in nlp("Aspirin 5 mg was given.").ents], nlp.component_names)
assert not [name for name in sys.modules if name.startswith("spacy_al.")]
"""


def without_us(model):
    """Command that loads a pipeline where spacy-al is not installed."""
    return [sys.executable, "-c", WITHOUT, str(model)]


def vectors_encoder(folder, docs, width=8):
    """A pipeline of static vectors for the words of docs: random ones, and always the same."""
    nlp = spacy.blank("en")
    for word in sorted({token.text for doc in docs for token in doc}):
        seed = list(word.encode())
        vector = numpy.random.default_rng(seed).normal(size=width).astype("f4")
        nlp.vocab.set_vector(word, vector)
    nlp.to_disk(folder)
    return str(folder)
