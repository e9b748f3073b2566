"""From the store to Label Studio: a project for a run, and the questions of its round."""

import warnings
from collections.abc import Sequence
from typing import Any

from spacy_al.adapters.label_studio.server import (
    FOLDER,
    Pushed,
    Server,
    is_missing,
    known_replies,
    read_pushed,
    write_pushed,
)
from spacy_al.adapters.label_studio.tasks import (
    FORM,
    label_config,
    label_studio_task,
    sendable,
    version,
)
from spacy_al.config.project import Project
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.kinds import FACTORIES
from spacy_al.processes.lock import locked
from spacy_al.store.desk import left
from spacy_al.store.export import TASK
from spacy_al.store.store import Store
from spacy_al.tasks.records import StoredTask

BATCH = 50


def push(project: Project, server: Server) -> dict[str, Any]:
    """Ask in Label Studio what not enough people have answered of the latest round.

    project (Project): The run.
    server (Server): Where to.
    RETURNS (dict): `asked`, `new` (tasks that were not there before) and the project's `address`.
    RAISES (AlError): AL110 if there is no run, AL293 if it has not asked anything, AL294 if the project is gone, AL295 for a
        yes or no, AL296 for a label that Label Studio cannot hold, AL299 for a form that somebody has changed and
        that lacks labels, AL155 if another process pushes; what the server raises.
    """
    with locked(project.output / FOLDER), Store(project.database, create=False) as store:
        current = store.round()
        asked = left(store, project.settings.overlap)
        if current is None or not any(store.tasks(current.number)):
            raise AlError(Errors.AL293.format(command=project.command))
        kept = [stored for stored in asked if sendable(stored.task["text"])]
        # before anything is sent
        questions = [label_studio_task(stored) for stored in kept]
        with known_replies(server):
            pushed = _project(project, server)
        address = f"{server.url}/projects/{pushed.project}"
        with known_replies(server):
            if kept:
                _update_form(project, server, pushed, kept)
            there = _there(server, pushed, current.number)
        new = [one for one in questions if one["data"][TASK] not in there]
        for first in range(0, len(new), BATCH):
            path = f"/api/projects/{pushed.project}/import"
            server.call("POST", path, new[first : first + BATCH])
        if any(one["predictions"] for one in questions):
            with known_replies(server):
                _show(server, pushed, version(current.number))
    if left_out := len(asked) - len(kept):
        message = Warnings.W291.format(count=left_out, config=project.config)
        warnings.warn(message, AlWarning, stacklevel=2)
    return {"asked": len(kept), "new": len(new), "address": address}


def _project(project: Project, server: Server) -> Pushed:
    """The project of a run, which is made if need be. RAISES (AlError): AL294."""
    pushed = read_pushed(project.output)
    if pushed and pushed.project:
        try:
            server.call("GET", f"/api/projects/{pushed.project}")
        except AlError as error:
            if not is_missing(error):
                raise
            path = project.output / FOLDER
            message = Errors.AL294.format(number=pushed.project, url=server.url, path=path)
            raise AlError(message) from None
        return pushed
    found = []
    if pushed:
        # it was about to be made, and may have been
        every = server.call("GET", "/api/projects/", page_size=10_000)["results"]
        found = [one["id"] for one in every if pushed.mark in (one.get("description") or "")]
    else:
        pushed = Pushed(server.url)
        write_pushed(project.output, pushed)
    if not found:
        body = {
            "title": f"spacy-al {project.config.stem}"[:50],
            "description": f"What {project.config.name} asks, for spacy-al pull. Mark: {pushed.mark}",
        }
        found = [server.call("POST", "/api/projects/", body)["id"]]
    if type(found[0]) is not int:
        server.refuse_reply()
    pushed.project = found[0]
    write_pushed(project.output, pushed)
    return pushed


def _update_form(
    project: Project, server: Server, pushed: Pushed, asked: Sequence[StoredTask]
) -> None:
    """Have the form show what is asked; what somebody has made of it stays, as long as it does. RAISES (AlError): AL299."""
    path = f"/api/projects/{pushed.project}"
    there, overlap = server.call("GET", path), project.settings.overlap
    if there["maximum_annotations"] < overlap:
        server.call("PATCH", path, {"maximum_annotations": overlap})
    control = (there.get("parsed_label_config") or {}).get(FORM) or {}
    known = control.get("labels") or []
    wanted = [*dict.fromkeys(label for stored in asked for label in stored.task["labels"])]
    partial = project.settings.partial is not None
    config = label_config(
        project.kind,
        # what was answered with is not taken away
        [*dict.fromkeys([*wanted, *(known if pushed.config else [])])],
        exclusive=FACTORIES[project.settings.factory or ""].is_exclusive,
        partial=partial,
    )
    if config == there["label_config"]:
        return
    if pushed.config and there["label_config"] != pushed.config:
        if missing := [label for label in wanted if label not in known]:
            address = f"{server.url}/projects/{pushed.project}/settings/labeling"
            raise AlError(Errors.AL299.format(missing=", ".join(missing), address=address))
        return
    server.call("PATCH", path, {"label_config": config})
    pushed.config = config
    write_pushed(project.output, pushed)


def _there(server: Server, pushed: Pushed, number: int) -> set[str]:
    """The questions of a round that are in the project, once each. RAISES (AlError): AL291 if that cannot be told."""
    own = {"filter": f"filter:tasks:data.{TASK}", "operator": "contains", "type": "String"}
    named = {**own, "value": f"r{number:03}-"}
    # drafts as well
    tasks, complete = server.tasks(pushed.project or 0, [named], whole=True)
    if not complete:
        why = "tasks come and go while they are read"
        raise AlError(Errors.AL291.format(url=server.url, why=why))
    found: set[str] = set()
    # those that somebody has begun first
    for task in sorted(tasks, key=lambda task: (not _begun(task), task["id"])):
        name = str(task["data"].get(TASK))
        if name in found and not _begun(task):
            # an import goes on when its sender is killed, and the next one has not seen it
            server.call("DELETE", f"/api/tasks/{task['id']}/")
        found.add(name)
    return found


def _begun(task: dict[str, Any]) -> bool:
    return bool(task["total_annotations"] or task["cancelled_annotations"] or task["drafts"])


def _show(server: Server, pushed: Pushed, name: str) -> None:
    """Have the form begin with this model's suggestions, unless somebody has chosen what it begins with."""
    there = server.call("GET", f"/api/projects/{pushed.project}")["model_version"] or ""
    if there != name and (not there or there.startswith("round-")):
        body = {"model_version": name}
        server.call("PATCH", f"/api/projects/{pushed.project}", body)
