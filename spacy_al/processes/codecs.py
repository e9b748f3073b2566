"""Codecs that srsly looks for in every document that is read, looked for once."""

from contextlib import suppress
from threading import Lock
from typing import Any

from srsly.msgpack import msgpack_decoders, msgpack_encoders


def look_for_codecs_once() -> None:
    """Take what other packages add to msgpack as it is now; for processes of our own, as it is a setting of srsly's.

    srsly reads the entry points of all that is installed whenever it writes or reads a message, and goes through all that
    spaCy has registered: together nearly all of the time that `DocBin.get_docs` takes.
    """
    for registry in (msgpack_encoders, msgpack_decoders):
        if registry.entry_points:
            for name, codec in registry.get_entry_points().items():
                registry.register(name, func=codec)
            registry.entry_points = False
            _remember(registry)


def _remember(registry: Any) -> None:
    """Find the codecs of a registry anew only after one was added."""
    find, add = registry.get_all, registry.register
    # threads write and read messages, and one may be adding: what was given out is never changed
    lock, known = Lock(), list[dict[str, Any]]()

    def get_all() -> dict[str, Any]:
        with suppress(IndexError):
            return known[0]
        with lock:
            known[:] = [find()]
            return known[0]

    def register(name: str, *, func: Any = None) -> Any:
        if func is None:
            return lambda func: register(name, func=func)
        with lock:
            add(name, func=func)
            known.clear()
        return func

    registry.get_all, registry.register = get_all, register
