"""The `[al]` section of a spaCy config, resolved strictly: what is not known is an error, not a silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import spacy
from confection import Config
from spacy.util import load_config

from spacy_al.errors import AlError, Errors, UsageError

BLOCKS = {
    "posterior": "al_posteriors",
    "acquisition": "al_acquisitions",
    "embedding": "al_embeddings",
    "sampler": "al_samplers",
    "stopper": "al_stoppers",
}


@dataclass(frozen=True)
class Settings:
    """What `[al]` says. The blocks stay as they are written; `resolve` makes functions of them, in any process.

    component (str | None): Whose posterior; by default the only component that has one.
    output (Path): Where rounds and answers are kept.
    batch_size (int): Texts asked for in a round.
    max_rounds (int): Rounds after which the loop ends.
    seed (int): Of everything that is drawn.
    retrain (str): "scratch" or "resume".
    density_weight (float): Exponent of the mean similarity to the pool; 0 leaves it out.
    labels (list[str]): Labels to ask for before any model knows them.
    dev_size (int): Texts asked first, at random, where there is no development set.
    pool (Path | None): The unlabelled texts.
    blocks (dict): The blocks that name a function, e.g. {"sampler": {"@al_samplers": ...}}.
    lang (str): The pipeline's language.
    train, dev, test (Path | None): What is labelled already.
    """

    component: str | None = None
    output: Path = Path("training/al")
    batch_size: int = 20
    max_rounds: int = 10
    seed: int = 0
    retrain: str = "scratch"
    density_weight: float = 0.0
    labels: list[str] = field(default_factory=list)
    dev_size: int = 100
    pool: Path | None = None
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    lang: str = "en"
    train: Path | None = None
    dev: Path | None = None
    test: Path | None = None


KINDS: dict[str, tuple[type, ...]] = {
    "component": (str,),
    "output": (str,),
    "batch_size": (int,),
    "max_rounds": (int,),
    "seed": (int,),
    "retrain": (str,),
    "density_weight": (int, float),
    "labels": (list,),
    "dev_size": (int,),
}


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the `[al]` section of a config.

    path (Path): A spaCy config.
    overrides (Mapping | None): Settings by their dotted names, e.g. {"al.batch_size": 50}.
    RAISES (AlError): AL080 no file, AL081 no config, AL082 no `[al]`, AL083 unknown or wrong settings.
    """
    if not path.is_file():
        raise AlError(Errors.AL080.format(path=path))
    try:
        config = load_config(path, overrides=dict(overrides or {}), interpolate=True)
    except Exception as error:
        # confection raises errors of several unrelated types
        raise AlError(Errors.AL081.format(path=path, why=str(error).strip())) from None
    if "al" not in config:
        raise AlError(Errors.AL082.format(path=path))
    section = config["al"]
    known = {*KINDS, *BLOCKS, "pool"}
    for name, value in section.items():
        if name not in known:
            _refuse(path, f"al.{name}", "there is no such setting", sorted(known))
        if (
            name in KINDS
            and value is not None
            and (isinstance(value, bool) or not isinstance(value, KINDS[name]))
        ):
            _refuse(path, f"al.{name}", f"it is {value!r}", [kind.__name__ for kind in KINDS[name]])
    if section.get("retrain", "scratch") not in ("scratch", "resume"):
        _refuse(path, "al.retrain", f"it is {section['retrain']!r}", ["scratch", "resume"])
    for name in ("batch_size", "max_rounds"):
        if section.get(name, 1) < 1:
            _refuse(path, f"al.{name}", f"it is {section[name]}", ["1 or more"])
    blocks = {name: dict(section[name]) for name in BLOCKS if section.get(name)}
    for name, block in blocks.items():
        if f"@{BLOCKS[name]}" not in block:
            _refuse(path, f"al.{name}", f"it has no @{BLOCKS[name]}", [f"@{BLOCKS[name]}"])
        resolve(block)
    plain = {name: section[name] for name in KINDS if section.get(name) is not None}
    paths = config.get("paths", {})
    pool = dict(section.get("pool") or {})
    for name in set(pool) - {"path"}:
        _refuse(path, f"al.pool.{name}", "there is no such setting", ["path"])
    return Settings(
        **{**plain, "output": Path(plain.get("output", "training/al"))},
        pool=_path(pool.get("path")),
        blocks=blocks,
        lang=config.get("nlp", {}).get("lang", "en"),
        train=_path(paths.get("train")),
        dev=_path(paths.get("dev")),
        test=_path(paths.get("test")),
    )


def resolve(block: Mapping[str, Any]) -> Any:
    """The function that a block of a config describes.

    block (Mapping): e.g. {"@al_acquisitions": "spacy-al.token_entropy.v1", "reduce": "max"}.
    RAISES (AlError): AL084 for an unknown function or wrong settings of it.
    """
    try:
        return spacy.registry.resolve(Config({"block": dict(block)}))["block"]
    except AlError:
        raise
    except ValueError as error:  # confection's and catalogue's own errors
        raise UsageError(Errors.AL084.format(block=dict(block), why=str(error).strip())) from None


def named(registry: str, name: str) -> dict[str, Any]:
    """The block for a function named on the command line, short or long: `token_entropy`."""
    return {f"@{registry}": name if "." in name else f"spacy-al.{name}.v1"}


def _path(value: Any) -> Path | None:
    return Path(value) if value else None


def _refuse(path: Path, name: str, what: str, known: list[str]) -> None:
    raise UsageError(Errors.AL083.format(path=path, name=name, what=what, known=", ".join(known)))
