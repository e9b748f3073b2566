"""A run in MLflow: one MLflow run for each round below one for all of them, and a registry that says which model is in use."""

import logging
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy_al.config.tracking import Tracking
from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.component import open_pipeline
from spacy_al.processes.child import ATTEMPT
from spacy_al.store.champion import Champion
from spacy_al.tracking.address import shown_address
from spacy_al.tracking.tracker import TrackedRound, TrackedRun, digest_of
from spacy_al.training.made_from import CARD

# Of an MLflow run: that of ours which it shows. It is searched for, so that what was cut off is not begun twice
KEY = "spacy-al.key"
# Of a version in the registry: the hash of its model
HASH = "spacy-al.hash"
CHAMPION, PREVIOUS = "champion", "previous"
MODEL, PROMOTED = "model", "promoted"
# Entries that MLflow takes at once
MOST = 100
# A server that is down is to cost seconds, not the minutes of MLflow's own retries; what a user has set stays
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
# MLflow's own name for it
ARTIFACTS = "mlruns"
NOISY = ("mlflow", "alembic", "urllib3")


@dataclass
class MlflowTracker:
    """MLflow as a `Tracker`.

    tracking (Tracking): What is sent.
    uri (str): Address of the server or store.
    folder (Path): The output of the run, for what is put together before it is sent.
    place (str), memory (dict): As a `Tracker` has them; `memory` holds ids of MLflow runs and what was sent to them.
    """

    tracking: Tracking
    uri: str = field(repr=False)
    folder: Path
    place: str
    memory: dict[str, Any]
    name: str = "MLflow"
    _client: Any = None
    _experiment: str = ""

    def round_done(self, run: TrackedRun, facts: TrackedRound) -> None:
        """A round as an MLflow run of its own, and its figures on the curves of the run."""
        with quietly():
            parent = self._parent(run)
            own = self._round(run, facts.number, parent)
            known = self._get(own).data.params
            params = {name: said for name, said in facts.params.items() if name not in known}
            hashes = {f"hash.{name}": value for name, value in facts.hashes.items()}
            tags = {**hashes, **({"strategy": facts.strategy} if facts.strategy else {})}
            self._log(own, facts, params, tags)
            self._log(parent, facts)
            if facts.config is not None:
                self._client.log_artifact(own, str(facts.config))
            if facts.model is not None and self.tracking.log_model:
                self._send_model(own, facts.model, facts.hashes.get("model", ""))
            for path in run.files:
                self._client.log_artifact(parent, str(path))
            self._end(own, facts.is_over)
            self._end(parent, run.is_over)

    def promoted(self, run: TrackedRun, used: Sequence[Champion]) -> None:
        """The model in use, as a tag of the run, and as aliases of the registry where it has a name there."""
        with quietly():
            parent = self._parent(run)
            in_use = used[-1].model if used else "none"
            self._client.set_tag(parent, CHAMPION, in_use)
            for one in used[-1:]:
                own = parent if one.round is None else self._round(run, one.round, parent)
                card = Path(one.model) / CARD
                if card.is_file():
                    self._client.log_artifact(own, str(card), PROMOTED)
            name = self.tracking.registered_model
            if name is None:
                return
            if not self._client.search_registered_models(f"name = '{_quoted(name)}'"):
                self._client.create_registered_model(name)
            aliases = self._client.get_registered_model(name).aliases
            wanted = dict(zip((CHAMPION, PREVIOUS), reversed(used)))
            for alias in (CHAMPION, PREVIOUS):
                if alias in wanted:
                    number = self._version(run, name, wanted[alias], parent)
                    if str(aliases.get(alias)) != number:
                        self._client.set_registered_model_alias(name, alias, number)
                elif alias in aliases:
                    self._client.delete_registered_model_alias(name, alias)

    def close(self) -> None:
        """Nothing is open."""

    def _open(self) -> None:
        if self._client is not None:
            return
        from mlflow import MlflowClient

        client = MlflowClient(self.uri, registry_uri=self.uri)
        name = self.tracking.experiment or self.memory["title"]
        found = client.get_experiment_by_name(name)
        kind = {"mlflow.experimentKind": "custom_model_development"}
        self._experiment = (
            found.experiment_id
            if found
            else client.create_experiment(name, artifacts_beside(self.uri), tags=kind)
        )
        self._client = client

    def _get(self, run_id: str) -> Any:
        return self._client.get_run(run_id)

    def _parent(self, run: TrackedRun) -> str:
        self.memory.setdefault("title", run.title)
        self._open()
        return self._run(run.key, run.title, {"spacy-al.output": str(self.folder)})

    def _round(self, run: TrackedRun, number: int, parent: str) -> str:
        tags = {"mlflow.parentRunId": parent, "round": str(number)}
        return self._run(f"{run.key}/{number}", f"{run.title}, round {number}", tags)

    def _run(self, key: str, name: str, tags: Mapping[str, str]) -> str:
        """The MLflow run of a key: the one that is known, else one that a killed command has begun, else a new one."""
        runs = self.memory.setdefault("runs", {})
        if key in runs:
            with _missing_is_none():
                if self._get(runs[key]).info.lifecycle_stage == "active":
                    return str(runs[key])
            # somebody has deleted it: all is told anew, as curves went with it
            self.memory.pop("sent", None)
        found = self._client.search_runs(
            [self._experiment], filter_string=f"tags.`{KEY}` = '{key}'", max_results=1
        )
        if found:
            run_id = found[0].info.run_id
        else:
            made_by = {KEY: key, "mlflow.source.name": "spacy-al", **tags}
            run_id = self._client.create_run(
                self._experiment, run_name=name, tags=made_by
            ).info.run_id
        runs[key] = run_id
        return str(run_id)

    def _log(
        self,
        run_id: str,
        facts: TrackedRound,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now, step = int(time.time() * 1000), str(facts.number)
        sent = self.memory.setdefault("metrics", {}).setdefault(run_id, {})
        # a figure that is there already would be a second point on the curve
        fresh = {k: v for k, v in facts.metrics.items() if sent.get(step, {}).get(k) != v}
        points = [Metric(name, value, now, facts.number) for name, value in fresh.items()]
        for part in _parts(points):
            self._client.log_batch(run_id, metrics=part)
        sent[step] = facts.metrics
        for part in _parts([Param(name, value) for name, value in (params or {}).items()]):
            self._client.log_batch(run_id, params=part)
        for part in _parts([RunTag(name, value) for name, value in (tags or {}).items()]):
            self._client.log_batch(run_id, tags=part)

    def _end(self, run_id: str, is_over: bool) -> None:
        status = self._get(run_id).info.status
        if is_over and status != "FINISHED":
            self._client.set_terminated(run_id)
        elif not is_over and status != "RUNNING":
            self._client.update_run(run_id, status="RUNNING")

    def _version(self, run: TrackedRun, name: str, used: Champion, parent: str) -> str:
        """The version of a model in the registry, made if there is none. Without weights it says where they lie, and which they are."""
        for known in self._client.search_model_versions(f"name = '{_quoted(name)}'"):
            if known.tags.get(HASH) == used.hash:
                return str(known.version)
        own = parent if used.round is None else self._round(run, used.round, parent)
        folder = PROMOTED
        if self.tracking.log_model:
            folder = self._send_model(own, Path(used.model), used.hash)
        tags = {HASH: used.hash, "spacy-al.model": used.model}
        tags |= {} if used.round is None else {"round": str(used.round)}
        source = f"{self._get(own).info.artifact_uri}/{folder}"
        made = self._client.create_model_version(
            name, source, run_id=own, tags=tags, description=used.why
        )
        return str(made.version)

    def _send_model(self, run_id: str, model: Path, hash: str) -> str:
        """Send a model so that `mlflow.spacy.load_model` reads it. RETURNS (str): Its folder among the artefacts of the run."""
        folder = f"{MODEL}-{hash[:8]}"
        sent = self.memory.setdefault("models", {})
        if sent.get(run_id) == hash:
            return folder
        import mlflow.spacy

        with TemporaryDirectory(dir=self.folder, prefix=ATTEMPT) as path:
            made = Path(path) / folder
            nlp = open_pipeline(str(model))
            # said, or MLflow would start a process that finds them out
            needs = [f"spacy=={version('spacy')}", *nlp.meta.get("requirements", [])]
            mlflow.spacy.save_model(nlp, str(made), pip_requirements=needs)
            # as it is, with the temperatures that are beside its weights
            saved = made / "model.spacy"
            shutil.rmtree(saved)
            shutil.copytree(model, saved)
            self._client.log_artifacts(run_id, str(made), folder)
        sent[run_id] = hash
        return folder


def make_mlflow_tracker(
    tracking: Tracking, uri: str, folder: Path, ledger: dict[str, dict[str, Any]]
) -> MlflowTracker:
    """RAISES (AlError): AL371 without MLflow."""
    if find_spec("mlflow") is None:
        raise AlError(Errors.AL371)
    place = f"mlflow {digest_of([shown_address(uri), tracking.experiment])}"
    return MlflowTracker(tracking, uri, folder, place, ledger.setdefault(place, {}))


def artifacts_beside(uri: str) -> str | None:
    """Where artefacts go: beside a store that is a file of SQLite, which MLflow itself would have in the folder that one works in.

    uri (str): Of the store.
    RETURNS (str | None): The address of a folder; None leaves it to MLflow.
    """
    scheme, found, rest = uri.partition(":///")
    path = rest.partition("?")[0]
    if not found or not scheme.startswith("sqlite") or not path or path.startswith((":", "file:")):
        return None
    return (Path(path).absolute().parent / ARTIFACTS).as_uri()


@contextmanager
def quietly() -> Iterator[None]:
    """MLflow without its talk, to us or to those who made it."""
    # who wants it says so
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # what it sets up for its talk when it is imported comes before ours
    import_module("mlflow")
    levels = {name: logging.getLogger(name).level for name in NOISY}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in NOISY:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@contextmanager
def without_patience() -> Iterator[None]:
    """MLflow without its patience for a server that is down, whoever calls it: us, or a logger of others."""
    set_here = {name: value for name, value in PATIENCE.items() if name not in os.environ}
    os.environ.update(set_here)
    try:
        yield
    finally:
        for name in set_here:
            os.environ.pop(name, None)


@contextmanager
def _missing_is_none() -> Iterator[None]:
    """A run that was deleted for good is looked for no more; every other failure stays one."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + MOST] for start in range(0, len(items), MOST))


def _quoted(name: str) -> str:
    return name.replace("'", "''")
