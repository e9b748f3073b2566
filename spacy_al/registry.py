"""The registries that a config can name functions from, beside spaCy's own."""

import catalogue
import spacy

NAMES = (
    "al_posteriors",
    "al_acquisitions",
    "al_embeddings",
    "al_samplers",
    "al_stoppers",
    "al_adapters",
    "al_labelling_functions",
)

# thinc's `registry.create` would look for entry points named `thinc_al_...`, hence catalogue itself.
for _name in NAMES:
    if not hasattr(spacy.registry, _name):
        setattr(spacy.registry, _name, catalogue.create("spacy", _name, entry_points=True))

al_posteriors: catalogue.Registry = getattr(spacy.registry, "al_posteriors")  # noqa: B009
al_acquisitions: catalogue.Registry = getattr(spacy.registry, "al_acquisitions")  # noqa: B009
al_embeddings: catalogue.Registry = getattr(spacy.registry, "al_embeddings")  # noqa: B009
al_samplers: catalogue.Registry = getattr(spacy.registry, "al_samplers")  # noqa: B009
al_stoppers: catalogue.Registry = getattr(spacy.registry, "al_stoppers")  # noqa: B009
al_adapters: catalogue.Registry = getattr(spacy.registry, "al_adapters")  # noqa: B009
al_labelling_functions: catalogue.Registry = getattr(spacy.registry, "al_labelling_functions")  # noqa: B009
