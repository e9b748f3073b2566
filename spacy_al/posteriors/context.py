"""A document as a component got it, seen from another place in the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.attrs import NORM, ORTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.read import components_before, run_pipes

STARTS = ("token.is_sent_start", "doc.sents")
ENTITIES = ("doc.ents", "token.ent_iob", "token.ent_type")
ENCODING = ("doc.tensor", "doc._.trf_data")
# components of spaCy that declare nothing, and set neither sentence starts nor entities
HARMLESS = {
    "attribute_ruler",
    "doc_cleaner",
    "merge_entities",
    "merge_noun_chunks",
    "merge_subtokens",
    "token_splitter",
}


@dataclass(frozen=True)
class Context:
    """The changes that documents need at one place of a pipeline, so that they are as `component` gets them.

    again (tuple): Components to run on a copy: (name, component).
    entities (bool): Whether entities on the prepared documents are presets, rather than predictions of the component.
    starts (bool): Whether sentence starts on the documents are those that the component saw.
    encoded (bool): Whether the encoder output on the documents is what the component saw.
    behind (bool): Whether the component is still to come.
    """

    again: tuple[tuple[str, Any], ...]
    entities: bool
    starts: bool
    encoded: bool = False
    behind: bool = False

    @classmethod
    def of(cls, nlp: Language, component: str, place: str) -> "Context":
        """Seen from the component `place`, which may stand before or after `component`.

        RAISES (AlError): AL008 if a component between the two merges or splits tokens, or one that has to be run again.
        """
        names = nlp.pipe_names
        before = components_before(nlp, component)
        # one that is switched off is called by hand, on documents that have been through all others
        reached = names[: names.index(place)] if place in names else names
        behind = place in names and _index(nlp, place) < _index(nlp, component)
        between = [n for n in names if (n in reached) != (n in dict(before)) and n != place]
        _check_tokens(nlp, between, component, place)
        if behind:
            # what stands on the documents is what the component will get, but for what is still to come
            rest = [(name, pipe) for name, pipe in before if name not in reached and name != place]
            return cls(tuple(rest), entities=True, starts=True, behind=True)
        listener = nlp.get_pipe(component)
        encoded = not any(_replaces_encoding(nlp, name) for name in between)
        rest = [(name, pipe) for name, pipe in before if not (encoded and _encodes(pipe, listener))]
        starts_kept = not any(_sets(nlp, name, STARTS) for name in between)
        entities_kept = not any(_sets(nlp, name, ENTITIES) for name in (component, *between))
        needed = any(
            (_sets(nlp, name, ENTITIES) and not entities_kept)
            or (_sets(nlp, name, STARTS) and not starts_kept)
            or _encodes(pipe, listener)
            for name, pipe in rest
        )
        if needed:
            _check_tokens(nlp, [name for name, _ in rest], component, place)
        return cls(
            tuple(rest) if needed else (),
            entities=needed,
            starts=starts_kept and not needed,
            encoded=encoded,
        )

    def prepare(self, docs: Sequence[Doc]) -> list[Doc]:
        """The documents as the component gets them, but that entities on them are presets only if `entities`.

        Where something has to be run again it is run on copies, so the documents stay as they are.
        """
        if not self.again and self.starts:
            return list(docs)
        copies = [doc.copy() if self.behind else _bare_copy(doc) for doc in docs]
        copies = run_pipes(self.again, copies)
        if self.encoded:
            # encoders of others, run again, have put their own output there
            for doc, copy in zip(docs, copies):
                _copy_encoding(doc, copy)
        return copies


def _check_tokens(nlp: Language, names: Sequence[str], component: str, place: str) -> None:
    for name in names:
        if nlp.get_pipe_meta(name).retokenizes:
            raise AlError(Errors.AL008.format(name=place, retokenizer=name, component=component))


def _bare_copy(doc: Doc) -> Doc:
    """Tokens, norms and encoder output. Norms differ from those of the words where the tokenizer's exceptions set them."""
    words: Any = doc.to_array(ORTH)
    spaces: Any = doc.to_array(SPACY)
    # three times as fast as by way of tokens and strings
    copy = Doc(doc.vocab, words=words.tolist(), spaces=(spaces > 0).tolist())
    norms: Any = doc.to_array([NORM])
    copy.from_array([NORM], norms)
    _copy_encoding(doc, copy)
    return copy


def _copy_encoding(doc: Doc, copy: Doc) -> None:
    copy.tensor = doc.tensor
    if Doc.has_extension("trf_data"):
        copy._.trf_data = doc._.trf_data


def _index(nlp: Language, name: str) -> int:
    return nlp.component_names.index(name)


def _encodes(pipe: Any, listener: Any) -> bool:
    # encoders know their listeners by the component's own name, which renaming it in the pipeline does not change
    return listener.name in getattr(pipe, "listening_components", ())


def _replaces_encoding(nlp: Language, name: str) -> bool:
    """Whether a component leaves documents without the encoding they had."""
    meta = nlp.get_pipe_meta(name)
    return meta.factory == "doc_cleaner" or any(attribute in meta.assigns for attribute in ENCODING)


def _sets(nlp: Language, name: str, attributes: tuple[str, ...]) -> bool:
    """Whether a component may set any of these; one that declares nothing, and is unknown, may set all."""
    meta = nlp.get_pipe_meta(name)
    if meta.factory == "span_ruler":
        # it declares spans alone, and can be set to write entities as well
        return attributes == ENTITIES
    if not meta.assigns:
        return meta.factory not in HARMLESS
    return any(attribute in meta.assigns for attribute in attributes)
