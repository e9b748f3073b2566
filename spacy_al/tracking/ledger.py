"""What was sent where, in a file beside the store. Without it all is looked up in the tracker again, and nothing is there twice."""

import json
from pathlib import Path
from typing import Any

from spacy_al.util import replacing

FILE = "tracking.json"


def read_ledger(output: Path) -> dict[str, dict[str, Any]]:
    """What was sent, by place; nothing where there is no such file, or it is damaged."""
    try:
        found = json.loads((output / FILE).read_text("utf8"))
        return {str(place): dict(memory) for place, memory in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write_ledger(output: Path, ledger: dict[str, dict[str, Any]]) -> None:
    """Keep it. The file takes the place of the one before once it is whole."""
    with replacing(output / FILE) as file:
        json.dump(ledger, file, indent=1, sort_keys=True)
