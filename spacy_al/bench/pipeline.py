"""A pipeline measured: what scoring costs on it, and what its probabilities are worth where there is gold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from spacy_al.bench.machine import describe
from spacy_al.bench.quality import compare_entities, judge_readers
from spacy_al.bench.timing import time_arms
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.evaluation.calibrate import fit_calibration
from spacy_al.evaluation.gold import align_gold, read_gold, stored_docs
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import open_pipeline
from spacy_al.posteriors.read import find_component
from spacy_al.posteriors.temperature import read_calibration
from spacy_al.query.scorer import Job, Scorer


def bench(
    model: str | Path,
    pool: Path,
    *,
    fit: Path | None = None,
    component: str | None = None,
    max_docs: int = 2000,
    fit_docs: int = 400,
    repeats: int = 5,
    widths: Sequence[int] = (4, 16, 32),
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a pipeline.

    model (str | Path): Directory or package of the pipeline.
    pool (Path): Texts; their annotation is used to judge by, never to score.
    fit (Path | None): Held-out gold documents to fit temperatures on, with which everything is timed as well.
    component (str | None): By default the only one that has a posterior.
    max_docs, fit_docs (int): Sizes of the random samples.
    repeats (int): How often each way is timed.
    widths (Sequence[int]): Beams to compare an entity recogniser with.
    seed (int): Of the samples.
    RETURNS (dict): `machine`, `settings`, `timing` as `time_arms`, and `quality` as `compare_entities` for `ner`, as
        `judge_readers` for others, None without gold.
    RAISES (AlError): AL001 to AL003, AL085, AL070, AL072, AL073, and what reading the documents raises.
    """
    numbers = {"documents": max_docs, "held-out documents": fit_docs, "repeats": repeats}
    for what, value in numbers.items():
        if value < 1:
            raise UsageError(Errors.AL072.format(value=value, what=what, must="1 or more"))
    if any(width < 2 for width in widths):
        raise UsageError(Errors.AL072.format(value=min(widths), what="analyses", must="2 or more"))
    nlp = open_pipeline(str(model))
    name = find_component(nlp, component)
    is_ner = FACTORIES[nlp.get_pipe_meta(name).factory].is_greedy
    widths = tuple(widths) if is_ner else ()
    stored = [doc for doc in stored_docs(Path(pool)) if len(doc)]
    if not stored:
        raise AlError(Errors.AL073.format(path=pool))
    if len(stored) > max_docs:
        rows = numpy.random.default_rng(seed).choice(len(stored), max_docs, replace=False)
        stored = [stored[row] for row in rows.tolist()]
    held_out = read_gold(nlp, name, Path(fit), limit=fit_docs, seed=seed) if fit else None
    # of a model that is calibrated all rows are
    new = read_calibration(nlp, name) is None
    timing = time_arms(
        nlp,
        name,
        stored,
        scorer=Scorer(Job(str(model), name)),
        fitted=fit_calibration(nlp, name, held_out) if held_out and new else None,
        repeats=repeats,
        widths=widths,
    )
    gold, quality = align_gold(nlp, name, stored), None
    if gold.docs:
        if is_ner:
            quality = compare_entities(nlp, name, gold, held_out, widths)
        else:
            quality = judge_readers(nlp, name, gold, held_out)
    settings = {
        "model": str(model),
        "pool": str(pool),
        "fit": str(fit) if fit else None,
        "component": name,
        "pipeline": list(nlp.pipe_names),
        "max_docs": max_docs,
        "fit_docs": fit_docs,
        "repeats": repeats,
        "widths": list(widths),
        "seed": seed,
    }
    return {"machine": describe(), "settings": settings, "timing": timing, "quality": quality}
