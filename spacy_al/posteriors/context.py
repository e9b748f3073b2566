"""A document as a component got it, seen from another place in the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.attrs import (
    DEP,
    ENT_ID,
    ENT_IOB,
    ENT_KB_ID,
    ENT_TYPE,
    HEAD,
    LEMMA,
    MORPH,
    NORM,
    ORTH,
    POS,
    SENT_START,
    SPACY,
    TAG,
)
from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.attributes import (
    ENCODING,
    ENTITIES,
    NORMS,
    SPANS,
    STARTS,
    model_reads,
    sets,
    shared,
)
from spacy_al.posteriors.read import components_before, run_pipes

# What may be on the tokens of a document before the pipeline is called on it, and the columns that hold it. Heads decide where
# sentences start.
GIVEN = {
    "token.tag": (TAG,),
    "token.pos": (POS,),
    "token.lemma": (LEMMA,),
    "token.morph": (MORPH,),
    STARTS: (SENT_START,),
    "token.dep": (HEAD, DEP),
    ENTITIES: (ENT_IOB, ENT_TYPE, ENT_KB_ID, ENT_ID),
}


@dataclass(frozen=True)
class Context:
    """The changes that documents need at one place of a pipeline, so that they are as `component` gets them.

    again (tuple): Components to run on a copy: (name, component).
    entities (bool): Whether entities on the prepared documents are presets, rather than predictions of the component.
    copied (bool): Whether bare copies are read in place of the documents.
    encoded (bool): Whether the encoder output on the documents is what the component saw.
    behind (bool): Whether the component is still to come.
    tokenizer (Any): What gave the tokens their norms, if some may have been changed since.
    reads (frozenset[str]): What the component reads, of which a copy is given what nothing in the pipeline can have set.
    touched (frozenset[str]): What the component and those before and since can have set.
    names (tuple[str, str]): The component and the place, for messages.
    """

    again: tuple[tuple[str, Any], ...] = ()
    entities: bool = True
    copied: bool = False
    encoded: bool = False
    behind: bool = False
    tokenizer: Any = None
    reads: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    names: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, nlp: Language, component: str, place: str) -> "Context":
        """Seen from the component `place`, which may stand before or after `component`.

        What the component reads and something since may have set is as it was only if all that sets it before is run again, with
        all that comes before that.

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
            return cls(tuple(rest), behind=True, names=(component, place))
        reader = nlp.get_pipe(component)
        set_before = {name: sets(nlp, name) for name, _ in before}
        made = set[str]().union(*set_before.values())
        changed = set[str]().union(*(sets(nlp, name) for name in (component, *between)))
        by_model, by_rules = model_reads(reader), _rules_read(nlp, component)
        reads = by_model | by_rules
        if not shared(reads, changed):
            return cls()
        others = shared(by_model, changed) | shared({ENTITIES}, made)
        if not others and shared(by_rules, changed) == {ENTITIES}:
            # nobody had set any before: it is enough to look away from those that are there now
            return cls(entities=False)
        encoded = not shared({ENCODING}, changed)
        # whatever was set before and is read is missing on a bare copy
        again = bool(shared(reads, made) - ({ENCODING} if encoded else set()))
        # what several encoders left for others is no longer there
        only = encoded and sum(ENCODING in names for names in set_before.values()) == 1
        rest = [pair for pair in before if again and not (only and _encodes(pair[1], reader))]
        _check_tokens(nlp, [name for name, _ in rest], component, place)
        norms = shared({NORMS}, changed | made)
        return cls(
            tuple(rest),
            copied=True,
            encoded=encoded,
            tokenizer=nlp.tokenizer if norms else None,
            reads=frozenset(reads),
            touched=frozenset(changed | made),
            names=(component, place),
        )

    def prepare(self, docs: Sequence[Doc]) -> list[Doc]:
        """The documents as the component gets them, but that entities on them are presets only if `entities`.

        Where something has to be run again it is run on copies, so the documents stay as they are.

        RAISES (AlError): AL008 if what is run again merges or splits tokens and does not say so.
        """
        if self.behind and self.again:
            return self._run_again(docs, [doc.copy() for doc in docs])
        if not self.copied:
            return list(docs)
        copies = self._run_again(docs, [self._bare_copy(doc) for doc in docs])
        if self.encoded:
            # encoders of others, run again, have put their own output there
            for doc, copy in zip(docs, copies):
                _copy_encoding(doc, copy)
        return copies

    def _run_again(self, docs: Sequence[Doc], copies: list[Doc]) -> list[Doc]:
        for pair in self.again:
            copies = run_pipes([pair], copies)
            if any(len(copy) != len(doc) for doc, copy in zip(docs, copies)):
                component, place = self.names
                raise _retokenized(pair[0], component, place)
        return copies

    def _bare_copy(self, doc: Doc) -> Doc:
        """Tokens, norms, encoder output, and what was there before the pipeline was called. Norms differ from those of the
        words where the tokenizer's exceptions set them."""
        words: Any = doc.to_array(ORTH)
        spaces: Any = doc.to_array(SPACY)
        # three times as fast as by way of tokens and strings
        copy = Doc(doc.vocab, words=words.tolist(), spaces=(spaces > 0).tolist())
        source = doc
        if self.tokenizer is not None:
            # a component may have set others since
            source = self.tokenizer(doc.text)
            fresh: Any = source.to_array([ORTH, SPACY])
            if fresh.tolist() != doc.to_array([ORTH, SPACY]).tolist():
                source = copy
        norms: Any = source.to_array([NORM])
        copy.from_array([NORM], norms)
        if self.encoded:
            _copy_encoding(doc, copy)
        self._copy_given(doc, copy)
        return copy

    def _copy_given(self, doc: Doc, copy: Doc) -> None:
        """What whoever called the pipeline has put on the document: what is read, and what nothing in the pipeline can have set."""
        for name, columns in GIVEN.items():
            values: Any = doc.to_array([*columns]) if self._given(name) else None
            if values is not None and values.any():
                copy.from_array([*columns], values)
        for key, group in doc.spans.items():
            if self._given(f"{SPANS} {key}"):
                copy.spans[key] = group.copy(doc=copy)
        if self._given("doc.cats"):
            copy.cats = dict(doc.cats)
        if self._given("doc.sentiment"):
            copy.sentiment = doc.sentiment
        for data, value in doc.user_data.items():
            if self._given(_name_of(data)):
                copy.user_data[data] = value

    def _given(self, name: str) -> bool:
        return bool(shared({name}, self.reads)) and not shared({name}, self.touched)


