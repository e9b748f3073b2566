"""From Label Studio to the store: annotations that are new or were changed."""

import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from spacy_al.adapters.known_tasks import Asked
from spacy_al.adapters.label_studio.server import Server, read_pushed
from spacy_al.adapters.label_studio.tasks import moment, to_answer
from spacy_al.adapters.prodigy import Imported, take
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.store.export import TASK
from spacy_al.store.store import Store

# In the record of events: up to when the annotations of a project were read, and what its annotators are called, so that answers
# stay theirs whatever becomes of their address
EVENT = "label-studio"


# What was changed in the seconds before is read again: it may have been written down later than it was dated
AGAIN = 600.0


def pull(store: Store, output: Path, server: Server) -> Imported:
    """Store annotations that are new or were changed, and warn of those that are left out.

    store (Store): The run.
    output (Path): Its folder.
    server (Server): Where it was pushed to.
    RETURNS (Imported): Counts of what was taken and what was not.
    RAISES (AlError): AL293 if it was not pushed; what the server and the store raise. What was stored by then stays, and the same
        again goes on.
    """
    pushed = read_pushed(output)
    if pushed is None or pushed.project is None:
        raise AlError(Errors.AL293.format(command="python -m spacy_al push CONFIG"))
    events = [event["data"] for event in store.events() if event["kind"] == EVENT]
    # on another server the same number is another person
    record = [data for data in events if data.get("mark") == pushed.mark]
    since = max((data["since"] for data in record if "since" in data), default="")
    names = {number: name for data in record for number, name in data.get("users", {}).items()}
    tasks, complete = server.tasks(pushed.project, _changed(since), whole=True)
    given = [(task, one) for task in tasks for one in task["annotations"]]
    # who annotates a task twice corrects themselves
    given.sort(key=lambda pair: (moment(pair[1]["updated_at"]), pair[1]["id"]))
    if new := {_author(one) for _, one in given} - names.keys():
        names |= _names(server, new)
        store.log(EVENT, mark=pushed.mark, users=names)
    asked, result = Asked(store, None, False), Imported(reading=Reading(""))
    known = {stored.id: stored for stored in store.tasks()}
    for task, annotation in given:
        address = f"{server.url}/projects/{pushed.project}/data?task={task['id']}"
        stored = known.get(str(task["data"].get(TASK)))
        if stored is None:
            result.leave_out("unknown task", address, "this run did not ask it")
            continue
        number = annotation["id"]
        try:
            who = names[_author(annotation)]
            answered = to_answer(stored, task["data"], annotation, who, result.reading)
        except AlError as error:
            result.leave_out("bad answer", address, error)
            continue
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            result.leave_out("bad answer", address, f"it cannot be read: {error!r}")
            continue
        identity = f"{EVENT}-{pushed.mark}-{number}-{annotation['updated_at']}"
        try:
            take(asked, answered, result, address, who, identity)
        except AlError as error:
            if error.code != "AL116":
                raise
            # Label Studio forgets whose it is when its author is deleted
            result.counts["already there"] += 1
    latest = max((task["updated_at"] for task in tasks), key=moment, default=since)
    if complete and latest != since:
        store.log(EVENT, mark=pushed.mark, since=latest)
    total = result.counts.total()
    if left_out := total - result.taken:
        message = Warnings.W290.format(
            count=left_out, total=total, counts=result, first=result.first
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    return result


def _changed(since: str) -> list[dict[str, Any]]:
    """Of the tasks those that were changed, as annotating does, since then."""
    if not since:
        return []
    before = datetime.fromtimestamp(moment(since) - AGAIN, timezone.utc)
    value = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    what = {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime"}
    return [{**what, "value": value}]


def _author(annotation: dict[str, Any]) -> str:
    """The number of an annotator; some versions say more of them."""
    who = annotation.get("completed_by")
    return str(who.get("id") if isinstance(who, dict) else who)


def _names(server: Server, numbers: set[str]) -> dict[str, str]:
    """The names of annotators: their address, else their number."""
    known = {str(user["id"]): user.get("email") for user in server.call("GET", "/api/users/")}
    return {number: known.get(number) or f"label-studio-{number}" for number in numbers}
