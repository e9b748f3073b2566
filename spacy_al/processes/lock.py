"""One loop at a time for an output folder; a lock that nobody has to clean up."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spacy_al.errors import AlError, Errors
from spacy_al.util import make_own_folder, why_not

FILE = ".lock"


@contextmanager
def locked(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of a folder, which is made if need be.

    An exclusive transaction on an empty database: the operating system drops it when the process ends, however that
    happens, on every system that Python runs on.

    folder (Path): The output of a run. Where it is made, it is its owner's alone.
    patience (float): Seconds to wait for another process that holds it.
    RAISES (AlError): AL155 if another process holds it, AL047 if the folder cannot be written.
    """
    try:
        make_own_folder(folder)
        connection = sqlite3.connect(folder / FILE, timeout=patience, isolation_level=None)
    except (OSError, sqlite3.OperationalError) as error:
        raise AlError(Errors.AL047.format(path=folder, why=why_not(error))) from error
    with closing(connection):
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise AlError(Errors.AL155.format(path=folder)) from None
            raise AlError(Errors.AL047.format(path=folder, why=why_not(error))) from error
        yield
