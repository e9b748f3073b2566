"""Which consensus is taken, and of what it makes sure."""

from dataclasses import dataclass
from pathlib import Path

NONE, MAJORITY, DAWID_SKENE, MACE = "none", "majority", "dawid_skene", "mace"


@dataclass(frozen=True)
class Consensus:
    """Who decides where answers contradict each other.

    method (str): "none": a review. "majority": each annotator has one vote. "dawid_skene" and "mace": whose answers are mostly right
        count for more; both of categories and tags, the first of spans as well.
    least (float): A text of which some decision is no surer than this is reviewed nevertheless.
    prior (str): What is believed before the votes: "base", how frequent a label is, or "model": what the model said with the question.
    gold (Path | None): Labelled texts that are asked like others, to see how good people are; they never train. None for none.
    gold_share (float): The share of the questions that are about these.
    """

    method: str = NONE
    least: float = 0.5
    prior: str = "base"
    gold: Path | None = None
    gold_share: float = 0.05
