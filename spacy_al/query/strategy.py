"""A query strategy: what is looked at, how it is scored and ranked, and what takes the batch. A config's, and what a call says instead."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy_al.acquisition.fusion import needs_said
from spacy_al.config.init import DEFAULT_SAMPLER
from spacy_al.config.settings import Settings
from spacy_al.errors import Errors, UsageError
from spacy_al.query.costs import Seconds
from spacy_al.query.noise import BOILERPLATE
from spacy_al.query.score_identity import keep_scores
from spacy_al.query.scorer import Job
from spacy_al.registry import named, resolve
from spacy_al.selection import BLIND, PRIVATE, UNRANKED
from spacy_al.teachers.marks import teacher_marks
from spacy_al.types import Sampler

UNIFORM = "spacy-al.uniform.v1"
# Any text may be drawn, however low its score
DRAWN = {"spacy-al.stochastic.v1", PRIVATE}
# Samplers whose draws stand for the pool
MEASURES = (UNIFORM, "spacy-al.active_testing.v1")
COUNTS = "answer_counts"


@dataclass(frozen=True)
class Strategy:
    """A query strategy of one call.

    settings (Settings): The config's, with what the call said instead.
    n (int): Texts to choose.
    round (int): Of what is drawn.
    job (Job): What each shard is scored with, and which columns are kept.
    sampler (dict): The config block of the sampler.
    take (Sampler): The function that it names.
    seconds (Seconds | None): How long annotators take, for scores by time.
    patterns (Path | None): That choose the texts as long as there is no model.
    """

    settings: Settings
    n: int
    round: int
    job: Job
    sampler: dict[str, Any]
    take: Sampler
    seconds: Seconds | None = None
    patterns: Path | None = None

    @property
    def sampler_name(self) -> str:
        return str(self.sampler["@al_samplers"])

    @property
    def is_blind(self) -> bool:
        """Whether the sampler looks at no embeddings."""
        return self.sampler_name in BLIND

    @property
    def is_ranked(self) -> bool:
        """Whether the order of the scores decides anything."""
        has_order = self.sampler_name not in UNRANKED and not self.is_private
        return self.job.model is not None and has_order

    @property
    def asks_teacher(self) -> bool:
        """Whether the scores need what a teacher says of the pool."""
        block = self.job.blocks.get("acquisition")
        return self.job.teacher is not None and block is not None and needs_said(resolve(block))

    @property
    def is_spread(self) -> bool:
        """Whether texts of one template are kept apart. A draw that stands for the pool, as what is measured on, takes them as they come."""
        return self.sampler_name not in MEASURES and not self.is_private

    @property
    def explore(self) -> float:
        """The share of uniform draws."""
        return float(getattr(self.take, "keywords", {}).get("explore", 0.0))

    @property
    def is_private(self) -> bool:
        """Whether no text may matter but by its own score, as a batch is to tell little about any one."""
        return self.sampler_name == PRIVATE

    def wants(self, name: str) -> bool:
        """Whether the sampler looks at a column, by the name of its argument."""
        return name in inspect.signature(self.take).parameters

    @property
    def short_sampler_name(self) -> str:
        return self.sampler_name.removeprefix("spacy-al.").rsplit(".v", 1)[0]

    def describe(self, acquisition: str | None) -> str:
        """The composition as it is shown and stored: what scores, what weighs, what takes.

        acquisition (str | None): Its name; None without a model.
        """
        return " · ".join([*self._weighed(acquisition), self.short_sampler_name])

    def scored_by(self, acquisition: str | None, by_sampler: bool) -> str | None:
        """What the score of a question is, so that nobody takes one number for another.

        acquisition (str | None): Its name; None without a model.
        by_sampler (bool): Whether it is the sampler's own.
        RETURNS (str | None): None where nothing is scored.
        """
        if by_sampler:
            return self.short_sampler_name
        return " · ".join(self._weighed(acquisition)) or None

    def _weighed(self, acquisition: str | None) -> list[str]:
        settings, weight = self.settings, self.settings.density_weight
        parts = [acquisition] if acquisition else ["patterns"] if self.patterns else []
        if self.job.model is not None:
            cost = "seconds" if self.seconds else "words"
            parts += [f"density^{weight:g}"] if weight else []
            parts += [f"{cost}^-{settings.cost_weight:g}"] if settings.cost_weight else []
            half_life = settings.recency.half_life_days if settings.recency else None
            parts += [f"0.5^(days/{half_life:g})"] if half_life else []
        return parts


def make_strategy(
    settings: Settings,
    model: str | None,
    *,
    n: int | None,
    round: int,
    labeled: Sequence[Path],
    trained_on: Path | None,
    acquisition: str | None,
    density_weight: float | None,
    sampler: str | None,
    patterns: Path | None,
    component: str | None,
    seconds: Seconds | None,
    seed: int | None,
    lang: str | None,
    keep_tokens: bool,
    code: str | None,
    gpu_id: int,
    score_cache: Path | None = None,
    refresh: float | None = None,
    per_shard: int | None = None,
) -> Strategy:
    """The config's strategy with what a call says instead. Arguments as for `select`.

    RAISES (UsageError): AL084, AL087, AL094, AL252, AL395.
    """
    if model is None:
        _refuse_scores(acquisition, density_weight, sampler)
        # a sampler that is named, as for a development set at random, chooses as it says
        patterns = patterns or (None if sampler else settings.patterns)
    elif patterns:
        raise UsageError(Errors.AL252.format(path=patterns, model=model))
    given: dict[str, Any] = {"seed": seed, "density_weight": density_weight}
    given |= {"component": component, "lang": lang, "score_cache": score_cache, "refresh": refresh}
    if lang not in (None, settings.lang):
        # another language than the config's has a tokeniser of its own
        given["tokeniser"] = {}
    settings = replace(
        settings, **{key: value for key, value in given.items() if value is not None}
    )
    n = settings.batch_size if n is None else n
    _check_at_least("The number of texts (-n)", n, 1)
    _check_at_least("--seed", settings.seed, 0)
    _check_at_least("--density-weight", settings.density_weight, 0)
    in_part = bool(settings.refresh or per_shard)
    blocks = _blocks(settings, model, acquisition, sampler, in_part)
    drawn = blocks.pop("sampler")
    job = Job(
        model,
        settings.component,
        blocks,
        keep_tokens=keep_tokens,
        lang=settings.lang,
        tokeniser=settings.tokeniser,
        code=code,
        gpu_id=gpu_id,
        labelled=_teaching(trained_on, labeled, settings),
        teacher=teacher_marks(settings),
    )
    path = Path(patterns) if patterns else None
    made = Strategy(settings, n, round, job, drawn, resolve(drawn), seconds, path)
    _check_scored_in_part(made, per_shard)
    job = replace(job, columns=_columns(made), propose=per_shard if model else None)
    if settings.score_cache:
        job = keep_scores(job, settings.score_cache, settings.refresh)
    return replace(made, job=job)


def _check_scored_in_part(strategy: Strategy, per_shard: int | None) -> None:
    """RAISES (UsageError): AL087, AL395 for what leaves texts out by their scores, where these do not decide, or chance does."""
    settings = strategy.settings
    if per_shard is not None:
        _check_at_least("--per-shard", per_shard, strategy.n)
    if not 0 <= settings.refresh <= 1:
        raise UsageError(
            Errors.AL087.format(name="--refresh", value=settings.refresh, must="from 0 to 1")
        )
    if settings.refresh and not settings.score_cache:
        why = "what a text had under the model before is kept in a cache"
        raise UsageError(Errors.AL395.format(given="--refresh", other="no --score-cache", why=why))
    given = ["--per-shard"] if per_shard is not None else []
    given += ["--refresh"] if settings.refresh else []
    drawn = strategy.sampler_name in DRAWN or not strategy.is_ranked
    if given and drawn and strategy.job.model is not None:
        why = "it takes texts of low scores as well. `--sampler top_k` takes the highest alone"
        other = f"the sampler {strategy.short_sampler_name}"
        raise UsageError(Errors.AL395.format(given=" and ".join(given), other=other, why=why))


def _columns(strategy: Strategy) -> tuple[str, ...]:
    """The columns that have to be kept of each text beside its score."""
    settings, has_model = strategy.settings, strategy.job.model is not None
    by_density = has_model and settings.density_weight > 0
    embeds = by_density or settings.filter.get("far") or not strategy.is_blind
    columns = [column for column in ("label_probs", "members", COUNTS) if strategy.wants(column)]
    # what is drawn with a share of uniform draws stands for the pool
    if has_model and strategy.explore and COUNTS not in columns:
        columns.append(COUNTS)
    columns += ["embeddings"] if embeds else []
    columns += ["word_shares"] if settings.filter.get("min_words") else []
    noise = settings.filter.get("noise", ())
    columns += ["noise"] if noise else []
    columns += ["lines"] if BOILERPLATE in noise else []
    columns += ["marks"] if has_model and strategy.seconds else []
    return tuple(columns)


def _teaching(
    trained_on: Path | None, labeled: Sequence[Path], settings: Settings
) -> tuple[Path, ...]:
    """Corpora that teach. What is measured on does not, though it may be named among what is not to be asked."""
    kept = {path.resolve() for path in (settings.dev, settings.test) if path}
    paths = [Path(path) for path in (trained_on, *labeled, settings.train) if path]
    return tuple(path for path in paths if path.resolve() not in kept)


def _blocks(
    settings: Settings,
    model: str | None,
    acquisition: str | None,
    sampler: str | None,
    in_part: bool,
) -> dict[str, dict[str, Any]]:
    """The config's blocks, those that were named instead, and a sampler in any case: where low scores are left out, one that takes none."""
    usual = named("al_samplers", "top_k") if in_part else DEFAULT_SAMPLER
    blocks: dict[str, dict[str, Any]] = {"sampler": usual, **settings.blocks}
    if model is None:
        # what a config says is meant for the rounds that have a model
        if blocks["sampler"].get("@al_samplers") != PRIVATE:
            blocks["sampler"] = named("al_samplers", "representative")
        blocks = {name: blocks[name] for name in ("sampler", "embedding") if name in blocks}
    if acquisition:
        blocks["acquisition"] = named("al_acquisitions", acquisition)
    if sampler:
        blocks["sampler"] = named("al_samplers", sampler)
    return blocks


def _refuse_scores(
    acquisition: str | None, density_weight: float | None, sampler: str | None
) -> None:
    """RAISES (UsageError): AL094 for what was asked for and means nothing without a model."""
    given = ["--acquisition"] if acquisition else []
    given += ["--density-weight"] if density_weight else []
    given += [f"--sampler {sampler}"] if sampler in ("top_k", "spacy-al.top_k.v1") else []
    if given:
        raise UsageError(Errors.AL094.format(given=" and ".join(given)))


def _check_at_least(name: str, value: float, least: int) -> None:
    """RAISES (UsageError): AL087. Written so that NaN is refused as well."""
    if not least <= value < float("inf"):
        raise UsageError(Errors.AL087.format(name=name, value=value, must=f"{least} or more"))
