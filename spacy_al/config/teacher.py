"""The block `[al.teacher]`: a pipeline or a component that labels beside people, what its labels are for, and what they may cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spacy_al.config.partial import read_block

BOUNDS: dict[str, tuple[type, float, float]] = {
    "train": (float, 0, 1),
    "accept": (float, 0, 1),
    "audit_share": (float, 0, 1),
    "max_error": (float, 0, 1),
    "max_calls": (int, 0, 10**9),
    "price": (float, 0, 10**6),
    "max_cost": (float, 0, 10**9),
}
PLACES = ("pipeline", "component")
OTHER = (*PLACES, "labels", "suggest", "mask")


@dataclass(frozen=True)
class TeacherBlock:
    """A teacher, and what becomes of what it says.

    pipeline (str | None): A folder or the name of an installed package.
    component (dict | None): In place of that the block of one component, with its `factory`; `patterns` names the file of a ruler's.
    labels (dict): The labels of the run by those of the teacher, of which others are then left out; empty where they are the same.
    suggest (bool): Whether its labels are shown with questions, as the teacher's.
    mask (tuple[str, ...]): What is hidden of the texts that it is given, as `make_mask` takes it: patterns, and files of them.
    train (float): How much its labels weigh: the share of the texts that nobody but the teacher has labelled which training sees in each
        pass over the corpus; 0 for none.
    accept (float): Texts train as the teacher has them where the model gives that at least this probability; 0 for none.
    audit_share (float): So many of these are asked about nevertheless, at random.
    max_error (float): Nothing is accepted as long as more of these may be wrong.
    max_calls (int): Texts that it is given at most, those among them that it failed on; 0 for as many as there are.
    price (float): Of a call, in any currency.
    max_cost (float): Of all of them; 0 for no limit.
    """

    pipeline: str | None = None
    component: dict[str, Any] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    suggest: bool = True
    mask: tuple[str, ...] = ()
    train: float = 0.0
    accept: float = 0.0
    audit_share: float = 0.1
    max_error: float = 0.1
    max_calls: int = 1000
    price: float = 0.0
    max_cost: float = 0.0

    @property
    def most_calls(self) -> float:
        """Calls that the budget allows in all."""
        limits = [float(self.max_calls)] if self.max_calls else []
        limits += [self.max_cost / self.price + 1e-9] if self.max_cost and self.price else []
        return min(limits, default=float("inf"))

    @property
    def named_labels(self) -> list[str]:
        """The labels of the run that its own lead to, each once; none where they are the same."""
        return [*dict.fromkeys(self.labels.values())]

    @property
    def describes(self) -> str:
        """Its name in front of people."""
        return self.pipeline or str((self.component or {}).get("factory"))


def read_teacher(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> TeacherBlock:
    """The block of a config; see `read_block`."""
    where = "al.teacher"
    if not isinstance(block, Mapping):
        refuse(where, f"it is {block!r}", [f"a block [{where}]"])
    given = {name: value for name, value in block.items() if value is not None}
    for name in given:
        if name not in {*BOUNDS, *OTHER}:
            refuse(f"{where}.{name}", "there is no such setting", [*OTHER, *BOUNDS])
    named = [name for name in PLACES if given.get(name)]
    if len(named) != 1:
        what = "both are there" if named else "neither is there"
        refuse(where, what, ["pipeline (a folder or a package)", "a block [al.teacher.component]"])
    if not isinstance(given.get("pipeline", ""), str):
        refuse(f"{where}.pipeline", f"it is {given['pipeline']!r}", ["a folder or a package"])
    component = given.get("component")
    if component is not None and not isinstance(component, Mapping):
        refuse(f"{where}.component", f"it is {component!r}", ["a block with a factory"])
    if component is not None and not isinstance(component.get("factory"), str):
        refuse(f"{where}.component", "it has no factory", ["factory, and the component's settings"])
    labels = given.get("labels", {})
    is_named = isinstance(labels, Mapping) and all(isinstance(one, str) for one in labels.values())
    if not is_named:
        refuse(f"{where}.labels", f"it is {labels!r}", ["a block of the teacher's label = label"])
    if not isinstance(given.get("suggest", True), bool):
        refuse(f"{where}.suggest", f"it is {given['suggest']!r}", ["true", "false"])
    mask = given.get("mask", [])
    if not isinstance(mask, list) or not all(isinstance(one, str) for one in mask):
        refuse(f"{where}.mask", f"it is {mask!r}", ["a list of patterns"])
    if given.get("accept") and given.get("audit_share", 1) == 0:
        refuse(f"{where}.audit_share", "it is 0, so that nobody would know", ["more than 0"])
    numbers = {name: given[name] for name in BOUNDS if name in given}
    made = read_block(_Numbers, where, BOUNDS, {}, numbers, refuse)
    return TeacherBlock(
        pipeline=given.get("pipeline"),
        component=dict(component) if component is not None else None,
        labels=dict(labels),
        suggest=given.get("suggest", True),
        mask=tuple(mask),
        **made.given,
    )


class _Numbers:
    """The numbers of the block, as far as they are given."""

    def __init__(self, **given: Any) -> None:
        self.given = given
