"""The score in the pool in words: what was estimated from the texts that were drawn, or why nothing can be."""

from typing import TypedDict

from spacy_al.reporting.words import format_score, listing


class EstimateRow(TypedDict):
    """A number and its interval, None where there is none."""

    value: float
    low: float | None
    high: float | None


class PoolEstimate(TypedDict, total=False):
    """The score in the pool of the model of a round.

    round (int): Whose model it is.
    refused (str | None): Why nothing can be estimated.
    score_name (str): "F", or "accuracy" where each text or token has one answer.
    score, precision, recall (EstimateRow | None): Over all answers.
    naive, expected, confidence (float | None): The score over the drawn texts as if they were any; what the model expects of the pool; the mean
        probability of what it says.
    overconfidence (EstimateRow | None): The calibration error in the whole: that mean less the precision.
    labels, counts (dict): By label the score, and how often it is in the pool.
    n_draws, n_answered, n_pool (int): Texts drawn, of these answered in full, and in the pool.
    """

    round: int
    refused: str | None
    score_name: str
    score: EstimateRow | None
    precision: EstimateRow | None
    recall: EstimateRow | None
    naive: float | None
    expected: float | None
    confidence: float | None
    overconfidence: EstimateRow | None
    labels: dict[str, EstimateRow]
    counts: dict[str, EstimateRow]
    n_draws: int
    n_answered: int
    n_pool: int


def estimate_sentences(found: PoolEstimate) -> list[str]:
    """What is estimated, in sentences; one where nothing can be."""
    if refused := found.get("refused"):
        return [
            f"No score in the pool can be had from the batch of round {found['round']}. {refused}"
        ]
    score = found["score"]
    if score is None:
        return []
    naive = "" if found["naive"] is None else f"; naive {format_score(found['naive'])}"
    lines = [
        f"Score in the pool of {found['n_pool']:,} texts, estimated from what was asked, of the model of round {found['round']}: "
        f"{found['score_name']} {with_interval(score)}, from {found['n_draws']} draws{naive}."
    ]
    if found["n_answered"] < found["n_draws"]:
        left = found["n_draws"] - found["n_answered"]
        lines.append(
            f"Of these draws {left} were not answered in full: the score is that of texts which can be answered."
        )
    precision, recall, sure = found["precision"], found["recall"], found["confidence"]
    if precision and recall and found["score_name"] == "F":
        lines.append(f"Precision there {with_interval(precision)}, recall {with_interval(recall)}.")
    if precision and sure is not None:
        lines.append(
            f"The model itself gives what it says there {format_score(sure)} on average, where {with_interval(precision)} are right."
        )
    return lines


def count_sentence(found: PoolEstimate) -> str | None:
    """How often each label is in the pool."""
    counts = found.get("counts") or {}
    if found.get("refused") or not counts or found["score_name"] != "F":
        return None
    told = [
        f"{label} {row['value']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})"
        for label, row in counts.items()
        if row["low"] is not None and row["high"] is not None
    ]
    rest = [label for label, row in counts.items() if row["low"] is None]
    lines = [f"Labels in that pool, estimated (95%): {', '.join(told)}."] if told else []
    # one text drawn may stand for a hundred others: a number without an interval is none
    lines += [f"Too few of the texts drawn have {listing(rest)}."] if rest else []
    return " ".join(lines)


def with_interval(row: EstimateRow) -> str:
    """A score and where it lies 19 times in 20."""
    if row["low"] is None or row["high"] is None:
        return f"{format_score(row['value'])} (too few draws for an interval)"
    return f"{format_score(row['value'])} (95%: {format_score(row['low'])} to {format_score(row['high'])})"
