"""A connection to the database of a run: opened or made, read, written and copied; what is damaged is never taken for what was said."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from spacy_al.errors import AlError, Errors
from spacy_al.store.backup import refuse_if_gone, sweep_backups, write_backup
from spacy_al.store.rows import unseal
from spacy_al.store.schema import connect, connect_copy, explain_errors, is_earlier, transaction

# `counts` holds nothing but what tasks and answers say, in another order
MISCOUNTED = """SELECT tasks.id FROM tasks LEFT JOIN counts ON counts.task = tasks.id
    WHERE (counts.round, counts.purpose, counts.rank) IS NOT (tasks.round, tasks.purpose, tasks.rank)
    OR answered != (SELECT count(*) FROM standing WHERE task = tasks.id) LIMIT 1"""
D = TypeVar("D", bound="Database")


class Database:
    """One connection to the database of a run.

    path (Path): The file.
    create (bool): Whether to make one where there is none.
    migrate (bool): Whether to bring one of an earlier version up to date; otherwise what is in it now is read, and nothing can be written.
    RAISES (AlError): In every method AL112 if the file is damaged, AL113 if it cannot be written, AL117 if another process
        blocks it for a minute; here also AL110 if it is missing, AL111 if a newer version wrote it, AL123 if it is missing or empty
        beside the rounds of a run.
    """

    def __init__(self, path: Path, *, create: bool = True, migrate: bool = True) -> None:
        if not path.exists():
            refuse_if_gone(path, found="missing")
        if not create and not path.is_file():
            raise AlError(Errors.AL110.format(path=path))
        if path.is_file() and not path.stat().st_size:
            refuse_if_gone(path, found="empty")
        self.path = path
        self._connection = connect(path) if create else _open(path, migrate)
        try:
            if not self.read("SELECT 1 FROM rounds LIMIT 1"):
                refuse_if_gone(path, found="without any round")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self: D) -> D:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def examine(self) -> None:
        """Look for damage that a query may pass by. RAISES (AlError): AL112 if there is any."""
        if (said := self.read("PRAGMA integrity_check(1)")[0][0]) != "ok":
            raise AlError(Errors.AL112.format(path=self.path, why=said))
        if self.read(MISCOUNTED):
            why = "it counts other answers than it has"
            raise AlError(Errors.AL112.format(path=self.path, why=why))

    def back_up(self) -> None:
        """Copy the database to the file beside it that has `.backup` at its end.

        RAISES (AlError): AL112 if the database is damaged; then, and if the disk is full, the backup that was there stays.
        """
        with explain_errors(self.path):
            sweep_backups(self.path)
            write_backup(self._connection, self.path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, for writing: all of it is stored when the block ends, or nothing."""
        with explain_errors(self.path), transaction(self._connection) as connection:
            yield connection

    def read(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """All rows of a query at once: a reader that stops half way would hold up what this connection writes next."""
        with explain_errors(self.path):
            return self._connection.execute(sql, values).fetchall()

    def loads(self, value: str, *beside: Any) -> Any:
        """The data of a column that holds JSON. RAISES (AlError): AL112 if it is not what was written.

        beside: As of `seal`.
        """
        try:
            return unseal(value, *beside)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise AlError(Errors.AL112.format(path=self.path, why=error)) from error


def _open(path: Path, migrate: bool) -> sqlite3.Connection:
    """A connection; where nothing can be written, as on a disk that is read only, or is to be, to what there is to read."""
    if not migrate and is_earlier(path):
        return connect_copy(path)
    try:
        connection = connect(path)
    except AlError as error:
        if error.code != "AL113":
            raise
        return connect_copy(path)
    return connection
