"""What can go wrong in a run: of each risk a figure, the bound that it is held against, what is done about it, and one sentence of advice."""

from collections.abc import Sequence

from spacy_al.reporting.risk import Risk, RiskFacts
from spacy_al.reporting.risks_around import (
    risk_of_drift,
    risk_of_people,
    risk_of_privacy,
    risk_of_teacher,
)
from spacy_al.reporting.risks_measured import (
    risk_of_calibration,
    risk_of_chosen,
    risk_of_few,
    risk_of_groups,
    risk_of_labels,
)

# How the line of an alarm begins
ALARMED = "Can go wrong"


def risks(facts: RiskFacts) -> list[Risk]:
    """All risks: alarms first, then those that this run cannot say, then those within their bounds."""
    found = [
        risk_of_chosen(facts),
        risk_of_few(facts),
        risk_of_labels(facts),
        risk_of_groups(facts),
        risk_of_calibration(facts),
        risk_of_drift(facts),
        risk_of_people(facts),
        risk_of_teacher(facts),
        risk_of_privacy(facts),
    ]
    return sorted(found, key=lambda one: ("alarm", "unknown", "fine").index(one["state"]))


def risk_lines(found: Sequence[Risk]) -> list[str]:
    """The alarms a line each, and which risks this run says nothing of."""
    lines = [
        f"{ALARMED}: {one['name']}. {one['figure']} {one['advice']}"
        for one in found
        if one["state"] == "alarm"
    ]
    unknown = [one["name"] for one in found if one["state"] == "unknown"]
    if unknown:
        lines.append(
            f"Not known in this run: {', '.join(unknown)}. The report says what it would take."
        )
    return lines
