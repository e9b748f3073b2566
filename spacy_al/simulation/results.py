"""The files in which a simulation keeps what it found."""

import json
from pathlib import Path

from spacy_al.measures.simulated import FullNumbers, ResultRow

RESULTS = "results.jsonl"


def read_results(output: Path) -> list[ResultRow]:
    """The rows of a simulation so far. A last line that was cut off is left out; its round is run again."""
    path = output / RESULTS
    rows: list[ResultRow] = []
    for line in path.read_text("utf8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


FULL = "full.json"


CORPUS = "corpus.json"


def read_full(output: Path) -> FullNumbers | None:
    """Numbers of the model that was trained on the whole corpus, if there is one."""
    path = output / FULL
    found: FullNumbers | None = json.loads(path.read_text("utf8")) if path.is_file() else None
    return found
