"""Which texts of a pool to label next."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.acquisition import information_density
from spacy_al.data.labeled import labeled_ids
from spacy_al.data.pool import PoolItem, fetch
from spacy_al.data.tasks import Task, make_task
from spacy_al.embeddings import compress, weigh_rare
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.scoring import Job, PoolScores, Scorer, score_pool
from spacy_al.selection.density import mean_cosine
from spacy_al.settings import Settings, named, resolve
from spacy_al.suggest import Suggestion, suggest

COLD = "representative"


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
    uncertainty: list[Any]
    strategy: str
    model: str | None
    component: str | None
    calibrated: bool
    n_pool: int
    n_tokens: int
    report: Counter[str] = field(default_factory=Counter)


def select(
    pool: Path,
    *,
    n: int = 20,
    model: str | None = None,
    labeled: list[Path] | None = None,
    settings: Settings | None = None,
    acquisition: str | None = None,
    density_weight: float | None = None,
    sampler: str | None = None,
    component: str | None = None,
    seed: int | None = None,
    lang: str | None = None,
    keep_tokens: bool = False,
    n_process: int = 1,
    code: str | None = None,
    gpu_id: int = -1,
) -> Selection:
    """Rank a pool and take the batch. Records nothing.

    pool (Path): A `.spacy` file or a folder of shards; its annotation is never looked at.
    n (int): Texts to choose.
    model (str | None): Directory or package of a trained pipeline; None chooses without one, by what represents the pool.
    labeled (list[Path] | None): Corpora or files of tasks whose texts are not asked again.
    settings (Settings | None): The `[al]` section of a config; the arguments below come before it.
    acquisition, sampler (str | None): Registered functions by name; `token_entropy` is spacy-al.token_entropy.v1.
    density_weight (float | None): Exponent of the mean similarity to the pool (Settles and Craven, 2008); 0 for none.
    component (str | None): Whose posterior; by default the only component that has one.
    seed (int | None): Of what is drawn.
    lang (str | None): Language of the tokeniser without a model.
    keep_tokens (bool): Keep the pool's own tokens rather than the pipeline's.
    n_process (int): Processes that score.
    code (str | None): Python file that registers functions.
    gpu_id (int): GPU to run on; -1 for none.
    RETURNS (Selection): At most `n` tasks.
    RAISES (AlError): What is wrong with the input, and AL086 if nothing is left to ask.
    """
    settings = settings or Settings()
    if n < 1:
        raise UsageError(Errors.AL087.format(name="The number of texts", value=n, must="1 or more"))
    if n_process < 1:
        raise UsageError(Errors.AL087.format(name="--n-process", value=n_process, must="1 or more"))
    weight = settings.density_weight if density_weight is None else density_weight
    if not (numpy.isfinite(weight) and weight >= 0):
        raise UsageError(
            Errors.AL087.format(name="The density weight", value=weight, must="0 or more")
        )
    blocks = dict(settings.blocks)
    if acquisition:
        blocks["acquisition"] = named("al_acquisitions", acquisition)
    if sampler:
        blocks["sampler"] = named("al_samplers", sampler)
    if model is None:
        blocks.pop("acquisition", None)
        blocks["sampler"] = blocks["sampler"] if sampler else named("al_samplers", COLD)
        weight = 0
    draw = blocks.pop("sampler", named("al_samplers", "top_k"))
    job = Job(
        model,
        component or settings.component,
        blocks,
        embed=weight > 0 or _embeds(draw),
        keep_tokens=keep_tokens,
        lang=lang or settings.lang,
        code=code,
        gpu_id=gpu_id,
    )
    scorer = Scorer(job)
    take = resolve(draw)
    rng = numpy.random.default_rng(settings.seed if seed is None else seed)

    scores = score_pool(job, pool, n_process=n_process, scorer=scorer)
    scores = _leave_out(scores, labeled or [], settings)
    if not len(scores.ids):
        counts = ", ".join(
            f"{count} {why}" for why, count in sorted(scores.report.items()) if why != "read"
        )
        raise AlError(Errors.AL086.format(path=pool, counts=counts))
    strategy = [scorer.acquisition_name] if model else []
    if weight > 0:
        strategy.append(f"density^{weight:g}")
    weighted, vectors = _weigh(scores, weight, rng)
    rows, propensities = take(weighted, n, rng, embeddings=vectors, groups=_groups(scores.near))
    strategy.append(str(draw["@al_samplers"]).removeprefix("spacy-al.").rsplit(".v", 1)[0])

    ids = [f"{scores.ids[row]:016x}" for row in rows]
    with_texts = fetch(pool, scorer.nlp, ids, keep_tokens=keep_tokens)
    found = _suggestions(scorer, with_texts)
    meta: dict[str, Any] = {
        "round": 0,
        "strategy": " · ".join(strategy),
        "component": getattr(scorer, "component", job.component),
        "model": Path(model).name if model else None,
    }
    tasks, uncertainty = [], []
    for rank, (identity, row, propensity) in enumerate(zip(ids, rows, propensities), 1):
        item = with_texts[identity]
        labels, suggestion = found[identity]
        tasks.append(
            make_task(
                item.doc,
                suggestions=suggestion.items,
                component_kind=suggestion.kind,
                labels=labels or settings.labels,
                meta={
                    "score": float(weighted[row]),
                    "rank": rank,
                    **meta,
                    "propensity": float(propensity),
                    "why": suggestion.why,
                    **{
                        key: item.source[key]
                        for key in ("doc", "sentence", "before", "after")
                        if key in item.source
                    },
                },
                view_id=suggestion.view_id,
                exclusive=suggestion.exclusive,
            )
        )
        uncertainty.append(suggestion.uncertainty)
    return Selection(
        tasks,
        uncertainty,
        meta["strategy"],
        model,
        meta["component"],
        getattr(scorer, "calibrated", False),
        len(scores.ids),
        scores.n_tokens,
        scores.report,
    )


def _embeds(sampler: dict[str, Any]) -> bool:
    """Whether a sampler looks at embeddings: all but those that are known not to."""
    return sampler["@al_samplers"] not in ("spacy-al.top_k.v1", "spacy-al.uniform.v1")


def _leave_out(scores: PoolScores, labeled: list[Path], settings: Settings) -> PoolScores:
    """Without what is labelled, or kept for measuring."""
    known = {"already labelled": [*labeled, *([settings.train] if settings.train else [])]}
    known["in dev or test"] = [path for path in (settings.dev, settings.test) if path]
    for why, paths in known.items():
        ids = [int(identity, 16) for path in paths for identity in labeled_ids(path)]
        keep = ~numpy.isin(scores.ids, numpy.array(ids, dtype="u8"))
        if not keep.all():
            scores.report[why] += int((~keep).sum())
            scores = scores.keep(keep)
    return scores


def _weigh(scores: PoolScores, weight: float, rng: numpy.random.Generator) -> tuple[Any, Any]:
    """Scores times density, and the embeddings as a sampler takes them."""
    vectors = scores.vectors
    if vectors is None:
        return scores.scores, None
    sparse = hasattr(vectors, "tocsr")
    if sparse:
        vectors = weigh_rare(vectors)
    weighted = scores.scores
    if weight > 0:
        weighted = information_density(weighted, mean_cosine(vectors), weight)
    return weighted, compress(vectors, rng) if sparse else vectors


def _groups(near: Any) -> Any:
    """Numbers from 0 for near duplicates, of which a batch takes one."""
    return numpy.unique(near, return_inverse=True)[1]


def _suggestions(
    scorer: Scorer, items: dict[str, PoolItem]
) -> dict[str, tuple[list[str], Suggestion]]:
    """Labels and suggestion for each text; none without a model."""
    if scorer.job.model is None:
        nothing = {identity: _nothing(item.doc) for identity, item in items.items()}
        return {identity: ([], suggestion) for identity, suggestion in nothing.items()}
    posteriors = scorer.posteriors([item.doc for item in items.values()])
    threshold = getattr(scorer.nlp.get_pipe(scorer.component), "cfg", {}).get("threshold") or 0.5
    return {
        identity: (list(posterior.labels), suggest(posterior, item.doc, threshold))
        for (identity, item), posterior in zip(items.items(), posteriors)
    }


def _nothing(doc: Doc) -> Suggestion:
    return Suggestion(
        "entities", "ner_manual", [], True, numpy.zeros(len(doc)), "typical of a part of the pool"
    )
