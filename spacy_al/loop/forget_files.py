"""Texts taken out of files, each by its kind; and a look at whether they are still in any."""

import html
import json
import os
import shutil
import time
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from spacy_al.config.project import DATABASE
from spacy_al.corpus.captured import capture_locked, is_capture_shard, is_captured
from spacy_al.corpus.forgotten import FILE, Forgotten
from spacy_al.corpus.record_removal import remove_from_record, remove_records
from spacy_al.corpus.removal import Removed, remove_from_shard
from spacy_al.corpus.shard import read_bare, writing
from spacy_al.embeddings.cache import SUFFIX
from spacy_al.embeddings.removal import remove_from_cache
from spacy_al.errors import AlError, Errors
from spacy_al.processes.child import sweep
from spacy_al.processes.lock import locked
from spacy_al.query.score_file import SUFFIX as SCORES
from spacy_al.query.score_removal import remove_from_scores
from spacy_al.store.removal import remove_from_store
from spacy_al.store.schema import APPLICATION
from spacy_al.store.store import Store
from spacy_al.teachers.removal import remove_from_said
from spacy_al.teachers.said_cache import SUFFIX as SAID

REPORT = "report.html"
# What is seen to by itself
BASE = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}.backup")
OURS = (".lock", FILE, REPORT, *BASE)
SQLITE = b"SQLite format 3\0"
# Where an application's mark stands in the header of a database
MARK = slice(68, 72)
# A text of fewer words may well stand within another one that has nothing to do with it
WORDS = 4
# Such a file was left by a process that was killed while it wrote
STALE_SECONDS = 60


def remove_from_file(
    path: Path, gone: Forgotten, texts: Collection[str] = (), *, dry: bool = False
) -> Removed | None:
    """Take texts out of a file.

    path (Path): `.spacy`, `.jsonl`, `.json`, `.log` and `.txt`, a part of a cache (of encodings, of scores, of what a teacher said), or the
        database of a run.
    gone (Forgotten): The texts.
    texts (Collection[str]): Those that are still known, for files of lines.
    dry (bool): Count, and write nothing.
    RETURNS (Removed | None): Counts; None for a file of another kind.
    RAISES (AlError): AL047 if it cannot be written; of a damaged file as its reader.
    """
    if not path.is_file() and is_capture_shard(path):
        # it was the oldest, and made room
        return Removed()
    if is_database(path):
        with Store(path) as store:
            rows = remove_from_store(store, gone, dry=dry)
        return Removed(rows.questions, rows.contexts)
    if path.suffix == ".spacy":
        return remove_from_shard(path, gone, dry=dry)
    if path.suffix == SUFFIX:
        return remove_from_cache(path, gone, dry=dry)
    if path.suffix == SCORES:
        return remove_from_scores(path, gone, dry=dry)
    if path.suffix == SAID:
        return remove_from_said(path, gone, dry=dry)
    if is_capture_shard(path) and not dry:
        # a pipeline may be writing it
        with capture_locked(path.parent):
            return _remove_lines(path, gone, texts, dry) if path.is_file() else Removed()
    if path.suffix == ".jsonl":
        return _remove_lines(path, gone, texts, dry)
    if path.suffix == ".json":
        return _remove_json(path, gone, dry)
    if path.suffix in (".log", ".txt"):
        return _remove_text(path, texts, dry)
    return None


def is_database(path: Path) -> bool:
    """Whether a file is the database of a run, whatever it is called."""
    with path.open("rb") as file:
        head = file.read(MARK.stop)
    return head.startswith(SQLITE) and int.from_bytes(head[MARK], "big") == APPLICATION


def files_of(folder: Path) -> Iterator[Path]:
    """All files of a folder in order, hidden ones too, but for those of pipelines; of a run without its database, its report and its list."""
    for parent, folders, names in os.walk(folder):
        if is_pipeline(Path(parent)):
            folders.clear()
            continue
        folders.sort()
        for name in sorted(names):
            if name not in OURS and (Path(parent) / name).is_file():
                yield Path(parent) / name


