"""Fit the temperature of a component on held-out gold documents.

What is minimised for entities was chosen by measuring. Three recognisers, each trained on a tenth of a corpus (diseases,
chemicals and diseases, entities in tweets), were fitted on 400 documents of dev and judged on 1,500 of test by the
expected calibration error of the entities they set / of all candidates above .01 (by the figures of each row, so not the same ones):

    raw (not fitted)                                             .204 / .196   .228 / .208   .638 / .185
    every possible entity right or wrong, two temperatures       .036 / .012   .029 / .007   .128 / .013
    the same, one temperature                                    .038 / .016   .028 / .008   .141 / .013
    log-likelihood of the gold analysis, two temperatures        .038 / .013   .031 / .007   .133 / .013
    log loss of the entities that are set, two temperatures      .047 / .014   .042 / .024   .065 / .014

The first is kept: it is best or next to best everywhere, while the last, which has the fewest events, found temperatures of 15
and 20 inside entities, and made the candidates of the second corpus three times worse. Two temperatures rather than one
are worth little for the entities that are set, up to a fifth for the candidates, and cost a little where right entities are
to be told from wrong ones (area under the ROC curve .803 for .810, .804 for .806, .651 for .676). Four, with two for where an entity
begins, are fitted as well and taken where halves of the documents say so: over a pretrained encoder they are worth half of the error and more (`docs/posterior.md`).
"""

import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy
from spacy.language import Language

from spacy_al.errors import AlError, AlWarning, Errors, UsageError, Warnings
from spacy_al.evaluation.category_scaling import category_scaling
from spacy_al.evaluation.coverage import fit_sets, halves_of, nonconformity
from spacy_al.evaluation.events import log_loss_of, n_unsuggested
from spacy_al.evaluation.figures import judge, judge_both
from spacy_al.evaluation.gold import Gold, n_right, read_gold, without_labels
from spacy_al.evaluation.temperature_search import MOST, MOST_OF_LABELS, Loss, find_temperature
from spacy_al.kinds import FACTORIES
from spacy_al.measures.conformal import conformal_quantile, valid_coverage
from spacy_al.metrics import Calibrated, CalibrationErrors, Temperature
from spacy_al.posteriors.component import TrainedComponent, open_pipeline
from spacy_al.posteriors.read import find_component, reader_of
from spacy_al.posteriors.rescale import at_temperature
from spacy_al.posteriors.temperature import (
    CalibrationRecord,
    write_calibration,
)


class KeptCalibration(CalibrationRecord):
    """A fit, whose it is, and the file that it is stored in, if it is."""

    component: str
    path: Path | None


# Documents that `calibrate` fits on unless it is told otherwise
MOST_DOCS = 1000


def calibrate(
    model: str | Path,
    gold: Path,
    *,
    component: str | None = None,
    max_docs: int = MOST_DOCS,
    coverage: float | None = None,
    by_label: bool = False,
    seed: int = 0,
    dry_run: bool = False,
) -> KeptCalibration:
    """Fit and store the temperature of a component.

    model (str | Path): Directory of the pipeline.
    gold (Path): Held-out gold documents.
    component (str | None): By default the only one that has a posterior.
    max_docs (int): Documents used at most, a random sample.
    coverage (float | None): Fit sets of answers too that hold the right one with this probability; see `fit_with_sets`.
    by_label (bool): Of categories fit a scale and a bias for each, if folds say that it is better.
    seed (int): Of that sample.
    dry_run (bool): Store nothing.
    RETURNS (KeptCalibration): As `fit_calibration`, with `component` and the `path` of the file (None if nothing is stored).
    RAISES (AlError): AL001 to AL003, AL085, AL070 to AL072, AL460 and AL461 for sets, AL462 for `by_label` and other answers than categories, and what reading the gold documents raises.
    """
    if max_docs < 1:
        raise UsageError(Errors.AL072.format(value=max_docs, what="documents", must="1 or more"))
    nlp = open_pipeline(str(model))
    name = find_component(nlp, component)
    if coverage is not None:
        valid_coverage(coverage)
    if by_label and FACTORIES[nlp.get_pipe_meta(name).factory].answers != "categories":
        raise UsageError(Errors.AL462.format(name=name))
    documents = read_gold(nlp, name, Path(gold), limit=max_docs, seed=seed)
    if coverage is None:
        record = fit_calibration(nlp, name, documents, by_label=by_label)
    else:
        record = fit_with_sets(nlp, name, documents, coverage, by_label=by_label)
    path = None
    if (record["temperature"] is not None or "sets" in record) and not dry_run:
        try:
            path = write_calibration(nlp, name, record)
        except OSError as error:
            why = error.strerror or error
            raise AlError(Errors.AL071.format(path=error.filename or model, why=why)) from error
    return {"component": name, **record, "path": path}


