"""The block `[al.partial]`: questions about a part of a text, and who labels the rest of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from spacy_al.errors import Errors, UsageError
from spacy_al.kinds import FACTORIES

T = TypeVar("T")
REST = ("missing", "self")
BOUNDS: dict[str, tuple[type, float, float]] = {
    "threshold": (float, 0, 1),
    "margin": (int, 0, 1000),
    "after": (int, 0, 1000),
    "temperature": (float, 0.05, 20),
    "yes_no": (int, 0, 100),
}


@dataclass(frozen=True)
class Partial:
    """The part of a text that is asked about, and what becomes of the rest.

    threshold (float): A token is asked about if its greatest marginal is below this; from this on the model labels itself.
    margin (int): Tokens that are asked on each side of such a token.
    rest (str): What is not asked: "missing", which trains nothing, or "self": labelled by the latest model where it is sure,
        anew each round (Tomanek and Hahn, 2009).
    after (int): The round from which on the model is trusted; before it, whole texts are asked.
    temperature (float | None): At which the model is read for this; None for the fitted one.
    yes_no (int): So many entities of a text are asked about, at most, each with a yes or no, in place of its uncertain tokens: those
        nearest to one half. Of a text without such an entity the tokens are asked. 0 for none.
    """

    threshold: float = 0.9
    margin: int = 1
    rest: str = "missing"
    after: int = 0
    temperature: float | None = None
    yes_no: int = 0


def read_partial(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Partial:
    """The block of a config; see `read_block`."""
    return read_block(Partial, "al.partial", BOUNDS, {"rest": REST}, block, refuse)


def read_block(
    kind: type[T],
    where: str,
    bounds: Mapping[str, tuple[type, float, float]],
    choices: Mapping[str, tuple[str, ...]],
    block: Any,
    refuse: Callable[[str, str, list[str]], Any],
) -> T:
    """A block of plain settings as a dataclass.

    kind (type): The dataclass.
    where (str): The block's name.
    bounds (Mapping): Of each number its type, the least and the greatest.
    choices (Mapping): What the others can be.
    block (Any): What stands in the config.
    refuse (Callable): Raises: takes the name of a setting, what is wrong with it, and what can be said.
    """
    if not isinstance(block, Mapping):
        refuse(where, f"it is {block!r}", [f"a block [{where}]"])
    given = {name: value for name, value in block.items() if value is not None}
    for name, value in given.items():
        if name not in {*bounds, *choices}:
            refuse(f"{where}.{name}", "there is no such setting", [*bounds, *choices])
        if name in choices:
            fits, known = value in choices[name], [*choices[name]]
        else:
            number, low, high = bounds[name]
            # NaN is refused as well
            is_number = isinstance(value, (int, number)) and not isinstance(value, bool)
            fits = is_number and low <= value <= high
            known = [f"a {'whole ' if number is int else ''}number from {low:g} to {high:g}"]
        if not fits:
            refuse(f"{where}.{name}", f"it is {value!r}", known)
    return kind(**given)


def check_factory(factory: str | None, partial: Partial) -> None:
    """RAISES (UsageError): AL220 for a component that cannot learn from texts which are labelled in part, AL281 for one whose
    entities, as it has none, cannot be asked about with a yes or no."""
    partly = [name for name, row in FACTORIES.items() if row.learns_partly]
    if factory not in partly:
        raise UsageError(Errors.AL220.format(factory=factory, known=", ".join(partly)))
    yes_no = [name for name, row in FACTORIES.items() if row.asks_yes_no]
    if partial.yes_no and factory not in yes_no:
        raise UsageError(Errors.AL281.format(factory=factory, known=", ".join(yes_no)))
