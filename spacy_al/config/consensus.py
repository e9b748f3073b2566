"""The setting `consensus`: who decides where answers contradict each other."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_al.config.partial import read_block
from spacy_al.consensus.setting import DAWID_SKENE, MACE, MAJORITY, NONE, Consensus
from spacy_al.errors import Errors, UsageError
from spacy_al.kinds import FACTORIES

CHOICES = {
    "method": (NONE, MAJORITY, DAWID_SKENE, MACE),
    "prior": ("base", "model"),
}
BOUNDS: dict[str, tuple[type, float, float]] = {
    "least": (float, 0.5, 1),
    "gold_share": (float, 0, 0.5),
}


def read_consensus(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Consensus:
    """The name of a method, or the block of a config; see `read_block`."""
    if isinstance(block, str):
        if block not in CHOICES["method"]:
            refuse("al.consensus", f"it is {block!r}", [*CHOICES["method"]])
        return Consensus(block)
    if not isinstance(block, Mapping):
        refuse("al.consensus", f"it is {block!r}", [*CHOICES["method"], "a block [al.consensus]"])
    gold = block.get("gold")
    if gold is not None and not isinstance(gold, str):
        refuse("al.consensus.gold", f"it is {gold!r}", ["a path"])
    if gold is None and block.get("gold_share"):
        refuse("al.consensus.gold_share", "there is no gold", ["gold, a .spacy file"])
    plain = {name: value for name, value in block.items() if name != "gold"}
    made = read_block(Consensus, "al.consensus", BOUNDS, CHOICES, plain, refuse)
    return replace(made, gold=Path(gold) if gold else None)


def check_consensus(factory: str | None, consensus: Consensus) -> None:
    """RAISES (UsageError): AL430 for MACE where a text has any number of labels."""
    row = FACTORIES.get(factory or "")
    one_each = row is None or row.task == "tags" or (row.task == "categories" and row.is_exclusive)
    if consensus.method == MACE and not one_each:
        raise UsageError(Errors.AL430.format(factory=factory))