def fit_calibration(
    nlp: Language, name: str, gold: Gold, *, by_label: bool = False
) -> CalibrationRecord:
    """The temperature with the least loss on gold documents, and what it mends.

    The figures are of the same documents that it is fitted on. One or two numbers are too few to learn those by heart; those of many categories flatter.
    A scale and a bias for each category can make another one the most probable than the pipeline writes, so they are for whoever asks for them.

    nlp (Language): The pipeline.
    name (str): The component.
    gold (Gold): Documents that the component was not trained on.
    by_label (bool): Of categories a scale and a bias for each in place of one temperature, where folds say that it is better.
    RETURNS (CalibrationRecord): What `write_calibration` stores: `temperature` (None if nothing can be fitted, or what each half gives is
        worse than none on the other: a warning says which), `before` and `after` (calibration error, log loss and Brier score of what is chosen and of all candidates), counts, answers that were left out as the component has no such label, by label, versions.
    RAISES (AlError): AL027 if the loss is not a number, and what readers raise.
    """
    pipe = nlp.get_pipe(name)
    order = numpy.random.default_rng(0).permutation(len(gold.docs)).tolist()
    halves = order[::2], order[1::2]
    read, found = reader_of(nlp, name), dict[int, Any]()
    for half in halves:
        # apart, as what is read together is searched together
        found |= zip(half, read(pipe, [gold.docs[row] for row in half], 1.0))
    raw = [found[row] for row in range(len(gold.docs))]
    gold, others = without_labels(gold, [posterior.labels for posterior in raw])
    if lost := sum(map(n_unsuggested, raw, gold.answers)):
        total = gold.counts["answers"]
        warnings.warn(
            Warnings.W073.format(count=lost, total=total, name=name), AlWarning, stacklevel=2
        )
    scale = max(gold.counts["answers"], 1)

    def loss_on(rows: Sequence[int]) -> Loss:
        some, answers = [raw[row] for row in rows], [gold.answers[row] for row in rows]

        def loss(temperature: Temperature) -> float:
            return log_loss_of(at_temperature(pipe, some, temperature), answers) / scale

        return loss

    loss = loss_on(range(len(raw)))
    before = judge(raw, gold)
    record: CalibrationRecord = {
        "temperature": None,
        "documents": len(gold.docs),
        "answers": gold.counts["answers"],
        "unaligned": gold.counts["unaligned"],
        "other_labels": others,
        "loss": {"before": loss(1.0), "after": None},
        "before": before,
        "after": None,
        "spacy": version("spacy"),
        "spacy_al": version("spacy-al"),
    }
    if not any(map(n_right, gold.answers)):
        message = Warnings.W070.format(name=name, n=len(gold.docs))
        warnings.warn(message, AlWarning, stacklevel=2)
        return record
    by_category = category_scaling(raw, gold.answers) if by_label else None
    if by_category is not None:
        # folds have held it against one temperature and against none
        after = at_temperature(pipe, raw, by_category)
        record["temperature"] = by_category
        record["before"], record["after"] = judge_both(raw, after, gold)
        record["loss"]["after"] = log_loss_of(after, gold.answers) / scale
        return record
    kind = FACTORIES[nlp.get_pipe_meta(name).factory]
    temperature = find_temperature(
        loss,
        # a single document has no half to hold out
        [loss_on(half) for half in halves] if halves[1] else (),
        scale,
        name,
        greedy=kind.is_greedy,
        most=MOST if kind.answers == "entities" else MOST_OF_LABELS,
    )
    if temperature is not None:
        record["temperature"] = temperature
        record["loss"]["after"] = loss(temperature)
        after = at_temperature(pipe, raw, temperature)
        record["before"], record["after"] = judge_both(raw, after, gold)
    return record


def fit_with_sets(
    nlp: Language, name: str, gold: Gold, coverage: float, *, by_label: bool = False
) -> CalibrationRecord:
    """The temperature by one half of the documents, and by the other the sets of answers that hold the right one with a stated probability.

    Were it the same documents, the right answers would be a little more probable there than in others, and the sets too small.

    nlp, name, gold, by_label: As for `fit_calibration`.
    coverage (float): Above 0 and below 1.
    RETURNS (CalibrationRecord): As `fit_calibration`, with `sets`.
    RAISES (AlError): AL460 for too few documents, and as `fit_calibration`.
    """
    first, second = halves_of(gold)
    # before the minutes that a temperature may take
    conformal_quantile(numpy.zeros(len(second.docs)), coverage)
    record = fit_calibration(nlp, name, first, by_label=by_label)
    record["unaligned"] = gold.counts["unaligned"]
    fitted = record["temperature"]
    posteriors = reader_of(nlp, name)(
        nlp.get_pipe(name), second.docs, 1.0 if fitted is None else fitted
    )
    record["sets"] = fit_sets(nonconformity(posteriors, second.answers), coverage)
    return record


# Held-out texts on which a temperature is fitted each round: one or two numbers need no more
CALIBRATED_ON = 300


def calibrate_on_dev(component: TrainedComponent, dev: Path, seed: int) -> Calibrated:
    """Keep a temperature beside the model, so that probabilities mean what they say.

    component (TrainedComponent): Whose. As it was opened it does not know of the temperature; see `recalibrated`.
    dev (Path): Labelled texts that the model did not learn from.
    seed (int): Of the sample of them that is looked at.
    RETURNS (Calibrated): `temperature` and `calibration_error`, or nothing if none can be fitted.
    """
    gold = read_gold(component.nlp, component.name, dev, limit=CALIBRATED_ON, seed=seed)
    with warnings.catch_warnings():
        # early models say little; the calibration error of the report shows it
        warnings.simplefilter("ignore", AlWarning)
        # this stays so with more labels
        warnings.filterwarnings("always", r"\[ALW073\]", AlWarning)
        record = fit_calibration(component.nlp, component.name, gold)
    if record["temperature"] is None:
        return {}
    write_calibration(component.nlp, component.name, record)
    after = record["after"]
    errors: CalibrationErrors = {
        "before": record["before"]["candidates"]["ece"],
        "after": after["candidates"]["ece"] if after else None,
    }
    return {"temperature": record["temperature"], "calibration_error": errors}
