"""From a pipeline and documents to posteriors: find the component, run what comes before it, read it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from spacy.language import Language
from spacy.pipeline import (
    EntityRecognizer,
    Morphologizer,
    SentenceRecognizer,
    SpanCategorizer,
    Tagger,
    TextCategorizer,
)
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.metrics import Temperature
from spacy_al.posteriors.temperature import fitted_temperature

# Of what is made from several, the first counts
CLASSES: dict[type, str] = {
    EntityRecognizer: "ner",
    SpanCategorizer: "spancat",
    MultiLabel_TextCategorizer: "textcat_multilabel",
    TextCategorizer: "textcat",
    Morphologizer: "morphologizer",
    SentenceRecognizer: "senter",
    Tagger: "tagger",
}
# A reader never changes the model or the docs: reader(pipe, docs, temperature) -> one posterior a doc.
Reader: TypeAlias = Callable[[Any, Sequence[Doc], Temperature], list[Any]]


def get_posteriors(
    nlp: Language,
    docs: Sequence[Doc],
    component: str | None = None,
    *,
    epsilon: float | None = None,
    temperature: Temperature | None = None,
) -> list[Any]:
    """The belief of a component of a pipeline about each document.

    The docs need only tokens. Preset entities and sentence starts on them are respected, as the component itself
    would; the docs are not changed.

    nlp (Language): The pipeline.
    docs (Sequence[Doc]): Documents with tokens from this pipeline's vocab. May be empty, and may hold empty docs.
    component (str | None): Whose posterior; by default the only component that has one.
    epsilon (float | None): For `ner` only, the other readers cut nothing: open analyses below this probability are cut (`missed_mass` is
        what that can have cost). By default at most 1e-3 per 200 tokens.
    temperature (Temperature | None): Divides the scores before they are normalised; by default what `calibrate`
        fitted for exactly these weights, or 1.
    RETURNS (list): One posterior per doc, in order.
    RAISES (AlError): AL001 to AL005, AL007, AL010.
    """
    name = find_component(nlp, component)
    upstream = components_before(nlp, name)
    if upstream:
        docs = run_pipes(upstream, [doc.copy() for doc in docs])
    reader = reader_of(nlp, name)
    if epsilon is not None and "epsilon" in inspect.signature(reader).parameters:
        reader = partial(reader, epsilon=epsilon)  # type: ignore[call-arg]
    if temperature is None:
        temperature = fitted_temperature(nlp, name)
    return reader(nlp.get_pipe(name), list(docs), temperature)


def readable(nlp: Language) -> list[str]:
    """The names of the components that have a posterior, be they switched off.

    A factory of one's own whose component is one of spaCy's, or of a class made from one of these, is like spaCy's from then on.
    """
    for name in nlp.component_names:
        learn_factory(nlp.get_pipe_meta(name).factory, nlp.get_pipe(name))
    return [name for name in nlp.component_names if nlp.get_pipe_meta(name).factory in FACTORIES]


def learn_factory(factory: str, pipe: Any) -> None:
    """Give a factory of one's own the row of the one of spaCy that makes such components, if there is one."""
    if factory in FACTORIES:
        return
    known = next((name for kind, name in CLASSES.items() if isinstance(pipe, kind)), None)
    if known == "ner" and pipe.cfg.get("beam_width", 1) > 1:
        known = "beam_ner"
    if known == "spancat" and pipe.add_negative_label:
        known = "spancat_singlelabel"
    if known:
        FACTORIES[factory] = replace(FACTORIES[known], name=factory)


def find_component(nlp: Language, component: str | None = None, *, has_reader: bool = False) -> str:
    """The name of the component whose posterior is meant.

    has_reader (bool): Whether a reader is named for it, and it may be of any kind.
    RAISES (AlError): AL001 unknown, AL002 no reader for it, AL003 none or several to choose from.
    """
    if component is None:
        found = [name for name in readable(nlp) if name in nlp.pipe_names]
        if len(found) == 1:
            return found[0]
        names = f": {', '.join(found)}" if found else ""
        raise AlError(
            Errors.AL003.format(found="several components" if found else "none", names=names)
        )
    if component not in nlp.component_names:
        names = ", ".join(nlp.component_names) or "nothing"
        raise AlError(Errors.AL001.format(name=component, names=names))
    factory = nlp.get_pipe_meta(component).factory
    if not has_reader and component not in readable(nlp):
        known = ", ".join(FACTORIES)
        raise AlError(Errors.AL002.format(name=component, factory=factory, known=known))
    return component


def reader_of(nlp: Language, name: str, *, presets: bool = True) -> Reader:
    """The reader, with its default settings, of a component that `find_component` has found.

    presets (bool): Whether entities on the docs are presets that constrain an entity recogniser.
    """
    find_component(nlp, name)
    row = FACTORIES[nlp.get_pipe_meta(name).factory]
    reader = registry.al_posteriors.get(row.reader)()
    # what knows of no presets has none to leave out
    if presets or "presets" not in inspect.signature(reader).parameters:
        return reader
    return partial(reader, presets=False)


def components_before(nlp: Language, name: str) -> list[tuple[str, Any]]:
    """The enabled components that a document meets before `name`, in order."""
    before = nlp.component_names[: nlp.component_names.index(name)]
    return [(other, pipe) for other, pipe in nlp.pipeline if other in before]


def run_pipes(pipes: Sequence[tuple[str, Any]], docs: Sequence[Doc]) -> list[Doc]:
    """Send docs through components, which may change them in place. Those without tokens stay: some components fail on them."""
    filled = [doc for doc in docs if len(doc)]
    for _, pipe in pipes:
        filled = list(pipe.pipe(filled)) if hasattr(pipe, "pipe") else [pipe(doc) for doc in filled]
    done = iter(filled)
    return [next(done) if len(doc) else doc for doc in docs]
