"""The config of a round: the project's own, with the round's corpora and a budget of steps."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from confection import Config
from spacy.language import DEFAULT_CONFIG
from spacy.tokens import Doc
from spacy.util import dot_to_object, get_model_meta, load_config

from spacy_al.config.components import component_blocks, pipeline_folder
from spacy_al.config.learner import Learner, apply_learner
from spacy_al.config.overrides import load_overridden
from spacy_al.config.tracking import without_tracking
from spacy_al.corpus.shard import writing
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.evaluation.gold import stored_docs
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import load_code
from spacy_al.tasks.decision import INCORRECT
from spacy_al.tasks.relabel import names_in
from spacy_al.training.add_labels import ADD_LABELS
from spacy_al.training.blas import BLAS
from spacy_al.training.measured_scorer import score_only
from spacy_al.training.pretrain import pretraining
from spacy_al.training.requirements import say_requirements
from spacy_al.training.resume import sourced
from spacy_al.training.trainer import CONFIG

# Steps of training, on the smallest of corpora
LEAST = 200
# Over a pretrained encoder legal texts still gain where the law ends, and the others lose nothing: docs/learners/stability.md
LONGEST = 2
# Where a step counts texts, so does the law: as texts of Banking77, of which 24 have 300 words
BY_TEXTS, TEXT = "spacy.batch_by_sequence.v1", 12

# In the folder of a round: the project's config as it was then, with its overrides
PROJECT = "project.cfg"


def training_budget(
    config: Mapping[str, Any], n_words: int, *, longest: int = 1, words_a_text: float = TEXT
) -> dict[str, int]:
    """How long to train on a corpus of this size: 8 * sqrt(words) steps, at least 200, within what the config allows.

    Measured with steps of 100 to 300 words and no early stop, on the entities of NCBI-disease (an encoder of width 96) and the
    77 categories of Banking77 (the same under an ensemble). The best score on 250 development texts, one seed:

                    words  steps of the law  at a quarter  at half  at the law's  later, steps tried
        NCBI        1,186               275           .01      .27           .36           .39   800
        Banking77   2,846               426           .05      .10           .13           .16   800
        NCBI        4,986               564           .18      .48           .58           .63  1480
        Banking77  11,199               846           .16      .32           .44           .48  1480
        NCBI       20,215              1137           .49      .67           .71           .71  1800

    Every figure is the best of the looks so far at the same texts, so later ones are favoured. The law was chosen on these runs,
    after a linear one (300 + words / 25), which gave Banking77 too few; it has not been tried on others. It stops short of the
    best on all but the largest, for rounds of seconds; steps of more words, as in spaCy's own configs, were not measured.
    Patience is half of the steps, and ten looks are taken. A span categoriser takes three times as many steps: from the 2,082
    words of the seed that ships its F on dev was .03 after 300 steps, and .22 after 500. Where the batcher counts texts, each
    counts as 12 words: a corpus is passed over as often, however long its texts are.

    config (Mapping): A spaCy config. Its own numbers are limits; a `max_steps` of 0 is none, a `patience` of 0 stays.
    n_words (int): Words in the labelled corpus.
    longest (int): So many times the steps of the law at most, with its patience and its looks: a training that no longer gains ends as before.
    words_a_text (float): The mean length of its texts, above 0; only batches of texts need it.
    RETURNS (dict): `max_steps`, `patience` and `eval_frequency` of `[training]`.
    """
    own = _filled(config)["training"]
    factories = [part.get("factory") for part in component_blocks(_filled(config)).values()]
    pace = max((FACTORIES[name].pace for name in factories if name in FACTORIES), default=1)
    words = n_words * (TEXT / words_a_text if own["batcher"].get("@batchers") == BY_TEXTS else 1)
    steps = max(1, pace * max(LEAST, int(8 * words**0.5)))
    steps = min(steps, own["max_steps"] or steps)
    every = max(1, min(own["eval_frequency"], steps // 10))
    # the last step is looked at too
    steps -= steps % every
    most = min(longest * steps, own["max_steps"] or longest * steps)
    return {
        "max_steps": most - most % every,
        "patience": min(own["patience"], max(every, steps // 2)),
        "eval_frequency": every,
    }


def write_config(
    config: Path,
    overrides: Mapping[str, Any],
    train: Path,
    dev: Path,
    folder: Path,
    *,
    n_words: int,
    retrain_from: Path | None = None,
    init_tok2vec: Path | None = None,
    self_rate: float | None = None,
    taught_rate: float | None = None,
    learner: Learner | None = None,
    component: str | None = None,
    code: Path | None = None,
    measured: Sequence[str] | None = None,
) -> Path:
    """Write what a round trains with: `python -m spacy train` on it gives the same weights.

    config (Path): The project's config.
    overrides (Mapping): Of it, by dotted names.
    train, dev (Path): What to learn from, and to measure on.
    folder (Path): The round's.
    n_words (int): Words of `train`.
    retrain_from (Path | None): The model to go on from; None starts from scratch.
    init_tok2vec (Path | None): Weights of the encoder, from `pretrain`, where training starts from scratch.
    self_rate (float | None): How often each pass sees a text that nobody but a model labelled; None where there are none.
    taught_rate (float | None): The same of a text that nobody but a teacher labelled; None or 0 where there are none.
    learner (Learner | None): What the component learns with; None leaves the config's own.
    component (str | None): The one that is taught; only a learner and `measured` need it.
    code (Path | None): Python file that registers functions.
    measured (Sequence[str] | None): The labels that dev measures, by which the best model is chosen; None for all.
    RETURNS (Path): The config, whole or not written.
    RAISES (AlError): AL047 if it cannot be written, AL310 for a learner that does not fit, AL131 if the config's corpora are read from elsewhere, AL132 if rejected entities would not be seen.
    WARNS (AlWarning): ALW130 if training cannot go on from that model.
    """
    load_code(code)
    made = load_overridden(config, overrides, interpolate=False)
    without_tracking(made)
    made.setdefault("paths", {}).update(train=str(train), dev=str(dev))
    if learner is not None:
        assert component is not None
        apply_learner(made, learner, component)
        made.setdefault("al", {})["learner"] = learner.name
        if learner.encoder and learner.encoder.hash:
            block = made["al"].setdefault("encoder", {"name": learner.encoder.name})
            block["hash"] = learner.encoder.hash
            say_requirements(made, learner.encoder.name)
    filled = _filled(made)
    for name in ("train", "dev"):
        corpus = filled["training"][f"{name}_corpus"]
        if filled["paths"][name] not in _values(dot_to_object(filled, corpus)):
            raise AlError(Errors.AL131.format(name=corpus, path=name))
    docs = list(stored_docs(train))
    longest = LONGEST if learner is not None and learner.name == "encoder" else 1
    mean = sum(map(len, docs)) / max(1, len(docs)) or TEXT
    made.setdefault("training", {}).update(
        training_budget(filled, n_words, longest=longest, words_a_text=mean)
    )
    if self_rate is not None or taught_rate:
        batcher = Config(DEFAULT_CONFIG).merge(made)["training"]["batcher"]
        sampled = {
            "@batchers": "spacy-al.batch_sampled.v1",
            "rate": 1.0 if self_rate is None else self_rate,
            "seed": filled["training"]["seed"] or 0,
            "batcher": batcher,
        }
        taught = {"taught": taught_rate} if taught_rate else {}
        made["training"]["batcher"] = sampled | taught
    path = folder / CONFIG
    # a round that an earlier version began is trained again to the same result
    if not path.is_file() or BLAS in path.read_text("utf8"):
        _multiply_fast(made)
    # a component that is to go on in later rounds keeps the settings of its first
    _learn_rejected(made, docs, always=filled.get("al", {}).get("retrain") == "resume")
    if measured is not None and component is not None:
        score_only(made, component, measured)
    _teach_sourced(made, docs, component, measured)
    sources = None
    if retrain_from is not None:
        sources, why = sourced(_filled(made), retrain_from, docs)
        if sources is None:
            message = Warnings.W130.format(path=retrain_from, why=why)
            warnings.warn(message, AlWarning, stacklevel=2)
    if sources is not None:
        made["components"].update(sources)
        # or they would take the place of what was learned
        made.setdefault("initialize", {})["init_tok2vec"] = None
    elif init_tok2vec is not None:
        made.setdefault("initialize", {})["init_tok2vec"] = str(init_tok2vec)
        made["pretraining"] = pretraining(filled)
    with writing(path) as file:
        file.write(made.to_str(interpolate=False))
    return path


def keep_project(
    config: Path, overrides: Mapping[str, Any], folder: Path, before: Path
) -> list[str]:
    """Keep the project's own config with a round, and tell what the user has changed in it since the round before.

    The config that a round trains with is no measure of that: the loop sets much of it anew, such as another seed after a training that
    collapsed.

    config, overrides: As for `write_config`.
    folder, before (Path): Of the round, and of the round before; where that keeps no config nothing has changed.
    RETURNS (list[str]): e.g. "al.batch_size 5 -> 50".
    RAISES (AlError): AL047 if it cannot be written.
    """
    made = load_overridden(config, overrides, interpolate=False)
    without_tracking(made)
    with writing(folder / PROJECT) as file:
        file.write(made.to_str(interpolate=False))
    if not (before / PROJECT).is_file():
        return []
    old, new = (
        dict(_flat(load_config(own / PROJECT, interpolate=False))) for own in (before, folder)
    )
    return [
        f"{name} {old.get(name, 'not set')} -> {new.get(name, 'not set')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _filled(config: Mapping[str, Any]) -> Config:
    """With spaCy's defaults where a section says nothing, and without variables."""
    return Config(DEFAULT_CONFIG).merge(Config(dict(config))).interpolate()


