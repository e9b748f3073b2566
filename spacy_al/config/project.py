"""The project that a run works on: a config, its `[al]` section, and where everything of it lies."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.config.consensus import check_consensus
from spacy_al.config.partial import check_factory
from spacy_al.config.self_training import check_whole
from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import load_code
from spacy_al.util import arguments, command_line

DATABASE = "al.db"
_ROUND = re.compile(r"round-(\d{3,})")


def round_folder(output: Path, number: int) -> Path:
    """The folder of a round among those of all rounds."""
    return output / f"round-{number:03}"


def round_number(folder: Path) -> int | None:
    """The number of the round whose folder it is; None for another folder."""
    found = _ROUND.fullmatch(folder.name)
    return int(found[1]) if found else None


def _silent(line: str) -> None:
    """Shows nothing."""


def _unfollowed() -> None:
    """Nobody follows the run."""


@dataclass(frozen=True)
class Project:
    """A config with what was said on the command line.

    config (Path): A spaCy training config with an `[al]` section.
    overrides (Mapping): Of the config, by dotted names.
    settings (Settings): Its `[al]` section.
    oracle (Path | None): Gold that answers in place of a person.
    code (Path | None): Python file that registers functions.
    gpu_id (int): -1 for none.
    n_process (int): Processes that score.
    show (Callable): Takes a line on what goes on.
    follow (Callable): Is called after each step of a round, and when another model is in use.
    """

    config: Path
    overrides: Mapping[str, Any]
    settings: Settings
    oracle: Path | None = None
    code: Path | None = None
    gpu_id: int = -1
    n_process: int = 1
    show: Callable[[str], None] = field(default=_silent)
    follow: Callable[[], None] = field(default=_unfollowed)

    @property
    def output(self) -> Path:
        return self.settings.output

    @property
    def database(self) -> Path:
        return self.output / DATABASE

    @property
    def code_text(self) -> str | None:
        return str(self.code) if self.code else None

    @property
    def dev(self) -> Path:
        """The development set: the config's, or the one that is asked for."""
        return self.settings.dev or self.output / "dev.spacy"

    @property
    def kind(self) -> str:
        """The kind of answer that is asked for: "entities", "spans", "tags" or "categories"."""
        return FACTORIES[self.settings.factory or ""].task

    @property
    def at_least(self) -> int:
        """Questions that a round is to have where they are asked one by one, and not chosen at once."""
        return self.settings.batch_size if self.settings.recipe and not self.oracle else 0

    @property
    def argv(self) -> list[str]:
        """The command that works on it, as what comes after `python -m spacy_al`."""
        words: list[Any] = [self.config]
        words += ["--oracle", self.oracle] if self.oracle else []
        return arguments("run", [*words, *self._code], self.overrides)

    @property
    def _code(self) -> list[Any]:
        return ["--code", self.code] if self.code else []

    @property
    def command(self) -> str:
        """The same, for a terminal."""
        return command_line(self.argv)

    def waits(self, number: int, left: int, total: int) -> str:
        """The next step of the people in a round, in one sentence.

        left, total (int): Answers that are missing, and all that it asks for.
        """
        overlap = self.settings.overlap
        if not left:
            return f"Round {number} has all of its {total:,} answers: `{self.command}` goes on."
        if self.at_least:
            page = command_line(arguments("annotate", [self.config, *self._code], self.overrides))
            return f"Round {number} waits for {left:,} of {total:,} answers, on the page: `{page}`."
        what = "answers" if overlap == 1 else f"answers, {overlap} people for each text"
        # with its overrides: two runs of one config may ask the same
        words = [self.config, "ANSWERS.jsonl", *self._code]
        taken = command_line(arguments("import", words, self.overrides))
        return (
            f"Round {number} waits for {left:,} of {total:,} {what}: label {self.folder(number) / 'tasks.jsonl'}, take "
            f"the answers in with `{taken}`, and run again."
        )

    def folder(self, number: int) -> Path:
        """The folder of a round."""
        return round_folder(self.output, number)


def open_project(
    config: Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    has_labels: bool = False,
    **how: Any,
) -> Project:
    """A project whose settings can be run.

    config (Path): The config.
    overrides (Mapping | None): Of the config.
    has_labels (bool): Whether a run of it knows its labels already.
    how: The other fields of `Project`.
    RAISES (AlError): As `read_settings` and `shards`; AL156 where the config names no component that can be taught, AL157
        where nothing says which labels there are, AL167 where there is one category and each text has to have one, AL430 for a consensus that the component cannot have, AL220 where it asks for parts of texts and the component cannot learn from
        them, AL281 for a yes or no without
        entities, AL280 where it is to train on texts that it is sure of and cannot say of which, AL158 where there is nothing to measure on, AL090 without a pool.
    """
    # the config may name what it registers
    load_code(how.get("code"))
    project = Project(config, overrides or {}, read_settings(config, overrides), **how)
    settings = project.settings
    taught = [name for name, row in FACTORIES.items() if row.is_asked]
    if settings.factory not in taught:
        raise UsageError(Errors.AL156.format(path=config, known=", ".join(taught)))
    if settings.partial:
        check_factory(settings.factory, settings.partial)
    if settings.self_training:
        check_whole(settings.factory)
    check_consensus(settings.factory, settings.consensus)
    if settings.pool is None:
        raise UsageError(Errors.AL090)
    corpora = (settings.train, settings.weak, settings.dev, settings.test)
    for path in (*corpora, settings.consensus.gold, settings.pool, project.oracle):
        if path is not None:
            shards(path)
    told = settings.train or settings.weak or settings.labels or project.oracle
    named = settings.teacher.named_labels if settings.teacher else []
    if not (told or named or has_labels):
        raise UsageError(Errors.AL157.format(path=config))
    row = FACTORIES[settings.factory]
    others = settings.train or settings.weak or project.oracle or named or has_labels
    if row.task == "categories" and row.is_exclusive and len(settings.labels) == 1 and not others:
        facts = {"name": settings.component, "path": config, "label": settings.labels[0]}
        raise UsageError(Errors.AL167.format(**facts))
    if settings.dev is None and not settings.dev_size:
        raise UsageError(Errors.AL158.format(path=config))
    return project
