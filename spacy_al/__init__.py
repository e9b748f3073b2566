"""Active learning as a native part of spaCy."""

import typing

# what these register can be named in any config
from spacy_al import acquisition, registry, selection, stopping  # noqa: F401
from spacy_al.adapters import peers  # noqa: F401
from spacy_al.embeddings import documents, gradients, pretrained  # noqa: F401
from spacy_al.errors import AlError, AlWarning
from spacy_al.oracle import annotator  # noqa: F401
from spacy_al.posteriors import estimator_posteriors, get_posteriors
from spacy_al.training import checkpoints, measured_scorer, pseudo_batcher  # noqa: F401

__version__ = "0.1.0"
__all__ = [
    "AlError",
    "AlWarning",
    "audit",
    "calibrate",
    "estimator_posteriors",
    "get_posteriors",
    "ingest",
    "registry",
    "report",
    "run",
    "select",
    "simulate",
    "status",
]

if typing.TYPE_CHECKING:
    from spacy_al.public.functions import (
        audit,
        calibrate,
        ingest,
        report,
        run,
        select,
        simulate,
        status,
    )


def __getattr__(name: str) -> typing.Any:
    """The verbs as functions, imported when they are first asked for: whoever only loads a pipeline does not pay for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from spacy_al.public import functions

    return getattr(functions, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