def _check_tokens(nlp: Language, names: Sequence[str], component: str, place: str) -> None:
    for name in names:
        if nlp.get_pipe_meta(name).retokenizes:
            raise _retokenized(name, component, place)


def _retokenized(name: str, component: str, place: str) -> AlError:
    return AlError(Errors.AL008.format(name=place, retokenizer=name, component=component))


def _name_of(key: Any) -> str:
    """Of what a document keeps beside its annotation: extensions as components declare them, all else by its key."""
    if isinstance(key, tuple) and len(key) == 4 and key[0] == "._.":
        owner = "doc" if key[2] is None else "token" if key[3] is None else "span"
        return f"{owner}._.{key[1]}"
    return f"doc.user_data[{key!r}]"


def _copy_encoding(doc: Doc, copy: Doc) -> None:
    copy.tensor = doc.tensor
    if Doc.has_extension("trf_data"):
        copy._.trf_data = doc._.trf_data


def _index(nlp: Language, name: str) -> int:
    return nlp.component_names.index(name)


def _encodes(pipe: Any, listener: Any) -> bool:
    # encoders know their listeners by the component's own name, which renaming it in the pipeline does not change
    return listener.name in getattr(pipe, "listening_components", ())


def _rules_read(nlp: Language, component: str) -> set[str]:
    """What a component follows beside its model: entities that are there are presets, and none goes on in the next sentence."""
    row = FACTORIES[nlp.get_pipe_meta(component).factory]
    return {ENTITIES, STARTS} if row.posterior == "entities" else set()
