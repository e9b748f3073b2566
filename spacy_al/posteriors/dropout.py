"""Monte Carlo dropout: one model as a committee of thinned ones, whose disagreement is what more labels would settle.

Each member is one fixed mask over the units of a layer, and so one function of all texts (Gal and Ghahramani, 2016; for whole
batches, Kirsch et al., 2019), where spaCy's own dropout draws for every token. Masks are made here and multiplied in while the
model predicts: nothing is run as if it was training, which a listener must not be, and no global random state is touched.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeAlias

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model, Ops, Padded, Ragged

from spacy_al import registry
from spacy_al.arrays.checks import at_least
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.metrics import Temperature
from spacy_al.posteriors.committee import CommitteePosterior
from spacy_al.posteriors.encoder import check_encoded, check_ready
from spacy_al.posteriors.read import reader_of, run_pipes

LAYERS = ("last", "all")

# (width) -> (width,) factors of the units at one place
Mask: TypeAlias = Callable[[Ops, int], Any]


@registry.al_posteriors("spacy-al.dropout.v1")
def make_dropout_reader(
    samples: int = 10, rate: float = 0.3, layers: str = "last", seed: int = 0
) -> Callable[..., list[CommitteePosterior]]:
    """A reader of any component with an encoder, as a committee of itself under dropout.

    samples (int): Members.
    rate (float): Share of the units that a mask drops, below 1.
    layers (str): "last": in the encoder's output, which is computed once; "all": in every dropout layer of the encoder
        and the component as well, at the cost of an encoder pass a member.
    seed (int): Of the masks.
    RAISES (UsageError): AL022, AL023.
    """
    at_least(1, samples, "samples")
    at_least(0, seed, "seed")
    if not 0 < rate < 1:
        raise UsageError(Errors.AL023.format(name="rate", value=rate, must="between 0 and 1"))
    if layers not in LAYERS:
        choices = ", ".join(LAYERS)
        raise UsageError(Errors.AL022.format(name="layers", value=layers, choices=choices))
    return partial(read_dropout, samples=samples, rate=rate, layers=layers, seed=seed)


def read_dropout(
    pipe: Any,
    docs: Sequence[Doc],
    temperature: Temperature,
    *,
    samples: int = 10,
    rate: float = 0.3,
    layers: str = "last",
    seed: int = 0,
    nlp: Language,
) -> list[CommitteePosterior]:
    """The posteriors of a component under each of its masks. See `make_dropout_reader`.

    Attention maps are left whole, as they have no units.

    pipe (Any): The component.
    docs (Sequence[Doc]): Docs that have been through what comes before the component. Not changed.
    temperature (Temperature): Divides the scores.
    nlp (Language): Its pipeline, which knows what it is read by, and holds the encoder that it may listen to.
    RETURNS (list[CommitteePosterior]): One per doc, in order.
    RAISES (AlError): AL203 without an encoder, and what the component's reader raises.
    """
    check_ready(pipe)
    check_encoded(pipe, docs)
    if not pipe.model.has_ref("tok2vec"):
        raise AlError(Errors.AL203.format(name=pipe.name))
    encoder, read = pipe.model.get_ref("tok2vec"), reader_of(nlp, pipe.name)
    upstream = _upstream(pipe, nlp) if layers == "all" else []
    # what a batch of docs is encoded as: all members read the same batches
    encoded: dict[tuple[int, ...], Any] = {}
    with _swapped(encoder, partial(_last, forward=encoder._func, draw=None, encoded=encoded)):
        own = read(pipe, docs, temperature)
    rows = []
    for sample in range(samples):
        draw = partial(_mask, seed=seed, sample=sample, rate=rate)
        with ExitStack() as stack:
            ready = docs
            if layers == "all":
                places = _dropouts([model.model for _, model in upstream] + [pipe.model])
                stack.enter_context(_thinned(places, draw))
                if upstream:
                    ready = run_pipes(upstream, [doc.copy() for doc in docs])
                encoded = {}
            mask = partial(draw, place=0)
            last = partial(_last, forward=encoder._func, draw=mask, encoded=encoded)
            stack.enter_context(_swapped(encoder, last))
            rows.append(read(pipe, ready, temperature))
    return [CommitteePosterior(tuple(opinions), plain) for *opinions, plain in zip(*rows, own)]


def _mask(ops: Ops, width: int, *, place: int, sample: int, seed: int, rate: float) -> Any:
    """Inverted dropout: 0, or what keeps the mean."""
    kept: Any = numpy.random.default_rng([seed, sample, place]).random(width) >= rate
    return ops.asarray(kept / (1 - rate), dtype="float32")


def _last(
    model: Model[Any, Any],
    docs: Sequence[Doc],
    is_train: bool,
    *,
    forward: Callable[..., Any],
    draw: Mask | None,
    encoded: dict[tuple[int, ...], Any],
) -> tuple[Any, Callable[[Any], Any]]:
    """In place of an encoder's forward: encode once, and thin out."""
    key = tuple(map(id, docs))
    if key not in encoded:
        encoded[key] = forward(model, docs, False)[0]
    thinned = _times(encoded[key], draw, model.ops) if draw else encoded[key]
    return thinned, _no_backprop


