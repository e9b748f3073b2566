"""What a teacher has done in a run, in a few sentences."""

from collections.abc import Mapping
from typing import Any

from spacy_al.reporting import words


def teacher_lines(found: Mapping[str, Any] | None) -> list[str]:
    """Calls, cost and failures; what trains of what it says; whether texts are accepted, and how many of those may be wrong.

    found (Mapping | None): `TeacherMetrics`; nothing without a teacher.
    """
    if not found:
        return []
    of = f" of {words.count(found['most'])}" if found.get("most") else ""
    cost = f", which cost {found['cost']:,.2f}" if found.get("cost") else ""
    fails = f"; it fails on {words.plural(found['failed'], 'text')}" if found.get("failed") else ""
    calls = f"{words.plural(found.get('calls', 0), 'call')}{of}{cost}"
    lines = [
        f"The teacher {found.get('teacher')}: {calls}, and it has labelled {words.plural(found.get('said', 0), 'text')}{fails}."
    ]
    if found.get("taught"):
        lines.append(
            f"{words.plural(found['taught'], 'text')} trained as the teacher has them, with its weight."
        )
    if "on" not in found:
        return lines
    if found.get("agreed") is not None:
        lines.append(
            f"The model agrees with the teacher on {words.percent(found['agreed'])} of {words.plural(found['judged'], 'text')} that it was "
            "compared on last."
        )
    state = "on" if found["on"] else "off"
    audits = f"{words.count(found.get('audited', 0))} audited, {words.count(found.get('answered', 0))} of them answered"
    lines.append(f"Accepting what both say is {state}: {found['why']} ({audits}).")
    if found["on"]:
        accepted = found.get("accepted", 0)
        nothing = "" if accepted else ". That nothing was accepted is no success"
        lines.append(
            f"{words.plural(accepted, 'text')} trained as accepted by the teacher{nothing}."
        )
    return lines
