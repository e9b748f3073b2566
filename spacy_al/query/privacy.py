"""Whether a batch of a private sampler keeps its promise, and what it is worth beside chance."""

from dataclasses import dataclass

from spacy_al.config.settings import Settings
from spacy_al.errors import Errors, UsageError
from spacy_al.query.noise import BOILERPLATE
from spacy_al.query.picks import Picks
from spacy_al.query.ranking import Ranking
from spacy_al.query.strategy import Strategy
from spacy_al.selection import PRIVATE
from spacy_al.selection.private import (
    eligible_at_least,
    expected_overlap,
    exponents,
    guarantee,
)

# The only learners whose models know nothing of the pool
BLIND_TO_POOL = ("scratch", "encoder")


@dataclass(frozen=True)
class BatchPrivacy:
    """What a batch tells about any one text, and what the noise has cost. All but epsilon, rest and shown is as secret as the pool.

    epsilon (float): Had a text been another, no batch up to the text itself would be more than e^epsilon times as probable.
    rest (float): Had a text not been there, no batch without it would be more than e^rest times as probable.
    shown (float): The greatest probability with which a text is asked.
    overlap (float): The share of the highest scores that such batches are expected to hold.
    chance (float): The share of them in a batch at random.
    clipped (float): The share of the scores that are above the bound, and count like it.
    propensities (list[float]): Of the draws.
    """

    epsilon: float
    rest: float
    shown: float
    overlap: float
    chance: float
    clipped: float
    propensities: list[float]


def is_private(settings: Settings) -> bool:
    """Whether batches of these settings are chosen by the private sampler."""
    return settings.blocks.get("sampler", {}).get("@al_samplers") == PRIVATE


def check_private(strategy: Strategy) -> None:
    """RAISES (UsageError): AL470 for settings by which one text changes the scores of others, whose sum no epsilon bounds."""
    settings = strategy.settings
    bad = {
        "density_weight": settings.density_weight > 0,
        "[al.filter] far": bool(settings.filter.get("far")),
        f"[al.filter] noise = {BOILERPLATE}": BOILERPLATE in settings.filter.get("noise", ()),
        "pretrain_epochs": settings.pretrain_epochs > 0,
        "[al.self_training]": settings.self_training is not None,
        "patterns": strategy.patterns is not None,
        "weak": settings.weak is not None,
        "[al.pool] since and half_life_days": settings.recency is not None,
        "[al.teacher]": _is_taught(strategy),
        f'learner = "{settings.learner}"': settings.learner not in BLIND_TO_POOL,
    }
    if found := [name for name, is_set in bad.items() if is_set]:
        raise UsageError(Errors.AL470.format(found=", ".join(found)))


def _is_taught(strategy: Strategy) -> bool:
    """Whether a teacher's labels of texts that nobody was asked about train the model, or score: which it labels hangs on its budget."""
    teacher = strategy.settings.teacher
    return teacher is not None and bool(teacher.train or teacher.accept or strategy.asks_teacher)


def batch_privacy(ranking: Ranking, picks: Picks, strategy: Strategy) -> BatchPrivacy:
    """What is promised of a batch, and what it is worth.

    ranking (Ranking): What the sampler saw.
    picks (Picks): What it took.
    strategy (Strategy): Its settings. Without a model all scores are alike, and nothing is told.
    """
    given: dict[str, float] = getattr(strategy.take, "keywords")  # noqa: B009
    has_model = strategy.job.model is not None
    epsilon, bound = given["epsilon"] if has_model else 0.0, given["bound"]
    size, n = len(ranking.weighed), len(picks.ids)
    promised = guarantee(epsilon, eligible_at_least(size, n))
    return BatchPrivacy(
        promised.epsilon,
        promised.rest,
        promised.shown,
        expected_overlap(exponents(ranking.weighed, n, epsilon=epsilon, bound=bound), n),
        n / size,
        float((ranking.weighed > bound).mean()) if has_model else 0.0,
        picks.propensities.tolist(),
    )
