"""The report of a run: where it is, how good its model is, what was labelled, what that cost, and what was asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.reporting import words
from spacy_al.reporting.balance import balance_sentences
from spacy_al.reporting.bars import balance_bars, time_bars
from spacy_al.reporting.charts import Line, small_chart
from spacy_al.reporting.drift import drift_part
from spacy_al.reporting.estimates import count_sentence, estimate_sentences
from spacy_al.reporting.facts import RoundFacts, RunFacts
from spacy_al.reporting.groups import group_sentences
from spacy_al.reporting.learning import (
    comparable,
    cost_shown,
    curve_notes,
    interval_of,
    learning_curve,
)
from spacy_al.reporting.questions import greatest_doubt, show_question
from spacy_al.reporting.savings import money, saved_note, seconds_spent
from spacy_al.reporting.words import is_number

# Labels whose scores are shown unfolded
MOST_LABELS = 12
EXPECTED = "How many wrong answers the model itself expects in the whole pool, from a sample of it. It should fall."
AGREEMENT = (
    "How alike two models in a row answer on the same texts. Near 1, more labels change little."
)
CALIBRATION = "How far the model's probabilities are from how often it is right, on the texts they were calibrated on. Near 0 is good."
Row = RoundFacts
WHERE = {"test": "the test set", "dev": "the development set"}


def run_page(facts: RunFacts) -> dict[str, Any]:
    """The values that the template shows; a section without data is None or empty."""
    rounds: Sequence[Row] = facts.get("rounds") or []
    name, meaning = words.format_score_name(facts.get("score_name"))
    where = facts.get("reported_on")
    scored = [row for row in rounds if is_number(row.get("score"))]
    last: Row = rounds[-1] if rounds else {}
    balances = [row for row in rounds if any((row.get("balance") or {}).values())]
    counted = last.get("merged") or {}
    most = greatest_doubt(row.get("batch") or [] for row in rounds)
    reasons = [*(why for why in words.MERGED if why in counted), *sorted(counted)]
    merged = {words.MERGED.get(why, why): counted[why] for why in reasons if counted[why]}
    cost = cost_shown(facts, scored)
    return {
        "title": str(facts.get("title") or "run"),
        "subject": _subject(facts),
        "headline": _headline(scored, rounds, name, where),
        "next": facts.get("next"),
        "people": facts.get("people") or [],
        "pairs": facts.get("pairs") or [],
        "judged": any(one.get("right") for one in facts.get("people") or []),
        "finds": any(one.get("finds") for one in facts.get("people") or []),
        "state": (facts.get("state") or {}).get("sentence"),
        "tiles": _tiles(facts, scored, name, where),
        "teacher": facts.get("teacher") or [],
        "score_name": name,
        "meaning": meaning,
        "reported_on": where,
        "curve": learning_curve(facts, scored, name, cost),
        "curve_notes": [
            *filter(None, [_sure_of_score(scored, name)]),
            *_pool(facts),
            *curve_notes(facts, scored, cost),
            *filter(None, [saved_note(facts, scored)]),
        ],
        "scored": bool(scored),
        "rounds": rounds,
        "not_measured": _not_measured(last, where),
        "stopping": [str(reason) for reason in facts.get("stopping") or []],
        "labels": _per_label(scored),
        "sure": _sure(rounds),
        "balance": balance_bars(balances),
        "merged": merged,
        "time": time_bars(rounds),
        "asked": [
            {
                "round": row.get("round"),
                "questions": [show_question(one, most) for one in row.get("batch") or []],
                "forgotten": row.get("forgotten", 0),
            }
            for row in reversed(rounds)
            if row.get("batch") or row.get("forgotten")
        ],
        "groups": facts.get("groups"),
        "group_notes": group_sentences(groups) if (groups := facts.get("groups")) else [],
        "balance_notes": balance_sentences(
            facts.get("labels_in_pool") or [], has_quotas=bool(facts.get("has_quotas"))
        ),
        "drift": drift_part(facts.get("drift") or []),
        "risks": facts.get("risks") or [],
        "made": _made(facts),
    }


def _not_measured(last: Row, where: Any) -> list[tuple[str, str]]:
    """The labels that the last score does not count, and why."""
    found = last.get("test") if where == "test" else last.get("dev")
    return sorted(found.get("not_measured", {}).items()) if found else []


def _subject(facts: RunFacts) -> str:
    kind = str(facts.get("kind_of_task") or "")
    component = facts.get("component")
    parts = [f"teaching {component}" if component else "", f"to find {kind}" if kind else ""]
    return " ".join(part for part in parts if part)


def _headline(scored: Sequence[Row], rounds: Sequence[Row], name: str, where: Any) -> str:
    if not rounds:
        return "Nothing has been trained yet."
    if not scored:
        return "There is no model with a score yet."
    last = scored[-1]
    on = f" on {WHERE.get(str(where), where)}" if where else ""
    cost = f" with {words.plural(last['texts'], 'labelled text')}" if last.get("texts") else ""
    return words.first_upper(f"{name} of {words.format_score(last['score'])}{on}{cost}.")


def _tiles(
    facts: RunFacts, scored: Sequence[Row], name: str, where: Any
) -> list[tuple[str, str, str]]:
    """(what, how much, beside it) of the numbers that matter most."""
    tiles, rounds = [], facts.get("rounds") or []
    if scored:
        part = comparable(scored)[-1]
        scores = [score for row in part if is_number(score := row.get("score"))]
        first, last = scores[0], scores[-1]
        start = "the first model" if part[0] is scored[0] else f"round {part[0].get('round')}"
        since = f"{words.signed(last - first)} since {start}" if len(scores) > 1 else ""
        probably = words.format_interval(interval_of(part[-1]))
        beside = ", ".join(filter(None, [f"probably {probably}" if probably else "", since]))
        tiles.append((name + (f" on {where}" if where else ""), words.format_score(last), beside))
    last_row: Row = rounds[-1] if rounds else {}
    if is_number(last_row.get("texts")):
        beside = f"{words.count(last_row['words'])} words" if last_row.get("words") else ""
        if facts.get("measuring"):
            # what people answered is more than what the model learned from
            more = f"and {words.count(facts['measuring'])} that only measure"
            beside = ", ".join(filter(None, [beside, more]))
        tiles.append(("labelled texts", words.count(last_row["texts"]), beside))
    if last_row.get("self_trained"):
        wrong = last_row.get("self_trained_wrong_expected")
        beside = f"{words.count(wrong)} of them wrong, by its probabilities"
        tiles.append(("texts it labelled itself", words.count(last_row["self_trained"]), beside))
    answers = [row["answers"] for row in rounds if is_number(row.get("answers"))]
    if any(answers):
        tiles.append(
            (
                "answers",
                words.count(sum(answers)),
                f"in {words.plural(len(answers), 'complete round')}",
            )
        )
    seconds = [row["seconds_answers"] for row in rounds if row.get("seconds_answers")]
    if seconds:
        each = sum(seconds) / max(1, sum(answers))
        beside = f"{words.duration(each)} an answer" if answers else ""
        time = "annotators' time, modelled" if facts.get("modelled_time") else "people's time"
        tiles.append((time, words.duration(sum(seconds)), beside))
        if cost := money(facts, seconds_spent(facts)):
            tiles.append(("spent on answers", cost, ""))
    return tiles


def _sure_of_score(scored: Sequence[Row], name: str) -> str:
    """How far the last score would differ on other texts, in a sentence."""
    last: Row = scored[-1] if scored else {}
    found, interval = last.get("test") or last.get("dev"), interval_of(last)
    if not found or not interval:
        return ""
    low, high = interval
    # a pipeline that a run begins with may have none
    banded = len(scored) > 1 and all(map(interval_of, scored))
    band = ", as the band around the curve has it for each model" if banded else ""
    few = " That is little to go by." if high - low > 0.2 else ""
    return (
        f"Measured on {words.plural(found['texts'], 'text')}: on other texts of this kind the {name} of this model lies probably (19 times in "
        f"20) between {words.format_score(low)} and {words.format_score(high)}{band}.{few}"
    )


def _pool(facts: RunFacts) -> list[str]:
    """The score in the pool, and how often each label is there, or why nobody can say."""
    found = facts.get("pool")
    return [*estimate_sentences(found), *filter(None, [count_sentence(found)])] if found else []


def _per_label(scored: Sequence[Row]) -> dict[str, Any] | None:
    """Scores of each label in the last round that has some, the worst first."""
    rows = [row for row in scored if row.get("per_label")]
    if not rows:
        return None
    found = [
        {"label": label, **{key: (values or {}).get(key) for key in "prf"}}
        for label, values in (rows[-1]["per_label"] or {}).items()
    ]
    found.sort(key=lambda row: (row["f"] if is_number(row["f"]) else -1.0, row["label"]))
    return {
        "round": rows[-1].get("round"),
        "shown": found[:MOST_LABELS],
        "folded": found[MOST_LABELS:],
        "total": len(found),
    }


def _sure(rounds: Sequence[Row]) -> dict[str, Any] | None:
    """How sure the models are of what nobody has labelled, over the rounds."""

    def series(get: Any) -> list[Any]:
        return [(row.get("round"), get(row)) for row in rounds]

    def calibration(when: str) -> Any:
        # one number, or one before and one after the temperature was fitted
        def get(row: Row) -> Any:
            found = row.get("calibration_error")
            return found.get(when) if isinstance(found, Mapping) else found

        return series(get)

    both = any(isinstance(row.get("calibration_error"), Mapping) for row in rounds)
    calibrations = [Line("calibrated" if both else "error", calibration("after"), colour=1)]
    if both:
        calibrations.append(Line("as trained", calibration("before"), dashed=True))
    errors = [Line("errors expected", series(lambda row: row.get("expected_errors")), colour=1)]
    agreements = [
        Line("spans (F)", series(lambda row: row.get("span_f1")), colour=1),
        Line("kappa", series(lambda row: row.get("kappa")), colour=2),
    ]
    shown = [
        ("Errors expected", "wrong answers in the pool", errors, words.count, 0.0, EXPECTED),
        ("Agreement of models", "agreement", agreements, words.format_score, None, AGREEMENT),
        ("Calibration error", "error", calibrations, words.format_score, 0.0, CALIBRATION),
    ]
    made = [
        small_chart(
            lines,
            title=title,
            x_title="round",
            y_title=y_title,
            y_text=y_text,
            y_from=y_from,
            meaning=meaning,
        )
        for title, y_title, lines, y_text, y_from, meaning in shown
    ]
    charts = [one for one in made if one]
    if not charts:
        return None
    keys = ("expected_errors", "expected_answers", "kappa", "span_f1")
    columns = [key for key in keys if any(is_number(row.get(key)) for row in rounds)]
    return {"charts": charts, "columns": columns}


def _made(facts: RunFacts) -> list[tuple[str, str, bool]]:
    """(name, value, whether it is code) of all that is needed to do it again."""
    made = facts.get("made_with") or {}
    rows = [
        ("Command", facts.get("command"), True),
        ("Config", facts.get("config"), True),
        ("Component", facts.get("component"), True),
        ("Strategy", facts.get("strategy"), True),
        ("Labels", ", ".join(map(str, facts.get("labels") or [])), False),
        ("Made with", ", ".join(f"{name} {made[name]}" for name in made), False),
    ]
    return [(name, str(value), code) for name, value, code in rows if value]
