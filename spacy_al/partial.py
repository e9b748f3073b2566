"""The block `[al.partial]`: questions about a part of a text, and who labels the rest of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from spacy_al.errors import Errors, UsageError

REST = ("missing", "self")
# Factories of components that learn from a text which is labelled in part. What a span categoriser or a classifier is not
# told, it takes for wrong; features and sentence starts have no questions of their own
PARTLY = ("ner", "beam_ner", "tagger")
BOUNDS: dict[str, tuple[type, float, float]] = {
    "threshold": (float, 0, 1),
    "margin": (int, 0, 1000),
    "after": (int, 0, 1000),
    "temperature": (float, 0.05, 20),
}


@dataclass(frozen=True)
class Partial:
    """What is asked of a text, and what becomes of the rest.

    threshold (float): A token is asked about if its greatest marginal is below this; from this on the model labels itself.
    margin (int): Tokens that are asked on each side of such a token.
    rest (str): What is not asked: "missing", which trains nothing, or "self": labelled by the latest model where it is sure,
        anew each round (Tomanek and Hahn, 2009).
    after (int): The round from which on the model is trusted; before it, whole texts are asked.
    temperature (float | None): At which the model is read for this; None for the fitted one.
    """

    threshold: float = 0.9
    margin: int = 1
    rest: str = "missing"
    after: int = 0
    temperature: float | None = None


def read_partial(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Partial:
    """The block of a config.

    block (Any): What stands there.
    refuse (Callable): Raises: takes the name of a setting, what is wrong with it, and what can be said.
    """
    if not isinstance(block, Mapping):
        refuse("al.partial", f"it is {block!r}", ["a block [al.partial]"])
    given = {name: value for name, value in block.items() if value is not None}
    names = [field.name for field in fields(Partial)]
    for name, value in given.items():
        if name not in names:
            refuse(f"al.partial.{name}", "there is no such setting", names)
        if name == "rest":
            fits, known = value in REST, [*REST]
        else:
            kind, low, high = BOUNDS[name]
            number = isinstance(value, (int, kind)) and not isinstance(value, bool)
            # NaN is refused as well
            fits = number and low <= value <= high
            known = [f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"]
        if not fits:
            refuse(f"al.partial.{name}", f"it is {value!r}", known)
    return Partial(**given)


def check_factory(factory: str | None) -> None:
    """RAISES (UsageError): AL220 for a component that cannot learn from texts which are labelled in part."""
    if factory not in PARTLY:
        raise UsageError(Errors.AL220.format(factory=factory, known=", ".join(PARTLY)))
