"""A layer that looks up what a pretrained encoder made of a text (encode.py), and a small one above it that is trained.

For `--code`. Experiments with it cost little more than their head, and score as models with a frozen transformer do.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.ml.models.tok2vec import MultiHashEmbed
from spacy.tokens import Doc
from thinc.api import Maxout, Model, chain, concatenate, expand_window, with_array

from spacy_al.util import content_hash


@spacy.registry.architectures("frozen_vectors.v1")
def make_frozen(path: str, width: int) -> Model[list[Doc], list[Any]]:
    """What is looked up, beside how the word is written, and two layers of `width` on it.

    path (str): Folder that encode.py wrote.
    width (int): Numbers a token that the components above get.
    """
    size = read(path)[0].shape[1]
    lookup: Model = Model("frozen_vectors", forward, dims={"nO": size}, attrs={"path": path})
    attrs, rows = ["NORM", "SUFFIX", "SHAPE"], [2500, 1000, 1000]
    written = MultiHashEmbed(width, attrs, rows, include_static_vectors=False)
    both = Maxout(nO=width, nI=size + width, nP=3, dropout=0.0, normalize=True)
    near = Maxout(nO=width, nI=3 * width, nP=3, dropout=0.0, normalize=True)
    layers = (with_array(both), with_array(chain(expand_window(1), near), pad=1))
    model = chain(concatenate(lookup, written), *layers)
    model.set_dim("nO", width)
    return model


@cache
def read(path: str) -> tuple[Any, Any, dict[str, list[int]]]:
    """Vectors, places in the text, and rows of each text."""
    folder = Path(path)
    vectors = numpy.load(folder / "vectors.npy", mmap_mode="r")
    places = numpy.load(folder / "places.npy", mmap_mode="r")
    return vectors, places, json.loads((folder / "index.json").read_text("utf8"))


def forward(model: Model, docs: list[Doc], is_train: bool) -> tuple[list[Any], Any]:
    """A token has the mean vector of its pieces; one without any, a space, has zeros."""
    vectors, places, index = read(model.attrs["path"])
    found = []
    for doc in docs:
        out = numpy.zeros((len(doc), vectors.shape[1]), dtype="float32")
        # spaCy looks at dimensions with docs of its own
        if doc.text.strip():
            start, end = index[content_hash(doc.text)]
            begins = numpy.array([token.idx for token in doc], dtype="int32")
            ends = begins + numpy.array([len(token) for token in doc], dtype="int32")
            # pieces that end after the token begins, up to those that begin before it ends
            first = numpy.searchsorted(places[start:end, 1], begins, side="right")
            last = numpy.searchsorted(places[start:end, 0], ends, side="left")
            sums = numpy.zeros((end - start + 1, vectors.shape[1]), dtype="float32")
            numpy.cumsum(vectors[start:end], axis=0, dtype="float32", out=sums[1:])
            counts = numpy.maximum(last - first, 1).astype("float32")[:, None]
            out = (sums[numpy.maximum(last, first)] - sums[first]) / counts
        found.append(model.ops.asarray(out))
    return found, lambda gradient: []
