"""The setting `consensus`: who decides where answers contradict each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spacy_al.config.partial import read_block
from spacy_al.errors import Errors, UsageError
from spacy_al.kinds import FACTORIES

NONE, MAJORITY, DAWID_SKENE, MACE = "none", "majority", "dawid_skene", "mace"
CHOICES = {
    "method": (NONE, MAJORITY, DAWID_SKENE, MACE),
    "prior": ("base", "model"),
}
BOUNDS: dict[str, tuple[type, float, float]] = {"least": (float, 0.5, 1)}


@dataclass(frozen=True)
class Consensus:
    """Who decides where answers contradict each other.

    method (str): "none": a review. "majority": each annotator has one vote. "dawid_skene" and "mace": whose answers are mostly right
        count for more; both of categories and tags, the first of spans as well.
    least (float): A text of which some decision is no surer than this is reviewed nevertheless.
    prior (str): What is believed before the votes: "base", how frequent a label is, or "model": what the model said with the question.
    """

    method: str = NONE
    least: float = 0.5
    prior: str = "base"


def read_consensus(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Consensus:
    """The name of a method, or the block of a config; see `read_block`."""
    if isinstance(block, str):
        if block not in CHOICES["method"]:
            refuse("al.consensus", f"it is {block!r}", [*CHOICES["method"]])
        return Consensus(block)
    if not isinstance(block, Mapping):
        refuse("al.consensus", f"it is {block!r}", [*CHOICES["method"], "a block [al.consensus]"])
    return read_block(Consensus, "al.consensus", BOUNDS, CHOICES, block, refuse)


def check_consensus(factory: str | None, consensus: Consensus) -> None:
    """RAISES (UsageError): AL430 for MACE where a text has any number of labels."""
    row = FACTORIES.get(factory or "")
    one_each = row is None or row.task == "tags" or (row.task == "categories" and row.is_exclusive)
    if consensus.method == MACE and not one_each:
        raise UsageError(Errors.AL430.format(factory=factory))
