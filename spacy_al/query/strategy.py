"""The query strategy of a call: the config's blocks, and those that were named instead of them."""

from typing import Any

from spacy_al.config.settings import Settings
from spacy_al.errors import Errors, UsageError
from spacy_al.registry import named


def _refuse_scores(
    acquisition: str | None, density_weight: float | None, sampler: str | None
) -> None:
    """RAISES (UsageError): AL094 for what was asked for and means nothing without a model."""
    given = ["--acquisition"] if acquisition else []
    given += ["--density-weight"] if density_weight else []
    given += [f"--sampler {sampler}"] if sampler in ("top_k", "spacy-al.top_k.v1") else []
    if given:
        raise UsageError(Errors.AL094.format(given=" and ".join(given)))


def _blocks(
    settings: Settings, model: str | None, acquisition: str | None, sampler: str | None
) -> dict[str, dict[str, Any]]:
    """The config's blocks, those that were named instead, and a sampler in any case."""
    blocks = {"sampler": named("al_samplers", "top_k"), **settings.blocks}
    if model is None:
        # what a config says is meant for the rounds that have a model
        blocks["sampler"] = named("al_samplers", "representative")
        blocks = {name: blocks[name] for name in ("sampler", "embedding") if name in blocks}
    if acquisition:
        blocks["acquisition"] = named("al_acquisitions", acquisition)
    if sampler:
        blocks["sampler"] = named("al_samplers", sampler)
    return blocks
