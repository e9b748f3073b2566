"""Whether sets of answers cover what they promise, and whether more than a temperature mends the probabilities of entities.

    python -m spacy_al.bench.conformal MODEL CORPORA/ncbi_disease/dev.spacy CORPORA/ncbi_disease/test.spacy

A temperature is fitted on dev. Test is read once and split by chance again and again: thresholds are fitted on one half and judged on the other.
For entities, regressions of the marginals that one temperature gives are fitted on the same texts of dev and judged on test.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from typer import Option
from wasabi import table

from spacy_al.bench.machine import describe
from spacy_al.bench.quality import temperatures_of
from spacy_al.evaluation.calibrate import fit_calibration
from spacy_al.evaluation.coverage import Nonconformity, nonconformity
from spacy_al.evaluation.events import FLOOR, TINY, Events, candidates
from spacy_al.evaluation.figures import figures
from spacy_al.evaluation.gold import read_gold
from spacy_al.kinds import FACTORIES
from spacy_al.measures.conformal import conformal_quantile, mean_by_text
from spacy_al.posteriors.component import open_component
from spacy_al.posteriors.read import reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.types import Floats

LEVELS = (0.8, 0.9, 0.95)


def measure_sets(found: Nonconformity, splits: int, seed: int = 0) -> list[dict[str, Any]]:
    """Coverage and size of sets over random halves of texts.

    found (Nonconformity): Of all texts.
    splits (int): How many.
    RETURNS (list[dict]): Of each level `coverage` (mean, and over splits the standard deviation), `closed`, `size` of the closed ones (mean, in
        which each text counts once, and median of all), and `closed_coverage`.
    """
    rng, texts = numpy.random.default_rng(seed), numpy.unique(found.texts)
    rows = list[dict[str, Any]]()
    for level in LEVELS:
        covered, closed, means, in_closed = (list[Any]() for _ in range(4))
        sizes = list[int]()
        for _ in range(splits):
            fit = numpy.isin(found.texts, rng.permutation(texts)[: len(texts) // 2])
            threshold = conformal_quantile(found.scores[fit], level, found.texts[fit])
            judged = numpy.flatnonzero(~fit)
            right = found.scores[judged] <= threshold
            own = found.sizes(threshold, judged)
            is_closed = numpy.array([size is not None for size in own])
            judged_texts = found.texts[judged]
            covered.append(mean_by_text(right, judged_texts))
            closed.append(mean_by_text(is_closed, judged_texts))
            in_closed.append(mean_by_text(right[is_closed], judged_texts[is_closed]))
            in_split = [size for size in own if size is not None]
            means.append(mean_by_text(in_split, judged_texts[is_closed]))
            sizes += in_split
        rows.append(
            {
                "level": level,
                "coverage": float(numpy.mean(covered)),
                "spread": float(numpy.std(covered)),
                "closed": float(numpy.mean(closed)),
                "closed_coverage": float(numpy.nanmean(numpy.array(in_closed, "f8"))),
                "size": float(numpy.nanmean(numpy.array(means, "f8"))) if sizes else None,
                "median": float(numpy.median(sizes)) if sizes else None,
            }
        )
    return rows


def regressions() -> dict[str, Callable[[Events], Callable[[Floats], Floats]]]:
    """Ways to make other probabilities of marginals, fitted on events."""
    return {"isotonic": _isotonic, "logistic": _logistic}


def _isotonic(events: Events) -> Callable[[Floats], Floats]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(*events)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    return lambda probs: numpy.interp(probs, x, y)


def _logistic(events: Events) -> Callable[[Floats], Floats]:
    """A slope and an intercept of the logits (Platt, 1999)."""
    from sklearn.linear_model import LogisticRegression

    def logits(probs: Floats) -> Floats:
        p = probs.clip(TINY, 1 - TINY)
        column: Floats = (numpy.log(p) - numpy.log1p(-p))[:, None]
        return column

    fitted = LogisticRegression(C=1e6).fit(logits(events.probs), events.correct)
    return lambda probs: fitted.predict_proba(logits(probs))[:, 1]


def conformal(
    model: str,
    dev: Path,
    test: Path,
    *,
    fit_docs: int = 300,
    max_docs: int = 1000,
    splits: int = 200,
    seed: int = 0,
) -> dict[str, Any]:
    """All of it for one model.

    fit_docs, max_docs (int): Texts of dev and of test at most.
    splits (int): Random halves.
    seed (int): Of the samples and the splits.
    RETURNS (dict): `sets`: by way the rows of `measure_sets`; `marginals`: of an entity recogniser `figures` by way; `documents`.
    """
    component = open_component(model, None)
    nlp, name, pipe = component.nlp, component.name, component.pipe
    fit = read_gold(nlp, name, dev, limit=fit_docs, seed=seed)
    gold = read_gold(nlp, name, test, limit=max_docs, seed=seed)
    read = reader_of(nlp, name)
    raw = read(pipe, gold.docs, 1.0)
    if FACTORIES[component.factory].is_greedy:
        fitted = temperatures_of(nlp, name, fit)
    else:
        fitted = {"temperature": fit_calibration(nlp, name, fit)["temperature"] or 1.0}
    way, temperature = [*fitted.items()][-1]
    posteriors = at_temperature(pipe, raw, temperature)
    is_entities = FACTORIES[component.factory].answers == "entities"
    sets = {f"1 - P(right), {way}": nonconformity(posteriors, gold.answers)}
    if is_entities:
        sets["by mass"] = nonconformity(posteriors, gold.answers, by_mass=True)
    marginals = dict[str, Any]()
    if is_entities:
        marginals["raw"] = figures(candidates(raw, gold.answers, FLOOR))
        dev_raw = read(pipe, fit.docs, 1.0)
        for name_of, value in fitted.items():
            learned = candidates(at_temperature(pipe, dev_raw, value), fit.answers, FLOOR)
            events = candidates(at_temperature(pipe, raw, value), gold.answers, FLOOR)
            marginals[name_of] = figures(events)
            for after, regress in regressions().items():
                probs = regress(learned)(events.probs)
                marginals[f"{name_of}, {after}"] = figures(Events(probs, events.correct))
    return {
        "documents": {"dev": len(fit.docs), "test": len(gold.docs)},
        "temperature": temperature,
        "sets": {key: measure_sets(one, splits, seed) for key, one in sets.items()},
        "marginals": marginals,
    }


def conformal_cli(
    model: Annotated[str, typer.Argument(help="Trained pipeline")],
    dev: Annotated[Path, typer.Argument(help="Gold to fit temperatures on")],
    test: Annotated[Path, typer.Argument(help="Gold that is split by chance")],
    fit_docs: Annotated[int, Option(help="Texts of dev")] = 300,
    max_docs: Annotated[int, Option(help="Texts of test")] = 1000,
    splits: Annotated[int, Option(help="Random halves")] = 200,
    seed: Annotated[int, Option(help="Of samples and splits")] = 0,
) -> None:
    """Measure sets with a stated coverage."""
    found = conformal(
        model, dev, test, fit_docs=fit_docs, max_docs=max_docs, splits=splits, seed=seed
    )
    typer.echo(f"{describe()}; {found['documents']}, temperature {found['temperature']}")
    header = ("sets", "stated", "covered", "±", "closed", "covered in closed", "size", "median")
    rows = [
        (
            way,
            f"{row['level']:.2f}",
            f"{row['coverage']:.4f}",
            f"{row['spread']:.4f}",
            f"{row['closed']:.3f}",
            f"{row['closed_coverage']:.3f}",
            "-" if row["size"] is None else f"{row['size']:.2f}",
            "-" if row["median"] is None else f"{row['median']:g}",
        )
        for way, own in found["sets"].items()
        for row in own
    ]
    typer.echo(table(rows, header=header, divider=True))
    if found["marginals"]:
        marginals = [
            (way, str(f["events"]), *(f"{f[key]:.4f}" for key in ("ece", "log_loss", "brier")))
            for way, f in found["marginals"].items()
        ]
        columns = ("candidates above .01", "events", "ECE", "log loss", "Brier")
        typer.echo(table(marginals, header=columns, divider=True))


if __name__ == "__main__":
    typer.run(conformal_cli)
