"""An annotator's own work: which part of a round is theirs, and what they did since they sat down."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, TypedDict

from spacy_al.store.desk import ENOUGH, HELD, LATEST
from spacy_al.store.labels import ANSWER, as_answer
from spacy_al.store.store import Store
from spacy_al.tasks.answer import VERDICTS, check_name

# Seconds without an answer after which somebody who answers again has sat down anew
PAUSE = 1800.0


class Share(TypedDict):
    """The part of an annotator.

    today: their answers that count since midnight, by the clock of this machine. part: their answers in the latest round, with those that are
    left for them: a fair share of what is missing, and never more than they can be asked.
    """

    today: int
    part: int


class Score(TypedDict):
    """A score on dev, from 0 to 1, the round of the model, and on how many texts it was measured."""

    round: int
    score: float
    texts: int


class Scores(TypedDict):
    """The score before a session and after it; None for what is not measured, or not yet.

    comparable: whether both count the same labels.
    """

    before: Score | None
    after: Score | None
    name: str | None
    comparable: bool


class Session(TypedDict):
    """The answers of an annotator that count since their last pause of half an hour, and what came of them.

    since: when the first began, in seconds since 1970. minutes: spent at texts. median: seconds a text. Both are None where no time is known.
    labels: how often each was accepted, the most frequent first.
    """

    answers: int
    since: float | None
    verdicts: dict[str, int]
    minutes: float | None
    median: float | None
    labels: list[tuple[str, int]]
    scores: Scores


def own_share(
    store: Store,
    annotator: str,
    progress: Mapping[str, Any],
    *,
    overlap: int = 1,
    team: Sequence[str] | None = None,
) -> Share:
    """The part of an annotator in the latest round.

    progress (Mapping): As `annotator_progress` has it of them.
    overlap, team: As of `next_tasks`. Where nobody is named the round is shared by those who hold tasks or have answered since it began.
    """
    left = progress["asked"] - progress["answered"]
    values = {"annotator": annotator, "overlap": overlap}
    open_sql = f"""SELECT count(*) - (
            SELECT count(*) FROM standing CROSS JOIN counts ON counts.task = standing.task
            WHERE annotator = :annotator AND {LATEST} AND answered < {ENOUGH})
        FROM counts WHERE {LATEST} AND answered < {ENOUGH}"""
    # where each is asked once, what is missing is open to all
    most = left if overlap == 1 else int(store.read(open_sql, values)[0][0])
    others = len({*team} - {annotator}) if team else _n_others(store, annotator, progress)
    fair = -(-left // (1 + others))
    return {"today": _n_today(store, annotator), "part": progress["own"] + min(most, fair)}


def own_session(store: Store, annotator: str, now: float | None = None) -> Session:
    """What an annotator did since they sat down.

    now (float | None): In seconds since 1970; by default it is now.
    RAISES (AlError): AL115 for a name that cannot be kept.
    """
    sql = f"""SELECT {ANSWER} FROM answers WHERE seq IN (
        SELECT seq FROM standing WHERE annotator = ?) ORDER BY at DESC"""
    given, last = [], time.time() if now is None else now
    for row in store.read(sql, (check_name("annotator", annotator),)):
        one = as_answer(store, row)
        if last - one.at > PAUSE:
            break
        given.append(one)
        last = one.at
    timed = [one.seconds for one in given if one.seconds]
    labels = Counter(label for one in given for label in _labels(one.payload))
    first = given[-1] if given else None
    began = None if first is None else first.at - min(first.seconds or 0.0, PAUSE)
    counted = Counter(one.payload["answer"] for one in given)
    sql = "SELECT min(round) FROM tasks WHERE id IN (SELECT value FROM json_each(?))"
    number = store.read(sql, (json.dumps([one.task for one in given]),))[0][0]
    return {
        "answers": len(given),
        "since": began,
        "verdicts": {verdict: counted[verdict] for verdict in VERDICTS},
        "minutes": sum(timed) / 60 if timed else None,
        "median": median(timed) if timed else None,
        "labels": sorted(labels.items(), key=lambda pair: (-pair[1], pair[0])),
        "scores": _scores(store, number),
    }


def _labels(payload: Mapping[str, Any]) -> list[str]:
    if payload["answer"] != "accept":
        return []
    return [*payload.get("accept", ()), *(span["label"] for span in payload.get("spans", ()))]


def _scores(store: Store, first: int | None) -> Scores:
    """The score of the newest model that has learned from no answer of a session, and that of the newest of all.

    first (int | None): The first round in which something was answered; None if nothing was.
    """
    metrics = store.metrics()
    dev = {
        k: one["dev"] for k, one in metrics.items() if one.get("dev", {}).get("score") is not None
    }
    earlier = [k for k in dev if first is None or k <= first]
    later = [k for k in dev if k not in earlier]
    before, after = (max(found, default=None) for found in (earlier, later))
    newest = max(dev, default=None)

    def shown(number: int | None) -> Score | None:
        if number is None:
            return None
        return {
            "round": number,
            "score": dev[number]["score"] or 0.0,
            "texts": dev[number]["texts"],
        }

    measures = [dev[k].get("measures") for k in (before, after) if k is not None]
    return {
        "before": shown(before),
        "after": shown(after),
        "name": None if newest is None else dev[newest]["score_name"],
        "comparable": all(one == measures[0] for one in measures),
    }


def _n_others(store: Store, annotator: str, progress: Mapping[str, Any]) -> int:
    """How many others hold tasks or have answered since the latest round began."""
    now, names = time.time(), set[str]()
    held = "SELECT DISTINCT annotator FROM assignments WHERE at BETWEEN ? AND ?"
    names |= {name for (name,) in store.read(held, (now - HELD, now + HELD))}
    if progress["answered"] > progress["own"]:
        sql = """SELECT DISTINCT annotator FROM answers
            WHERE seq > (SELECT upto FROM rounds ORDER BY number DESC LIMIT 1)"""
        names |= {name for (name,) in store.read(sql)}
    return len(names - {annotator})


def _n_today(store: Store, annotator: str) -> int:
    """What was answered since midnight; answers that a round before had already seen are not looked at."""
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    # of each task the last row, as in `standing`, but of one annotator at once: this is asked with every answer
    sql = """SELECT count(*) FROM (SELECT max(seq) AS seq FROM answers WHERE annotator = :annotator GROUP BY task
            HAVING max(seq) > coalesce((SELECT max(upto) FROM rounds WHERE opened_at < :midnight), 0)) AS last
        CROSS JOIN answers ON answers.seq = last.seq WHERE coalesce(stands, 1) != 0 AND at >= :midnight"""
    return int(store.read(sql, {"annotator": annotator, "midnight": midnight})[0][0])
