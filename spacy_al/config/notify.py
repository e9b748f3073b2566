"""What `[al.notify]` says: whom a run tells what has happened, and of what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

EVENTS = ("ready", "complete", "stopped", "alarm", "promoted", "refused")
# Seconds, and tries
MOST_TIMEOUT, MOST_TRIES = 60, 10


@dataclass(frozen=True)
class Notify:
    """Whom a run tells.

    url (str): Gets a POST with JSON.
    on (tuple[str, ...]): Of `EVENTS`: a batch is ready to be answered, or complete; the run has stopped; recent texts differ; a model was
        promoted, or refused.
    secret (str | None): The environment variable that holds what messages are signed with.
    timeout (float): Seconds that each try has.
    tries (int): How often it is tried.
    """

    url: str
    on: tuple[str, ...] = EVENTS
    secret: str | None = None
    timeout: float = 5.0
    tries: int = 3


def read_notify(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Notify:
    """What a block says.

    block (Any): As the config has it.
    refuse (Callable): Takes the name of a setting, what is wrong with it, and what can be said.
    """
    if not isinstance(block, dict):
        refuse("al.notify", f"it is {block!r}", ["a block [al.notify] with a url"])
    for name in block:
        if name not in Notify.__dataclass_fields__:
            refuse(f"al.notify.{name}", "there is no such setting", [*Notify.__dataclass_fields__])
    given: dict[str, Any] = {name: value for name, value in block.items() if value is not None}
    if not _is_address(given.get("url")):
        # it may hold a token
        refuse(
            "al.notify.url", "it is no address", ["an address that begins with http:// or https://"]
        )
    on = given.get("on", [*EVENTS])
    if not isinstance(on, list) or not on or not {*map(str, on)} <= {*EVENTS}:
        refuse("al.notify.on", f"it is {on!r}", [f"a list of: {', '.join(EVENTS)}"])
    if not isinstance(given.get("secret", ""), str):
        refuse("al.notify.secret", "it is no name", ["the name of an environment variable"])
    _number(given, "timeout", MOST_TIMEOUT, (int, float), refuse)
    _number(given, "tries", MOST_TRIES, (int,), refuse)
    return Notify(**{**given, "on": tuple(on)})


def _is_address(url: Any) -> bool:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _number(
    given: Mapping[str, Any],
    name: str,
    most: float,
    kinds: tuple[type, ...],
    refuse: Callable[[str, str, list[str]], Any],
) -> None:
    value = given.get(name, 1)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    # NaN is refused as well
    if not is_number or not 0 < value <= most:
        refuse(f"al.notify.{name}", f"it is {value!r}", [f"more than 0, at most {most}"])
