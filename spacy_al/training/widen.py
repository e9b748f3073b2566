"""More outputs for a trained component: where spaCy has a way, by that, and for a last layer of categories that it leaves as it is, here.

The model stays of spaCy's architecture, and loads where this package is missing.
"""

from collections.abc import Sequence
from typing import Any

from spacy.ml.models.textcat import NEG_VALUE
from thinc.api import Model
from thinc.layers.resizable import resize_linear_weighted

# Below the mean of the scores that the known categories get: a new one is at most e**-5 times as probable as the best of them. Much
# lower, and the few hundred small steps of a first round do not get it back
BELOW = 5.0


def can_widen(pipe: Any) -> bool:
    """Whether a trained component can learn further labels."""
    # a parser's output grows by itself; of other components spaCy says so where it can
    return (
        hasattr(pipe, "moves")
        or bool(getattr(pipe, "is_resizable", False))
        or _ends_linear(getattr(pipe, "model", None))
    )


def widen(pipe: Any, labels: Sequence[str]) -> None:
    """Add the labels that a component lacks. What it says of the others stays as it was, but for less than 0.01 where categories are
    exclusive.

    RAISES (ValueError): spaCy's E922 for a component that cannot be widened.
    """
    model: Any = getattr(pipe, "model", None)
    known = len(pipe.labels)
    if _ends_linear(model):
        model.attrs.setdefault("resize_output", _resize)
    for label in labels:
        pipe.add_label(label)
    if pipe.labels[known:] and "multi_label" in getattr(model, "attrs", ()):
        _make_learnable(model, known)


def _ends_linear(model: Any) -> bool:
    """Whether a classifier ends in a linear layer that alone says how many categories there are, as
    spacy.TextCatParametricAttention.v1 does, and spacy.TextCatEnsemble.v2, which has two such layers, does not."""
    return bool(
        isinstance(model, Model)
        and "multi_label" in model.attrs
        and model.has_ref("output_layer")
        and model.layers[-1] is model.get_ref("output_layer")
        and {"W", "b"} <= {*_linear(model).param_names}
    )


def _linear(model: Model[Any, Any]) -> Any:
    layer: Any = model.get_ref("output_layer")
    while layer.layers:
        layer = layer.layers[0]
    return layer


def _resize(model: Model[Any, Any], n: int) -> Model[Any, Any]:
    """As spaCy's own functions of this name: more rows in the last layer, filled as those fill them. For `add_label`."""
    fill = {"W": 0.0, "b": 0.0 if model.attrs["multi_label"] else NEG_VALUE}
    layer = _linear(model)
    model.replace_node(layer, resize_linear_weighted(layer, n, fill_defaults=fill))
    for part in (model.get_ref("output_layer"), model):
        part.set_dim("nO", n, force=True)
    return model


def _make_learnable(model: Model[Any, Any], known: int) -> None:
    """Move new categories to where training gets to. spaCy gives them a bias of -5000, from which steps of 0.001 do not return: a
    TextCatBOW never said a new category in 2,000 steps."""
    layer = _linear(model)
    bias = layer.get_param("b").copy()
    if not (bias[known:] <= NEG_VALUE).all():
        return
    if model.attrs["multi_label"]:
        # each for itself: neither likely nor unlikely
        bias[known:] = 0.0
    else:
        bias[known:] = bias[:known].mean() - BELOW
        weights = layer.get_param("W").copy()
        # a bag of words has one row of all weights, in which those of a new category are 0, and those of the known ones about 0 on average
        if weights.ndim == 2:
            weights[known:] = weights[:known].mean(axis=0)
            layer.set_param("W", weights)
    layer.set_param("b", bias)
