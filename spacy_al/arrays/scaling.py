"""What is done to the logits of labels so that probabilities mean what they say."""

from typing import NamedTuple

from spacy_al.types import Floats


class Scaling(NamedTuple):
    """What is done to logits: each is multiplied, and moved.

    scale (Floats): (n_labels,), above 0.
    bias (Floats): (n_labels,).
    """

    scale: Floats
    bias: Floats


def rescaled(logits: Floats, scaling: Scaling) -> Floats:
    """Logits after a scaling, (n, n_labels)."""
    return logits * scaling.scale + scaling.bias
