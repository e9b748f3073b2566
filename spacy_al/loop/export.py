"""A run as files: what was asked and answered, and the corpus that comes of it."""

import warnings
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from spacy_al.adapters import few_shot
from spacy_al.adapters.formats import FORMATS, write_format
from spacy_al.config.project import Project
from spacy_al.corpus.shard import read_shard
from spacy_al.errors import AlWarning, Errors, UsageError, Warnings
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.likely import prepare_train
from spacy_al.loop.masked import run_mask
from spacy_al.store.export import export_jsonl
from spacy_al.store.store import Store
from spacy_al.tasks.mask_doc import mask_doc
from spacy_al.tasks.merge import write_round_corpus


def export(
    project: Project, folder: Path, to: str | None = None, mask: Sequence[str] = ()
) -> dict[str, int]:
    """Write a run as files.

    project (Project): The run.
    folder (Path): Gets `tasks.jsonl`, `answers.jsonl`, `train.spacy` (`paths.train` and what the answers teach), and
        `dev.spacy` where a development set was asked for.
    to (str | None): One of `formats.FORMATS`: both are written in it as well. A warning counts what it cannot hold. Or "spacy-llm": a few of the
        answers, as examples for prompts, in `few_shot.json`.
    mask (Sequence[str]): What is hidden in all of them: see `make_mask`. Such files cannot be imported again.
    RETURNS (dict): Tasks, answers and docs by file.
    RAISES (AlError): AL110 if there is no run, AL047 if a file cannot be written, AL160 if it is one that the run reads, AL266
        if the format cannot hold what is labelled, AL473 and AL474 for a mask that is none.
    """
    settings, names = project.settings, ("train.spacy", "dev.spacy")
    read = [settings.train, settings.dev, settings.test, settings.pool, project.dev]
    taken = {path.resolve() for path in read if path}
    for path in (folder / name for name in names):
        # a shard in a folder of them would be read as well
        if not taken.isdisjoint((path.resolve(), folder.resolve())):
            raise UsageError(Errors.AL160.format(path=path))
    with Store(project.database, create=False) as store:
        store.examine()
        hide = run_mask(store, project, mask)
        counts: dict[str, Any] = export_jsonl(store, folder, hide.task if hide else None)
        hidden = partial(mask_doc, mask=hide) if hide else None
        merged = merged_answers(store, project)
        prepare = partial(prepare_train, project, store.labels(), None, left=Counter())
        counts["train.spacy"] = write_round_corpus(
            project.settings.train, merged, folder / "train.spacy", Vocab(), prepare, hidden
        )["texts"]
        if any(store.tasks(purpose="dev")):
            dev = merged_answers(store, project, purpose="dev")
            path = folder / "dev.spacy"
            counts[path.name] = write_round_corpus(None, dev, path, Vocab(), change=hidden)["texts"]
    if to == few_shot.NAME:
        path, corpus = folder / few_shot.FILE, folder / "train.spacy"
        docs = read_shard(corpus, Vocab()) if corpus.is_file() else ()
        counts[path.name] = few_shot.write_few_shot(
            docs, path, kind=project.kind, spans_key=settings.spans_key
        )
    if to in FORMATS:
        for name in [name for name in names if name in counts and (folder / name).is_file()]:
            path = (folder / name).with_suffix(FORMATS[to].suffix)
            report = write_format(
                to,
                read_shard(folder / name, Vocab()),
                path,
                kind=project.kind,
                spans_key=settings.spans_key,
            )
            counts[path.name] = report.pop("written")
            if report := +report:
                why = ", ".join(f"{count} {reason}" for reason, count in report.items())
                message = Warnings.W260.format(
                    count=report.total(), path=folder / name, to=to, why=why
                )
                warnings.warn(message, AlWarning, stacklevel=2)
    return counts
