"""An encoder from `transformers`, with a tokenizer that says which characters each piece stands for."""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc
from thinc.api import get_current_ops

from spacy_al.embeddings.encoder import (
    MODEL_FILES,
    EncoderSettings,
    Encoding,
    check_layers,
    check_vectors,
    hash_files,
    hash_parts,
    unit_length,
)
from spacy_al.embeddings.windows import (
    best_windows,
    pieces_of_tokens,
    range_means,
    window_starts,
)
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats

# Goes up when the same files and settings give other vectors
VERSION = 1
# How a package that is missing is installed
INSTALLED_BY = {
    "torch": "'spacy-al[encoder]'",
    "transformers": "'spacy-al[encoder]'",
    "spacy_transformers": "spacy-transformers",
    "spacy_curated_transformers": "spacy-curated-transformers",
}
# The number of its document, its first piece, and its pieces
Window: TypeAlias = tuple[int, int, list[int]]


class TransformerEncoder:
    """A model of `transformers` and its tokenizer.

    model, tokenizer (Any): From `transformers`, the tokenizer a fast one.
    settings (EncoderSettings): How they are read.
    weights (str): A hash of the model's files.
    RAISES (AlError): AL302 for a slow tokenizer, AL087 for layers that the model does not have.
    """

    def __init__(self, model: Any, tokenizer: Any, settings: EncoderSettings, weights: str) -> None:
        if not getattr(tokenizer, "is_fast", False):
            why = (
                "its tokenizer is a slow one, which does not say what characters a piece stands for"
            )
            raise AlError(Errors.AL302.format(name=settings.name, why=why))
        self.settings, self.model = settings, model
        self.width = int(model.config.hidden_size)
        self.layers = check_layers(settings.layers, int(model.config.num_hidden_layers))
        self.prefix, self.suffix = _special_pieces(tokenizer)
        room = _most_pieces(model, tokenizer) - len(self.prefix) - len(self.suffix)
        self.window = max(1, min(settings.window, room))
        # the same share of a smaller window
        self.stride = max(1, settings.stride * self.window // settings.window)
        self.padding = tokenizer.pad_token_id or 0
        self.pieces = tokenizer.backend_tokenizer
        self.pieces.no_truncation()
        self.pieces.no_padding()
        self.hash = hash_parts(
            "transformer",
            VERSION,
            weights,
            self.layers,
            settings.pooling,
            self.window,
            self.stride,
        )
        self.about = {
            **asdict(settings),
            "layers": self.layers,
            "window": self.window,
            "stride": self.stride,
            "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        }

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """As `Encoder.encode`."""
        split = self.pieces.encode_batch([doc.text for doc in docs], add_special_tokens=False)
        windows = [
            (number, start, pieces.ids[start : start + self.window])
            for number, pieces in enumerate(split)
            if pieces.ids
            for start in window_starts(len(pieces.ids), self.window, self.stride)
        ]
        seen: list[dict[int, tuple[Floats, Floats]]] = [{} for _ in docs]
        for batch in self._batches(windows):
            for (number, start, _), states in zip(batch, self._read(batch)):
                seen[number][start] = states
        return [
            check_vectors(doc, self.settings.name, self._put_together(doc, pieces, states))
            for doc, pieces, states in zip(docs, split, seen)
        ]

    def _put_together(
        self, doc: Doc, pieces: Any, seen: dict[int, tuple[Floats, Floats]]
    ) -> Encoding:
        size = len(pieces.ids)
        if not size:
            return Encoding(
                numpy.zeros(self.width, "f4"), numpy.zeros((len(doc), self.width), "f4")
            )
        before, starts = len(self.prefix), sorted(seen)
        top, middle = (numpy.empty((size, self.width), "f4") for _ in range(2))
        best = best_windows(size, self.window, self.stride)
        for number, start in enumerate(starts):
            taken = numpy.flatnonzero(best == number)
            top[taken], middle[taken] = (rows[taken - start + before] for rows in seen[start])
        first, last = seen[starts[0]][0], seen[starts[-1]][0]
        whole = numpy.concatenate((first[:before], top, last[len(last) - len(self.suffix) :]))
        text = whole[0] if self.settings.pooling == "cls" else whole.mean(axis=0, dtype="f8")
        starts_at, ends_at = numpy.array(pieces.offsets).T
        places = doc.to_array([IDX, LENGTH]).astype("i8").reshape(len(doc), 2)
        begin, end = pieces_of_tokens(starts_at, ends_at, places[:, 0], places.sum(axis=1))
        return Encoding(unit_length(text), range_means(middle, begin, end))

    def _batches(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Windows of like length together, so that little is padded."""
        batch: list[Window] = []
        more = len(self.prefix) + len(self.suffix)
        for window in sorted(windows, key=lambda window: len(window[2])):
            # the longest comes last
            if batch and (len(batch) + 1) * (len(window[2]) + more) > self.settings.batch_tokens:
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _read(self, batch: list[Window]) -> Iterator[tuple[Floats, Floats]]:
        """For each window the last layer and the mean of the layers, with the special pieces."""
        import torch

        rows = [[*self.prefix, *ids, *self.suffix] for _, _, ids in batch]
        sizes = [len(row) for row in rows]
        ids = torch.full((len(rows), max(sizes)), self.padding, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        device = self.model.device
        with torch.no_grad():
            states = self.model(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                output_hidden_states=True,
                return_dict=True,
            ).hidden_states
            top = states[-1].float().cpu().numpy()
            chosen = sum(states[layer].float() for layer in self.layers) / len(self.layers)
            middle = chosen.cpu().numpy()
        for number, size in enumerate(sizes):
            yield top[number, :size], middle[number, :size]


def open_transformer(folder: Path, settings: EncoderSettings) -> TransformerEncoder:
    """The model in a folder that `save_pretrained` made. RAISES (AlError): AL301, AL302, AL087."""
    need_packages(settings.name, "torch", "transformers")
    with hushed(), _explained(settings.name):
        import transformers

        # it has few types
        auto: Any = transformers
        how = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = auto.AutoTokenizer.from_pretrained(str(folder), use_fast=True, **how)
        model, loaded = auto.AutoModel.from_pretrained(
            str(folder), use_safetensors=True, output_loading_info=True, **how
        )
        # the pooling layer on top of BERT is not used; anything else that is missing would be made up
        if missing := [key for key in loaded["missing_keys"] if "pooler" not in key]:
            raise ValueError(f"its weights lack {', '.join(sorted(missing)[:3])}")
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        model = model.float().eval().to(_device())
    weights = hash_files(path for pattern in MODEL_FILES for path in folder.glob(pattern))
    return TransformerEncoder(model, tokenizer, settings, weights)


def _device() -> str:
    """Where thinc computes. Its own `get_torch_default_device` refuses in a training that keeps torch from thinc."""
    import torch

    name: str = get_current_ops().name
    return (
        f"cuda:{torch.cuda.current_device()}"
        if name == "cupy"
        else name
        if name == "mps"
        else "cpu"
    )


def need_packages(name: str, *packages: str) -> None:
    """RAISES (AlError): AL301 if one of the packages is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            given = INSTALLED_BY.get(package, package)
            raise AlError(Errors.AL301.format(name=name, missing=package, given=given))


@contextmanager
def hushed() -> Iterator[None]:
    """Without what `transformers` logs below an error, such as weights that nobody uses."""
    import transformers

    logging: Any = transformers.utils.logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # a damaged file can raise anything
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise AlError(Errors.AL302.format(name=name, why=why)) from error


def _special_pieces(tokenizer: Any) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after a text."""
    # not the fast part, which may have been told to pad
    probe = tokenizer("a", return_special_tokens_mask=True, padding=False, truncation=False)
    ids, special = probe["input_ids"], probe["special_tokens_mask"]
    if all(special):
        return ids, []
    first, last = special.index(0), len(special) - special[::-1].index(0)
    return ids[:first], ids[last:]


def _most_pieces(model: Any, tokenizer: Any) -> int:
    """How many pieces the model has positions for, special ones with them."""
    limits = [int(tokenizer.model_max_length)]
    limits += [getattr(model.config, "max_position_embeddings", None) or limits[0]]
    for name, layer in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(layer, "num_embeddings"):
            # RoBERTa's positions begin after that of padding
            used = 0 if layer.padding_idx is None else layer.padding_idx + 1
            limits.append(layer.num_embeddings - used)
    return min(limits)
