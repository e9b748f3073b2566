"""The tables of a run, how old databases become new ones, and what SQLite's failures mean to a user."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from spacy_al.errors import AlError, Errors
from spacy_al.util import make_own_folder

# In the header of the file, so that another program's database is never taken for ours: "spAL"
APPLICATION = 0x7370414C
PATIENCE = 60.0
TURNS = threading.RLock()
DAMAGE = ("no such", "malformed", "decode", "already exists", "duplicate column")

# Text from outside is kept as JSON with escapes: SQLite stores UTF-8, which has no lone surrogates.
FIRST = (
    "CREATE TABLE items (id TEXT PRIMARY KEY, text TEXT NOT NULL, source TEXT NOT NULL)",
    """CREATE TABLE rounds (
        number INTEGER PRIMARY KEY, state TEXT NOT NULL, upto INTEGER NOT NULL, opened_at REAL NOT NULL)""",
    """CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds (number),
        item TEXT NOT NULL REFERENCES items (id),
        purpose TEXT NOT NULL CHECK (purpose IN ('train', 'dev', 'review')),
        rank INTEGER NOT NULL,
        payload TEXT NOT NULL,
        UNIQUE (round, purpose, rank))""",
    """CREATE TABLE assignments (
        task TEXT NOT NULL REFERENCES tasks (id),
        annotator TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (task, annotator))""",
    """CREATE TABLE answers (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        task TEXT NOT NULL REFERENCES tasks (id),
        annotator TEXT NOT NULL,
        payload TEXT NOT NULL,
        seconds REAL,
        at REAL NOT NULL)""",
    "CREATE INDEX answers_by_task ON answers (task, annotator, seq)",
    """CREATE TABLE models (
        round INTEGER PRIMARY KEY REFERENCES rounds (number),
        hash TEXT NOT NULL,
        path TEXT NOT NULL,
        seconds REAL,
        versions TEXT NOT NULL)""",
    """CREATE TABLE metrics (
        round INTEGER NOT NULL REFERENCES rounds (number),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (round, name))""",
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL)""",
)
# By how many people each task is answered, in the order in which to ask: small rows, since what comes next and how far a round
# is are asked for with every answer, and a task is as long as its text
SECOND = (
    """CREATE TABLE counts (
        round INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        rank INTEGER NOT NULL,
        task TEXT NOT NULL UNIQUE REFERENCES tasks (id),
        answered INTEGER NOT NULL,
        PRIMARY KEY (round, purpose, rank)) WITHOUT ROWID""",
    """INSERT INTO counts SELECT round, purpose, rank, id,
        (SELECT count(DISTINCT annotator) FROM answers WHERE task = tasks.id) FROM tasks""",
    """CREATE TRIGGER count_task AFTER INSERT ON tasks BEGIN
        INSERT INTO counts VALUES (new.round, new.purpose, new.rank, new.id, 0); END""",
    """CREATE TRIGGER count_answer AFTER INSERT ON answers
        WHEN NOT EXISTS (SELECT 1 FROM answers
            WHERE task = new.task AND annotator = new.annotator AND seq != new.seq)
        BEGIN UPDATE counts SET answered = answered + 1 WHERE task = new.task; END""",
    "CREATE INDEX answers_by_annotator ON answers (annotator, task, seq)",
)
# What became of the run's labels, and behind which change each question was asked and each answer given: what a name meant then is
# found by that
THIRD = (
    """CREATE TABLE label_operations (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('start', 'add', 'rename', 'merge', 'remove', 'undo')),
        labels TEXT NOT NULL,
        into_label TEXT NOT NULL,
        undoes INTEGER REFERENCES label_operations (seq),
        at REAL NOT NULL)""",
    "ALTER TABLE tasks ADD COLUMN label_position INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE answers ADD COLUMN label_position INTEGER NOT NULL DEFAULT 0",
)
# A hash of what a round's row says: see `rows.seal`
FOURTH = ("ALTER TABLE rounds ADD COLUMN seal TEXT",)
# Who takes an answer back, or deletes it, adds a row: `stands` is the answer that counts from there on, 0 for none. So what counted at any
# `seq` can be told, and nothing vanishes. `entered_by` is who did it, or wrote an answer down for somebody else
FIFTH = (
    "ALTER TABLE answers ADD COLUMN stands INTEGER",
    "ALTER TABLE answers ADD COLUMN entered_by TEXT",
    """CREATE VIEW standing AS
        SELECT task, annotator, coalesce(stands, seq) AS seq FROM answers AS said
        WHERE coalesce(stands, 1) AND seq = (
            SELECT max(seq) FROM answers WHERE task = said.task AND annotator = said.annotator)""",
    "DROP TRIGGER count_answer",
    """CREATE TRIGGER count_answer AFTER INSERT ON answers BEGIN
        UPDATE counts SET answered = answered + (coalesce(new.stands, 1) != 0) - coalesce((
            SELECT coalesce(stands, 1) != 0 FROM answers
            WHERE task = new.task AND annotator = new.annotator AND seq < new.seq
            ORDER BY seq DESC LIMIT 1), 0)
        WHERE task = new.task; END""",
    "CREATE INDEX tasks_by_item ON tasks (item)",
)
# Questions are asked by rank, whatever they are for
SIXTH = ("CREATE INDEX IF NOT EXISTS counts_in_order ON counts (round, rank, purpose)",)
# Each entry takes a database one version further; an entry that was released is never changed.
MIGRATIONS: tuple[Sequence[str], ...] = (FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH)


