"""Which texts of a pool to label next."""

import inspect
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.config.settings import Settings
from spacy_al.corpus.pool import PoolItem, n_stored
from spacy_al.embeddings.documents import compress, weigh_rare
from spacy_al.errors import Errors, UsageError
from spacy_al.query.costs import Seconds
from spacy_al.query.labelled import read_labelled
from spacy_al.query.patterns import find_matches, rarity, read_patterns, spread
from spacy_al.query.picks import pick
from spacy_al.query.pool_scores import _leave_out, _refuse_empty
from spacy_al.query.questions import make_questions
from spacy_al.query.ranking import apply_filters, in_one_space, make_ranker
from spacy_al.query.score_pool import score_pool
from spacy_al.query.scorer import Job, Scorer
from spacy_al.query.strategy import _blocks, _refuse_scores
from spacy_al.query.ties import settle_ties
from spacy_al.registry import resolve
from spacy_al.selection import BLIND, UNRANKED
from spacy_al.tasks.task import Task
from spacy_al.types import Floats, Sampler

# Texts, by their hashes, that stand for a larger pool where there is no model: enough to see what is common in it
REPRESENTED = 20_000


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
    code: str | None = None,
    gpu_id: int = -1,
) -> Selection:
    """Rank a pool and take the batch. Records nothing.

    pool (Path): A `.spacy` file or a folder of shards; its annotation is never looked at.
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
    code (str | None): Python file that registers functions.
    gpu_id (int): GPU to run on; -1 for none.
    RETURNS (Selection): At most `n` tasks.
    RAISES (AlError): What is wrong with the input, and AL086 if nothing is left to ask.
    """
    settings, pool = settings or Settings(), Path(pool)
    if model is None:
        _refuse_scores(acquisition, density_weight, sampler)
        # a sampler that is named, as for a development set at random, chooses as it says
        patterns = patterns or (None if sampler else settings.patterns)
    elif patterns:
        raise UsageError(Errors.AL252.format(path=patterns, model=model))
    given: dict[str, Any] = {"seed": seed, "density_weight": density_weight}
    given |= {"component": component, "lang": lang}
    settings = replace(settings, **{key: v for key, v in given.items() if v is not None})
    n = settings.batch_size if n is None else n
    _at_least("The number of texts (-n)", n, 1)
    _at_least("--n-process", n_process, 1)
    _at_least("--seed", settings.seed, 0)
    _at_least("--density-weight", settings.density_weight, 0)
    blocks = _blocks(settings, model, acquisition, sampler)
    drawn = blocks.pop("sampler")
    weight = settings.density_weight if model else 0.0
    take: Sampler = resolve(drawn)
    wanted = inspect.signature(take).parameters
    name = drawn["@al_samplers"]
    columns = [column for column in ("label_probs", "members") if column in wanted]
    far = settings.filter.get("far")
    columns += ["embeddings"] if weight > 0 or far or name not in BLIND else []
    columns += ["word_shares"] if settings.filter.get("min_words") else []
    columns += ["marks"] if model and seconds else []
    job = Job(
        model,
        settings.component,
        blocks,
        columns=tuple(columns),
        keep_tokens=keep_tokens,
        lang=settings.lang,
        code=code,
        gpu_id=gpu_id,
        labelled=_learned(trained_on, labeled, settings),
    )
    scorer = Scorer(job)
    terms = read_patterns(Path(patterns), scorer.nlp) if patterns else None

    share = 1
    if model is None and terms is None and name not in BLIND:
        share = max(1, n_stored(pool) // max(REPRESENTED, 20 * n))
    corpora = [Path(path) for path in labeled]
    scores = score_pool(job, pool, n_process=n_process, scorer=scorer, share=share)
    scores = _leave_out(scores, corpora, asked, settings)
    if share > 1 and len(scores.ids) < 20 * n:
        # full of repeats, or of what is asked already
        share = 1
        scores = score_pool(job, pool, n_process=n_process, scorer=scorer)
        scores = _leave_out(scores, corpora, asked, settings)
    if share > 1:
        looked_at = scores.report.total() - scores.report["unreadable shard"]
        scores.report["not looked at (no model)"] = max(0, n_stored(pool) - looked_at)
    _refuse_empty(scores, pool)
    labelled = None
    if "labelled" in wanted:
        labelled = read_labelled(
            job.labelled, scorer, settings.spans_key, settings.factory, embed=name not in BLIND
        )
    scores, labelled = in_one_space(scores, labelled, weigh_rare)
    scores = apply_filters(scores, settings.filter)
    _refuse_empty(scores, pool)
    rng = KeyedGenerator(settings.seed, round, scores.ids)
    weigh = make_ranker(scores, settings, weight, seconds) if model else _as_they_are
    known: dict[str, PoolItem] = {}
    if model and name not in UNRANKED:
        known = settle_ties(scores, weigh, n, scorer, pool)
    if name not in BLIND:
        scores, labelled = in_one_space(scores, labelled, partial(compress, rng=rng))
    given = {"lengths": scores.lengths, "labelled": labelled, **scores.columns}
    given = {key: value for key, value in given.items() if key in wanted}
    if terms:
        matches = find_matches(terms, pool, scorer.nlp, scores.ids, keep_tokens=keep_tokens)
        scores = replace(scores, scores=rarity(matches))
        take = partial(spread, matches=matches, labels=terms.labels, rest=take)
    picks = pick(scores, weigh(scores.scores), take, n, rng, given)
    parts = [scorer.acquisition_name] if model else ["patterns"] if terms else []
    cost = "seconds" if seconds else "words"
    parts += [f"density^{weight:g}"] if weight else []
    parts += [f"{cost}^-{settings.cost_weight:g}"] if model and settings.cost_weight else []
    parts.append(name.removeprefix("spacy-al.").rsplit(".v", 1)[0])
    meta: dict[str, Any] = {
        "round": round,
        "strategy": " · ".join(parts),
        "component": scorer.component.name if scorer.component else settings.component,
        "model": Path(model).name if model else None,
    }
    if (picks.propensities == 1).all():
        meta["design"] = "deterministic"
    else:
        # what a propensity is conditional on, with the rank, which is the number of the draw
        meta |= {"eligible": len(scores.ids), "explore": drawn.get("explore", 0.0)}
    tasks, uncertainty = make_questions(pool, known, picks, scorer, settings, meta, terms)
    return Selection(
        tasks,
        uncertainty,
        meta["strategy"],
        model,
        meta["component"],
        bool(scorer.component and scorer.component.calibrated),
        len(scores.ids),
        scores.n_tokens,
        scores.report,
    )


def _learned(
    trained_on: Path | None, labeled: Sequence[Path], settings: Settings
) -> tuple[Path, ...]:
    """Corpora that teach. What is measured on does not, though it may be named among what is not to be asked."""
    kept = {path.resolve() for path in (settings.dev, settings.test) if path}
    paths = [Path(path) for path in (trained_on, *labeled, settings.train) if path]
    return tuple(path for path in paths if path.resolve() not in kept)


def _at_least(name: str, value: float, least: int) -> None:
    """RAISES (UsageError): AL087. Written so that NaN is refused as well."""
    if not least <= value < float("inf"):
        raise UsageError(Errors.AL087.format(name=name, value=value, must=f"{least} or more"))


def _as_they_are(scores: Floats) -> Floats:
    return scores
