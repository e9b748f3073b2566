"""What a run works on, so that later commands need not be told again: its texts, labels, component, and how many people answer each text.

These stay with a run, since with others it would silently be another one: scores of another pool, answers to other labels. All other overrides
hold for one command, as they are tried out. What the config itself says later counts more than an earlier override.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from spacy_al.config.overrides import load_overridden
from spacy_al.config.project import DATABASE, Project, open_project
from spacy_al.config.settings import Settings, read_settings
from spacy_al.errors import AlError
from spacy_al.loop.forgotten import forget_again
from spacy_al.posteriors.component import load_code
from spacy_al.store.store import Store
from spacy_al.util import arguments, command_line

EVENT, CODE = "works on", "has code"
KEPT = re.compile(r"paths\..+|al\.pool\.path|al\.(component|labels|overlap|patterns|weak)")
# Two names of one thing
POOL = {"paths.pool", "al.pool.path"}
# By the name of an override: its value, and what the config said at that time
Known: TypeAlias = dict[str, tuple[Any, Any]]


def open_run(config: Path, overrides: Mapping[str, Any] | None = None, **how: Any) -> Project:
    """A project as its run knows it: with the overrides of texts, labels and component that it got before, which `show` is told.

    config, overrides, how: As for `open_project`; an override that is given comes before what is known.
    RAISES (AlError): As `open_project`, and `Store` and `forget_again` where there is a run.
    """
    # the config may name what it registers
    load_code(how.get("code"))
    given = dict(overrides or {})
    database = read_settings(config, given).output / DATABASE
    if not database.is_file():
        return open_project(config, given, **how)
    with Store(database, create=False) as store:
        known, has_labels = known_overrides(store) or {}, store.labels().is_known
    told = given.keys() | (POOL if POOL & given.keys() else set())
    kept = {
        name: value
        for name, (value, then) in known.items()
        if name not in told and said_by(config, name) == then
    }
    project = open_project(config, {**given, **kept}, has_labels=has_labels, **how)
    if kept:
        words = command_line(arguments("run", [config], kept)).partition(str(config))[2].strip()
        project.show(f"ℹ As this run knows: {words}")
    forget_again(project)
    return project


def keep_overrides(store: Store, project: Project) -> None:
    """Have a run know what it works on, and with which file of code, and say what is another than so far."""
    if project.code and str(project.code) != _code(store):
        store.log(CODE, path=str(project.code))
    before = known_overrides(store)
    now: Known = {
        name: (value, said_by(project.config, name))
        for name, value in project.overrides.items()
        if KEPT.fullmatch(name)
    }
    if before == now:
        return
    for name in sorted({*(before or {}), *now}) if before is not None else ():
        own = said_by(project.config, name)
        old, new = (known.get(name, (own, own))[0] for known in (before or {}, now))
        if old != new:
            project.show(f"⚠ The run goes on with another {name}: {new}, and not {old}")
    store.log(EVENT, overrides=now)


def known_overrides(store: Store) -> Known | None:
    """What a run was last told to work on, beside its config; None where an earlier version began it."""
    found = [event["data"]["overrides"] for event in store.events() if event["kind"] == EVENT]
    return {name: (value, then) for name, (value, then) in found[-1].items()} if found else None


def known_code(config: Path, overrides: Mapping[str, Any] | None = None) -> str | None:
    """The file of code that a run was last given, as it was typed; None where there is no run, or none that can be read, and where it had none.

    Nothing that the config names is looked for: it may be just what that file registers.
    """
    try:
        section = load_overridden(config, overrides or {}, interpolate=True).get("al") or {}
        database = Path(section.get("output") or Settings().output) / DATABASE
        if not database.is_file():
            return None
        with Store(database, create=False) as store:
            return _code(store)
    except (AlError, OSError, ValueError, TypeError):
        return None


def _code(store: Store) -> str | None:
    found = [event["data"]["path"] for event in store.events() if event["kind"] == CODE]
    return found[-1] if found else None


def said_by(config: Path, name: str) -> Any:
    """The value of a setting in a config itself; None where it has none."""
    part: Any = load_overridden(config, {}, interpolate=True)
    for key in name.split("."):
        part = part.get(key) if isinstance(part, dict) else None
    return part
