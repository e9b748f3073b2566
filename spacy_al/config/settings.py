"""The `[al]` section of a spaCy config, resolved strictly: what is not known is an error, not a silence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from confection import Config

from spacy_al.config.components import component_blocks, readable_factories
from spacy_al.config.learner import EncoderBlock
from spacy_al.config.notify import Notify
from spacy_al.config.overrides import load_overridden
from spacy_al.config.partial import Partial
from spacy_al.config.recency import Recency
from spacy_al.config.section import BLOCKS, COMPARED, PATHS, SECTION, Check
from spacy_al.config.self_training import SelfTraining
from spacy_al.config.teacher import TeacherBlock
from spacy_al.config.tracking import Tracking, check_address
from spacy_al.consensus.setting import Consensus
from spacy_al.corpus.address import pool_path
from spacy_al.corpus.tokeniser import tokeniser_config
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES


@dataclass(frozen=True)
class Settings:
    """The settings of `[al]`. The blocks stay as they are written; `resolve` makes functions of them, in any process.

    component (str | None): Whose posterior; by default the only component that has one.
    output (Path): Where rounds and answers are kept.
    batch_size (int): Texts asked for in a round.
    max_rounds (int): Rounds after which the loop ends.
    seed (int): Of everything that is drawn.
    retrain (str): "scratch" or "resume".
    density_weight (float): Exponent of the mean similarity to the pool; 0 leaves it out.
    density_neighbours (int): The similarity is that to so many nearest texts; 0 for all of the pool.
    density_fusion (str): "product" with the score, or "rank": the mean of the ranks by both.
    cost_weight (float): Scores are divided by the cost of the text to this power; 0 leaves it out, 1 is gain per cost.
    cost (str): "words", or "seconds" by a model fitted on the times of the answers so far.
    labels (list[str]): Labels to ask for before any model knows them.
    committee (str): Members that are trained beside each round's model and read with it: "none", or from other "seeds",
        "bootstrap" samples, "checkpoints" of the one training, "heads" on its encoder, or the models of the "rounds" before.
    committee_size (int): Members of it, the model itself among them.
    overlap (int): Annotators that each text is asked of, each blind to the others.
    consensus (Consensus): Who decides where answers contradict each other.
    reask (float): The share of a batch that asks for second opinions on texts that were answered.
    recipe (str | None): That asks on the page, one question after the other, in place of a batch that is chosen at once.
    dev_size (int): Texts asked at random to measure on, where there is no development set.
    dev_strata (str | None): A field of the texts' meta over whose values these are spread as the pool is; it may be dotted.
    groups (str | None): Such a field by whose values it is shown what was asked and how good the model is.
    pretrain_epochs (int): Passes over the pool in which the encoder is pretrained, once, before the first round; 0 for none.
    patterns (Path | None): Of an entity or span ruler; they choose the texts as long as there is no model.
    weak (Path | None): Weakly labelled texts, which train as long as there are no answers.
    pool (Path | None): The unlabelled texts.
    score_cache (Path | None): Folder in which scores are kept from call to call; None keeps none.
    refresh (float): With such a folder, the share of the texts, the highest under the model before, that a new model scores; 0 for all.
    recency (Recency | None): How recent ones are preferred; None for not at all.
    blocks (dict): The blocks that name a function, e.g. {"sampler": {"@al_samplers": ...}}.
    filter (dict): min_tokens, max_tokens, min_words, far, and noise, a list of rules: texts that are not asked; see `filters.wanted`.
    learner (str): What models learn with: "scratch", "vectors", "encoder", or "auto", which compares them. By default "auto" where
        there is an encoder, else "scratch".
    encoder (EncoderBlock | None): The pretrained encoder.
    partial (Partial | None): How parts of texts are asked about; None asks whole texts.
    self_training (SelfTraining | None): Which texts train that nobody but the model labels; None for none.
    notify (Notify | None): Whom the run tells what has happened; None for nobody.
    tracking (Tracking | None): Where the run is shown beside its own folder; None for nowhere.
    teacher (TeacherBlock | None): That labels beside people; None for none.
    lang (str): The pipeline's language.
    tokeniser (dict): What `blank_pipeline` needs of the config.
    factory (str | None): Factory of the component, where the config has it.
    source (str | None): The trained pipeline that the component is taken from.
    names_labels (bool): Whether the config itself has `labels`; a run that knows its labels puts them there as well.
    spans_key (str): Where a span categoriser keeps its spans.
    train, dev, test (Path | None): What is labelled already.
    """

    component: str | None = None
    output: Path = Path("training/al")
    batch_size: int = 20
    max_rounds: int = 10
    seed: int = 0
    retrain: str = "scratch"
    learner: str = "scratch"
    density_weight: float = 0.0
    density_neighbours: int = 0
    density_fusion: str = "product"
    cost_weight: float = 0.0
    cost: str = "words"
    labels: list[str] = field(default_factory=list)
    committee: str = "none"
    committee_size: int = 3
    overlap: int = 1
    consensus: Consensus = field(default_factory=Consensus)
    reask: float = 0.0
    recipe: str | None = None
    dev_size: int = 100
    dev_strata: str | None = None
    groups: str | None = None
    pretrain_epochs: int = 0
    patterns: Path | None = None
    weak: Path | None = None
    pool: Path | None = None
    score_cache: Path | None = None
    refresh: float = 0.0
    recency: Recency | None = None
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    filter: dict[str, Any] = field(default_factory=dict)
    encoder: EncoderBlock | None = None
    partial: Partial | None = None
    self_training: SelfTraining | None = None
    notify: Notify | None = None
    tracking: Tracking | None = None
    teacher: TeacherBlock | None = None
    lang: str = "en"
    tokeniser: dict[str, Any] = field(default_factory=dict)
    factory: str | None = None
    spans_key: str = "sc"
    source: str | None = None
    names_labels: bool = False
    train: Path | None = None
    dev: Path | None = None
    test: Path | None = None

    @property
    def asks_only(self) -> bool:
        """Whether only `labels` are asked about, where the pipeline that the component is taken from knows others too. Where a text or
        a token has one label of all, each answer is about all of them."""
        row = FACTORIES.get(self.factory or "")
        can = row is not None and (row.task in ("entities", "spans") or not row.is_exclusive)
        return can and self.source is not None and self.names_labels

    @property
    def encodings(self) -> Path | None:
        """The cache of what the encoder says; None without one."""
        if self.encoder is None:
            return None
        return self.encoder.cache or self.output / "encodings"


def read_settings(path: Path, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the `[al]` section of a config. Relative paths in it start at the working directory, as spaCy's do.

    path (Path): A spaCy config.
    overrides (Mapping | None): Settings by their dotted names, e.g. {"al.batch_size": 50}.
    RAISES (AlError): AL080 no file, AL081 no config, AL082 no `[al]`, AL083 unknown or wrong settings, AL084 a block
        that cannot be resolved, AL370 for a password on the command line.
    """
    check_address(overrides or {})
    config = _load(path, overrides or {})
    if not isinstance(config.get("al"), dict):
        raise AlError(Errors.AL082.format(path=path))
    check = Check(path)
    section: dict[str, Any] = config["al"]
    plain, blocks = check.section(section, {*SECTION, "pool"})
    plain.setdefault("learner", "auto" if "encoder" in plain else "scratch")
    if plain["learner"] in ("vectors", "encoder") and "encoder" not in plain:
        raise UsageError(Errors.AL311.format(learner=plain["learner"]))
    pool, recency = check.pool(section.get("pool"))
    kept = check.kept_scores(section.get("pool"))
    paths: dict[str, Any] = {name: config.get("paths", {}).get(name) for name in PATHS}
    for name, value in paths.items():
        check.path(f"paths.{name}", value)
    parts = component_blocks(config)
    usable = [*readable_factories(parts)]
    if "component" not in plain and len(usable) == 1:
        plain["component"] = usable[0]
    part = parts.get(plain.get("component", ""), {})
    _check_reader(check, plain.get("committee", "none"), blocks, part.get("factory"))
    return Settings(
        **plain,
        pool=pool_path(pool) if pool else None,
        recency=recency,
        **kept,
        blocks=blocks,
        lang=config.get("nlp", {}).get("lang") or "en",
        tokeniser=tokeniser_config(config) if config.get("nlp", {}).get("lang") else {},
        factory=part.get("factory"),
        spans_key=part.get("spans_key") or "sc",
        names_labels=bool(plain.get("labels")),
        source=part.get("source") if part.get("component") == plain.get("component") else None,
        train=_path(paths["train"]),
        dev=_path(paths["dev"]),
        test=_path(paths["test"]),
    )


