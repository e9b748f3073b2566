"""A layer that embeds tokens by a pretrained encoder beside spaCy's hashed features. The encoder is frozen, and learns nothing.

It stands where `spacy.MultiHashEmbed.v2` would: any config with a tok2vec can have it, and all that reads such a component reads it.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy
import spacy
from spacy.ml.featureextractor import FeatureExtractor
from spacy.tokens import Doc
from thinc.api import (
    HashEmbed,
    Maxout,
    Model,
    chain,
    concatenate,
    glorot_uniform_init,
    list2ragged,
    ragged2list,
    with_array,
)
from thinc.types import Floats2d, Ragged

from spacy_al.embeddings.encoder import EncoderSettings
from spacy_al.embeddings.shared import SharedEncoder, shared_encoder
from spacy_al.errors import AlError, Errors

ATTRS, ROWS = ("NORM", "PREFIX", "SUFFIX", "SHAPE"), (5000, 1000, 2500, 2500)


@spacy.registry.architectures("spacy-al.encoder_embed.v1")  # type: ignore[untyped-decorator]
def make_encoder_embed(
    width: int,
    encoder: str,
    layers: list[int] | None = None,
    window: int = EncoderSettings.window,
    attrs: list[str | int] = list(ATTRS),  # noqa: B006 (read only, and confection wants lists)
    rows: list[int] = list(ROWS),  # noqa: B006
    hash: str | None = None,
) -> Model[list[Doc], list[Floats2d]]:
    """Tokens' vectors from a frozen encoder, projected to `width`, with hashed embeddings of attributes beside them; all mixed by
    a maxout layer, as `spacy.MultiHashEmbed.v2` does it with static vectors.

    width (int): Of what comes out.
    encoder (str): As `EncoderSettings.name`.
    layers (list[int] | None), window (int): As in `EncoderSettings`.
    attrs (list): Attributes of tokens that are embedded as well; none for the encoder alone.
    rows (list[int]): Of the table of each attribute.
    hash (str | None): The hash that the encoder must have, as a model says that was trained with it.
    """
    if len(attrs) != len(rows):
        raise ValueError(f"attrs has {len(attrs)} names, and rows {len(rows)} numbers")
    settings = EncoderSettings(
        name=encoder,
        layers=None if layers is None else tuple(layers),
        window=window,
        stride=max(1, window * 3 // 4),
    )
    frozen = _frozen_vectors(settings, width, hash)
    mixed: Any = frozen
    if attrs:
        tables: list[Any] = [
            HashEmbed(width, size, column=number, seed=8 + number, dropout=0.0)
            for number, size in enumerate(rows)
        ]
        hashed: Any = chain(
            FeatureExtractor(attrs),
            cast(Any, list2ragged()),
            with_array(concatenate(*tables) if len(tables) > 1 else tables[0]),
        )
        mixed = concatenate(hashed, frozen)
    size = width * (len(attrs) + 1)
    mixer: Any = with_array(Maxout(width, size, nP=3, dropout=0.0, normalize=True))
    return chain(mixed, mixer, cast(Any, ragged2list()))


def _frozen_vectors(
    settings: EncoderSettings, width: int, known: str | None
) -> Model[list[Doc], Ragged]:
    return Model(
        "al_frozen_encoder",
        _forward,
        init=_init,
        params={"W": None, "b": None},
        dims={"nO": width, "nM": None},
        # what is not a plain value is not saved: the config makes it again
        attrs={"settings": settings, "encoder_hash": known or ""},
    )


def _forward(
    model: Model[list[Doc], Ragged], docs: list[Doc], is_train: bool
) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    ops: Any = model.ops
    lengths = ops.asarray1i([len(doc) for doc in docs])
    if not int(lengths.sum()):
        return Ragged(ops.alloc2f(0, model.get_dim("nO")), lengths), lambda gradient: []
    vectors = ops.asarray(numpy.concatenate(_encoder(model).token_vectors(docs)))
    weights: Any = model.get_param("W")
    projected = ops.gemm(vectors, weights, trans2=True) + model.get_param("b")

    def backprop(gradient: Ragged) -> list[Doc]:
        model.inc_grad("W", ops.gemm(gradient.data, vectors, trans1=True))
        model.inc_grad("b", cast(Any, gradient.data.sum(axis=0)))
        return []

    return Ragged(projected, lengths), backprop


def _encoder(model: Model[list[Doc], Ragged]) -> SharedEncoder:
    """The encoder. RAISES (AlError): AL321 if it is not the one of before, and as `open_encoder`."""
    encoder, known = shared_encoder(model.attrs["settings"]), model.attrs["encoder_hash"]
    if known and known != encoder.hash:
        name = model.attrs["settings"].name
        raise AlError(Errors.AL321.format(name=name, found=encoder.hash, known=known))
    return encoder


def _init(model: Model[list[Doc], Ragged], X: list[Doc] | None = None, Y: Any = None) -> None:
    encoder = _encoder(model)
    model.attrs["encoder_hash"] = encoder.hash
    model.set_dim("nM", encoder.width)
    model.set_param("W", glorot_uniform_init(model.ops, (model.get_dim("nO"), encoder.width)))
    model.set_param("b", model.ops.alloc1f(model.get_dim("nO")))
