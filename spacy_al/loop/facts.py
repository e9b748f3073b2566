"""The facts of a run, as plain data: what its report says, and what `metrics.json` holds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, cast

from spacy_al.config.project import Project
from spacy_al.errors import AlError, Errors
from spacy_al.loop.history import breaks
from spacy_al.loop.masked import run_mask
from spacy_al.loop.risks import has_quotas
from spacy_al.loop.status import Status, status
from spacy_al.measures.learning_curve import RANDOM, is_random
from spacy_al.measures.simulated import ResultRow
from spacy_al.metrics import RoundMetrics
from spacy_al.oracle.annotator import ORACLE
from spacy_al.reporting.facts import (
    Baseline,
    Forecast,
    Point,
    RoundFacts,
    RunFacts,
)
from spacy_al.reporting.questions import as_shown
from spacy_al.reporting.teacher import teacher_lines
from spacy_al.simulation import read_full
from spacy_al.simulation.results import RESULTS, read_results
from spacy_al.stopping.forecast import fit_curve
from spacy_al.store.drift import looks
from spacy_al.store.removal import forgotten_rounds
from spacy_al.store.store import Store
from spacy_al.util import versions

# Questions of a round that are shown; all of them are in its tasks.jsonl
SHOWN = 25


def run_facts(
    project: Project,
    *,
    simulation: Path | None = None,
    target: float | None = None,
    price: tuple[float, str] | None = None,
    texts: bool = True,
    mask: Sequence[str] = (),
) -> RunFacts:
    """The facts that a run's report tells. Arguments as for `write_report`."""
    settings, state = project.settings, status(project)
    with Store(project.database, create=False) as store:
        store.examine()
        metrics = store.metrics()
        given, labels = list(store.answers()), store.labels().names
        measuring = (
            {one.id for one in store.tasks(purpose="dev")} if settings.dev is None else set()
        )
        forgotten = forgotten_rounds(store)
        answers = {answer.task: answer.payload for answer in given}
        looked = [asdict(look) for look in looks(store)]
        hide = run_mask(store, project, mask)
        rounds: list[RoundFacts] = []
        for number in sorted(metrics):
            tasks = [stored for stored in store.tasks(number) if stored.purpose == "train"]
            batch = [
                as_shown(hide.task(stored.task) if hide else stored.task, answers.get(stored.id))
                for stored in tasks[: SHOWN if texts else 0]
            ]
            rounds.append(
                {
                    "round": number,
                    **_numbers(metrics[number]),
                    "batch": batch,
                    "forgotten": forgotten.get(number, 0),
                }
            )
    on_dev = not any(row.get("test") for row in rounds)
    for row in rounds:
        dev = row.get("dev")
        found = dev if on_dev else row.get("test")
        row["score"] = found["score"] if found else None
        row["dev_score"] = dev["score"] if dev else None
        row["per_label"] = found["per_label"] if found else None
    _begin(rounds, metrics, "dev" if on_dev else "test")
    broken = breaks(metrics, "dev" if on_dev else "test")
    for row in rounds:
        row["breaks"] = row["round"] in broken
    last = max(broken, default=0)
    names = [row["dev"]["score_name"] for row in rounds if row.get("dev")]
    strategies = [row["strategy"] for row in rounds if row.get("strategy")]
    return {
        "kind": "run",
        "title": project.config.stem,
        "component": settings.component,
        "kind_of_task": project.kind,
        "strategy": strategies[-1] if strategies else None,
        "labels": labels or settings.labels,
        "config": str(project.config),
        "command": project.command,
        "made_with": versions(),
        "state": {"state": state["state"], "sentence": state["sentence"]},
        "stopping": state.get("stopping", []),
        "price": price,
        "measuring": len(measuring & {answer.task for answer in given}),
        "people": [
            {
                "name": one["name"],
                "answers": one["answers"],
                "seconds": one["seconds"],
                "words_per_minute": one["words_per_minute"],
                "right": _likely_share(state, one["name"], "right"),
                "finds": _likely_share(state, one["name"], "finds"),
            }
            for one in state.get("annotators", [])
        ],
        "pairs": [
            {
                "names": list(one["pair"]),
                "tasks": one["tasks"],
                "kappa": one["kappa"],
                "span_f1": one["span_f1"],
            }
            for one in state.get("agreement", [])
        ],
        "next": _next(state),
        "pool": state["pool"],
        "labels_in_pool": state["labels_in_pool"],
        "has_quotas": has_quotas(settings),
        "groups": state["groups"],
        "drift": looked,
        "risks": state["risks"],
        "teacher": teacher_lines(state.get("teacher")),
        "score_name": names[-1] if names else None,
        "reported_on": "dev" if on_dev else "test",
        "modelled_time": any(answer.annotator == ORACLE for answer in given),
        "baseline": _baseline(simulation),
        "full": read_full(simulation) if simulation else None,
        "rounds": rounds,
        # a curve is carried on from where its score means what it means now
        "forecast": _forecast(
            [row for row in rounds if row["round"] >= last],
            _target(settings.blocks.get("stopper")) if target is None and on_dev else target,
        ),
    }


