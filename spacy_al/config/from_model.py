"""A training config that begins with the pipeline one has: one of its components is taught, the others stay as they are."""

from confection import Config
from spacy.cli.init_config import init_config
from spacy.language import Language

from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.posteriors.component import open_pipeline

# Of a pipeline's own [nlp] block: callbacks have done their work, and are code that may not be here
NLP = ("lang", "pipeline", "disabled", "tokenizer", "batch_size")


def config_from_model(model: str, component: str | None = None) -> tuple[str, str]:
    """A config that trains one component of a trained pipeline on.

    Its weights, labels, tokeniser, vocabulary and vectors are the pipeline's. The other components are frozen; where they share an
    encoder with the one that is taught, that gets a copy of its own, or they would read vectors that they were not trained with.

    model (str): A trained pipeline: its folder, or the package that it is.
    component (str | None): The one that is taught; by default the only one that can be, or the only entity recogniser.
    RETURNS (tuple): The text of the config, and the component.
    RAISES (AlError): AL085 if the pipeline cannot be loaded, AL104 if it has no such component, or several to choose from.
    """
    nlp = open_pipeline(model, "")
    name = _taught(nlp, model, component)
    theirs = nlp.config.interpolate()
    made = Config().from_str(
        init_config(lang=str(nlp.lang), pipeline=[USUAL], optimize="efficiency").to_str(),
        interpolate=False,
    )
    made["nlp"] = {key: theirs["nlp"][key] for key in NLP if key in theirs["nlp"]}
    made["components"] = {
        other: {"source": model}
        for other in theirs["nlp"]["pipeline"]
        if other in nlp.component_names
    }
    if paths := _shared_encoder(nlp, name):
        made["components"][name]["replace_listeners"] = paths
    training = made["training"]
    # an encoder that nothing else listens to learns with it; frozen, it would not be read in training at all (spaCy's E203)
    taught = {name, *_listened_to_by(nlp, name, alone=True)}
    training["frozen_components"] = [other for other in made["components"] if other not in taught]
    training["score_weights"] = _weights(nlp, name)
    made["initialize"] = {
        "vectors": model if nlp.vocab.vectors.n_keys else None,
        "before_init": {
            "@callbacks": "spacy.copy_from_base_model.v1",
            "tokenizer": model,
            "vocab": model,
        },
    }
    # the pipeline's vectors, and not those of a starter config
    made["paths"] = {key: made["paths"][key] for key in ("train", "dev")}
    return made.to_str(interpolate=False), name


def _taught(nlp: Language, model: str, component: str | None) -> str:
    factories = {name: nlp.get_pipe_meta(name).factory for name in nlp.component_names}
    usable = [name for name, factory in factories.items() if factory in FACTORIES]
    usual = [name for name in usable if FACTORIES[factories[name]].task == FACTORIES[USUAL].task]
    if component is None:
        for found in (usable, usual):
            if len(found) == 1:
                return found[0]
    elif component in usable:
        return component
    raise AlError(
        Errors.AL104.format(
            path=model, usable=", ".join(usable) or "none", found=component or "none named"
        )
    )


def _shared_encoder(nlp: Language, name: str) -> list[str]:
    """The listeners of a component whose encoder others listen to as well, by their places in its config."""
    return ["model.tok2vec"] if _listened_to_by(nlp, name, alone=False) else []


def _listened_to_by(nlp: Language, name: str, *, alone: bool) -> list[str]:
    """The encoders that a component listens to, alone or beside others."""
    maps = [(other, getattr(pipe, "listener_map", {})) for other, pipe in nlp.pipeline]
    return [other for other, heard in maps if name in heard and (len(heard) == 1) == alone]


def _weights(nlp: Language, name: str) -> dict[str, float | None]:
    """The score of the taught component alone; texts that are labelled for it have no gold for the others."""
    found: dict[str, float | None] = {}
    for other in nlp.component_names:
        meta = nlp.get_pipe_meta(other)
        found |= dict.fromkeys(meta.default_score_weights or {})
    row, key = FACTORIES[nlp.get_pipe_meta(name).factory], getattr(nlp.get_pipe(name), "key", "")
    return {**found, row.score.format(key=key): 1.0}
