"""A run or a simulation as one HTML file that opens anywhere: no scripts, nothing loaded from elsewhere.

`run` and `simulation` say what is told, `charts` and `questions` how it is shown, `words` how numbers and names read;
`page` makes HTML of that with the templates beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.reporting.page import render
from spacy_al.reporting.run import run_page
from spacy_al.reporting.simulation import simulation_page

__all__ = ["report"]

PAGES: dict[str, Callable[[Any], dict[str, Any]]] = {"run": run_page, "simulation": simulation_page}


def report(facts: Mapping[str, Any]) -> str:
    """Tell what came of a run or a simulation.

    facts (Mapping): Plain data; `kind` is "run" or "simulation". Of all the rest, what is missing is left out.
    RETURNS (str): One self-contained HTML page, the same for the same facts.
    RAISES (AlError): AL165 for another kind.
    """
    kind = str(facts.get("kind"))
    if kind not in PAGES:
        raise AlError(Errors.AL165.format(found=kind, known=", ".join(PAGES)))
    return render(f"{kind}.html", PAGES[kind](facts))
