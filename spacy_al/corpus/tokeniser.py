"""The pipeline that tokenises as long as there is no model: as training makes it from the config, functions and callbacks of one's own included."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import spacy
from confection import Config
from spacy import registry
from spacy.language import Language
from spacy.util import load_model_from_config

from spacy_al.errors import AlError, Errors, UsageError

# Of `[initialize]`: neither the weights nor the labels of components, nor vectors, change a token
KEPT = ("before_init", "after_init", "tokenizer", "vocab_data", "lookups")
# That of the project whose recipe is being started: recipes know nothing of configs
OF_PROJECT: ContextVar[tuple[str, Mapping[str, Any]] | None] = ContextVar(
    "OF_PROJECT", default=None
)


def tokeniser_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a training config that `blank_pipeline` needs, as plain data.

    config (Mapping): Without variables.
    """
    start = config.get("initialize", {})
    kept = {name: start[name] for name in KEPT if start.get(name)}
    return {
        "nlp": dict(config.get("nlp", {})),
        "components": dict(config.get("components", {})),
        "initialize": kept,
    }


def blank_pipeline(lang: str = "en", config: Mapping[str, Any] | None = None) -> Language:
    """An empty pipeline with the tokeniser that a model will have.

    lang (str): The language, where there is no config.
    config (Mapping | None): As `tokeniser_config` returns it.
    RETURNS (Language): Without components.
    RAISES (AlError): AL054 (UsageError) for a language that has no tokeniser here, AL062 if the config's own functions fail.
    """
    if not config:
        try:
            return spacy.blank(lang)
        except ImportError as error:
            why = str(error).rstrip(".")
            raise UsageError(Errors.AL054.format(lang=lang, why=why)) from None
    bare = {**config, "components": {}, "nlp": {**config["nlp"], "pipeline": [], "disabled": []}}
    # of callbacks that look for components the last would want trained ones
    start = {name: part for name, part in config["initialize"].items() if name != "after_init"}
    try:
        try:
            return _made(bare)
        except Exception:
            return _made({**config, "initialize": start})
    except Exception as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise AlError(Errors.AL062.format(why=f"{type(error).__name__}: {why}")) from error


def _made(config: Mapping[str, Any]) -> Language:
    nlp = load_model_from_config(Config(dict(config)).copy(), auto_fill=True)
    start = dict(config["initialize"])
    if before := start.pop("before_init", None):
        registry.resolve({"before_init": before})["before_init"](nlp)
    for name in [*nlp.component_names]:
        nlp.remove_pipe(name)
    if start:
        nlp.config["initialize"]["before_init"] = None
        nlp.initialize()
    return nlp
