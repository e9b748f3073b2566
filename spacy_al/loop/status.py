"""Where a run is, and why: read from the store, so that it can be asked at any time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict, cast

from spacy_al.config.project import Project
from spacy_al.loop.best import BestModel, best_model
from spacy_al.loop.estimates import pool_estimate
from spacy_al.loop.history import breaks
from spacy_al.loop.privacy import PrivacyStatus, privacy_status
from spacy_al.loop.risks import risk_facts
from spacy_al.loop.taught import teacher_now
from spacy_al.measures.balance import LabelShare
from spacy_al.metrics import GroupMetrics, RoundMetrics, RoundSeconds, StartMetrics, TeacherMetrics
from spacy_al.reporting.estimates import PoolEstimate
from spacy_al.reporting.risk import Risk
from spacy_al.reporting.risks import risks
from spacy_al.store.annotators import AnnotatorRow, PairRow, annotators
from spacy_al.store.champion import champions
from spacy_al.store.desk import answer_progress, flags, n_standing
from spacy_al.store.drift import looks
from spacy_al.store.reliability import People, people
from spacy_al.store.removal import forgotten_rounds
from spacy_al.store.store import Store

DOING = {
    "train": "trains",
    "evaluate": "is being evaluated",
    "select": "chooses what to ask",
    "wait": "waits for answers",
    "done": "is done",
    "stopped": "was the last one",
}


class StatusRow(RoundSeconds):
    """A round in numbers; None for what is not known yet. dev_interval: where the score on other texts than those of dev probably lies; breaks: whether dev counts other labels than in the round before; forgotten: texts
    that it asked about and that were forgotten since."""

    round: int
    asked: int
    dev: float | None
    dev_texts: int | None
    dev_interval: tuple[float, float] | None
    test: float | None
    score_name: str | None
    texts: int | None
    words: int | None
    answers: int | None
    kappa: float | None
    span_f1: float | None
    expected_errors: float | None
    strategy: str | None
    review: int
    breaks: bool
    forgotten: int


class Waiting(TypedDict):
    """Answers that the round asks for, and how many of them are there; where several people answer a text, each of theirs counts."""

    answered: int
    asked: int


class Flagged(TypedDict):
    """A question that somebody should look at, and who says so."""

    task: str
    text: str
    annotators: list[str]


class SettledTexts(TypedDict):
    """What the consensus has settled for the latest model: texts, answers that it overruled, of whom; texts left to a review."""

    method: str
    texts: int
    overruled: dict[str, int]
    left: int


class Begun(TypedDict, total=False):
    """The part of a status that there is as soon as there is a round."""

    round: int
    output: str
    waiting: Waiting
    answers: int
    annotators: list[AnnotatorRow]
    agreement: list[PairRow]
    people: People
    consensus: SettledTexts | None
    flagged: list[Flagged]
    stopping: list[str]


class Status(Begun):
    """Where a run is."""

    state: str
    sentence: str
    rounds: list[StatusRow]
    labels: list[str]
    not_measured: dict[str, str]
    plan: str | None
    best: BestModel | None
    start: StartMetrics | None
    champion: dict[str, Any] | None
    drift: dict[str, Any] | None
    pool: PoolEstimate | None
    teacher: TeacherMetrics | None
    privacy: PrivacyStatus | None
    labels_in_pool: list[LabelShare]
    groups: GroupMetrics | None
    risks: list[Risk]


def status(project: Project) -> Status:
    """Rounds, counts, scores, what is waited for, and why the run goes on or does not.

    RETURNS (Status): `state`, `sentence`, `round`, `waiting`: {"answered", "asked"} of the round; `stopping`: sentences;
        `rounds`: a dict each, of numbers; `annotators` and `agreement` as `annotators` gives them; `people`: how good they are, as `people`
        gives it; `consensus`: what it has settled for the latest model; `flagged`: the
        `task`, `text` and `annotators` of each question that somebody should look at; `labels` of the run; `not_measured`: those that
        the last score on dev does not count, and why; `plan`: what the first hour will be, in its first round; `best`: where the best model is, and how to use it; `start`: the pipeline that the
        run began with; `champion`: the model in use, as `Champion`, and `drift`: the last look at recent texts, as `DriftLook`; `pool`: the
        score in the pool, as `pool_estimate`; `teacher`: what it has said, cost and had accepted; `privacy`: the budget of private
        batches; `labels_in_pool`: each in what was labelled and in the pool; `groups`: of texts, as `measure_groups`; `risks`: what can go
        wrong. Plain data.
    RAISES (AlError): If there is no run yet, or its database cannot be read.
    """
    with Store(project.database, create=False) as store:
        store.examine()
        current = store.round()
        metrics = store.metrics()
        numbers = {*metrics, *([current.number] if current else [])}
        asked = {k: sum(1 for _ in store.tasks(k)) for k in numbers}
        answered, total = answer_progress(store, project.settings.overlap, project.at_least)
        counts = n_standing(store)
        given = store.n_answers()
        who, skills = annotators(store), people(store)
        by, labels = flags(store), store.labels().names
        forgotten = forgotten_rounds(store)
        used, looked = champions(store), looks(store)
        estimated = pool_estimate(store, project)
        teacher = teacher_now(store, project)
        privacy = privacy_status(store, project.settings)
        flagged: list[Flagged] = [
            {"task": task.id, "text": task.task["text"], "annotators": by[task.id]}
            for task in (store.tasks() if by else ())
            if task.id in by
        ]
    if current is None:
        return {
            "state": "new",
            "sentence": "Nothing has been done yet.",
            "rounds": [],
            "labels": labels,
            "not_measured": {},
            "plan": None,
            "best": None,
            "start": None,
            "champion": None,
            "drift": None,
            "pool": None,
            "teacher": None,
            "privacy": privacy,
            "labels_in_pool": [],
            "groups": None,
            "risks": [],
        }
    broken = breaks(metrics)
    drift = asdict(looked[-1]) if looked else None
    known = risk_facts(
        project,
        metrics,
        pool=estimated,
        drift=drift,
        privacy=privacy,
        pairs=who["agreement"],
        teacher=teacher,
    )
    scored = [metrics[k]["dev"] for k in sorted(metrics) if metrics[k].get("dev")]
    stopping = metrics.get(current.number, {}).get("stopping", [])
    sentence = f"Round {current.number} {DOING[current.state]}."
    if current.state in ("train", "evaluate", "select"):
        # the store does not know whether somebody is at it, or was ended
        sentence += f" If nothing is at work any more, `{project.command}` goes on."
    elif current.state == "wait":
        sentence = project.waits(current.number, total - answered, total)
    elif current.state == "stopped":
        sentence = next((why for why in stopping if why.startswith("Stops")), sentence)
    return {
        "state": current.state,
        "sentence": sentence,
        "round": current.number,
        "output": str(project.output),
        "waiting": {"answered": answered, "asked": total},
        "answers": given,
        **who,
        "people": skills,
        "consensus": _settled(metrics),
        "flagged": flagged,
        "stopping": stopping,
        "rounds": [
            _row(k, metrics[k], asked[k], k in broken, forgotten.get(k, 0), counts.get(k))
            for k in sorted(metrics)
        ],
        "labels": labels,
        "not_measured": scored[-1].get("not_measured", {}) if scored else {},
        "plan": metrics[0].get("plan") if current.number == 0 and 0 in metrics else None,
        "best": best_model(project, metrics),
        "champion": asdict(used[-1]) if used else None,
        "drift": drift,
        "pool": estimated,
        "teacher": teacher,
        "privacy": privacy,
        "labels_in_pool": known["labels"],
        "groups": known["groups"],
        "risks": risks(known),
        "start": next(
            (metrics[k]["start"] for k in sorted(metrics, reverse=True) if "start" in metrics[k]),
            None,
        ),
    }


def has_stopped(project: Project) -> bool:
    """Whether there was nothing to ask any more; a config that was changed since can make it go on."""
    with Store(project.database) as store:
        current = store.round()
    return current is not None and current.state == "stopped"


def _settled(metrics: Mapping[int, RoundMetrics]) -> SettledTexts | None:
    last = metrics[max(metrics)].get("consensus") if metrics else None
    if last is None:
        return None
    overruled = Counter(who for by in last["overruled"].values() for who in by)
    return {
        "method": last["method"],
        "texts": len(last["settled"]),
        "overruled": dict(sorted(overruled.items())),
        "left": last["left"],
    }


def _row(
    number: int,
    metrics: RoundMetrics,
    asked: int,
    breaks: bool,
    forgotten: int,
    so_far: int | None = None,
) -> StatusRow:
    dev, test = metrics.get("dev"), metrics.get("test")
    seconds = {name: value for name, value in metrics.items() if name.startswith("seconds_")}
    return {
        "round": number,
        "asked": asked,
        "dev": dev["score"] if dev else None,
        "dev_texts": dev["texts"] if dev else None,
        "dev_interval": dev.get("interval") if dev else None,
        "test": test["score"] if test else None,
        "score_name": dev["score_name"] if dev else None,
        "texts": metrics.get("texts"),
        "words": metrics.get("words"),
        # of a round that still waits they are not summed up yet
        "answers": metrics.get("answers", so_far),
        "kappa": metrics.get("kappa"),
        "span_f1": metrics.get("span_f1"),
        "expected_errors": metrics.get("expected_errors"),
        "strategy": metrics.get("strategy"),
        **cast(RoundSeconds, seconds),
        "review": len(metrics.get("review", [])),
        "breaks": breaks,
        "forgotten": forgotten,
    }
