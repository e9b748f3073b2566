"""What a run works on: a config, its `[al]` section, and where everything of it lies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.data.pool import shards
from spacy_al.errors import Errors, UsageError
from spacy_al.partial import check_factory
from spacy_al.scoring import load_code
from spacy_al.self_train import check_whole
from spacy_al.settings import Settings, read_settings
from spacy_al.suggest import FORMS
from spacy_al.util import command_line

DATABASE = "al.db"
# What answers can teach: morphological features and sentence starts have no form of their own yet
TAUGHT = [factory for factory in FORMS if factory not in ("morphologizer", "senter")]


def _silent(line: str) -> None:
    """Shows nothing."""


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
    """

    config: Path
    overrides: Mapping[str, Any]
    settings: Settings
    oracle: Path | None = None
    code: Path | None = None
    gpu_id: int = -1
    n_process: int = 1
    show: Callable[[str], None] = field(default=_silent)

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
        """What is asked for: "entities", "spans", "tags" or "categories"."""
        return FORMS[self.settings.factory or ""][0]

    @property
    def at_least(self) -> int:
        """Questions that a round is to have where they are asked one by one, and not chosen at once."""
        return self.settings.batch_size if self.settings.recipe and not self.oracle else 0

    @property
    def command(self) -> str:
        """The command that works on it, for a terminal."""
        words: list[Any] = [self.config]
        words += ["--oracle", self.oracle] if self.oracle else []
        words += ["--code", self.code] if self.code else []
        return command_line("run", words, self.overrides)

    def waits(self, number: int, left: int, total: int) -> str:
        """What people are to do in a round, in one sentence."""
        overlap = self.settings.overlap
        if not left:
            return f"Round {number} has all of its {total} answers: `{self.command}` goes on."
        if self.at_least:
            page = command_line("annotate", [self.config], self.overrides)
            return f"Round {number} waits for {left} of {total} answers, on the page: `{page}`."
        what = "answers" if overlap == 1 else f"texts, each answered by {overlap} people"
        # with its overrides: two runs of one config may ask the same
        taken = command_line("import", [self.config, "ANSWERS.jsonl"], self.overrides)
        return (
            f"Round {number} waits for {left} of {total} {what}: label {self.folder(number) / 'tasks.jsonl'}, take "
            f"the answers in with `{taken}`, and run again."
        )

    def folder(self, number: int) -> Path:
        """The folder of a round."""
        return self.output / f"round-{number:03}"


def open_project(config: Path, overrides: Mapping[str, Any] | None = None, **how: Any) -> Project:
    """A project whose settings can be run.

    config (Path): The config.
    overrides (Mapping | None): Of the config.
    how: The other fields of `Project`.
    RAISES (AlError): As `read_settings` and `shards`; AL156 where the config names no component that can be taught, AL157
        where nothing says which labels there are, AL220 where it asks for parts of texts and the component cannot learn from
        them, AL281 for a yes or no without
        entities, AL280 where it is to train on texts that it is sure of and cannot say of which, AL158 where there is nothing to measure on, AL090 without a pool.
    """
    if how.get("code"):
        # the config may name what it registers
        load_code(str(how["code"]))
    project = Project(config, overrides or {}, read_settings(config, overrides), **how)
    settings = project.settings
    if settings.factory not in TAUGHT:
        raise UsageError(Errors.AL156.format(path=config, known=", ".join(TAUGHT)))
    if settings.partial:
        check_factory(settings.factory, settings.partial)
    if settings.self_training:
        check_whole(settings.factory)
    if settings.pool is None:
        raise UsageError(Errors.AL090)
    corpora = (settings.train, settings.weak, settings.dev, settings.test)
    for path in (*corpora, settings.pool, project.oracle):
        if path is not None:
            shards(path)
    if not (settings.train or settings.weak or settings.labels or project.oracle):
        raise UsageError(Errors.AL157.format(path=config))
    if settings.dev is None and not settings.dev_size:
        raise UsageError(Errors.AL158.format(path=config))
    return project
