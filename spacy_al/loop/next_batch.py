"""The next batch chosen beside the loop: by the run's own model, without what the run has asked, and written as a file."""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from spacy_al.adapters.ground_truth import ground_truth_line
from spacy_al.adapters.label_studio.tasks import to_label_studio
from spacy_al.adapters.labelbox import labelbox_row
from spacy_al.adapters.scale import scale_body
from spacy_al.config.project import DATABASE
from spacy_al.config.settings import Settings
from spacy_al.corpus.shard import check_writable, writing
from spacy_al.embeddings.shared import use_cache
from spacy_al.errors import AlWarning, Errors, UsageError, Warnings
from spacy_al.loop.measuring import kept_to_measure
from spacy_al.query.costs import Seconds, fit_seconds
from spacy_al.query.privacy import is_private
from spacy_al.query.select import Selection, select
from spacy_al.store.backup import refuse_if_gone
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels
from spacy_al.tasks.relabel import task_of_model
from spacy_al.tasks.task import Task, to_docbin, write_tasks
from spacy_al.training.committee import members_of_round, read_together
from spacy_al.training.latest import latest_model

# What a batch can be written as
PRODIGY, LABEL_STUDIO, SPACY = "prodigy", "label-studio", "spacy"
SCALE, LABELBOX, GROUND_TRUTH = "scale", "labelbox", "ground-truth"
# A seed below this is guessed by trying all
SECRET = 2**63
SUFFIXES = {PRODIGY: "jsonl", LABEL_STUDIO: "json", SPACY: "spacy"}
SUFFIXES |= {SCALE: "jsonl", LABELBOX: "json", GROUND_TRUTH: "manifest"}
# A task in each of the formats of JSON, and whether they stand in an array
IN_JSON: dict[str, tuple[Callable[[Task], dict[str, Any]], bool]] = {
    LABEL_STUDIO: (to_label_studio, True),
    LABELBOX: (labelbox_row, True),
    SCALE: (scale_body, False),
    GROUND_TRUTH: (ground_truth_line, False),
}


def select_next(
    pool: Path,
    settings: Settings | None = None,
    *,
    model: str | None = None,
    cold: bool = False,
    patterns: Path | None = None,
    round: int | None = None,
    **how: Any,
) -> Selection:
    """Choose as the run of a config would.

    pool (Path): As for `select`.
    settings (Settings | None): Of the run; None where there is none.
    model (str | None): By default that of the run's last round, else of a run or the only one below the working directory.
    cold (bool): Use none.
    patterns (Path | None): As for `select`; with them no model is looked for.
    round (int | None): Of the run, whose batch is chosen again; None for the next one.
    how: Other arguments of `select`.
    RAISES (AlError): As `select`; AL472 if the run chooses private batches, of which it keeps account.
    WARNS (AlWarning): ALW470 if the noise of a private batch can be guessed.
    """
    if settings and is_private(settings) and (settings.output / DATABASE).is_file():
        raise UsageError(Errors.AL472.format(output=settings.output))
    if not (model or cold or patterns):
        model = latest_model(settings.output) if settings else None
        model = model or latest_model(Path("."))
    known: dict[str, Any] = {}
    if settings and settings.encoder:
        use_cache(settings.encodings)
    if settings:
        known["asked"] = asked_before(settings, round)
        known["seconds"] = seconds_of(settings) if settings.cost == "seconds" else None
        looks_back = settings.committee == "rounds"
        if model and (looks_back or members_of_round(Path(model).parent)):
            # as the run reads it
            settings = read_together(settings, Path(model).parent)
    labels = run_labels(settings)
    if settings and labels.is_known:
        settings = replace(settings, labels=labels.names)
    found = select(
        pool, model=model, settings=settings, patterns=patterns, round=round or 0, **known, **how
    )
    if found.privacy is not None and found.privacy.epsilon > 0:
        seed = how.get("seed") or (settings.seed if settings else 0)
        if seed < SECRET:
            warnings.warn(Warnings.W470.format(seed=seed), AlWarning, stacklevel=2)
    return replace(found, tasks=[task_of_model(task, labels) for task in found.tasks])


def run_labels(settings: Settings | None) -> RunLabels:
    """The labels of a run of these settings; none are known where there is no run."""
    database = settings.output / DATABASE if settings else None
    if database is None or not database.is_file():
        return RunLabels()
    with Store(database, create=False) as store:
        return store.labels()


def asked_before(settings: Settings, round: int | None) -> set[str]:
    """Ids of the texts that a run of these settings has asked, in all its rounds or in those before one, or keeps to measure on.

    RAISES (AlError): AL123 if its database is gone.
    """
    database = settings.output / DATABASE
    if not database.is_file():
        refuse_if_gone(database, found="missing")
        return set()
    with Store(database, create=False) as store:
        return store.asked_ids(before_round=round) | kept_to_measure(store)


def seconds_of(settings: Settings) -> Seconds | None:
    """How long the annotators of a run of these settings take; None as long as there are too few answers."""
    database = settings.output / DATABASE
    if not database.is_file():
        return None
    with Store(database, create=False) as store:
        return fit_seconds(store)


def check_output(output: Path, format: str, pool: Path) -> None:
    """Find out before the work whether its result can be written.

    RAISES (AlError): AL047 if it cannot be, AL091 for a .spacy file on standard output, AL095 for one in the pool.
    """
    if str(output) == "-":
        if format == SPACY:
            raise UsageError(Errors.AL091)
        return
    if output.resolve() == pool.resolve() or (
        output.suffix == ".spacy" and output.resolve().parent == pool.resolve()
    ):
        raise UsageError(Errors.AL095.format(path=output))
    check_writable(output)


def write_batch(tasks: Sequence[Task], output: Path, format: str) -> None:
    """Write tasks as a DocBin (spacy), or as JSON or JSONL in any other of `SUFFIXES`.

    RAISES (AlError): AL047 if the file cannot be written.
    """
    if format == SPACY:
        with writing(output, "wb") as file:
            file.write(to_docbin(tasks, Vocab()).to_bytes())
    elif format in IN_JSON:
        made, is_array = IN_JSON[format]
        with writing(output) as file:
            if is_array:
                json.dump([made(task) for task in tasks], file, indent=2, allow_nan=False)
                file.write("\n")
            else:
                file.writelines(json.dumps(made(task), allow_nan=False) + "\n" for task in tasks)
    else:
        write_tasks(tasks, output)