def _values(block: Any) -> list[Any]:
    """All that stands anywhere in a block."""
    if isinstance(block, Mapping):
        return [value for part in block.values() for value in _values(part)]
    return [block]


def _teach_sourced(
    config: Config, docs: Sequence[Doc], component: str | None, measured: Sequence[str] | None
) -> None:
    """Have components that are taken from a trained pipeline learn the labels of a corpus that they lack, and the one that is taught be
    judged by the labels that are measured."""
    for name, block in config["components"].items():
        if "source" not in block or name in config["training"].get("frozen_components", ()):
            continue
        model, there = str(block["source"]), block.get("component", name)
        known = get_model_meta(pipeline_folder(model)).get("labels", {}).get(there, [])
        whole = component_blocks(_filled(config))[name]
        row, key = FACTORIES.get(whole.get("factory", "")), whole.get("spans_key") or "sc"
        found = names_in(docs, row.task, key) if row and row.is_asked else set()
        new = sorted(found - {*known})
        judged = [*measured] if measured is not None and name == component else None
        if new or judged is not None:
            start = config.setdefault("initialize", {})
            own = start.get("after_init")
            start["after_init"] = {
                "@callbacks": ADD_LABELS,
                "component": name,
                "labels": new,
                "measured": judged,
                **({"before": own} if own else {}),
            }


def _multiply_fast(config: Config) -> None:
    """Have training multiply with numpy, after whatever the config itself does before it starts."""
    start = config.setdefault("initialize", {})
    own = start.get("before_init")
    start["before_init"] = {"@callbacks": BLAS, **({"before": own} if own else {})}


def _learn_rejected(config: Config, docs: Sequence[Doc], *, always: bool) -> None:
    """Have entity recognisers read rejected entities, where there are any."""
    rejected = any(doc.spans.get(INCORRECT) for doc in docs)
    if not always and not rejected:
        return
    blocks = component_blocks(_filled(config))
    for name, block in config["components"].items():
        if (row := FACTORIES.get(blocks[name].get("factory", ""))) and row.learns_rejected:
            theirs = blocks[name].get("incorrect_spans_key")
            # what is taken from a pipeline keeps the settings that it has there
            kept = "source" in block and rejected
            if theirs != INCORRECT and (theirs is not None or kept):
                raise AlError(Errors.AL132.format(component=name, ours=INCORRECT, theirs=theirs))
            if "source" not in block:
                block["incorrect_spans_key"] = INCORRECT
