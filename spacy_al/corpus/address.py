"""Where a pool is: a path of this machine, or a URL that fsspec opens, such as s3://bucket/pool."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from spacy_al.errors import AlError, Errors

URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# The package that fsspec needs beside itself, where spacy-al has an extra of that name
EXTRAS = {"s3": "s3", "s3a": "s3"}


def pool_path(address: Any) -> Path:
    """The path of a pool, or of anything else that is only read.

    address (str | PathLike): A path, or a URL with its protocol.
    RETURNS (Path): Of a URL a `UPath`, which is used as a Path is.
    RAISES (AlError): AL390 if what opens such URLs is not installed.
    """
    if is_remote(address):
        return address  # type: ignore[no-any-return]
    address = fspath(address) if isinstance(address, PathLike) else str(address)
    if not URL.match(address):
        return Path(address)
    protocol = address.partition("://")[0].lower()
    try:
        from upath import UPath

        path: Any = UPath(address)
        # what opens it is imported now and not at the first read
        _ = path.fs
    except (ImportError, ValueError) as error:
        extra = EXTRAS.get(protocol, "remote")
        raise AlError(Errors.AL390.format(path=address, why=error, extra=extra)) from error
    found: Path = path
    return found


def is_remote(path: Any) -> bool:
    """Whether a path is a URL, as `pool_path` gives it."""
    return hasattr(path, "fs") and hasattr(path, "protocol")


def look_up(path: Any) -> None:
    """Ask for what is at a URL, since `exists` and `is_dir` are false for whatever goes wrong on the way. Raises as `reaching`."""
    if is_remote(path):
        # of what was listed before something may be gone
        path.fs.invalidate_cache()
        with reaching(path), suppress(FileNotFoundError):
            path.fs.info(path.path)


@contextmanager
def reaching(path: Any) -> Iterator[None]:
    """RAISES (AlError): AL391 for whatever the other side of a URL says, but for what is said of files here as well."""
    try:
        yield
    except (AlError, FileNotFoundError):
        raise
    except Exception as error:
        if not is_remote(path):
            raise
        why = str(error).strip() or type(error).__name__
        raise AlError(Errors.AL391.format(path=path, why=why)) from error
