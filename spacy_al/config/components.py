"""The components of a training config, also those that are taken from a trained pipeline, or made by a factory of one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy import registry
from spacy.language import Language
from spacy.util import get_lang_class, get_model_meta, is_package, load_config

from spacy_al.embeddings.encoder import package_folder
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.read import learn_factory

# Packages whose factories need not be looked at: spaCy's own, and those of its makers
MAKERS = {
    "spacy",
    "spacy_al",
    "spacy_curated_transformers",
    "spacy_legacy",
    "spacy_llm",
    "spacy_transformers",
    "thinc",
}


def component_blocks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The blocks of all components by name; of one that is taken from a pipeline, the block that it has there, and its `source`.

    config (Mapping): Without variables.
    RAISES (AlError): AL085 for a pipeline that cannot be read, or lacks the component.
    """
    lang = config.get("nlp", {}).get("lang") or "en"
    blocks = {}
    for name, block in config.get("components", {}).items():
        found = _source_block(name, block) if "source" in block else dict(block)
        _learn(lang, name, found)
        blocks[name] = found
    return blocks


def readable_factories(blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Of the components that have a posterior, their factories."""
    factories = {name: str(block.get("factory")) for name, block in blocks.items()}
    return {name: factory for name, factory in factories.items() if factory in FACTORIES}


def _source_block(name: str, block: Mapping[str, Any]) -> dict[str, Any]:
    source, there = str(block["source"]), str(block.get("component", name))
    try:
        found = load_config(pipeline_folder(source) / "config.cfg")["components"][there]
    except Exception as error:
        why = f"it has no component '{there}'" if isinstance(error, KeyError) else str(error)
        raise AlError(
            Errors.AL085.format(path=source, why=why.strip().partition("\n")[0])
        ) from error
    return {**found, "source": source, "component": there}


def pipeline_folder(name: str) -> Path:
    """Where a pipeline lies. Of a package and a folder of one name it is the package, as spaCy has it.

    name (str): As `spacy.load` takes it.
    RAISES (OSError, ValueError): A package of that name holds no pipeline.
    """
    package = package_folder(name) if is_package(name) else None
    if package is None:
        return Path(name)
    meta = get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"


def _learn(lang: str, name: str, block: Mapping[str, Any]) -> None:
    """Find out what a factory of one's own makes, by having it made. What cannot be told now training will say."""
    factory = block.get("factory")
    if not isinstance(factory, str) or factory in FACTORIES:
        return
    try:
        # a pipeline, whose tokeniser takes a tenth of a second, is made only for what may be one's own
        if _is_spacys(get_lang_class(lang), factory):
            return
        nlp = spacy.blank(lang)
        if _is_spacys(type(nlp), factory):
            return
        settings = {
            key: value
            for key, value in block.items()
            if key not in ("factory", "source", "component")
        }
        learn_factory(factory, nlp.create_pipe(factory, name, config=settings))
    except Exception:
        return


def _is_spacys(language: type[Language], factory: str) -> bool:
    """Whether a factory comes with spaCy or a package of its makers. False of one that is not there, or not imported yet."""
    if not language.has_factory(factory):
        return False
    own = language.get_factory_name(factory)
    made = registry.factories.get(own if own in registry.factories else factory)
    return str(made.__module__).partition(".")[0] in MAKERS
