"""A comparison: its plan, and the settings that the name of a strategy stands for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacy_al import registry
from spacy_al.acquisition.inputs import FITS
from spacy_al.config.components import component_blocks, readable_factories
from spacy_al.config.overrides import load_overridden
from spacy_al.config.partial import check_factory
from spacy_al.config.section import Check
from spacy_al.config.self_training import check_whole
from spacy_al.config.settings import Settings, overlaid
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES
from spacy_al.measures.learning_curve import RANDOM, is_random, random_of_size, split_size
from spacy_al.registry import named
from spacy_al.util import replacing

DENSITY = "density"
# Block of a config -> registry of the functions that it can name
PARTS = {"acquisition": registry.al_acquisitions, "sampler": registry.al_samplers}
# Readers of several opinions
SEVERAL = ("spacy-al.committee.v1", "spacy-al.dropout.v1")


@dataclass(frozen=True)
class SimulationPlan:
    """A simulation. Two that differ in any of this but strategies and seeds do not share results.

    config (Path): A spaCy training config.
    gold (Path): The labelled corpus to choose from.
    dev, test (Path): For spaCy's training to stop on, and for the scores that are reported.
    strategies (tuple[str, ...]): Names that `composed` knows, some with a batch size of their own: `mnlp@25`.
    seeds (tuple[int, ...]): Of the first texts, of training, of what is drawn and of the annotators' errors.
    start, batch, rounds (int): Texts labelled at first, texts a round, rounds. With batches of another size there are as many
        rounds as ask for as many texts, so that curves end alike.
    overrides (dict): Of the config.
    settings (Settings): The config's `[al]` section: component, density, sampler and so on of every strategy.
    component, factory (str): What is taught.
    oracle (dict | None): The block of annotators who err, whose answers are then what trains; None for the gold itself.
    code (Path | None): Python file that registers functions.
    sections (dict): For strategies that have names of their own what they change of the `[al]` section.
    """

    config: Path
    gold: Path
    dev: Path
    test: Path
    strategies: tuple[str, ...]
    seeds: tuple[int, ...]
    start: int
    batch: int
    rounds: int
    overrides: dict[str, Any]
    settings: Settings
    component: str
    factory: str
    oracle: dict[str, Any] | None = None
    code: Path | None = None
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def settings_of(self, strategy: str) -> Settings:
        """The `[al]` section as a strategy has it. RAISES (UsageError): As `composed` and `overlaid`."""
        name, _ = self._named(strategy)
        if name in self.sections:
            made = overlaid(self.settings, self.sections[name], f"The strategy '{name}'")
        else:
            made = composed(self.settings, name, self.factory)
        return replace(made, batch_size=self.size_of(strategy))

    def _named(self, strategy: str) -> tuple[str, int | None]:
        # a section may have any name
        return (strategy, None) if strategy in self.sections else split_size(strategy)

    @property
    def budget(self) -> int:
        """Texts that are asked for after the first ones, by every strategy."""
        return self.batch * self.rounds

    def size_of(self, strategy: str) -> int:
        """Texts a round of a strategy: by its name, by its section, else the usual ones."""
        name, size = self._named(strategy)
        size = size or self.sections.get(name, {}).get("batch_size")
        # what else may stand there is refused by `settings_of`
        return size if isinstance(size, int) and size > 0 else self.batch

    def rounds_of(self, strategy: str | None) -> int:
        """Rounds of a strategy; of the start and of the whole corpus, which are nobody's, the usual ones."""
        size = self.batch if strategy is None else self.size_of(strategy)
        return -(-self.budget // size)

    def batch_of(self, strategy: str, number: int) -> int:
        """Texts that a strategy asks for in a round, from 0: the last one takes what is left."""
        size = self.size_of(strategy)
        return min(size, self.budget - size * number)

    def baseline_of(self, strategy: str) -> str:
        """The random choice with batches of the same size."""
        size = self.size_of(strategy)
        return random_of_size(None if size == self.batch else size)

    @property
    def kind(self) -> str:
        """The kind of answer that is asked for: "entities", "spans", "tags" or "categories"."""
        return FACTORIES[self.factory].task

    def describe(self) -> dict[str, Any]:
        """As plain data, for the results, with hashes of what the files hold."""
        plain = {name: str(v) if isinstance(v, Path) else v for name, v in self.__dict__.items()}
        names = ("config", "gold", "dev", "test", *(["code"] if self.code else []))
        hashes = {name: _file_hash(getattr(self, name)) for name in names}
        # of a file of strategies only those that are used, so that others can be added to it
        used = {
            s: self.sections.get(self._named(s)[0]) for s in self.strategies if not is_random(s)
        }
        # a setting that a later version adds, and that nobody turned, changes nothing
        told = {k: str(v) for k, v in vars(self.settings).items() if v != getattr(Settings(), k)}
        plain = {**plain, "settings": told, "sections": used, "hashes": hashes}
        described: dict[str, Any] = json.loads(json.dumps(plain))
        return described


def check_plan(plan: SimulationPlan, output: Path) -> None:
    """Write the plan to `plan.json`.

    RAISES (AlError): AL101 if the folder holds the results of another plan.
    """
    path = output / "plan.json"
    described = plan.describe()
    # more seeds and strategies can be added to what is there
    free = ("seeds", "strategies", "sections")
    fixed = {name: v for name, v in described.items() if name not in free}
    if path.is_file():
        before = json.loads(path.read_text("utf8"))
        # of a strategy that is composed by its name there is no section
        theirs = dict.fromkeys(name for name in before["strategies"] if not is_random(name))
        theirs |= before.get("sections", {})
        ours = described["sections"]
        same = all(theirs.get(name, section) == section for name, section in ours.items())
        if not same or {name: before.get(name) for name in fixed} != fixed:
            raise AlError(Errors.AL101.format(path=output))
        described["sections"] = {**theirs, **ours}
    with replacing(path) as file:
        file.write(json.dumps(described, indent=2) + "\n")


def check_simulated(plan: SimulationPlan) -> None:
    """Whether all strategies can be simulated.

    RAISES (UsageError): AL083 for what only a run does, AL087 for batches larger than all rounds together, AL220 for parts of texts that the component cannot learn from, AL280 for
        texts that it cannot be sure of, and as `Plan.settings_of`.
    """
    for name in filter(is_random, plan.sections):
        Check("The file of strategies").refuse(name, "chance has no settings", ["another name"])
    for strategy in plan.strategies:
        settings = plan.settings_of(strategy)
        if settings.batch_size > plan.budget:
            name, must = (
                f"The batch size of '{strategy}'",
                f"{plan.budget} or less, the texts of all rounds",
            )
            raise UsageError(Errors.AL087.format(name=name, value=settings.batch_size, must=must))
        if settings.cost == "seconds" and settings.cost_weight:
            why = "seconds are learnt from people's answers"
            Check(plan.config).refuse("al.cost", why, ["words"])
        if block := settings.blocks.get("acquisition"):
            _check_fit(_short(block["@al_acquisitions"]), settings, plan.factory)
        if settings.partial:
            check_factory(plan.factory, settings.partial)
        if settings.self_training:
            check_whole(plan.factory)


def composed(settings: Settings, strategy: str, factory: str) -> Settings:
    """The `[al]` section as a strategy has it.

    settings (Settings): The config's, whose blocks stay where the strategy says nothing else.
    strategy (str): "random", or names of an acquisition, "density" and a sampler, joined by "+": `mnlp+density`.
    factory (str): Of the component that is taught.
    RAISES (UsageError): AL105 for a name that nobody registered, AL106 for an acquisition that reads another kind of posterior.
    """
    if strategy == RANDOM:
        return replace(
            settings,
            density_weight=0.0,
            committee="none",
            partial=None,
            self_training=None,
            blocks={"sampler": named("al_samplers", "uniform")},
        )
    blocks, weight = dict(settings.blocks), settings.density_weight
    for part in strategy.split("+"):
        if part == DENSITY:
            weight = weight or 1.0
            continue
        found = {
            name: block
            for name, functions in PARTS.items()
            if (block := named(f"al_{name}s", part))[f"@al_{name}s"] in functions
        }
        if not found:
            known = ", ".join(_known(settings, factory))
            raise UsageError(Errors.AL105.format(name=part, known=known))
        name, block = next(iter(found.items()))
        # of the function that the config names, its settings are kept
        if blocks.get(name, {}).get(f"@al_{name}s") != block[f"@al_{name}s"]:
            blocks[name] = block
        if name == "acquisition":
            _check_fit(part, settings, factory)
    return replace(settings, density_weight=weight, blocks=blocks)


def default_strategy(settings: Settings, factory: str) -> str:
    """The config's acquisition, else the one that suits the component."""
    block = settings.blocks.get("acquisition")
    return _short(block["@al_acquisitions"]) if block else FITS[_posterior(settings, factory)][0]


def taught(config: Path, overrides: dict[str, Any], component: str | None) -> tuple[str, str]:
    """The component of a config that is taught, and its factory.

    RAISES (AlError): AL104 if there is no such component, or several to choose from.
    """
    blocks = component_blocks(load_overridden(config, overrides, interpolate=True))
    factories = readable_factories(blocks)
    usable = [*factories]
    name = usable[0] if component is None and len(usable) == 1 else component
    if name is None or name not in usable:
        found = component or ", ".join(usable) or "none"
        raise AlError(
            Errors.AL104.format(path=config, found=found, usable=", ".join(usable) or "none")
        )
    return name, factories[name]


def _short(name: str) -> str:
    """As `named` takes it: `spacy-al.mnlp.v1` is mnlp."""
    short = name.removeprefix("spacy-al.").removesuffix(".v1")
    return short if "." not in short else name


def _posterior(settings: Settings, factory: str) -> str:
    """The kind of posterior that settings read a component of this factory as."""
    kind = FACTORIES[factory].posterior
    reader = settings.blocks.get("posterior", {}).get("@al_posteriors")
    several = settings.committee != "none" or reader in SEVERAL
    return f"committee of {kind}" if several else kind


def _check_fit(name: str, settings: Settings, factory: str) -> None:
    fits, short = FITS[_posterior(settings, factory)], _short(name)
    ours = {name for names in FITS.values() for name in names}
    if short in ours and short not in fits:
        raise UsageError(Errors.AL106.format(name=name, factory=factory, fits=", ".join(fits)))


def _known(settings: Settings, factory: str) -> list[str]:
    samplers = [_short(name) for name in sorted(registry.al_samplers.get_all())]
    return [*FITS[_posterior(settings, factory)], DENSITY, *samplers, RANDOM]


def _file_hash(path: Path) -> str:
    files = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()
