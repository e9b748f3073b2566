"""What the model of a round is worth, how far its probabilities can be trusted, and how much it leaves to learn."""

import json
import time
import warnings
from pathlib import Path
from typing import Any

from spacy_al.calibration import fit
from spacy_al.errors import AlWarning
from spacy_al.evaluate import evaluate
from spacy_al.gold import read_gold
from spacy_al.measures.agreement import agreement
from spacy_al.posteriors.temperature import write_calibration
from spacy_al.project import Project
from spacy_al.scoring import Job, Scorer
from spacy_al.stop_set import look_at, stop_set
from spacy_al.util import replacing

# Held-out texts on which a temperature is fitted each round: one or two numbers need no more
CALIBRATED_ON = 300
PREDICTIONS = "predictions.json"


def examine(project: Project, number: int) -> dict[str, Any]:
    """Scores of a round's model on dev and test, and what it says of the stop set; it is calibrated on dev by the way.

    RETURNS (dict): `dev`, `test`: as `evaluate`; `temperature`, `calibration_error`; `expected_errors`,
        `expected_answers`, `n_pool`; `kappa`, `span_f1` with the model before; `seconds_evaluate`.
    """
    folder, settings, started = project.folder(number), project.settings, time.perf_counter()
    posterior = {name: block for name, block in settings.blocks.items() if name == "posterior"}
    model = str(folder / "model-best")
    job = Job(
        model,
        settings.component,
        posterior,
        code=project.code_text,
        gpu_id=project.gpu_id,
        labelled=(folder / "train.spacy",),
    )
    scorer = Scorer(job)
    metrics: dict[str, Any] = {"dev": evaluate(scorer.nlp, project.dev, scorer.component)}
    if settings.test:
        metrics["test"] = evaluate(scorer.nlp, settings.test, scorer.component)
    metrics |= calibrate(scorer, project.dev, settings.seed)
    # loaded again, with its temperature
    scorer = Scorer(job)
    assert settings.pool is not None
    drawn = stop_set(settings.pool, project.output, settings.seed)
    seen = look_at(scorer, settings.pool, drawn)
    now, lengths = seen.pop("predictions"), seen.pop("lengths")
    metrics |= {**seen, "n_pool": drawn["n_pool"]}
    earlier = project.folder(number - 1) / PREDICTIONS
    if earlier.is_file():
        before = json.loads(earlier.read_text("utf8"))
        both = [identity for identity in now if identity in before]
        metrics |= agreement(
            [before[i] for i in both],
            [now[i] for i in both],
            project.kind,
            lengths=[lengths[i] for i in both],
        )
    with replacing(folder / PREDICTIONS) as file:
        json.dump(now, file)
    return {**metrics, "seconds_evaluate": round(time.perf_counter() - started, 2)}


def calibrate(scorer: Scorer, dev: Path, seed: int) -> dict[str, Any]:
    """Keep a temperature beside the model, so that probabilities mean what they say.

    dev (Path): Labelled texts that the model did not learn from.
    seed (int): Of the sample of them that is looked at.
    RETURNS (dict): `temperature` and `calibration_error`, or nothing if none can be fitted.
    """
    gold = read_gold(scorer.nlp, scorer.component, dev, limit=CALIBRATED_ON, seed=seed)
    with warnings.catch_warnings():
        # early models say little; the calibration error of the report shows it
        warnings.simplefilter("ignore", AlWarning)
        record = fit(scorer.nlp, scorer.component, gold)
    if record["temperature"] is None:
        return {}
    write_calibration(scorer.nlp, scorer.component, record)
    errors = {when: record[when]["candidates"]["ece"] for when in ("before", "after")}
    return {"temperature": record["temperature"], "calibration_error": errors}
