"""A transformer as a folder that ONNX Runtime reads: exported once, where torch is, and used where it is not."""

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.tokens import Doc

from spacy_al.corpus.folder import replacing_folder
from spacy_al.embeddings.encoder import EncoderSettings, Encoding, hash_files, open_encoder
from spacy_al.embeddings.onnx_encoder import (
    CONFIG,
    GRAPH,
    MIDDLE,
    TOKENIZER,
    TOP,
    OnnxFacts,
    note_facts,
    open_onnx,
)
from spacy_al.embeddings.opening import first_line, need_packages
from spacy_al.embeddings.transformer_encoder import TransformerEncoder
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats

# Mean cosines to what torch says, of tokens and of texts, below which nothing is written
LEAST, LEAST_INT8 = 0.999, 0.95
# What is compared where no pool is given
SAMPLES = (
    "The patient was given 10 mg of aspirin twice daily and developed a rash on both arms.",
    "No fever.",
    "Haloperidol-induced catalepsy in rats was reversed by a single dose of scopolamine (0.5 mg/kg).",
    "Either party may terminate this Agreement on thirty (30) days' written notice to the other.",
    "I would like to change the address on my account, please.",
    "In March 2019 the company opened an office in Oslo; it employs 1,250 people there.",
    "History: hypertension, type 2 diabetes, s/p CABG x3. BP 142/88, HR 71, afebrile. Denies chest pain.",
    "The supplier shall not be liable for indirect loss, save where such loss was caused by gross negligence, and in no event for more "
    "than the fees that were paid in the twelve months before the claim arose.",
)


@dataclass(frozen=True)
class Exported:
    """What was written.

    folder (Path): Where it is.
    layers (tuple[int, ...]): Whose mean the second output is.
    size (int): Of the graph, in bytes.
    texts, tokens (int): That were compared.
    text_cosine, token_cosine (float): Mean cosines to the vectors of torch.
    """

    folder: Path
    layers: tuple[int, ...]
    size: int
    texts: int
    tokens: int
    text_cosine: float
    token_cosine: float

    def is_alike(self, least: float) -> bool:
        """Whether both cosines are that high. They are NaN, and not, where nothing was there to be compared."""
        return self.text_cosine >= least and self.token_cosine >= least


def export_encoder(
    settings: EncoderSettings, output: Path, *, int8: bool = True, docs: Sequence[Doc] = ()
) -> Exported:
    """Write a transformer as a graph of two outputs, its last layer and the mean of the layers of the settings.

    settings (EncoderSettings): A folder or a package that transformers reads, or a pipeline of spacy-transformers.
    output (Path): Folder that is made, whole or not at all.
    int8 (bool): Weights as integers of 7 bits, a scale for each channel: a quarter of the size, and less time. 8 bits would overflow
        on processors without VNNI, and there give other vectors.
    docs (Sequence[Doc]): Texts on which both are compared; by default a few that come with the package.
    RAISES (AlError): AL301 for a package that is missing, AL309 if there is something already, for what cannot be
        exported, and for what says something else afterwards, AL047, and as `open_encoder`.
    """
    need_packages(settings.name, "onnxscript", "onnx", "onnxruntime", "torch", "transformers")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        why = f"{output} is there already, and models may have learned from it. Choose another --output"
        raise AlError(Errors.AL309.format(name=settings.name, why=why))
    encoder = open_encoder(settings)
    if not isinstance(encoder, TransformerEncoder):
        why = "it is no model that transformers reads"
        raise AlError(Errors.AL309.format(name=settings.name, why=why))
    docs = docs or [spacy.blank("en").make_doc(text) for text in SAMPLES]
    with replacing_folder(output) as place:
        (place / TOKENIZER).write_text(encoder.pieces.to_str(), "utf8")
        # where it lay is nobody's business
        config = json.dumps(
            {**encoder.model.config.to_dict(), "_name_or_path": ""}, indent=2, default=str
        )
        (place / CONFIG).write_text(config + "\n", "utf8")
        try:
            with _hushed():
                _write_graph(encoder, place / GRAPH, int8)
        except Exception as error:
            why = first_line(error)
            raise AlError(Errors.AL309.format(name=settings.name, why=why)) from error
        facts = OnnxFacts(
            tuple(sorted(encoder.layers)),
            int(encoder.model.config.num_hidden_layers),
            encoder.limit,
            encoder.padding,
            {name: hash_files([place / name]) for name in (GRAPH, CONFIG, TOKENIZER)},
        )
        about = {"of": Path(settings.name).name, "hash": encoder.hash, "int8": int8}
        note_facts(place, facts, {**about, "versions": encoder.about["versions"]})
        made = open_onnx(place, replace(settings, name=str(output), layers=None))
        found = compare_encodings(encoder.encode(docs), made.encode(docs))
        size = (place / GRAPH).stat().st_size
        exported = Exported(output, facts.layers, size, len(docs), *found)
        least = LEAST_INT8 if int8 else LEAST
        if not exported.is_alike(least):
            why = (
                f"what it says afterwards is another thing: to the vectors before, those of tokens have a mean cosine of "
                f"{exported.token_cosine:.3f} and those of texts {exported.text_cosine:.3f}, and {least:g} is the least that is taken"
            )
            raise AlError(Errors.AL309.format(name=settings.name, why=why))
    return exported


