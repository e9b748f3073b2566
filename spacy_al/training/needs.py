"""What a training needs: most do without torch, which thinc imports wherever it is installed, and which takes a second."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy import registry
from spacy.language import Language
from spacy.util import load_config

from spacy_al.embeddings.encoder import find_model

CONFIG = "config.cfg"
# Packages of whose functions torch is needed by those alone that have it in their name
PLAIN = ("spacy", "spacy_legacy", "srsly", "thinc")
OURS = (
    "spacy_al.training.blas",
    "spacy_al.training.checkpoints",
    "spacy_al.training.pseudo_batcher",
    "spacy_al.training.requirements",
    # they import torch themselves for a text that the cache lacks
    "spacy_al.components.encoder_embed",
    "spacy_al.components.linear_textcat",
    "spacy_al.embeddings.pretrained",
)


def needs_torch(config: Path) -> bool:
    """Whether a training may need torch, on the processor and without code of a user's.

    config (Path): Of the training.
    RETURNS (bool): False where all functions and factories that it names, those of models that it takes components or
        vectors from included, are known to do without. What cannot be told may need it.
    """
    try:
        made = load_config(config, interpolate=True)
        nlp = spacy.blank(made["nlp"]["lang"])
        # the settings of the loop are none of the training's
        return _needs({name: block for name, block in made.items() if name != "al"}, nlp)
    except Exception:
        # training will say what is wrong with it
        return True


def _needs(block: Mapping[str, Any], nlp: Language) -> bool:
    """Raises what a registry does that lacks a name."""
    for key, value in block.items():
        if isinstance(value, Mapping):
            if _needs(value, nlp):
                return True
        elif value is None:
            continue
        elif key.startswith("@"):
            if not _is_plain(value, registry.get(key[1:], value)):
                return True
        elif key == "factory":
            # a config may leave out what is the default
            if not _is_plain(value, _factory(nlp, value)):
                return True
            if _needs(nlp.get_factory_meta(value).default_config or {}, nlp):
                return True
        elif key == "encoder":
            # the transformer of a pipeline reaches torch through thinc
            if find_model(str(value))[1]:
                return True
        elif key in ("source", "vectors") and needs_torch(Path(value) / CONFIG):
            return True
    return False


def _factory(nlp: Language, name: str) -> Any:
    if not nlp.has_factory(name):
        raise KeyError(name)
    own = nlp.get_factory_name(name)
    return registry.factories.get(own if own in registry.factories else name)


def _is_plain(name: str, function: Any) -> bool:
    module = str(getattr(function, "__module__", ""))
    known = module.partition(".")[0] in PLAIN or module in OURS
    return known and "torch" not in f"{name} {module}".lower()
