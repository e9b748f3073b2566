"""Time, side by side: every repeat runs each way once on fresh documents, in another order each time."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.acquisition import default_acquisition
from spacy_al.bench.beams import parse
from spacy_al.bench.machine import peak_memory
from spacy_al.evaluation.gold import fresh_doc
from spacy_al.metrics import Temperature
from spacy_al.posteriors.component import BATCH
from spacy_al.posteriors.read import components_before, reader_of, run_pipes
from spacy_al.posteriors.temperature import CalibrationRecord, fitted_temperature, weights_hash
from spacy_al.query.scorer import Scorer
from spacy_al.util import batched, progress_bar

PLAIN, SCORED, SCORING = "nlp.pipe", "nlp.pipe + al_scorer", "scoring"
# The same pipeline for both: `select` multiplies matrices with numpy's BLAS, which may be faster than thinc's default
SELECT, PLAIN_BLAS = "select's scoring", "nlp.pipe, select's BLAS"
# After the name of a way of scoring: with temperatures that were fitted for the model
CALIBRATED = ", calibrated"
# The widest beams, over 16, run on the first documents with so many tokens only
BEAM_TOKENS = 5000

Arm = tuple[Language, Sequence[Doc], Callable[[list[Doc]], None]]


def time_arms(
    nlp: Language,
    name: str,
    stored: Sequence[Doc],
    *,
    scorer: Scorer | None = None,
    fitted: CalibrationRecord | None = None,
    repeats: int = 5,
    widths: Sequence[int] = (),
) -> dict[str, Any]:
    """Process time and wall time of all ways through the same texts.

    nlp (Language): The pipeline. A component `al_scorer` in it takes no part.
    name (str): The component that is scored.
    stored (Sequence[Doc]): Documents; each arm gets fresh ones with the same tokens, made outside the clock.
    scorer (Scorer | None): Of `select`, for the same component.
    fitted (CalibrationRecord | None): A fit for the component as it is, to time each way of scoring with as well.
    repeats (int): How often each arm is timed, after one run to warm up.
    widths (Sequence[int]): Beam widths to time as well, the encoder included.
    RETURNS (dict): `arms`: for each its tokens, tokens a second, `process` and `wall` seconds of each repeat, and
        `ratio`: time per token by that of the plain pipeline in the same repeat, as median, least and most, and
        that of the fastest run by the fastest, which other work on the machine disturbs least.
        `peak_memory` is the most MB that the process had held after its first run; it only grows from arm to arm.
        `memory`: the same before all and in the end.
    """
    before = peak_memory()
    # ways of scoring: what their names end with, the al_scorer of each, and its temperature
    ways = {"": ("al_scorer_bench", fitted_temperature(nlp, name))}
    if fitted and fitted["temperature"] is not None:
        ways[CALIBRATED] = ("al_scorer_bench_calibrated", fitted["temperature"])
    try:
        for suffix, (added, _) in ways.items():
            own: Any = nlp.add_pipe("al_scorer", name=added, config={"component": name}, last=True)
            if suffix and fitted:
                own.calibrations = {weights_hash(nlp, name): {"component": name, **fitted}}
        found = _measure(_arms(nlp, name, stored, scorer, ways, widths), repeats)
    finally:
        for added in {added for added, _ in ways.values()} & {*nlp.component_names}:
            nlp.remove_pipe(added)
    return {"arms": found, "memory": {"before": before, "peak": peak_memory()}}


def _arms(
    nlp: Language,
    name: str,
    stored: Sequence[Doc],
    scorer: Scorer | None,
    ways: Mapping[str, tuple[str, Temperature]],
    widths: Sequence[int],
) -> dict[str, Arm]:
    pipe: Any = nlp.get_pipe(name)
    upstream, read = components_before(nlp, name), reader_of(nlp, name)
    scorers = [n for n in nlp.pipe_names if nlp.get_pipe_meta(n).factory == "al_scorer"]

    def plain(docs: list[Doc], pipeline: Language = nlp, but: str | None = None) -> None:
        others = [n for n in scorers if n in pipeline.pipe_names and n != but]
        with pipeline.select_pipes(disable=others):
            for _ in pipeline.pipe(docs):
                pass

    def score(docs: list[Doc], temperature: Temperature) -> None:
        for batch in batched(docs, BATCH):
            run_pipes(upstream, batch)
            posteriors = read(pipe, batch, temperature)
            default_acquisition(posteriors[0])(posteriors)

    def select(docs: list[Doc], how: Scorer) -> None:
        for batch in batched(docs, BATCH):
            how.score(batch)

    def beam(width: int) -> Callable[[list[Doc]], None]:
        def search(docs: list[Doc]) -> None:
            run_pipes(upstream, docs)
            for _, beams in parse(pipe, docs, width):
                pipe.scored_ents(beams)

        return search

    arms: dict[str, Arm] = {PLAIN: (nlp, stored, plain)}
    if scorer is not None:
        arms[PLAIN_BLAS] = (scorer.nlp, stored, partial(plain, pipeline=scorer.nlp))
    # the higher a temperature is, the more is possible and has to be followed
    for suffix, (added, temperature) in ways.items():
        arms[SCORED + suffix] = (nlp, stored, partial(plain, but=added))
        arms[SCORING + suffix] = (nlp, stored, partial(score, temperature=temperature))
        if scorer is not None and scorer.component is not None:
            how = copy(scorer)
            how.component = replace(scorer.component, temperature=temperature)
            arms[SELECT + suffix] = (scorer.nlp, stored, partial(select, how=how))
    for width in widths:
        sample = stored if width <= 16 else _first(stored, BEAM_TOKENS)
        arms[f"beam {width}"] = (nlp, sample, beam(width))
    return arms


def _measure(arms: dict[str, Arm], repeats: int) -> dict[str, Any]:
    names = list(arms)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    tokens: dict[str, int] = {}
    peaks: dict[str, float | None] = {}
    # the first round fills the vocab and the caches
    order = [names] + [names[i % len(names) :] + names[: i % len(names)] for i in range(repeats)]
    work = [(turn, name) for turn, row in enumerate(order) for name in row]
    for turn, name in progress_bar(work, len(work), "run"):
        nlp, stored, function = arms[name]
        docs = [fresh_doc(nlp, doc) for doc in stored]
        tokens[name] = sum(map(len, docs))
        gc.collect()
        wall, process = time.perf_counter(), time.process_time()
        function(docs)
        spent = time.process_time() - process, time.perf_counter() - wall
        if turn:
            times[name].append(spent)
        else:
            peaks[name] = peak_memory()
        # docs die here, outside the clock
        del docs
    per_token = {n: [process / tokens[n] for process, _ in times[n]] for n in names}
    return {
        n: {
            "documents": len(arms[n][1]),
            "tokens": tokens[n],
            "tokens_per_second": 1 / median(per_token[n]),
            "ratio": {
                **_spread([a / b for a, b in zip(per_token[n], per_token[PLAIN])]),
                "fastest": min(per_token[n]) / min(per_token[PLAIN]),
            },
            "peak_memory": peaks[n],
            "process": [process for process, _ in times[n]],
            "wall": [wall for _, wall in times[n]],
        }
        for n in names
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def _first(stored: Sequence[Doc], n_tokens: int) -> list[Doc]:
    kept: list[Doc] = []
    total = 0
    for doc in stored:
        if total >= n_tokens:
            break
        kept.append(doc)
        total += len(doc)
    return kept