def _write_graph(encoder: TransformerEncoder, path: Path, int8: bool) -> None:
    import onnx
    import torch

    model, layers = encoder.model.to("cpu"), encoder.layers

    class TwoOutputs(torch.nn.Module):
        """The last layer, and the mean of some."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, Any]:
            states = self.model(
                input_ids=input_ids,
                attention_mask=attention_mask,
                output_hidden_states=True,
                return_dict=True,
            ).hidden_states
            return states[-1], sum(states[layer] for layer in layers) / len(layers)

    ids = torch.full((2, min(8, encoder.limit)), encoder.padding + 1)
    sizes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("pieces")}
    names = ["input_ids", "attention_mask"]
    with torch.no_grad():
        program: Any = torch.onnx.export(
            TwoOutputs().eval(),
            (ids, torch.ones_like(ids)),
            dynamo=True,
            verbose=False,
            input_names=names,
            output_names=[TOP, MIDDLE],
            dynamic_shapes=dict.fromkeys(names, sizes),
        )
    graph = program.model_proto
    # where in whose files each node comes from is nobody's business
    for node in [*graph.graph.node, *(node for each in graph.functions for node in each.node)]:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    whole = path.with_suffix(".float32") if int8 else path
    onnx.save(graph, whole)
    if int8:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        how = {"per_channel": True, "reduce_range": True, "weight_type": QuantType.QInt8}
        quantize_dynamic(whole, path, **how)
        whole.unlink()


def compare_encodings(
    before: Sequence[Encoding], after: Sequence[Encoding]
) -> tuple[int, float, float]:
    """How many tokens have a vector, and the mean cosines of texts and of tokens."""
    texts = _cosines([one.text for one in before], [one.text for one in after])
    tokens = _cosines(
        [r for one in before for r in one.tokens], [r for one in after for r in one.tokens]
    )
    return len(tokens), float(texts.mean()), float(tokens.mean())


def _cosines(before: Sequence[Floats], after: Sequence[Floats]) -> Floats:
    """(n,) of those that say something before."""
    a, b = numpy.array(before, dtype="f8"), numpy.array(after, dtype="f8")
    lengths = numpy.linalg.norm(a, axis=1) * numpy.linalg.norm(b, axis=1)
    return ((a * b).sum(axis=1) / numpy.where(lengths, lengths, 1))[a.any(axis=1)]


@contextmanager
def _hushed() -> Iterator[None]:
    """Without what exporters say of packages that are not needed, and of their own future."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
