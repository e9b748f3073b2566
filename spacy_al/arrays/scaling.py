"""What is done to the logits of labels so that probabilities mean what they say."""

from typing import NamedTuple

import numpy

from spacy_al.types import Floats

# float32 cannot hold a logistic output between this and 1, so a 1 in it stands for about this
CEILING = 1 - 2.0**-25
TINY = float(numpy.finfo("float32").tiny)


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


def logits_of(probs: Floats, *, exclusive: bool) -> Floats:
    """Logits of probabilities, (n, n_labels), as far as float32 tells them apart: logarithms where one label applies, else log odds."""
    if exclusive:
        logs: Floats = numpy.log(probs.clip(TINY, 1))
        return logs
    probs = probs.clip(TINY, CEILING)
    odds: Floats = numpy.log(probs) - numpy.log1p(-probs)
    return odds
