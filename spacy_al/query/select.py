"""Which texts of a pool to label next."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy_al.config.settings import Settings
from spacy_al.corpus.address import pool_path
from spacy_al.query.costs import Seconds
from spacy_al.query.patterns import read_patterns
from spacy_al.query.picks import Picks, pick
from spacy_al.query.privacy import BatchPrivacy, batch_privacy, check_private
from spacy_al.query.questions import make_questions
from spacy_al.query.ranking import rank_pool
from spacy_al.query.score_pool import Engine, score_usable
from spacy_al.query.scorer import Scorer
from spacy_al.query.strategy import Strategy, make_strategy
from spacy_al.reporting.notebook import batch_part
from spacy_al.reporting.questions import as_shown
from spacy_al.tasks.task import Task
from spacy_al.teachers.ask import ask_pool
from spacy_al.types import Floats


@dataclass
class Selection:
    """A batch of tasks and how it came about.

    tasks (list[Task]): In the order in which to ask, as Prodigy's tasks.
    uncertainty (list): (n_tokens,) entropies of each task's tokens; zeros where there are none.
    strategy (str): The composition that chose them.
    model (str | None): The pipeline's directory; None for a start without a model.
    component (str | None): Whose posterior was read.
    calibrated (bool): Whether its probabilities are calibrated.
    n_pool, n_tokens (int): Texts that could have been chosen, and tokens read.
    report (Counter): What was read and left out, and why.
    privacy (BatchPrivacy | None): What it tells about any one text, where the sampler is private.
    n_near (int): Where the batch is smaller than was asked for, how many texts are near duplicates of those in it, of which it takes one each.
    """

    tasks: list[Task]
    uncertainty: list[Floats]
    strategy: str
    model: str | None
    component: str | None
    calibrated: bool
    n_pool: int
    n_tokens: int
    report: Counter[str]
    privacy: BatchPrivacy | None = None
    n_near: int = 0

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        shown = [
            as_shown(task, None, own.tolist()) for task, own in zip(self.tasks, self.uncertainty)
        ]
        by = f"Chosen by {self.strategy}"
        by += f", from what {self.component} of {self.model} believes" if self.model else ""
        return batch_part(shown, self.n_pool, f"{by}.")


def select(
    pool: Path,
    *,
    n: int | None = None,
    model: str | None = None,
    labeled: Sequence[Path] = (),
    trained_on: Path | None = None,
    asked: Collection[str] = (),
    settings: Settings | None = None,
    acquisition: str | None = None,
    density_weight: float | None = None,
    sampler: str | None = None,
    patterns: Path | None = None,
    component: str | None = None,
    seconds: Seconds | None = None,
    seed: int | None = None,
    round: int = 0,
    lang: str | None = None,
    keep_tokens: bool = False,
    n_process: int = 1,
    engine: Engine | None = None,
    score_cache: Path | None = None,
    refresh: float | None = None,
    per_shard: int | None = None,
    code: str | None = None,
    gpu_id: int = -1,
) -> Selection:
    """Rank a pool and take the batch. Records nothing.

    pool (Path): A `.spacy` file or a folder of shards, or its URL as a text; its annotation is never looked at.
    n (int | None): Texts to choose; by default the batch size of the settings.
    model (str | None): Directory or package of a trained pipeline; None chooses without one, by what represents the pool, or of a large one
        20,000 texts of it.
    labeled (Sequence[Path]): Corpora or files of tasks whose texts are not asked again.
    trained_on (Path | None): Corpus that the model learned from, for samplers that look at it. Its texts may be asked, since nobody
        may have labelled them but functions or a model.
    asked (Collection[str]): Ids of texts that were asked before and are not asked again.
    settings (Settings | None): The `[al]` section of a config; the other arguments come before it.
    acquisition, sampler (str | None): Registered functions by name; `token_entropy` is spacy-al.token_entropy.v1.
    density_weight (float | None): Exponent of the mean similarity to the pool (Settles and Craven, 2008); 0 for none.
    patterns (Path | None): Of an entity or span ruler; without a model, texts in which they match come first.
    component (str | None): Whose posterior; by default the only component that has one.
    seconds (Seconds | None): How long annotators take, for scores by time; words are what a text costs without it.
    seed, round (int): Of what is drawn.
    lang (str | None): Language of the tokeniser without a model.
    keep_tokens (bool): Keep the pool's own tokens rather than the pipeline's.
    n_process (int): Processes that score.
    engine (Engine | None): Scores shards elsewhere, such as `distributed.ray_engine.RayEngine`. The batch is the same.
    score_cache (Path | None): Folder in which scores are kept for the next call; by default that of the settings.
    refresh (float | None): With a cache, score anew only this share of the texts, the highest under the model before, and a few of
        the others; 0 scores all. By default that of the settings.
    per_shard (int | None): Choose among so many texts of each shard, those of highest score; None for all.
    code (str | None): Python file that registers functions.
    gpu_id (int): GPU to run on; -1 for none.
    RETURNS (Selection): At most `n` tasks.
    RAISES (AlError): What is wrong with the input, and AL086 if nothing is left to ask.
    """
    pool = pool_path(pool)
    # 1: what is looked at, and what decides
    strategy = make_strategy(
        settings or Settings(),
        model,
        n=n,
        round=round,
        labeled=labeled,
        trained_on=trained_on,
        acquisition=acquisition,
        density_weight=density_weight,
        sampler=sampler,
        patterns=patterns,
        component=component,
        seconds=seconds,
        seed=seed,
        lang=lang,
        keep_tokens=keep_tokens,
        code=code,
        gpu_id=gpu_id,
        score_cache=score_cache,
        refresh=refresh,
        per_shard=per_shard,
    )
    if strategy.is_private:
        check_private(strategy)
    settings, scorer = strategy.settings, Scorer(strategy.job)
    if strategy.asks_teacher:
        ask_pool(replace(settings, pool=pool), code=code, leave_out=asked)
    terms = read_patterns(strategy.patterns, scorer.nlp) if strategy.patterns else None
    # 2: a score for each text that may be asked
    corpora = [Path(path) for path in labeled]
    scores = score_usable(
        pool, strategy, scorer, corpora, asked, n_process=n_process, engine=engine
    )
    # 3: how soon each is to be asked
    ranking = rank_pool(scores, strategy, scorer, pool, terms)
    # 4: the batch, and how probable each pick was
    picks = pick(ranking, strategy.n)
    privacy = batch_privacy(ranking, picks, strategy) if strategy.is_private else None
    picks = replace(picks, is_secret=strategy.is_private)
    # 5: the questions
    meta = batch_meta(strategy, scorer, picks)
    tasks, uncertainty = make_questions(pool, ranking.known, picks, scorer, settings, meta, terms)
    return Selection(
        tasks,
        uncertainty,
        meta["strategy"],
        model,
        meta["component"],
        bool(scorer.component and scorer.component.calibrated),
        len(ranking.scores.ids),
        ranking.scores.n_tokens,
        ranking.scores.report,
        privacy,
        picks.n_near if len(tasks) < strategy.n else 0,
    )


def batch_meta(strategy: Strategy, scorer: Scorer, picks: Picks) -> dict[str, Any]:
    """What all questions of a batch say of how they came about."""
    acquisition, model = scorer.acquisition_name if scorer.component else None, strategy.job.model
    meta: dict[str, Any] = {
        "round": strategy.round,
        "strategy": strategy.describe(acquisition),
        "scored_by": strategy.scored_by(acquisition, picks.by_sampler),
        "component": scorer.component.name if scorer.component else strategy.settings.component,
        "model": Path(model).name if model else None,
    }
    if strategy.is_private:
        meta["design"] = "private"
    elif picks.eligible is None:
        meta["design"] = "deterministic"
    else:
        # with the rank, which is the number of the draw, and `eligible` this is what a propensity is conditional on
        meta["explore"] = strategy.explore
    return meta
