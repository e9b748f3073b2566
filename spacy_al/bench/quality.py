"""The worth of probabilities on gold documents: do they tell right from wrong, and do they mean what they say.

Every way of making them is judged on the same events. What the model sets is its greedy parse, for beams too; an entity
that is not in a beam has probability 0 there.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from spacy.language import Language

from spacy_al.acquisition import sequence, token
from spacy_al.bench.beams import BeamPosterior, beam_posteriors
from spacy_al.evaluation.calibrate import fit_calibration
from spacy_al.evaluation.events import FLOOR, TINY, Events, chosen, log_loss_of
from spacy_al.evaluation.figures import figures, judge
from spacy_al.evaluation.gold import Gold
from spacy_al.measures.calibration import auroc, fit_temperature
from spacy_al.metrics import Temperature
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.types import Floats

EXACT = "exact"
# Scores of whole documents; each is read off any posterior that has what it needs
DOC_SCORES: dict[str, Callable[[Sequence[Any]], Floats]] = {
    "sequence entropy": sequence.sequence_entropy,
    "1 - P(best)": sequence.sequence_least_confidence,
    "token entropy, max": token.token_entropy,
    "MNLP": sequence.mnlp,
}


def judge_readers(nlp: Language, name: str, gold: Gold, held_out: Gold | None) -> dict[str, Any]:
    """Calibration of any component: as it is, and fitted on held-out documents.

    RETURNS (dict): `raw` and, with held-out documents, `fitted`: as `calibration.judge`, and the `temperature`.
    """
    pipe = nlp.get_pipe(name)
    raw = reader_of(nlp, name)(pipe, gold.docs, 1.0)
    found: dict[str, Any] = {"raw": judge(raw, gold)}
    temperature = fit_calibration(nlp, name, held_out)["temperature"] if held_out else None
    if temperature is not None:
        fitted = judge(at_temperature(pipe, raw, temperature), gold)
        found["fitted"] = {"temperature": temperature, **fitted}
    return found


def compare_entities(
    nlp: Language, name: str, gold: Gold, held_out: Gold | None, widths: Sequence[int]
) -> dict[str, Any]:
    """The exact posterior of an entity recogniser and its beams, on gold documents.

    nlp (Language): The pipeline.
    name (str): A component of the factory `ner`.
    gold (Gold): Documents to judge on.
    held_out (Gold | None): Documents to fit temperatures on: one for each way of making probabilities, in addition two for
        the exact posterior (between entities, and inside). None: only raw figures.
    widths (Sequence[int]): Of the beams.
    RETURNS (dict): `rows`: for each way, as it is and fitted, `chosen` and `candidates` as in `calibration.judge`, each
        with the `auroc` of right against wrong, and for beams `own`: the entities of the beam's best analysis, which often
        is not the greedy one; `documents`: AUROC of finding those with an error, by way and score; `missed`: share of
        missed gold entities with a probability of zero; `counts`.
    """
    pipe = nlp.get_pipe(name)
    raw = reader_of(nlp, name)(pipe, gold.docs, 1.0)
    greedy = [[(s.start, s.end, s.label) for s in p.greedy] for p in raw]
    valid, impossible = _missed(raw, gold, greedy)
    wrong = [
        any(s not in a.spans for s in g if a.knows(*s[:2])) or any(s not in g for s in a.spans)
        for g, a in zip(greedy, gold.answers)
    ]
    rows: dict[str, Any] = {f"{EXACT}, raw": _row(raw, gold)}
    documents = {EXACT: {n: auroc(f(raw), numpy.array(wrong)) for n, f in DOC_SCORES.items()}}
    missed = {EXACT: _zeros([raw[i].prob(*span) for i, span in valid])}
    for label, temperature in temperatures_of(nlp, name, held_out).items():
        posteriors = at_temperature(pipe, raw, temperature)
        rows[f"{EXACT}, {label}"] = {"temperature": temperature, **_row(posteriors, gold)}
        documents[f"{EXACT}, {label}"] = {
            n: auroc(f(posteriors), numpy.array(wrong)) for n, f in DOC_SCORES.items()
        }
    for width in widths:
        beams = beam_posteriors(pipe, gold.docs, width)
        key = f"beam {width}"
        rows[f"{key}, raw"] = _beam_row(beams, greedy, gold)
        documents[key] = {
            "sequence entropy": auroc(numpy.array([b.entropy for b in beams]), numpy.array(wrong)),
            "1 - P(best)": auroc(numpy.array([1 - b.best_prob for b in beams]), numpy.array(wrong)),
        }
        missed[key] = _zeros([beams[i].spans.get(span, 0.0) for i, span in valid])
        if held_out:
            temperature = _fit_beams(beam_posteriors(pipe, held_out.docs, width), held_out)
            fitted = [beam.at(temperature) for beam in beams]
            rows[f"{key}, one temperature"] = {
                "temperature": temperature,
                **_beam_row(fitted, greedy, gold),
            }
    counts = {
        "documents": len(gold.docs),
        "documents with an error": sum(wrong),
        "right answers": gold.counts["answers"],
        "unaligned": gold.counts["unaligned"],
        "entities set": rows[f"{EXACT}, raw"]["chosen"]["events"],
        "missed": len(valid),
        "missed and impossible": impossible,
    }
    return {"rows": rows, "documents": documents, "missed": missed, "counts": counts}


def temperatures_of(nlp: Language, name: str, held_out: Gold | None) -> dict[str, Temperature]:
    """One temperature, and two or four if they can be fitted, on held-out documents; none without any."""
    if not held_out:
        return {}
    pipe = nlp.get_pipe(name)
    raw = reader_of(nlp, name)(pipe, held_out.docs, 1.0)
    scale = max(held_out.counts["answers"], 1)
    one = fit_temperature(
        lambda t: log_loss_of(at_temperature(pipe, raw, t), held_out.answers) / scale
    )
    more = fit_calibration(nlp, name, held_out)["temperature"]
    if not isinstance(more, dict):
        return {"one temperature": one}
    return {"one temperature": one, f"{'four' if len(more) > 2 else 'two'} temperatures": more}


def _missed(
    posteriors: Sequence[EntityPosterior], gold: Gold, greedy: Sequence[Any]
) -> tuple[list[tuple[int, tuple[int, int, str]]], int]:
    """Gold entities that the greedy parse lacks and some analysis has, with their document; and how many none has."""
    valid, impossible = [], 0
    for i, (posterior, answer, found) in enumerate(zip(posteriors, gold.answers, greedy)):
        for span in sorted(answer.spans - set(found)):
            if _possible(posterior, *span):
                valid.append((i, span))
            else:
                impossible += 1
    return valid, impossible


def _possible(posterior: EntityPosterior, start: int, end: int, label: str) -> bool:
    """Whether the rules of the transition system allow an entity, whatever the scores."""
    if label not in posterior.labels:
        return False
    rules, k = posterior.source.constraints, posterior.labels.index(label)
    first = int(posterior.source.offsets[posterior.index]) + start
    last = first + end - start - 1
    if first == last:
        return bool(rules.unit[first, k])
    goes_on, closes = rules.odds[first + 1 : last, k], rules.odds[last, k]
    return bool(rules.begin[first, k] and not (goes_on == -numpy.inf).any() and closes != numpy.inf)


def _row(posteriors: Sequence[EntityPosterior], gold: Gold) -> dict[str, Any]:
    found = judge(posteriors, gold)
    best = {**found["chosen"], "auroc": auroc(*chosen(posteriors, gold.answers))}
    return {"chosen": best, "candidates": found["candidates"], "own": best}


def _beam_row(beams: Sequence[BeamPosterior], greedy: Sequence[Any], gold: Gold) -> dict[str, Any]:
    picked = _events(
        (beam.spans.get(span, 0.0), span in answer.spans)
        for beam, spans, answer in zip(beams, greedy, gold.answers)
        for span in spans
        if answer.knows(*span[:2])
    )
    listed = _events(
        (prob, span in answer.spans)
        for beam, answer in zip(beams, gold.answers)
        for span, prob in beam.spans.items()
        if prob >= FLOOR and answer.knows(*span[:2])
    )
    own = _events(
        (beam.spans[span], span in answer.spans)
        for beam, answer in zip(beams, gold.answers)
        for span in beam.entities[int(beam.probs.argmax())]
        if answer.knows(*span[:2])
    )
    return {
        "chosen": {**figures(picked), "auroc": auroc(*picked)},
        "candidates": figures(listed),
        "own": figures(own),
    }


def _fit_beams(beams: Sequence[BeamPosterior], gold: Gold) -> float:
    """As for the exact posterior: every entity in the beam right or wrong. What is not in it costs the same at every
    temperature."""

    def loss(temperature: float) -> float:
        total = 0.0
        for beam, answer in zip(beams, gold.answers):
            for span, prob in beam.at(temperature).spans.items():
                if answer.knows(*span[:2]):
                    total -= numpy.log(max(prob if span in answer.spans else 1 - prob, TINY))
        return total / max(gold.counts["answers"], 1)

    return fit_temperature(loss)


def _events(rows: Any) -> Events:
    table = numpy.array(list(rows), dtype=float).reshape(-1, 2)
    return Events(table[:, 0], table[:, 1])


def _zeros(probs: Sequence[float]) -> float | None:
    return sum(prob == 0 for prob in probs) / len(probs) if len(probs) else None
