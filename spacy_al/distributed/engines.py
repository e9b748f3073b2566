"""Where the work on a pool is done, by name."""

from typing import Any

from spacy_al.distributed.ray_encoder import RayEncoder
from spacy_al.distributed.ray_engine import RayEngine
from spacy_al.errors import Errors, UsageError
from spacy_al.query.score_pool import Engine

LOCAL, RAY = "local", "ray"
NAMES = (LOCAL, RAY)
WORKERS = 2


def open_engine(name: str, workers: int | None = None) -> Engine | None:
    """What scores a pool.

    name (str): "local", in this process and `n_process` others, or "ray".
    workers (int | None): Of a cluster.
    RETURNS (Engine | None): None for "local".
    RAISES (UsageError): AL087 for another name, or workers where there is no cluster.
    RAISES (AlError): AL393 if Ray is not installed.
    """
    if not _is_ray(name, workers):
        return None
    return RayEngine(WORKERS if workers is None else workers)


def open_encoding_engine(name: str, workers: int | None, *given: Any) -> RayEncoder | None:
    """What encodes a pool; arguments and errors as for `open_engine`, and `given` as for `RayEncoder`."""
    if not _is_ray(name, workers):
        return None
    return RayEncoder(WORKERS if workers is None else workers, *given)


def _is_ray(name: str, workers: int | None) -> bool:
    if name not in NAMES:
        must = f"one of: {', '.join(NAMES)}"
        raise UsageError(Errors.AL087.format(name="--engine", value=name, must=must))
    if name == LOCAL and workers is not None:
        must = "left out without --engine ray; --n-process is for the cores of this machine"
        raise UsageError(Errors.AL087.format(name="--workers", value=workers, must=must))
    return name == RAY