def read_tokeniser(path: Path | None) -> dict[str, Any]:
    """What `blank_pipeline` needs of a training config, with or without `[al]`; nothing without one.

    RAISES (AlError): AL080 no file, AL081 no config.
    """
    return {} if path is None else tokeniser_config(_load(path, {}))


def _load(path: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    if not path.is_file():
        raise AlError(Errors.AL080.format(path=path))
    try:
        return load_overridden(path, overrides, interpolate=True)
    except Exception as error:
        # confection raises errors of several unrelated types
        why = str(error).strip()
        if why.startswith("'$' must be followed"):
            why += ". A dollar sign is written as two: $$"
        raise AlError(Errors.AL081.format(path=path, why=why)) from None


def read_strategies(path: Path) -> dict[str, dict[str, Any]]:
    """The sections of a file of strategies, by name; `overlaid` checks what is in them.

    RAISES (AlError): AL080 no file, AL081 no config, AL083 something outside of a section.
    """
    if not path.is_file():
        raise AlError(Errors.AL080.format(path=path))
    try:
        sections = dict(Config().from_disk(path))
    except Exception as error:
        raise AlError(Errors.AL081.format(path=path, why=str(error).strip())) from None
    for name, section in sections.items():
        if not isinstance(section, dict):
            Check(path).refuse(name, "it stands in no section", ["[NAME] before it"])
    return sections


def overlaid(settings: Settings, section: Mapping[str, Any], where: str | Path) -> Settings:
    """Settings with part of an `[al]` section over them. A block takes the place of the whole block that was there.

    settings (Settings): Those of a config.
    section (Mapping): What is different, of COMPARED; null takes away what the config says.
    where (str | Path): What it is of, for the message.
    RAISES (AlError): AL083 unknown or wrong settings, AL084 a block that cannot be resolved.
    """
    check = Check(where)
    plain, blocks = check.section(section, COMPARED)
    gone = {name for name, value in section.items() if value is None}
    plain |= {name: getattr(Settings(), name) for name in gone - set(BLOCKS)}
    blocks = {
        name: block for name, block in {**settings.blocks, **blocks}.items() if name not in gone
    }
    made = replace(settings, **plain, blocks=blocks)
    _check_reader(check, made.committee, blocks, made.factory)
    return made


def _check_reader(
    check: Check, committee: str, blocks: Mapping[str, Any], factory: str | None
) -> None:
    """Whether [al.posterior] says something else than what a committee's members are read with, as the shipped configs do not."""
    block = blocks.get("posterior")
    row = FACTORIES.get(factory or "")
    if committee == "none" or block is None or (row and block == {"@al_posteriors": row.reader}):
        return
    known = [f"the block without settings, with {row.reader}"] if row else []
    check.refuse("al.committee", "there is [al.posterior] as well", ["one of the two", *known])


def _path(value: Any) -> Path | None:
    return Path(value) if value else None