def pipelines_of(folder: Path) -> list[Path]:
    """The pipelines and vectors below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_dir() and is_pipeline(path))


def is_pipeline(folder: Path) -> bool:
    """Whether a folder is a pipeline, or vectors, with a vocabulary."""
    return (folder / "vocab" / "strings.json").is_file()


def named_files(paths: Iterable[Path]) -> list[Path]:
    """The files that are named, and those in folders that are. RAISES (AlError): AL040 for one that is not there, AL342 for one of another kind."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise AlError(Errors.AL040.format(path=path))
        if path.is_file() and remove_from_file(path, Forgotten(), dry=True) is None:
            raise AlError(Errors.AL342.format(path=path))
        found += [path] if path.is_file() else files_of(path)
    return found


def sweep_run(output: Path, pool: Path) -> None:
    """Delete what processes left that were killed while they wrote: see `util.replacing`, `child.attempt`, `add_shard`, `replacing_folder`.

    RAISES (AlError): AL155 if a pool is just being written.
    """
    for folder in (output, *(path for path in output.rglob("*") if path.is_dir())):
        sweep(folder)
        _sweep_files(folder, ".*.????????")
    # others keep files of their own there
    _sweep_files(pool if pool.is_dir() else pool.parent, ".*.spacy.????????", ".adding-*.spacy")
    work = pool.resolve().with_name(f".{pool.name}.part")
    if work.is_dir():
        with locked(work):
            shutil.rmtree(work, ignore_errors=True)


def _sweep_files(folder: Path, *patterns: str) -> None:
    for pattern in patterns:
        for path in folder.glob(pattern) if folder.is_dir() else ():
            with suppress(OSError):
                if path.is_file() and time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()


def still_in(path: Path, texts: Collection[str]) -> int:
    """How often a file still has one of the texts, itself or within another text; of short texts only themselves are looked for."""
    long = [text for text in texts if is_long(text)]
    if path.suffix == ".spacy":
        with suppress(AlError):
            found = sum(
                stored.text in texts or any(text in stored.text for text in long)
                for stored in read_bare(path)
            )
            return found or _count(zlib.decompress(path.read_bytes()), long)
    return _count(path.read_bytes(), long)


def is_long(text: str) -> bool:
    """Whether a text is told from others wherever it stands."""
    return len(text.split()) >= WORDS


def traces(text: str) -> set[bytes]:
    """The bytes that a text is in a file: as it is, in JSON and in HTML."""
    forms = {text, json.dumps(text)[1:-1], html.escape(text)}
    return {form.encode("utf8", "surrogatepass") for form in forms}


def _count(data: bytes, texts: Iterable[str]) -> int:
    return sum(any(one in data for one in traces(text)) for text in texts)


def _remove_lines(path: Path, gone: Forgotten, texts: Collection[str], dry: bool) -> Removed:
    """Without records of texts; and without captures of documents that have a text within them, as those are not split."""
    kept, removed = [], Removed()
    long = [text for text in texts if is_long(text)]
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            record = json.loads(line)
        except ValueError:
            # half a line that was left by something else than us
            broken = bool(_count(line, texts))
            removed += Removed(texts=int(broken))
            kept += [] if broken else [line]
            continue
        clean, more = remove_records([record], gone)
        if clean and is_captured(record) and _count(line, long):
            clean, more = [], Removed(texts=1)
        removed += more
        kept += [(json.dumps(one) + "\n").encode() if more else line for one in clean]
    if removed and not dry:
        with writing(path, "wb") as file:
            file.writelines(kept)
    return removed


def _remove_json(path: Path, gone: Forgotten, dry: bool) -> Removed:
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return Removed()
    if isinstance(found, list):
        found, removed = remove_records(found, gone)
    else:
        found, removed = remove_from_record(found, gone)
    if removed and not dry:
        with writing(path) as file:
            file.write(json.dumps(found) + "\n")
    return removed


def _remove_text(path: Path, texts: Collection[str], dry: bool) -> Removed:
    """Of a log the lines that have a text within them, of a short one those that are it."""
    lines = path.read_bytes().splitlines(keepends=True)
    long = [text for text in texts if is_long(text)]
    short = {one for text in texts if not is_long(text) for one in traces(text)}
    kept = [line for line in lines if not _count(line, long) and line.strip() not in short]
    if len(kept) < len(lines) and not dry:
        with writing(path, "wb") as file:
            file.writelines(kept)
    return Removed(texts=len(lines) - len(kept))
