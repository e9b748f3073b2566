"""Fitted temperatures: kept beside the model, and found again only by exactly the weights they were fitted on."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy
import srsly
from spacy.language import Language

from spacy_al.arrays.scaling import Scaling
from spacy_al.errors import AlError, Errors
from spacy_al.metrics import Temperature
from spacy_al.util import replacing

FILE = "al_calibration.json"


class Figures(TypedDict):
    """How far the probabilities of some events are from what came true; None without events."""

    events: int
    ece: float | None
    log_loss: float | None
    brier: float | None


class Judged(TypedDict):
    """Of what a model chose, and of all its candidates."""

    chosen: Figures
    candidates: Figures


class Loss(TypedDict):
    """The loss that the temperature was fitted by: a mean over right answers."""

    before: float
    after: float | None


class Covered(TypedDict):
    """What sets were worth on texts that did not make their threshold.

    coverage (float | None): The share of right answers in their sets; a set that is not closed is judged by the threshold. Each text counts
        once, here and in what follows, however many tokens or right spans it has.
    closed (float | None): The share of sets that are closed.
    closed_coverage (float | None): The share of right answers in the closed ones, of which nothing is promised.
    size (float | None): Mean size of the closed ones.
    per_label (dict): Of each label the coverage where it is right, and of how many.
    """

    coverage: float | None
    closed: float | None
    closed_coverage: float | None
    size: float | None
    per_label: dict[str, tuple[float, int]]


class FittedSets(TypedDict):
    """A threshold of sets of answers.

    coverage (float): The stated probability that the right answer is in a set.
    threshold (float): The quantile of the scores of right answers.
    most (int): Analyses that are shown at most; a set of more is not closed.
    documents (int): What it was fitted on.
    held_out (Covered): The same, fitted on one half of these and judged on the other, and the other way round.
    """

    coverage: float
    threshold: float
    most: int
    documents: int
    held_out: Covered


class _WithSets(TypedDict, total=False):
    sets: FittedSets


class CalibrationRecord(_WithSets):
    """A fit: the temperature (None if there is none), on what, and what it mended; `sets` if a coverage was asked for."""

    temperature: Temperature | None
    documents: int
    answers: int
    unaligned: int
    other_labels: dict[str, int]
    loss: Loss
    before: Judged
    after: Judged | None
    spacy: str
    spacy_al: str


class StoredCalibration(CalibrationRecord):
    """A fit as the file has it, with the name that the component had."""

    component: str


def weights_hash(nlp: Language, name: str) -> str:
    """A hash of the parameters a component predicts with, a shared encoder's included."""
    component: Any = nlp.get_pipe(name)
    models = [component.model]
    pipe: Any
    for _, pipe in nlp.pipeline:
        # encoders know their listeners by the component's own name, which renaming it in the pipeline does not change
        if component.name in getattr(pipe, "listening_components", ()):
            models.append(pipe.model)
    digest = hashlib.blake2b(digest_size=16)
    for model in models:
        for node in model.walk():
            for param in node.param_names:
                if node.has_param(param):
                    digest.update(param.encode())
                    digest.update(node.ops.to_numpy(node.get_param(param)).tobytes())
            # the weights of a transformer live in a wrapped torch module
            for shim in node.shims:
                for param, value in sorted(shim._model.state_dict().items()):
                    digest.update(param.encode())
                    digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()


def read_calibration(nlp: Language, name: str) -> StoredCalibration | None:
    """The record that `calibrate` stored for these very weights: temperature and calibration errors; None if nothing.

    It is kept beside the model, or carried by an `al_scorer` from there to wherever its pipeline is saved.
    """
    path, known = _file(nlp), dict[str, StoredCalibration]()
    for _, pipe in nlp.components:
        known |= getattr(pipe, "calibrations", {})
    if path is not None and path.is_file():
        known |= read_stored(path)
    return known.get(weights_hash(nlp, name)) if known else None


def write_calibration(nlp: Language, name: str, record: CalibrationRecord) -> Path:
    """Store a fitted temperature in the directory that the pipeline was loaded from.

    RAISES (AlError): AL011 if the pipeline was not loaded from a directory.
    """
    path = _file(nlp)
    if path is None:
        raise AlError(Errors.AL011)
    known = read_stored(path) if path.is_file() else {}
    known[weights_hash(nlp, name)] = {"component": name, **record}
    with replacing(path) as file:
        file.write(srsly.json_dumps(known, indent=2) + "\n")
    return path


def fitted_temperature(nlp: Language, name: str) -> Temperature:
    """The stored temperature of these weights, or 1."""
    record = read_calibration(nlp, name)
    found = record["temperature"] if record else None
    return 1.0 if found is None else found


class EntityTemperatures(NamedTuple):
    """What the scores of an entity recogniser are divided by.

    closed (float): Where no entity is open, and none is most probable to begin.
    open (float): Where one is open.
    begin (float | None): Where one is most probable to begin, by which the log odds that any does are divided. None: all scores there are divided by `closed`.
    label (float | None): Likewise, what tells one entity that may begin there from another. With `begin`, or None.
    """

    closed: float
    open: float
    begin: float | None = None
    label: float | None = None


def entity_temperatures(temperature: Temperature, *, most: int = 4) -> EntityTemperatures:
    """The temperatures of a recogniser: one for all, or two, or four by the names of `EntityTemperatures`.

    most (int): How many it can have: a globally normalised one has two.
    RAISES (AlError): AL010.
    """
    if not isinstance(temperature, Mapping):
        return EntityTemperatures(valid(temperature), valid(temperature))
    for n in (2, most):
        if set(temperature) == {*EntityTemperatures._fields[:n]}:
            return EntityTemperatures(**{key: valid(value) for key, value in temperature.items()})
    raise AlError(Errors.AL010.format(value=dict(temperature)))


def by_label(temperature: Temperature, labels: Sequence[str]) -> float | Scaling:
    """What divides the logits of categories; or a scale and a bias for each label, in the order of the labels.

    RAISES (AlError): AL010.
    """
    if not isinstance(temperature, Mapping):
        return valid(temperature)
    try:
        scale = [valid(temperature["scale"][label]) for label in labels]
        bias = [float(temperature["bias"][label]) for label in labels]
    except (KeyError, TypeError, ValueError):
        raise AlError(Errors.AL010.format(value=dict(temperature))) from None
    if not all(map(math.isfinite, bias)):
        raise AlError(Errors.AL010.format(value=dict(temperature)))
    return Scaling(numpy.array(scale), numpy.array(bias))


def valid(temperature: Any) -> float:
    """RAISES (AlError): AL010 unless it is a finite number above 0."""
    if isinstance(temperature, bool | numpy.bool_) or not isinstance(temperature, Real):
        raise AlError(Errors.AL010.format(value=temperature))
    if not (math.isfinite(temperature) and float(temperature) > 0):
        raise AlError(Errors.AL010.format(value=temperature))
    return float(temperature)


def read_stored(path: Path) -> dict[str, StoredCalibration]:
    """RAISES (AlError): AL015 if the file is damaged."""
    try:
        records = srsly.read_json(path)
        if isinstance(records, dict):
            return records
    except (ValueError, OSError):
        pass
    raise AlError(Errors.AL015.format(path=path))


def _file(nlp: Language) -> Path | None:
    path = getattr(nlp, "_path", None)
    return Path(path) / FILE if path is not None else None