def _begin(
    rounds: list[RoundFacts], metrics: Mapping[int, RoundMetrics], name: Literal["dev", "test"]
) -> None:
    """Have the curve begin with the pipeline that the run began with, by its score on the texts of the last measurement."""
    starts = [metrics[k]["start"] for k in sorted(metrics) if "start" in metrics[k]]
    if not starts or not rounds or rounds[0]["score"] is not None:
        return
    rounds[0]["score"] = starts[-1].get(name)
    rounds[0]["words"] = rounds[0]["texts"] = 0


def _likely_share(
    state: Status, name: str, what: Literal["right", "finds"]
) -> tuple[float, float] | None:
    """Where it probably lies how much of what somebody says is right, or how much of what is there they find."""
    skills = state["people"]["skills"] if "people" in state else []
    found = next((one[what] for one in skills if one["name"] == name), None)
    return None if found is None else (found["low"], found["high"])


def _next(state: Status) -> str:
    """What to do next, in the words of who reads a report: they know the page, and no files."""
    waits = state.get("waiting", {"answered": 0, "asked": 0})
    left = waits["asked"] - waits["answered"]
    if state["state"] == "wait" and left:
        return f"Go on answering: {left:,} of the {waits['asked']:,} answers of this round are missing. Then a better model trains by itself."
    if state["state"] == "stopped":
        best = state["best"]
        if best and not best["package"]:
            return "No model has learned anything yet: look at the labels and the answers."
        return "Use the model" + (f" of round {best['round']}." if best else ".")
    if state["state"] == "wait":
        return (
            "All answers of this round are there. The next model trains as soon as the run goes on."
        )
    return "Nothing, as long as the run is at work: a model trains, or the next questions are being chosen."


# Of a round's metrics, what is told
NUMBERS = (
    *("texts", "words", "answers", "balance", "merged", "kappa", "span_f1"),
    *("expected_errors", "expected_answers", "n_pool", "strategy", "dev", "test"),
    *("seconds_train", "seconds_evaluate", "seconds_select", "seconds_answers"),
    *("words_shown", "words_decided", "left_out", "calibration_error", "temperature"),
    *("self_trained", "self_trained_wrong_expected"),
)


def _numbers(metrics: RoundMetrics) -> RoundMetrics:
    known: Mapping[str, object] = metrics
    return cast(RoundMetrics, {key: known[key] for key in NUMBERS if key in known})


def _baseline(simulation: Path | None) -> Baseline | None:
    """The mean curve of a simulation's random arm, with its range."""
    if simulation is None:
        return None
    by_round: dict[int, list[ResultRow]] = {}
    rows = [row for row in read_results(simulation) if is_random(row["strategy"])]
    # chance with batches of one size, the usual one where there is one
    chance = min((row["strategy"] for row in rows), key=len, default=RANDOM)
    for row in rows:
        if row["strategy"] == chance:
            by_round.setdefault(row["round"], []).append(row)
    if not by_round:
        raise AlError(Errors.AL040.format(path=simulation / RESULTS))
    points: list[Point] = []
    for number in sorted(by_round):
        rows = by_round[number]
        scores = [row["score"] for row in rows]
        points.append(
            {
                "words": sum(row["words"] for row in rows) / len(rows),
                "texts": sum(row["texts"] for row in rows) / len(rows),
                "score": sum(scores) / len(scores),
                "low": min(scores),
                "high": max(scores),
            }
        )
    return {"name": RANDOM, "seeds": max(map(len, by_round.values())), "points": points}


def _target(block: Any) -> float | None:
    """The score of a config's `target_score`, wherever it stands in the blocks of its stopper."""
    if not isinstance(block, dict):
        return None
    if block.get("@al_stoppers") == "spacy-al.target_score.v1":
        return block.get("score")
    found = (_target(part) for part in block.values())
    return next((score for score in found if score is not None), None)


def _forecast(rounds: list[RoundFacts], target: float | None) -> Forecast | None:
    """The learning curve carried on: to the target, or to twice what has been labelled."""
    # what a run began with was not learned from its words
    scored = [
        (row, score)
        for row in rounds
        if (score := row.get("score")) is not None and row.get("words")
    ]
    points = [(row["words"], score) for row, score in scored]
    curve = fit_curve([cost for cost, _ in points], [score for _, score in points])
    if curve is None:
        return None
    cost = curve.cost_to(target) if target is not None else None
    last = points[-1][0]
    # a target that is ever so far away would press the rest into a corner
    upto = min(cost, 5 * last) if cost is not None else 2 * last
    return {
        "cost": "words",
        "target": target,
        "cost_to_target": cost,
        "cost_band": curve.cost_band(target) if target is not None else None,
        "curve": curve.points(upto),
    }
