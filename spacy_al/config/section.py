"""The settings that can stand in the `[al]` section of a config, and what becomes of a block that names a function."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_al.config.consensus import read_consensus
from spacy_al.config.learner import LEARNERS, read_encoder
from spacy_al.config.notify import read_notify
from spacy_al.config.partial import read_partial
from spacy_al.config.recency import Recency, read_recency
from spacy_al.config.self_training import read_self_training
from spacy_al.config.teacher import read_teacher
from spacy_al.config.tracking import read_tracking
from spacy_al.errors import Errors, UsageError
from spacy_al.registry import resolve

BLOCKS = {
    "posterior": "al_posteriors",
    "acquisition": "al_acquisitions",
    "embedding": "al_embeddings",
    "sampler": "al_samplers",
    "stopper": "al_stoppers",
    "oracle": "al_adapters",
}
KINDS: dict[str, tuple[type, ...]] = {
    "component": (str,),
    "output": (str,),
    "batch_size": (int,),
    "max_rounds": (int,),
    "seed": (int,),
    "retrain": (str,),
    "learner": (str,),
    "density_weight": (int, float),
    "density_neighbours": (int,),
    "density_fusion": (str,),
    "cost_weight": (int, float),
    "cost": (str,),
    "labels": (list,),
    "committee": (str,),
    "committee_size": (int,),
    "overlap": (int,),
    "reask": (int, float),
    "recipe": (str,),
    "dev_size": (int,),
    "dev_strata": (str,),
    "groups": (str,),
    "pretrain_epochs": (int,),
    "patterns": (str,),
    "weak": (str,),
}
LEAST = {
    "batch_size": 1,
    "max_rounds": 1,
    "seed": 0,
    "density_weight": 0,
    "density_neighbours": 0,
    "cost_weight": 0,
    "committee_size": 2,
    "overlap": 1,
    "reask": 0,
    "dev_size": 0,
    "pretrain_epochs": 0,
}
CHOICES = {
    "retrain": ("scratch", "resume"),
    "learner": LEARNERS,
    "density_fusion": ("product", "rank"),
    "cost": ("words", "seconds"),
    "committee": ("none", "seeds", "bootstrap", "checkpoints", "heads", "rounds"),
}
FILTERS: dict[str, tuple[type, ...]] = {
    "min_tokens": (int,),
    "max_tokens": (int,),
    "min_words": (int, float),
    "far": (int, float),
    "noise": (list,),
}
# Rules by which a text is noise; `query.noise` has them
NOISE = ("mojibake", "language", "table", "list", "ocr", "boilerplate")
SHARES = ("min_words", "far")
RECENCY = {"since", "half_life_days", "date"}
POOL = {"path", *RECENCY, "score_cache", "refresh"}
SECTION = {
    *KINDS,
    *BLOCKS,
    "consensus",
    "encoder",
    "filter",
    "notify",
    "partial",
    "self_training",
    "teacher",
    "tracking",
}
# What a strategy can change in a simulation, where all else is the same for all of them
COMPARED = {
    "acquisition",
    "batch_size",
    "committee",
    "committee_size",
    "cost_weight",
    "density_fusion",
    "density_neighbours",
    "density_weight",
    "embedding",
    "filter",
    "partial",
    "posterior",
    "sampler",
    "self_training",
}
OWN_PATHS = ("output", "patterns", "weak")
PATHS = ("train", "dev", "test")


@dataclass(frozen=True)
class Check:
    """Refuses what a config cannot say. RAISES (UsageError): AL083 in every method, with what can be said."""

    file: Path | str

    def section(
        self, section: Mapping[str, Any], known: set[str]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """The plain settings, and the blocks."""
        self.names("al", section, known)
        plain = {name: section[name] for name in KINDS if section.get(name) is not None}
        self.values(plain)
        plain |= {name: Path(plain[name]) for name in OWN_PATHS if name in plain}
        if section.get("filter") is not None:
            plain["filter"] = self.filter(section["filter"])
        if section.get("partial") is not None:
            plain["partial"] = read_partial(section["partial"], self.refuse)
        if section.get("self_training") is not None:
            block = section["self_training"]
            plain["self_training"] = read_self_training(block, self.refuse)
        if section.get("tracking") is not None:
            plain["tracking"] = read_tracking(section["tracking"], self.refuse)
        if section.get("teacher") is not None:
            plain["teacher"] = read_teacher(section["teacher"], self.refuse)
        if section.get("notify") is not None:
            plain["notify"] = read_notify(section["notify"], self.refuse)
        if section.get("consensus") is not None:
            plain["consensus"] = read_consensus(section["consensus"], self.refuse)
        if section.get("encoder") is not None:
            plain["encoder"] = read_encoder(section["encoder"], self.refuse)
        named = [name for name in BLOCKS if section.get(name) is not None]
        blocks = {name: self.block(name, section[name]) for name in named}
        return plain, blocks

    def names(self, section: str, found: Mapping[str, Any], known: set[str]) -> None:
        for name in found:
            if name not in known:
                self.refuse(f"{section}.{name}", "there is no such setting", sorted(known))

    def values(self, plain: Mapping[str, Any]) -> None:
        for name, value in plain.items():
            if isinstance(value, bool) or not isinstance(value, KINDS[name]):
                self.refuse(f"al.{name}", f"it is {value!r}", [_a(kind) for kind in KINDS[name]])
            # written so that NaN is refused as well
            if name in LEAST and not LEAST[name] <= value < float("inf"):
                self.refuse(f"al.{name}", f"it is {value}", [f"{LEAST[name]} or more"])
            if name == "reask" and value > 1:
                self.refuse("al.reask", f"it is {value}", ["a share from 0 to 1"])
            if value not in CHOICES.get(name, (value,)):
                self.refuse(f"al.{name}", f"it is {value!r}", list(CHOICES[name]))
        if not all(is_label(label) for label in plain.get("labels", [])):
            self.refuse("al.labels", f"it is {plain['labels']!r}", ["a list of names"])

    def block(self, name: str, block: Any) -> dict[str, Any]:
        key = f"@{BLOCKS[name]}"
        if not isinstance(block, dict) or key not in block:
            self.refuse(f"al.{name}", f"it has no {key}", [f"a block [al.{name}] with {key}"])
        resolve(block)
        return dict(block)

    def filter(self, block: Any) -> dict[str, Any]:
        if not isinstance(block, dict):
            self.refuse("al.filter", f"it is {block!r}", ["a block [al.filter]"])
        self.names("al.filter", block, set(FILTERS))
        for name, value in block.items():
            if name == "noise":
                if not isinstance(value, list) or not {*map(str, value)} <= {*NOISE}:
                    self.refuse("al.filter.noise", f"it is {value!r}", ["a list of", *NOISE])
                continue
            fine = isinstance(value, FILTERS[name]) and not isinstance(value, bool)
            if not fine or not 0 <= value <= (1 if name in SHARES else float("inf")):
                must = "a share from 0 to 1" if name in SHARES else "a whole number, 0 or more"
                self.refuse(f"al.filter.{name}", f"it is {value!r}", [must])
        return dict(block)

    def pool(self, pool: Any) -> tuple[Any, Recency | None]:
        """Its path, and which of its texts are preferred."""
        if pool is None:
            return None, None
        if not isinstance(pool, dict):
            self.refuse("al.pool", f"it is {pool!r}", ["a block [al.pool] with a path"])
        self.names("al.pool", pool, POOL)
        self.path("al.pool.path", pool.get("path"))
        recency = {name: value for name, value in pool.items() if name in RECENCY}
        return pool.get("path"), read_recency(recency, self.refuse)

    def kept_scores(self, pool: Any) -> dict[str, Any]:
        """Where the scores of a pool are kept, and which are made anew, as far as it says so."""
        names, block = ("score_cache", "refresh"), pool or {}
        found: dict[str, Any] = {name: block[name] for name in names if block.get(name) is not None}
        if "score_cache" in found:
            self.path("al.pool.score_cache", found["score_cache"])
            found["score_cache"] = Path(found["score_cache"])
        share = found.get("refresh", 0)
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not (is_number and 0 <= share <= 1):
            self.refuse("al.pool.refresh", f"it is {share!r}", ["a share, from 0 to 1"])
        if share and "score_cache" not in found:
            self.refuse("al.pool.refresh", "there is no score_cache", ["a folder for it"])
        return found

    def path(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, str):
            self.refuse(name, f"it is {value!r}", ["a path"])

    def refuse(self, name: str, what: str, known: list[str]) -> None:
        message = Errors.AL083.format(path=self.file, name=name, what=what, known=", ".join(known))
        raise UsageError(message)


def is_label(value: Any) -> bool:
    """Whether spaCy can keep it: half a character has no bytes, and nothing can be chosen by an empty name."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def _a(kind: type) -> str:
    return {str: "a name", int: "a whole number", float: "a number", list: "a list"}[kind]
