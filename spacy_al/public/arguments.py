"""What the functions take: paths as text or as a `Path`, overrides of a config as a dict."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

AnyPath: TypeAlias = str | PathLike[str]
Overrides: TypeAlias = Mapping[str, Any]


def path_of(given: AnyPath | None) -> Path | None:
    """A path, if one is given."""
    return None if given is None else Path(given)


def plain_overrides(overrides: Overrides | None) -> dict[str, Any]:
    """Overrides as a config has them, in which a path is text."""
    return {
        name: str(value) if isinstance(value, PathLike) else value
        for name, value in (overrides or {}).items()
    }
