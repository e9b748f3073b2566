"""A run followed: after each step its store is compared with what trackers were told, and they are told the rest.

A tracker never stops or harms a run. One that cannot be reached, or refuses what it is sent, is said once; what it missed is counted, and told
at the next step or by the next command.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy_al.config.project import Project
from spacy_al.errors import AlWarning, Errors, UsageError, Warnings
from spacy_al.loop.facts import run_facts
from spacy_al.loop.report import write_run_facts
from spacy_al.processes.child import ATTEMPT
from spacy_al.store.champion import champions
from spacy_al.store.store import Store
from spacy_al.tracking.address import without_secrets
from spacy_al.tracking.facts import run_key, tracked_rounds
from spacy_al.tracking.ledger import read_ledger, write_ledger
from spacy_al.tracking.mlflow_tracker import make_mlflow_tracker, without_patience
from spacy_al.tracking.spacy_logger import make_spacy_logger
from spacy_al.tracking.tracker import TrackedRun, Tracker, digest_of

ADDRESS = "MLFLOW_TRACKING_URI"


@contextmanager
def tracked_project(project: Project) -> Iterator[Project]:
    """A project whose trackers are told what goes on, as long as the block lasts.

    project (Project): With [al.tracking], or without.
    YIELDS (Project): The one to work with.
    RAISES (AlError): AL371 without MLflow where it is asked for, AL372 where nothing says where to send to, AL084 for a logger that cannot be
        made. Nothing later.
    """
    if project.settings.tracking is None:
        yield project
        return
    ledger = read_ledger(project.output)
    follower = _Follower(project, open_trackers(project, ledger), ledger)
    try:
        yield replace(project, follow=follower.follow)
    finally:
        follower.close()


def open_trackers(project: Project, ledger: dict[str, dict[str, Any]]) -> list[Tracker]:
    """The trackers that a config asks for. Raises as `tracked_project`."""
    tracking = project.settings.tracking
    assert tracking is not None
    found: list[Tracker] = []
    address = _address(project)
    if address:
        found.append(make_mlflow_tracker(tracking, address, project.output, ledger))
    if tracking.logger is not None:
        found.append(make_spacy_logger(tracking, project.show, ledger))
    if not found:
        raise UsageError(Errors.AL372.format(path=project.config))
    return found


@dataclass
class _Follower:
    """The trackers of one command.

    ledger (dict): What each of them remembers, by place.
    """

    project: Project
    trackers: list[Tracker]
    ledger: dict[str, dict[str, Any]]
    _warned: set[str] = field(default_factory=set)

    def follow(self) -> None:
        """Tell each tracker what it does not know yet."""
        for tracker in self.trackers:
            try:
                with without_patience():
                    told = self._tell(tracker)
            except Exception as error:
                self._missed(tracker, error)
            else:
                missed = tracker.memory.pop("missed", 0)
                if missed:
                    self.project.show(f"✔ {tracker.name} was told what it had missed: {told}")
            self._keep()

    def close(self) -> None:
        """End what was begun."""
        for tracker in self.trackers:
            try:
                with without_patience():
                    tracker.close()
            except Exception as error:
                self._missed(tracker, error)
            if missed := tracker.memory.get("missed"):
                self.project.show(
                    f"⚠ {tracker.name} has missed {missed} steps: the next command tells of them"
                )
        self._keep()

    def _tell(self, tracker: Tracker) -> str:
        project, sent = self.project, tracker.memory.setdefault("sent", {})
        with Store(project.database, create=False) as store:
            facts, used, state = tracked_rounds(store, project), champions(store), store.round()
            key = run_key(store)
        is_over = state is not None and state.state == "stopped"
        run = TrackedRun(key, project.config.stem, is_over)
        fresh = [one for one in facts if sent.get(str(one.number)) != one.digest]
        with TemporaryDirectory(dir=project.output, prefix=ATTEMPT) as folder:
            for one in fresh:
                # after the last of them the report tells of all
                last = replace(run, files=self._report(Path(folder)) if one is fresh[-1] else [])
                tracker.round_done(last, one)
                sent[str(one.number)] = one.digest
                self._keep()
        in_use = digest_of([(one.hash, one.model, one.at) for one in used])
        if (used and tracker.memory.get("in_use") != in_use) or (
            not used and "in_use" in tracker.memory
        ):
            tracker.promoted(run, used)
            tracker.memory["in_use"] = in_use
        return ", ".join(f"round {one.number}" for one in fresh) or "which model is in use"

    def _report(self, folder: Path) -> list[Path]:
        tracking = self.project.settings.tracking
        if tracking is None or tracking.report == "none" or not _address(self.project):
            return []
        shown = tracking.report == "with-texts"
        facts = run_facts(self.project, texts=shown, mask=tracking.mask)
        return [write_run_facts(facts, folder)]

    def _missed(self, tracker: Tracker, error: Exception) -> None:
        missed = tracker.memory["missed"] = tracker.memory.get("missed", 0) + 1
        if tracker.name in self._warned:
            return
        self._warned.add(tracker.name)
        said = str(error).strip().splitlines()
        why = without_secrets(said[0] if said else type(error).__name__, _address(self.project))
        message = Warnings.W370.format(name=tracker.name, why=why[:300], count=missed)
        warnings.warn(message, AlWarning, stacklevel=2)

    def _keep(self) -> None:
        # of a full disk: what was told is looked up in the tracker the next time
        with suppress(OSError):
            write_ledger(self.project.output, self.ledger)


def _address(project: Project) -> str | None:
    tracking = project.settings.tracking
    assert tracking is not None
    return tracking.uri or os.environ.get(ADDRESS) or None
