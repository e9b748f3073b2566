"""From what a model returns to probabilities in float64, at a temperature.

Whether an array holds probabilities or logits is decided by the model's last layer, never by the values: a decision by
values could differ from batch to batch. A last layer that is not known here, such as a wrapped PyTorch model,
is taken at spaCy's word, which is that models return probabilities; if the values say otherwise that is an error.
"""

from typing import Any, Literal, TypeAlias

import numpy
from thinc.api import Model

from spacy_al.arrays.scaling import Scaling, logits_of, rescaled
from spacy_al.errors import AlError, Errors
from spacy_al.types import Floats

Kind: TypeAlias = Literal["softmax", "logistic", "logits", "unknown"]

KINDS: dict[str, Kind] = {
    "softmax": "softmax",
    "softmax_activation": "softmax",
    "logistic": "logistic",
    "sigmoid": "logistic",
    "sigmoid_activation": "logistic",
    "linear": "logits",
    "sparse_linear": "logits",
}

# Log odds of what float32 cannot tell from 0 and from 1
LEAST, MOST = logits_of(numpy.array([0.0, 1.0]), exclusive=False).tolist()


def last_layer(model: Model[Any, Any]) -> Model[Any, Any]:
    """The layer that makes the outputs of a model, found through chains and wrappers."""
    while model.layers:
        chained = model.name == ">>".join(layer.name for layer in model.layers)
        wrapped = len(model.layers) == 1 and model.name.startswith(("with_", "resizable("))
        if not (chained or wrapped):
            break
        model = model.layers[-1]
    return model


def output_kind(model: Model[Any, Any]) -> Kind:
    """The kind of a model's outputs when it predicts."""
    layer = last_layer(model)
    kind = KINDS.get(layer.name, "unknown")
    if kind == "softmax" and not layer.attrs.get("softmax_normalize", True):
        return "logits"  # spaCy's tagger: it normalises in training only
    return kind


def exclusive_probs(scores: Floats, kind: Kind, temperature: float | Scaling, pipe: Any) -> Floats:
    """Distributions over labels of which exactly one applies.

    One logistic output per label is read as independent Bernoullis, given that exactly one of them is true: the
    softmax of their logits.

    scores (Floats): Shape (n, n_labels), finite, as the model returned them.
    kind (Kind): What they are.
    temperature (float | Scaling): Divides the logits; above 0. Or what is done to those of each label.
    pipe (Any): Where they come from, for the error.
    RETURNS (Floats): Shape (n, n_labels), float64, rows sum to 1.
    RAISES (AlError): AL012 if they are not what their layer promises.
    """
    scores = scores.astype("float64")
    if kind == "logits":
        logits = scores
    elif kind == "logistic":
        logits = logits_of(_checked(scores, pipe), exclusive=False)
    else:
        off = numpy.abs(_checked(scores, pipe).sum(axis=1) - 1)
        if (off > 1e-3).any():
            found = f"a row sums to {scores[off.argmax()].sum():.4g}, not 1"
            raise AlError(Errors.AL012.format(name=pipe.name, found=found, layer="a softmax"))
        if _is_one(temperature):
            return scores / scores.sum(axis=1, keepdims=True)
        with numpy.errstate(divide="ignore"):
            logits = numpy.log(scores)  # an impossible label stays impossible
    if not isinstance(temperature, Scaling):
        return _softmax(logits / temperature)
    # a scale of its own for each label was fitted on logarithms of probabilities: what else all logits of a row have in common would count
    return _softmax(rescaled(logits_of(_softmax(logits), exclusive=True), temperature))


def independent_probs(
    scores: Floats, kind: Kind, temperature: float | Scaling, pipe: Any
) -> Floats:
    """One probability per label, where any number of labels may apply.

    A softmax under such a component is left as it is, since that is what the component thresholds.

    scores (Floats): Shape (n, n_labels), finite, as the model returned them.
    kind (Kind): What they are.
    temperature (float | Scaling): Divides the logits; above 0. Or what is done to those of each label.
    pipe (Any): Where they come from, for the error.
    RETURNS (Floats): Shape (n, n_labels), float64, each in [0, 1].
    RAISES (AlError): AL012 if they are not what their layer promises.
    """
    scores = scores.astype("float64")
    if kind == "logits":
        logits = scores
    else:
        scores = _checked(scores, pipe)
        if _is_one(temperature):
            return scores
        logits = logits_of(scores, exclusive=False)
    if isinstance(temperature, Scaling):
        # no farther than what it was fitted on
        logits = rescaled(logits.clip(LEAST, MOST), temperature)
    else:
        logits = logits / temperature
    return numpy.exp(-numpy.logaddexp(0, -logits))


def _is_one(temperature: float | Scaling) -> bool:
    # through logits and back probabilities would differ in their last digits
    return not isinstance(temperature, Scaling) and temperature == 1


def _softmax(logits: Floats) -> Floats:
    probs = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    total: Floats = probs.sum(axis=1, keepdims=True)
    return probs / total


def _checked(probs: Floats, pipe: Any) -> Floats:
    outside = (probs < -1e-6) | (probs > 1 + 1e-6)
    if outside.any():
        found = f"{probs[outside][0]:.4g} is not between 0 and 1"
        layer = "a softmax (one label) or a logistic layer (several)"
        raise AlError(Errors.AL012.format(name=pipe.name, found=found, layer=layer))
    return probs.clip(0, 1)
