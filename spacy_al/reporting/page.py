"""HTML of what is told: everything that comes from outside is escaped by the template engine."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from spacy_al.reporting import words
from spacy_al.util import content_hash

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


def render_part(template: str, told: Mapping[str, Any]) -> str:
    """Fill a template as a part of somebody else's page, such as a notebook: its style holds nowhere else, its ids are no other part's.

    Arguments as for `render`. RETURNS (str): HTML of one element.
    """
    # nested, a rule about the page's root is about the element itself
    style = _read("style.css").replace(":root", "&")
    part = _environment().get_template(template)
    # ids are of what is shown, so that the same result is the same HTML
    name = f"al-{content_hash(part.render(**told, name='', style=''))}"
    shown = part.render(**told, name=name, style=style)
    return shown.translate(FORBIDDEN).encode("utf8", "replace").decode("utf8")


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
        "interval": words.format_interval,
        "signed": words.signed,
        "percent": words.percent,
        "duration": words.duration,
        "p_value": words.p_value,
        "breakable": words.breakable,
    }
    return environment


def _read(name: str) -> str:
    return files("spacy_al.reporting").joinpath(name).read_text("utf8")