def _dropout(
    model: Model[Any, Any], inputs: Any, is_train: bool, *, draw: Mask
) -> tuple[Any, Callable[[Any], Any]]:
    """In place of the forward of a thinc dropout layer."""
    return _times(inputs, draw, model.ops), _no_backprop


def _no_backprop(gradient: Any) -> Any:
    return gradient


def _times(values: Any, draw: Mask, ops: Ops) -> Any:
    """The values in whatever thinc keeps them, times a mask over the last axis. Makes new arrays."""
    if isinstance(values, list | tuple):
        return [_times(value, draw, ops) for value in values]
    if isinstance(values, Ragged):
        return Ragged(_times(values.dataXd, draw, ops), values.lengths)
    if isinstance(values, Padded):
        data = _times(values.data, draw, ops)
        return Padded(data, values.size_at_t, values.lengths, values.indices)
    return values * draw(ops, values.shape[-1])


def _dropouts(models: Sequence[Model[Any, Any]]) -> list[Any]:
    """The dropout layers of models, thinc's and torch's, in a fixed order."""
    found: dict[int, Any] = {}
    for model in models:
        for node in model.walk():
            if node.name == "dropout":
                found[id(node)] = node
            for shim in node.shims:
                found |= {id(module): module for module in _torch_dropouts(shim)}
    return list(found.values())


def _torch_dropouts(shim: Any) -> list[Any]:
    module: Any = getattr(shim, "_model", None)
    if not hasattr(module, "named_modules"):
        return []
    from torch.nn import Dropout

    return [inner for inner in module.modules() if isinstance(inner, Dropout)]


@contextmanager
def _thinned(places: Sequence[Any], draw: Callable[..., Any]) -> Iterator[None]:
    """Have dropout layers multiply by their masks, while the model predicts."""
    with ExitStack() as stack:
        for place, layer in enumerate(places, 1):
            own = partial(draw, place=place)
            if isinstance(layer, Model):
                stack.enter_context(_swapped(layer, partial(_dropout, draw=own)))
            else:
                stack.callback(layer.register_forward_hook(partial(_hook, draw=own)).remove)
        yield


def _hook(module: Any, inputs: Any, output: Any, *, draw: Mask) -> Any:
    # an attention map has heads and positions, and no units
    if output.ndim > 3:
        return output
    return output * output.new_tensor(draw(Ops(), output.shape[-1]))


@contextmanager
def _swapped(layer: Model[Any, Any], forward: Callable[..., Any]) -> Iterator[None]:
    """Let a layer run another function; its own comes back whatever happens."""
    own, layer._func = layer._func, forward
    try:
        yield
    finally:
        layer._func = own


def _upstream(pipe: Any, nlp: Language) -> list[tuple[str, Any]]:
    """The encoders that a component listens to."""
    return [
        (name, other)
        for name, other in nlp.pipeline
        if pipe.name in getattr(other, "listening_components", ())
    ]
