"""The registries that a config can name functions from, beside spaCy's own."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import catalogue
import spacy
from confection import Config

from spacy_al.errors import AlError, Errors, UsageError

F = TypeVar("F", bound=Callable[..., Any])


class Registry(Protocol):
    """A registry of catalogue's, whose own come without types: one that registers leaves the function as it is."""

    def __call__(self, name: str) -> Callable[[F], F]: ...
    def __contains__(self, name: str) -> bool: ...
    def get(self, name: str) -> Any: ...
    def get_all(self) -> dict[str, Any]: ...


NAMES = (
    "al_posteriors",
    "al_acquisitions",
    "al_embeddings",
    "al_samplers",
    "al_stoppers",
    "al_adapters",
    "al_labelling_functions",
)

# thinc's `registry.create` would look for entry points named `thinc_al_...`, hence catalogue itself.
for _name in NAMES:
    if not hasattr(spacy.registry, _name):
        setattr(spacy.registry, _name, catalogue.create("spacy", _name, entry_points=True))

al_posteriors: Registry = getattr(spacy.registry, "al_posteriors")  # noqa: B009
al_acquisitions: Registry = getattr(spacy.registry, "al_acquisitions")  # noqa: B009
al_embeddings: Registry = getattr(spacy.registry, "al_embeddings")  # noqa: B009
al_samplers: Registry = getattr(spacy.registry, "al_samplers")  # noqa: B009
al_stoppers: Registry = getattr(spacy.registry, "al_stoppers")  # noqa: B009
al_adapters: Registry = getattr(spacy.registry, "al_adapters")  # noqa: B009
al_labelling_functions: Registry = getattr(spacy.registry, "al_labelling_functions")  # noqa: B009


def resolve(block: Mapping[str, Any]) -> Any:
    """The function that a block of a config describes.

    block (Mapping): e.g. {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "max"}.
    RAISES (AlError): AL084 for an unknown function or wrong settings of it.
    """
    try:
        return spacy.registry.resolve(Config({"block": dict(block)}))["block"]
    except AlError:
        raise
    except Exception as error:  # confection's and catalogue's own, and whatever the function raises
        lines = str(error).replace("block -> ", "").splitlines()
        # confection ends with the block itself
        why = "; ".join(line.strip() for line in lines if line.strip() and line[0] != "{")
        raise UsageError(Errors.AL084.format(block=dict(block), why=why)) from None


def named(registry: str, name: str) -> dict[str, Any]:
    """The block for a function named on the command line, short or long: `token_entropy`."""
    return {f"@{registry}": name if "." in name else f"spacy-al.{name}.v1"}
