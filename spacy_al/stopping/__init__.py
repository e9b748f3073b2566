"""When to stop asking: the history of the rounds in, whether to stop and a sentence on why out."""

from spacy_al.stopping.budget import make_budget
from spacy_al.stopping.combine import make_all_of, make_any_of
from spacy_al.stopping.forecast import Curve, fit_curve
from spacy_al.stopping.gain import make_small_gain
from spacy_al.stopping.score import make_plateau, make_target_score
from spacy_al.stopping.stability import make_stable_predictions
from spacy_al.stopping.uncertainty import make_low_uncertainty

__all__ = [
    "Curve",
    "fit_curve",
    "make_all_of",
    "make_any_of",
    "make_budget",
    "make_low_uncertainty",
    "make_plateau",
    "make_small_gain",
    "make_stable_predictions",
    "make_target_score",
]
