"""How far probabilities are from what came true, in figures: of what is chosen, and of all candidates."""

from typing import Any

from spacy_al.evaluation.events import FLOOR, Events, candidates, chosen, same_candidates
from spacy_al.evaluation.gold import Gold
from spacy_al.measures.calibration import brier, expected_calibration_error, log_loss
from spacy_al.posteriors.temperature import Figures, Judged


def judge(posteriors: Any, gold: Gold) -> Judged:
    """Calibration figures of what is chosen and of all candidates."""
    return {
        "chosen": figures(chosen(posteriors, gold.answers)),
        "candidates": figures(candidates(posteriors, gold.answers, FLOOR)),
    }


def judge_both(before: Any, after: Any, gold: Gold) -> tuple[Judged, Judged]:
    """The figures at two temperatures, of the same candidates.

    before, after (Sequence): One component's posteriors.
    gold (Gold): What is right.
    RETURNS (tuple[Judged, Judged]): Before and after.
    """
    old, new = map(figures, same_candidates(before, after, gold.answers, FLOOR))
    return (
        {"chosen": figures(chosen(before, gold.answers)), "candidates": old},
        {"chosen": figures(chosen(after, gold.answers)), "candidates": new},
    )


def figures(events: Events) -> Figures:
    """Number of events, calibration error in ten bins, log loss, Brier score; None without events."""
    return {
        "events": len(events.probs),
        "ece": expected_calibration_error(*events),
        "log_loss": log_loss(*events),
        "brier": brier(*events),
    }
