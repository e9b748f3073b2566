"""A spaCy pipeline as an encoder: its transformer, or else its static vectors."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.tokens import Doc
from spacy.util import load_config
from thinc.api import to_numpy

from spacy_al.embeddings.encoder import (
    Encoder,
    EncoderSettings,
    Encoding,
    check_layers,
    check_vectors,
    hash_files,
    hash_parts,
    unit_length,
)
from spacy_al.embeddings.opening import explain_opening, need_packages
from spacy_al.embeddings.transformer_encoder import TransformerEncoder, hushed
from spacy_al.embeddings.vectors_encoder import VectorsEncoder
from spacy_al.embeddings.windows import range_means
from spacy_al.errors import AlError, Errors

VERSION = 1
VECTORS = ("vectors", "key2row", "vectors.cfg", "strings.json")
PACKAGES = {
    "transformer": "spacy_transformers",
    "curated_transformer": "spacy_curated_transformers",
}


class CuratedEncoder:
    """A component of spacy-curated-transformers. Its own config says how long texts are cut.

    pipe (Any): The component.
    settings (EncoderSettings): Window and stride do not apply. Layers below the last need a component that was made with
        `all_layer_outputs = true`; otherwise the last layer is all there is.
    weights (str): A hash of the component's files.
    RAISES (AlError): AL087 for layers that the component does not give.
    """

    def __init__(self, pipe: Any, settings: EncoderSettings, weights: str) -> None:
        self.pipe, self.settings = pipe, settings
        data = self._read([Doc(pipe.vocab, words=["a"])])[0]
        self.width = int(data.last_hidden_layer_state.dataXd.shape[-1])
        self.n_layers = len(data.all_outputs) - 1
        # the last is at the end, whether or not the others were kept
        layers = check_layers(settings.layers, self.n_layers) if self.n_layers else (0,)
        if not self.n_layers and settings.layers not in (None, (-1,)):
            check_layers(settings.layers, 0)
        self.layers = layers
        self.hash = hash_parts("curated", VERSION, weights, layers, settings.pooling)
        versions = {"spacy-curated-transformers": version("spacy-curated-transformers")}
        self.about: dict[str, Any] = {**asdict(settings), "layers": layers, "versions": versions}

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """As `Encoder.encode`."""
        # the component leaves its output on the docs, and reads all their tokens
        copies = [self._copy(doc) for doc in docs]
        full = iter(self._read([copy for copy in copies if len(copy)]))
        return [
            check_vectors(doc, self.settings.name, self._encode(copy, full))
            for doc, copy in zip(docs, copies)
        ]

    def _copy(self, doc: Doc) -> Doc:
        words, spaces = [t.text for t in doc], [bool(t.whitespace_) for t in doc]
        return Doc(self.pipe.vocab, words=words, spaces=spaces)

    def _read(self, docs: list[Doc]) -> list[Any]:
        return [doc._.trf_data for doc in self.pipe.pipe(docs)]

    def _encode(self, doc: Doc, full: Any) -> Encoding:
        if not len(doc):
            return Encoding(numpy.zeros(self.width, "f4"), numpy.zeros((0, self.width), "f4"))
        data = next(full)
        top = to_numpy(data.last_hidden_layer_state.dataXd)
        chosen = [to_numpy(data.all_outputs[layer].dataXd) for layer in self.layers]
        ends = numpy.cumsum(to_numpy(data.last_hidden_layer_state.lengths))
        begins = numpy.concatenate(([0], ends[:-1]))
        tokens = range_means(numpy.mean(chosen, axis=0), begins, ends)
        if doc.text.isspace():
            return Encoding(numpy.zeros(self.width, "f4"), tokens)
        text = top[0] if self.settings.pooling == "cls" else top.mean(axis=0, dtype="f8")
        return Encoding(unit_length(text), tokens)


def open_pipeline_encoder(folder: Path, settings: EncoderSettings) -> Encoder:
    """The transformer of the pipeline in a folder, or its vectors if it has no transformer.

    RAISES (AlError): AL301 if the package of its transformer is missing, AL302 if it cannot be loaded, AL303 if it has neither.
    """
    with explain_opening(settings.name):
        components = load_config(folder / "config.cfg").get("components", {})
    factories = {name: block.get("factory") for name, block in components.items()}
    name = next((name for name, factory in factories.items() if factory in PACKAGES), None)
    factory = factories.get(name)
    if name is not None and factory is not None:
        need_packages(settings.name, "torch", PACKAGES[factory])
    with explain_opening(settings.name):
        # nothing but what encodes
        nlp = spacy.load(folder, exclude=[other for other in factories if other != name])
    if name is None:
        if not nlp.vocab.vectors_length or not len(nlp.vocab.vectors):
            why = "the pipeline has neither a transformer nor vectors"
            raise AlError(Errors.AL303.format(name=settings.name, why=why))
        files = [folder / "vocab" / file for file in VECTORS]
        return VectorsEncoder(
            nlp.vocab, settings, hash_files(file for file in files if file.is_file())
        )
    weights = hash_files(file for file in (folder / name).rglob("*") if file.is_file())
    pipe: Any = nlp.get_pipe(name)
    if factory == "curated_transformer":
        return CuratedEncoder(pipe, settings, weights)
    with hushed():
        model = pipe.model.transformer.eval()
        return TransformerEncoder(model, pipe.model.tokenizer, settings, weights)
