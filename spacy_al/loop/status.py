"""Where a run is, and why: read from the store, so that it can be asked at any time."""

from typing import Any

from spacy_al.config.project import Project
from spacy_al.store.annotators import annotators
from spacy_al.store.desk import flags, n_left, n_missing
from spacy_al.store.store import Store

DOING = {
    "train": "trains",
    "evaluate": "is being evaluated",
    "select": "chooses what to ask",
    "wait": "waits for answers",
    "done": "is done",
    "stopped": "was the last one",
}


def status(project: Project) -> dict[str, Any]:
    """Rounds, counts, scores, what is waited for, and why the run goes on or does not.

    RETURNS (dict): `state`, `sentence`, `round`, `waiting`: {"answered", "asked"} of the round; `stopping`: sentences;
        `rounds`: a dict each, of numbers; `annotators` and `agreement` as `annotators` gives them; `flagged`: the
        `task`, `text` and `annotators` of each question that somebody should look at. Plain data.
    RAISES (AlError): If there is no run yet, or its database cannot be read.
    """
    with Store(project.database, create=False) as store:
        current = store.round()
        metrics = store.metrics()
        numbers = {*metrics, *([current.number] if current else [])}
        asked = {k: sum(1 for _ in store.tasks(k)) for k in numbers}
        more = n_missing(store, project.at_least)
        left = n_left(store, project.settings.overlap) + more
        given = store.n_answers()
        who = annotators(store)
        by = flags(store)
        flagged = [
            {"task": task.id, "text": task.task["text"], "annotators": by[task.id]}
            for task in (store.tasks() if by else ())
            if task.id in by
        ]
    if current is None:
        return {"state": "new", "sentence": "Nothing has been done yet.", "rounds": []}
    stopping = metrics.get(current.number, {}).get("stopping", [])
    total = asked[current.number] + more
    sentence = f"Round {current.number} {DOING[current.state]}."
    if current.state == "wait":
        sentence = project.waits(current.number, left, total)
    elif current.state == "stopped":
        sentence = next((why for why in stopping if why.startswith("Stops")), sentence)
    return {
        "state": current.state,
        "sentence": sentence,
        "round": current.number,
        "output": str(project.output),
        "waiting": {"answered": total - left, "asked": total},
        "answers": given,
        **who,
        "flagged": flagged,
        "stopping": stopping,
        "rounds": [_row(k, metrics[k], asked[k]) for k in sorted(metrics)],
    }


def has_stopped(project: Project) -> bool:
    """Whether there was nothing to ask any more; a config that was changed since can make it go on."""
    with Store(project.database) as store:
        current = store.round()
    return current is not None and current.state == "stopped"


def _row(number: int, metrics: dict[str, Any], asked: int) -> dict[str, Any]:
    row: dict[str, Any] = {"round": number, "asked": asked}
    for name in ("dev", "test"):
        row[name] = metrics.get(name, {}).get("score")
    row["score_name"] = metrics.get("dev", {}).get("score_name")
    keys = ("texts", "words", "answers", "kappa", "span_f1", "expected_errors", "strategy")
    row |= {key: metrics.get(key) for key in keys}
    row |= {key: value for key, value in metrics.items() if key.startswith("seconds_")}
    return {**row, "review": len(metrics.get("review", []))}
