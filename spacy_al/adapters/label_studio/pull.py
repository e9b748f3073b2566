"""From Label Studio to the store: annotations that are new or were changed."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from spacy_al.adapters.known_tasks import Asked
from spacy_al.adapters.label_studio.annotations import moment, to_answer
from spacy_al.adapters.label_studio.server import Server, read_pushed
from spacy_al.adapters.prodigy import Imported, listed, take
from spacy_al.adapters.reading import Reading
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.store.export import TASK
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check_name

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
    asked, result = (
        Asked(store, None, False),
        Imported(reading=Reading("", run_labels=store.labels())),
    )
    given = sorted(
        (one for task in tasks for one in _annotations(task, server, pushed.project, result)),
        # who annotates a task twice corrects themselves
        key=lambda one: (one.at, one.number),
    )
    if new := {one.author for one in given} - names.keys():
        names |= _names(server, new)
        store.log(EVENT, mark=pushed.mark, users=names)
    known = {stored.id: stored for stored in store.tasks()}
    for one in given:
        stored = known.get(str(one.data.get(TASK)))
        if stored is None:
            result.leave_out("unknown task", one.where, "this run did not ask it")
            continue
        who = names[one.author]
        try:
            answered = to_answer(stored, one.data, one.said, who, result.reading)
        except AlError as error:
            result.leave_out("bad answer", one.where, error)
            continue
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            result.leave_out("bad answer", one.where, f"it cannot be read: {error!r:.200}")
            continue
        identity = f"{EVENT}-{pushed.mark}-{one.number}-{one.said['updated_at']}"
        try:
            take(asked, answered, result, one.where, who, identity)
        except AlError as error:
            if error.code == "AL124":
                result.leave_out("bad answer", one.where, error)
                continue
            if error.code != "AL116":
                raise
            # Label Studio forgets whose it is when its author is deleted
            result.counts["already there"] += 1
    times = {when: task["updated_at"] for task in tasks if (when := _past(task.get("updated_at")))}
    latest = times[max(times)] if times else since
    if complete and latest != since:
        store.log(EVENT, mark=pushed.mark, since=latest)
    if left_out := result.left_out:
        message = Warnings.W290.format(
            count=left_out.total(),
            total=result.counts.total(),
            counts=listed(left_out),
            first=result.first,
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    return result


@dataclass(frozen=True)
class Pulled:
    """An annotation of which it is known when and by whom.

    where (str): Its address and number.
    number, author (int, str): Its number, and that of who made it.
    at (float): In seconds since 1970.
    data (dict): Of its task.
    said (dict): All of it.
    """

    where: str
    number: int
    author: str
    at: float
    data: dict[str, Any]
    said: dict[str, Any]


def _annotations(
    task: dict[str, Any], server: Server, project: int, result: Imported
) -> Iterator[Pulled]:
    """Those of a task; what is none is counted and named."""
    address, data = f"{server.url}/projects/{project}/data?task={task['id']}", task.get("data")
    given = task.get("annotations")
    if not isinstance(given, list):
        result.leave_out("bad answer", address, "it has no list of annotations")
        return
    # without any it is of no question of ours
    data = data if isinstance(data, dict) else {}
    for one in given:
        number = one.get("id") if isinstance(one, dict) else None
        where = f"{address}, annotation {number!r:.40}"
        if type(number) is not int:
            result.leave_out("bad answer", where, "it has no number, or is no annotation")
            continue
        try:
            yield Pulled(where, number, _author(one), moment(one.get("updated_at")), data, one)
        except AlError as error:
            result.leave_out("bad answer", where, error)


def _past(text: Any) -> float | None:
    """A time up to now; None for another one: later changes would be taken for earlier ones."""
    try:
        found = moment(text)
    except AlError:
        return None
    return found if found <= time.time() else None


def _changed(since: str) -> list[dict[str, Any]]:
    """Of the tasks those that were changed, as annotating does, since then."""
    when = _past(since)
    if when is None:
        return []
    before = datetime.fromtimestamp(when - AGAIN, timezone.utc)
    value = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    what = {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime"}
    return [{**what, "value": value}]


def _author(annotation: dict[str, Any]) -> str:
    """The number of an annotator; some versions say more of them. RAISES (AlError): AL115 for what is no number."""
    who = annotation.get("completed_by")
    number = who.get("id") if isinstance(who, dict) else who
    if number is not None and type(number) is not int:
        why = f"who made it is {who!r:.40}"
        raise AlError(Errors.AL115.format(why=why, what="Save it again there"))
    return str(number)


def _names(server: Server, numbers: set[str]) -> dict[str, str]:
    """The names of annotators: their address, else their number."""
    users = server.call("GET", "/api/users/")
    if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
        server.refuse_reply()
    known = {str(user.get("id")): user.get("email") for user in users}
    return {number: _usable(known.get(number)) or f"label-studio-{number}" for number in numbers}


def _usable(name: Any) -> str:
    try:
        return check_name("annotator", name)
    except AlError:
        return ""