def connect(
    path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS, patience: float = PATIENCE
) -> sqlite3.Connection:
    """Open a database, which is made or brought up to date if need be.

    path (Path): The file; its folder is made, for its owner alone.
    migrations (Sequence): Statements that lead from each version to the next.
    patience (float): Seconds to wait for another process.
    RAISES (AlError): As `explain_errors`; AL111 for a newer version, AL112 for another program's database.
    """
    with explain_errors(path):
        make_own_folder(path.parent)
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            _migrate(connection, path, migrations)
            _write_ahead(connection, patience)
            # after the migrations, since a table that is rebuilt breaks references for a moment
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_copy(path: Path) -> sqlite3.Connection:
    """Open what is now in a database that cannot be written, as on a disk that is read only; nothing can be changed.

    path (Path): The file. What has not come from its log into it is read as well.
    RAISES (AlError): As `connect`.
    """
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        with explain_errors(path):
            for end in ("", "-wal"):
                if (own := path.with_name(path.name + end)).is_file():
                    copy.with_name(copy.name + end).write_bytes(own.read_bytes())
            with closing(connect(copy)) as found:
                found.backup(memory)
    memory.execute("PRAGMA query_only = ON")
    return memory


def is_earlier(path: Path) -> bool:
    """Whether a database is of an earlier version, and would be brought up to date by `connect`. RAISES (AlError): As `connect`."""
    known = len(MIGRATIONS)
    with explain_errors(path), closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
        return _version(connection, path, known) < known


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing, and on disk when it is over.

    It takes the right to write at once: a transaction that reads first and writes later fails when another process
    wrote in between, and no waiting helps. Threads of one process take turns beforehand: SQLite has whoever finds the
    database taken sleep for up to a tenth of a second, whether it is free by then or not.
    """
    with TURNS:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # SQLite takes some failures back itself, such as a full disk
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's failures into ours.

    RAISES (AlError): AL112 for a file that is damaged or no database, AL113 for one that cannot be written, AL117 for
        one that another process keeps to itself.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        why = str(error)
        if "locked" in why:
            raise AlError(Errors.AL117.format(path=path)) from error
        # errors of the file itself have no class of their own
        if type(error) is sqlite3.DatabaseError or any(word in why for word in DAMAGE):
            raise AlError(Errors.AL112.format(path=path, why=why)) from error
        if isinstance(error, sqlite3.OperationalError):
            raise AlError(Errors.AL113.format(path=path, why=why)) from error
        raise
    except UnicodeDecodeError as error:
        # what SQLite says of a damaged table may quote it
        raise AlError(Errors.AL112.format(path=path, why=error)) from error
    except OSError as error:
        raise AlError(Errors.AL113.format(path=path, why=error.strerror or error)) from error


def _migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]
) -> None:
    if _version(connection, path, len(migrations)) == len(migrations):
        return
    with transaction(connection):
        # once more: another process may have been faster
        version = _version(connection, path, len(migrations))
        for statements in migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")


def _version(connection: sqlite3.Connection, path: Path, known: int) -> int:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    # last, since another process may make the database between two reads: what it made then bears its name
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION and (application or version or tables):
        why = "it belongs to another program"
        raise AlError(Errors.AL112.format(path=path, why=why))
    if version > known:
        raise AlError(Errors.AL111.format(path=path, found=version, known=known))
    return version


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Readers and a writer side by side. SQLite does not wait for its turn when it switches to this, so we do."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
