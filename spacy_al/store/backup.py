"""The backup of a run's database, and what it means that the database is gone."""

import os
import re
import shlex
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from spacy_al.errors import AlError, Errors

SUFFIX = ".backup"
# What SQLite keeps beside a database; of another state of it they would be taken for its own
BESIDE = ("-wal", "-shm")
ROUND = re.compile(r"round-\d{3,}")


def backup_of(database: Path) -> Path:
    """The file of a database's backup."""
    return database.with_name(database.name + SUFFIX)


def refuse_if_gone(database: Path, *, found: str) -> None:
    """Do not begin anew beside the rounds of a run whose database is gone.

    database (Path): That is missing, or holds no round.
    found (str): Which of the two.
    RAISES (AlError): AL123 where there is the folder of a round, with the commands that mend it.
    """
    folder = database.parent
    rounds = sorted(path for path in folder.glob("round-*") if ROUND.fullmatch(path.name))
    if not rounds:
        return
    backup = backup_of(database)
    if backup.is_file():
        old = shlex.join(f"{database}{end}" for end in ("", *BESIDE))
        new = shlex.join(map(str, (backup, database)))
        how = f"Put its backup in its place: rm -f {old}; cp {new}"
    else:
        how = (
            "There is no backup. Move the folders of its rounds away to begin anew; `import` takes over the answers of their "
            "answers.jsonl"
        )
    raise AlError(Errors.AL123.format(path=database, found=found, round=rounds[-1], how=how))


def write_backup(connection: sqlite3.Connection, database: Path) -> None:
    """Copy a database while others use it. The file takes its name when it is whole and was checked; until then an old one stays.

    connection (Connection): To the database.
    database (Path): Its file.
    RAISES (AlError): AL112 if the database is damaged.
    """
    handle, name = tempfile.mkstemp(dir=database.parent, prefix=f".{database.name}{SUFFIX}.")
    temporary = Path(name)
    try:
        os.close(handle)
        temporary.chmod(database.stat().st_mode & 0o777)
        with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
            connection.backup(copy)
            # so that it is one file
            copy.execute("PRAGMA journal_mode = DELETE")
            said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if said != "ok":
                raise AlError(Errors.AL112.format(path=database, why=said))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, backup_of(database))
    finally:
        for end in ("", *BESIDE, "-journal"):
            Path(f"{temporary}{end}").unlink(missing_ok=True)


def sweep_backups(database: Path) -> None:
    """Delete what backups left that were killed half way. Nobody else may be making one."""
    for path in database.parent.glob(f".{database.name}{SUFFIX}.*"):
        path.unlink(missing_ok=True)
