"""Checks of every reader: the model can run, the docs are encoded, and what comes out is finite."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.attributes import is_listener
from spacy_al.types import Floats, Ints

# Docs that a model is given at once, whatever the number of docs asked for
BATCH = 128


def check_ready(pipe: Any) -> None:
    """Make sure that a component has labels and weights.

    pipe (Any): A trainable component.
    RAISES (AlError): AL007 if it was never initialized.
    """
    unset = any(node.has_param(p) is None for node in pipe.model.walk() for p in node.param_names)
    if unset or not pipe.labels:
        raise AlError(Errors.AL007.format(name=pipe.name))


def check_encoded(pipe: Any, docs: Sequence[Doc]) -> None:
    """Make sure that docs carry what a shared encoder should have left on them.

    Where it is missing, a listener answers with zeros and without a word, and every doc looks uncertain.

    pipe (Any): A trainable component; one with an encoder of its own needs nothing.
    docs (Sequence[Doc]): Docs about to be read. Docs without tokens need no encoding.
    RAISES (AlError): AL004 for the first doc that is not encoded.
    """
    for node in pipe.model.walk():
        if not is_listener(node):
            continue
        reads_tensor = isinstance(node, Tok2VecListener)
        for doc in docs:
            if len(doc) and not (_has_tensor(doc) if reads_tensor else _has_transformer_data(doc)):
                upstream = getattr(node, "upstream_name", node.attrs.get("_upstream_name"))
                if upstream == "*":
                    upstream = "tok2vec" if reads_tensor else "transformer"
                raise AlError(
                    Errors.AL004.format(name=pipe.name, length=len(doc), upstream=upstream)
                )


def check_finite(
    array: Any, pipe: Any, docs: Sequence[Doc], lengths: Sequence[int] | Ints | None = None
) -> Floats:
    """The output of a model as a numpy array, if all of it is finite.

    array (Any): An array of the model's own library; its first axis runs over the docs.
    pipe (Any): The component it comes from.
    docs (Sequence[Doc]): The docs it was computed from.
    lengths (Sequence[int] | None): How many rows belong to each doc; by default one, or one for each of its
        tokens where there are more rows than docs.
    RETURNS (Floats): The same values in the same type and shape.
    RAISES (AlError): AL005, naming the first doc with a NaN or an infinity.
    """
    values = pipe.model.ops.to_numpy(array)
    good = numpy.isfinite(values)
    if not good.all():
        row = int(good.reshape(len(good), -1).all(axis=1).argmin())
        if lengths is None:
            lengths = [1 if len(good) <= len(docs) else len(doc) for doc in docs]
        index = numpy.searchsorted(numpy.cumsum(lengths), row, "right")
        text = " ".join(docs[int(index)].text.split())[:60]
        raise AlError(Errors.AL005.format(name=pipe.name, text=text))
    return values


def _has_tensor(doc: Doc) -> bool:
    # `doc_cleaner` sets it to None
    return doc.tensor is not None and bool(doc.tensor.size)


def _has_transformer_data(doc: Doc) -> bool:
    return Doc.has_extension("trf_data") and doc._.trf_data is not None
