"""Results as a notebook shows them: the parts of a report that one looks at first, each as an element of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.reporting import words
from spacy_al.reporting.facts import RunFacts, ShownQuestion, SimulationFacts
from spacy_al.reporting.page import render_part
from spacy_al.reporting.questions import greatest_doubt, show_question
from spacy_al.reporting.run import run_page
from spacy_al.reporting.simulation import simulation_page

# Questions of a batch that are shown
MOST_QUESTIONS = 20


def batch_part(questions: Sequence[ShownQuestion], n: int, made_by: str) -> str:
    """A batch: its texts with what the model suggests, unsure words shaded.

    questions (Sequence): In the order in which to ask; the first of them are shown.
    n (int): Texts that could have been chosen.
    made_by (str): What chose them.
    RETURNS (str): HTML.
    """
    most = greatest_doubt([questions])
    shown = [show_question(one, most) for one in questions[:MOST_QUESTIONS]]
    told = {
        "headline": f"{words.plural(len(questions), 'text')} to label next, of {words.count(n)}.",
        "made_by": made_by,
        # a start without a model suggests nothing
        "is_marked": any(token["u"] for one in questions for token in one["tokens"]),
        "questions": shown,
        "more": len(questions) - len(shown),
    }
    return render_part("part_selection.html", told)


def run_part(facts: RunFacts, made: Mapping[str, Any]) -> str:
    """Where a run is, and its learning curve.

    facts (RunFacts): As for its report.
    made (Mapping): Files and lines of code, each with its name.
    RETURNS (str): HTML.
    """
    return render_part("part_run.html", {**run_page(facts), "made": _rows(made)})


def simulation_part(facts: SimulationFacts, made: Mapping[str, Any]) -> str:
    """Whether strategies beat random choice, and their curves. Arguments as for `run_part`."""
    return render_part("part_simulation.html", {**simulation_page(facts), "made": _rows(made)})


def _rows(made: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    return [(name, str(value), True) for name, value in made.items() if value is not None]
