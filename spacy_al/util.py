"""Small helpers without a better home: hashing, files, progress."""

import errno
import hashlib
import json
import os
import platform
import shlex
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")


def content_hash(text: str) -> str:
    """The identity of a text everywhere: 16 hex digits, equal for equal texts on every machine and run."""
    return hashlib.blake2b(text.encode("utf8", "surrogatepass"), digest_size=8).hexdigest()


def is_blank(text: str) -> bool:
    """Whether there is nothing in a text to be seen: white space, control characters, and those of no width, alone."""
    return all(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in text)


def several(given: Any) -> list[Any]:
    """A list of what can be given alone or several at once: one text or path is not taken apart into its letters."""
    return [given] if isinstance(given, str | os.PathLike) else [*given]


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Consecutive lists of at most `size` items."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def make_own_folder(path: Path) -> None:
    """Make a folder that nobody but its owner may look into, where the system knows owners. One that is there stays as it is.

    RAISES (OSError): If it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def why_not(error: Exception) -> str:
    """Why a file cannot be read or written, in words that say what to do where the system's own do not."""
    if isinstance(error, IsADirectoryError):
        return "it is a folder. Name a file"
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return "a part of its path is a file, where a folder is needed"
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def replacing(path: Path, mode: str = "w", *, private: bool = False) -> Iterator[IO[Any]]:
    """Open a file that takes the place of `path` only once it is whole and on disk.

    A process killed while writing leaves the old file, or none, never half of a new one.

    private (bool): Whether nobody but its owner may ever read it.
    RAISES (OSError): If it cannot be written; of a folder before anything else is done.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        if not private:
            # mkstemp makes files that only their owner may read; give what open() would have given
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
        encoding = None if "b" in mode else "utf8"
        with os.fdopen(handle, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def progress_bar(items: Iterable[T], total: int | None, unit: str) -> Iterable[T]:
    """A bar on standard error when it is a terminal and the work takes more than two seconds."""
    bar: Iterable[T] = tqdm(
        items, total=total, unit=unit, delay=2, disable=not sys.stderr.isatty(), leave=False
    )
    return bar


def arguments(verb: str, words: Iterable[Any], overrides: Mapping[str, Any]) -> list[str]:
    """A command of ours, as what comes after `python -m spacy_al`, with the overrides of its config."""
    typed = [verb, *map(str, words)]
    for name, value in overrides.items():
        typed += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return typed


def command_line(argv: Iterable[str]) -> str:
    """A command of ours as one types it."""
    return shlex.join(["python", "-m", "spacy_al", *argv])


def callable_name(function: Any) -> str:
    """The name of a registered function in front of people: `token_entropy`."""
    function = getattr(function, "func", function)
    return getattr(function, "__name__", type(function).__name__)


def is_unregistered(why: str) -> bool:
    """Whether an error of spaCy's, by what it says, is over a function or a component that nobody has registered."""
    return "[E893]" in why or "[E002]" in why


def versions() -> dict[str, str]:
    """The versions of what makes a model, by name."""
    names = ("spacy", "spacy-al", "thinc", "numpy")
    return {"Python": platform.python_version(), **{name: version(name) for name in names}}


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
