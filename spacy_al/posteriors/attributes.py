"""Which attributes of documents a component reads, and which components set them."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from spacy.attrs import IDS
from spacy.language import Language
from spacy.pipeline.spancat import ngram_suggester, preset_spans_suggester
from thinc.api import Model

# In place of names, where nothing is known: whatever there is
ANYTHING = "*"
ENTITIES, STARTS, SPANS, ENCODING, NORMS = "entities", "starts", "spans", "encoding", "norms"
# What spaCy calls them, in what components declare and in columns of features
NAMES = {
    "doc.ents": ENTITIES,
    "token.ent_iob": ENTITIES,
    "token.ent_type": ENTITIES,
    "token.ent_kb_id": ENTITIES,
    "token.ent_id": ENTITIES,
    "token.is_sent_start": STARTS,
    "token.sent_start": STARTS,
    "doc.sents": STARTS,
    "doc.spans": SPANS,
    "doc.tensor": ENCODING,
    "doc._.trf_data": ENCODING,
    "token.norm": NORMS,
}
NAMES_OF = {number: name for name, number in IDS.items()}
# Attributes of tokens that are no word's own
OF_TOKENS = {"tag", "pos", "lemma", "dep", "head", "morph"}
OF_TOKENS |= {"ent_iob", "ent_type", "ent_kb_id", "ent_id", "sent_start", "norm"}
# Components of spaCy that declare nothing, and set nothing that is read
HARMLESS = {"merge_entities", "merge_noun_chunks", "merge_subtokens", "token_splitter"}
# Packages whose layers are known: they read text, features that they name, or what an encoder left
LAYERS = {"spacy", "spacy_al", "spacy_legacy", "thinc"}
TRANSFORMERS = {"spacy_curated_transformers", "spacy_transformers"}


def shared(first: Iterable[str], second: Iterable[str]) -> set[str]:
    """What is in both."""
    one, other = set(first), set(second)
    if ANYTHING in one or ANYTHING in other:
        return other if ANYTHING in one else one
    # the name without a key is that of all groups
    groups = [{name for name in names if name.startswith(SPANS)} for names in (one, other)]
    return one & other | (groups[0] | groups[1] if all(groups) and SPANS in one | other else set())


def model_reads(pipe: Any) -> set[str]:
    """What the model of a component, and its suggester, read of a document beside the text."""
    if _package(type(pipe)) not in ("spacy", "spacy_al"):
        return {ANYTHING}
    found, nodes = set[str](), list(pipe.model.walk())
    # an encoder of the component's own may cut its texts by anything
    known = LAYERS | TRANSFORMERS if any(map(is_listener, nodes)) else LAYERS
    for node in nodes:
        found |= _layer_reads(node, known)
    suggester = getattr(pipe, "suggester", None)
    if suggester is not None:
        function = suggester.func if isinstance(suggester, partial) else suggester
        if function is preset_spans_suggester:
            found.add(_group(suggester.keywords.get("spans_key")))
        elif function is not ngram_suggester:
            found.add(ANYTHING)
    return found


def is_listener(node: Model[Any, Any]) -> bool:
    """Whether a layer takes what a shared encoder left on the document."""
    # those of spaCy and of spacy-transformers are classes without a common base, those of spacy-curated-transformers plain layers
    return hasattr(node, "upstream_name") or "_upstream_name" in node.attrs


def sets(nlp: Language, name: str) -> set[str]:
    """What a component may set; one that declares nothing, and is unknown, may set all."""
    meta, pipe = nlp.get_pipe_meta(name), nlp.get_pipe(name)
    if meta.factory in HARMLESS:
        return set()
    if meta.factory == "attribute_ruler":
        ruler: Any = pipe
        return _columns(key for values in ruler.attrs for key in values)
    if meta.factory == "doc_cleaner":
        return {_named(f"doc.{key}") for key in pipe.cfg["attrs"]}  # type: ignore[attr-defined]
    found = {_named(name) for name in meta.assigns}
    if SPANS in found and _package(type(pipe)) == "spacy":
        found = found - {SPANS} | {_group(getattr(pipe, "key", None))}
    if meta.factory == "span_ruler" and getattr(pipe, "annotate_ents", True):
        # which it does not declare
        found.add(ENTITIES)
    return found or {ANYTHING}


def _layer_reads(node: Model[Any, Any], known: set[str]) -> set[str]:
    if is_listener(node):
        return {ENCODING}
    functions = [node._func, *(value for value in node.attrs.values() if callable(value))]
    if not {_package(function) for function in functions} <= known:
        return {ANYTHING}
    if node.name == "extract_features":
        return _columns(node.attrs["columns"])
    if node.name == "extract_ngrams":
        return _columns([node.attrs["attr"]])
    return set()


def _columns(columns: Iterable[Any]) -> set[str]:
    """Attributes of tokens by their numbers or names; not those of words, which nothing changes."""
    names = (column if isinstance(column, str) else NAMES_OF[int(column)] for column in columns)
    return {_named(f"token.{name.lower()}") for name in names if name.lower() in OF_TOKENS}


def _group(key: str | None) -> str:
    """Of spans, those of a key; all of them where it is not known."""
    return f"{SPANS} {key}" if key else SPANS


def _named(name: str) -> str:
    return NAMES.get(name, name)


def _package(item: Any) -> str:
    while isinstance(item, partial):
        item = item.func
    return str(getattr(item, "__module__", None) or "").partition(".")[0]
