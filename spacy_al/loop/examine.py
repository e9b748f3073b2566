"""The worth of a round's model: its scores, how far its probabilities can be trusted, and how much it leaves to learn."""

import json
import time

from spacy_al.config.project import Project
from spacy_al.evaluation.calibrate import calibrate_on_dev
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.stop_set import read_stop_set, stop_set
from spacy_al.measures.agreement import agreement
from spacy_al.posteriors.component import open_component
from spacy_al.types import RoundMetrics
from spacy_al.util import replacing

PREDICTIONS = "predictions.json"


def measure_round(project: Project, number: int) -> RoundMetrics:
    """Scores of a round's model on dev and test, and what it says of the stop set; it is calibrated on dev by the way.

    RETURNS (RoundMetrics): `dev`, `test`: as `evaluate`; `temperature`, `calibration_error`; `expected_errors`,
        `expected_answers`, `n_pool`; `kappa`, `span_f1` with the model before; `seconds_evaluate`.
    """
    folder, settings, started = project.folder(number), project.settings, time.perf_counter()
    component = open_component(
        str(folder / "model-best"),
        settings.component,
        posterior=settings.blocks.get("posterior"),
        labelled=(folder / "train.spacy",),
        code=project.code_text,
        gpu_id=project.gpu_id,
    )
    metrics: RoundMetrics = {"dev": evaluate(component.nlp, project.dev, component.name)}
    if settings.test:
        metrics["test"] = evaluate(component.nlp, settings.test, component.name)
    metrics = {**metrics, **calibrate_on_dev(component, project.dev, settings.seed)}
    assert settings.pool is not None
    drawn = stop_set(settings.pool, project.output, settings.seed)
    seen = read_stop_set(component.recalibrated(), settings.pool, drawn)
    now, lengths = seen["predictions"], seen["lengths"]
    metrics |= {
        "expected_errors": seen["expected_errors"],
        "expected_answers": seen["expected_answers"],
        "n_pool": drawn["n_pool"],
    }
    earlier = project.folder(number - 1) / PREDICTIONS
    if earlier.is_file():
        before = json.loads(earlier.read_text("utf8"))
        both = [identity for identity in now if identity in before]
        alike = agreement(
            [before[i] for i in both],
            [now[i] for i in both],
            project.kind,
            lengths=[lengths[i] for i in both],
        )
        metrics = {**metrics, **alike}
    with replacing(folder / PREDICTIONS) as file:
        json.dump(now, file)
    return {**metrics, "seconds_evaluate": round(time.perf_counter() - started, 2)}
