"""What is random everywhere, of which nothing may be used up."""

import numpy


def global_state():
    """The state of numpy's global generator."""
    return numpy.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002
