"""HTML of what is told: everything that comes from outside is escaped by the template engine."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from spacy_al.reporting import words

# Characters that no HTML page may hold
FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "�")


def render(template: str, told: Mapping[str, Any]) -> str:
    """Fill a template.

    template (str): Name of a file in this folder.
    told (Mapping): What it shows.
    RETURNS (str): A page that can be written as UTF-8, whatever was in the texts.
    """
    page = _environment().get_template(template).render(**told, style=_read("style.css"))
    return page.translate(FORBIDDEN).encode("utf8", "replace").decode("utf8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": words.count,
        "score": words.format_score,
        "signed": words.signed,
        "percent": words.percent,
        "duration": words.duration,
        "p_value": words.p_value,
        "breakable": words.breakable,
    }
    return environment


def _read(name: str) -> str:
    return files("spacy_al.reporting").joinpath(name).read_text("utf8")
