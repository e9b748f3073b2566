"""Forgetting texts: everywhere that a run keeps them, so that nothing brings them back.

The list of their hashes is written first. Then go the places that only the text itself can be found by, such as logs, then all that
is found by hashes, and last the pool, which has the text. Whatever is killed, doing it again finishes.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from spacy_al.config.project import Project
from spacy_al.corpus.captured import is_capture_shard
from spacy_al.corpus.forgotten import (
    FILE,
    Forgotten,
    hashes_of,
    list_of_pool,
    read_list,
    write_list,
)
from spacy_al.corpus.pool import shards
from spacy_al.corpus.removal import Removed, remove_from_shard
from spacy_al.embeddings.cache import SUFFIX
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.loop.forget_files import (
    REPORT,
    files_of,
    named_files,
    remove_from_file,
    still_in,
    sweep_run,
)
from spacy_al.loop.forget_find import Wanted, find_texts
from spacy_al.loop.forget_models import (
    LeftInModel,
    left_in_models,
    own_words,
    rounds_trained_with,
    train_anew,
)
from spacy_al.loop.labels import with_labels
from spacy_al.loop.report import write_report
from spacy_al.processes.lock import locked
from spacy_al.query.score_file import SUFFIX as SCORES
from spacy_al.store.removal import known_forgotten, remove_from_store
from spacy_al.store.store import Store

# In the order in which files go: first those that are searched by the text itself
BY_TEXT = (".log", ".txt")
SHOWN = 5


@dataclass(frozen=True)
class Preview:
    """What is to go, and what is not.

    texts (dict[str, str]): By their ids, those that are still known.
    gone (Forgotten): Their hashes, and those of all that were forgotten before.
    places (list): Where, what, how many.
    models (list[LeftInModel]): With words of theirs.
    own (list): Labelled corpora of the user, which are not touched, and how many of the texts each has.
    also (list[Path]): Files that are to be gone through beside those of the run.
    """

    texts: dict[str, str]
    gone: Forgotten
    places: list[tuple[Path, str, int]]
    models: list[LeftInModel]
    own: list[tuple[Path, int]]
    also: list[Path]


def preview_forgetting(project: Project, wanted: Wanted, also: Iterable[Path] = ()) -> Preview:
    """What would be forgotten; it changes nothing.

    wanted (Wanted): The texts. None are enough where some were forgotten before: it is then done again everywhere.
    also (Iterable[Path]): Files, or folders of them, that are no part of the run.
    RAISES (AlError): AL340 if nothing is wanted, AL341 for what neither the pool nor the run knows, AL342 for a file that
        cannot be gone through, AL344; and as the readers of what is damaged, which may hold a text.
    """
    assert project.settings.pool is not None
    files = named_files(also)
    before = _lists(project)
    if not wanted and not before.ids:
        raise UsageError(Errors.AL340)
    captured = [path for path in (*_run_files(project), *files) if is_capture_shard(path)]
    texts, bare = find_texts(project, wanted, before, captured)
    gone = before | hashes_of(texts.values()) | Forgotten(ids=bare)
    gone |= Forgotten(rounds=rounds_trained_with(project, gone))
    places: list[tuple[Path, str, int]] = []

    def add(path: Path, removed: Removed | None, what: str = "texts") -> None:
        if removed is not None:
            found = ((what, removed.texts), ("beside a neighbour", removed.contexts))
            places.extend((path, name, count) for name, count in found if count)

    for shard in shards(project.settings.pool):
        add(shard, remove_from_shard(shard, gone, dry=True))
    if project.database.is_file():
        with Store(project.database, create=False) as store:
            rows = remove_from_store(store, gone, dry=True)
        counts = zip(("questions", "answers", "beside a neighbour"), rows)
        places += [(project.database, name, count) for name, count in counts if count]
    for path in _run_files(project):
        what = "lines" if path.suffix in BY_TEXT else "texts"
        add(path, remove_from_file(path, gone, texts.values(), dry=True), what)
    for path in files:
        add(path, remove_from_file(path, gone, texts.values(), dry=True))
    if places and (project.output / REPORT).is_file():
        places.append((project.output / REPORT, "written anew", 1))
    words = own_words(project, gone, texts.values())
    named = {path.resolve() for path in files}
    settings, own = project.settings, list[tuple[Path, int]]()
    for corpus in filter(None, (settings.train, settings.dev, settings.test, settings.weak)):
        found = [
            remove_from_shard(shard, gone, dry=True).texts
            for shard in shards(corpus)
            if shard.resolve() not in named
        ]
        own += [(corpus, sum(found))] if any(found) else []
    return Preview(texts, gone, places, left_in_models(project.output, words), own, files)


def forget_texts(project: Project, preview: Preview, *, retrain: bool = False) -> list[int]:
    """Forget texts everywhere that a run keeps them.

    preview (Preview): As `preview_forgetting` gave it.
    retrain (bool): Make the models that were trained with them anew.
    RETURNS (list[int]): The rounds whose models were made anew.
    RAISES (AlError): AL155 if another process works in the run, AL343 if a text is still somewhere; and as the writers.
    """
    settings, texts, gone = project.settings, preview.texts, preview.gone
    assert settings.pool is not None
    done: list[int] = []
    with locked(project.output), ExitStack() as stack:
        write_list(project.output / FILE, replace(gone, is_done=False))
        write_list(list_of_pool(settings.pool), gone)
        sweep_run(project.output, settings.pool)
        (project.output / REPORT).unlink(missing_ok=True)
        for path in sorted(
            [*_run_files(project), *preview.also], key=lambda one: one.suffix not in BY_TEXT
        ):
            remove_from_file(path, gone, texts.values())
        store = stack.enter_context(Store(project.database)) if project.database.is_file() else None
        if store is not None:
            remove_from_store(store, gone)
            store.back_up()
        for shard in shards(settings.pool):
            remove_from_shard(shard, gone)
        if retrain and store is not None:
            done = train_anew(store, with_labels(store, project), gone.rounds)
        if store is not None and any(path.name == REPORT for path, *_ in preview.places):
            write_report(project)
        # the last thing: until then it is not done, and the next command says so
        write_list(project.output / FILE, replace(gone, rounds=gone.rounds - {*done}))
    _check(project, preview)
    return done


def _lists(project: Project) -> Forgotten:
    """What was forgotten before, wherever that is known."""
    assert project.settings.pool is not None
    found = read_list(project.output / FILE)
    # rounds are of a run, and several may have one pool
    pool = read_list(list_of_pool(project.settings.pool))
    found |= Forgotten(pool.ids, pool.parts)
    if project.database.is_file():
        with Store(project.database, create=False) as store:
            found |= known_forgotten(store)
    return found


def _run_files(project: Project) -> list[Path]:
    """All files that a run has written, and its caches of encodings and of scores where these are elsewhere."""
    found = [*files_of(project.output)] if project.output.is_dir() else []
    caches = (project.settings.encodings, SUFFIX), (project.settings.score_cache, SCORES)
    for cache, suffix in caches:
        if cache is not None and cache.is_dir() and project.output not in cache.parents:
            found += sorted(cache.rglob(f"*{suffix}"))
    return found


def _check(project: Project, preview: Preview) -> None:
    """Look whether any of the texts is still somewhere. RAISES (AlError): AL343 if one is."""
    assert project.settings.pool is not None
    ends = ("", "-wal", ".backup")
    paths = [project.database.with_name(f"{project.database.name}{end}") for end in ends]
    paths += [project.output / REPORT, *_run_files(project), *preview.also]
    paths += shards(project.settings.pool)
    texts = {*preview.texts.values()}
    found = [path for path in paths if path.is_file() and still_in(path, texts)]
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        names = ", ".join(map(str, found[:SHOWN])) + more
        raise AlError(Errors.AL343.format(count=len(found), paths=names))
