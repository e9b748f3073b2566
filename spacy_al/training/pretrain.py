"""The encoder learns from the pool itself before the first round, once: `spacy pretrain`, in a process of its own."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confection import Config
from spacy.language import DEFAULT_CONFIG, DEFAULT_CONFIG_PRETRAIN_PATH
from spacy.util import load_config

from spacy_al.config.overrides import load_overridden
from spacy_al.config.project import Project
from spacy_al.config.tracking import without_tracking
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare, writing
from spacy_al.errors import AlError, Errors
from spacy_al.processes.child import attempt, reason, run_spacy, sweep
from spacy_al.training.made_from import changed_since, inputs, sign
from spacy_al.util import content_hash

WEIGHTS = "model-last.bin"


def pretrain(project: Project, folder: Path) -> Path:
    """Train the encoder to spell the words of the pool from what stands around them, with spaCy's `pretrain`.

    Texts of the development and test sets are left out, so that nothing is known of them before they are measured on.

    project (Project): Its pool, and the number of epochs.
    folder (Path): Where the weights are kept. Those that are there already are whole; they are used if they were made from the same
        config and the same texts, and made again otherwise, which is said.
    RETURNS (Path): The weights, for `[initialize] init_tok2vec`.
    RAISES (AlError): AL130 with spaCy's own error if it fails, AL133 where there is no encoder that can be pretrained.
    """
    weights = folder / WEIGHTS
    sweep(folder)
    texts = folder / "texts.jsonl"
    with writing(texts) as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in _texts(project))
    made = load_overridden(project.config, project.overrides, interpolate=False)
    without_tracking(made)
    made = Config(DEFAULT_CONFIG).merge(made)
    made["pretraining"] = pretraining(made.interpolate())
    made["pretraining"]["max_epochs"] = project.settings.pretrain_epochs
    made["pretraining"]["corpus"] = "corpora.pretrain"
    reader = load_config(DEFAULT_CONFIG_PRETRAIN_PATH, interpolate=False)["corpora"]["pretrain"]
    made["corpora"]["pretrain"] = {**reader, "path": str(texts)}
    config, log = folder / "config.cfg", folder / "pretrain.log"
    with writing(config) as file:
        file.write(made.to_str(interpolate=False))
    made_from = inputs(config, project.code)
    if weights.is_file():
        changed = changed_since(folder, made_from, weights)
        if not changed:
            return weights
        project.show(
            f"⚠ {weights} was made from something else, and is made again: {', '.join(changed[:3])}"
        )
    with attempt(folder) as path:
        words = ["pretrain", str(config), str(path)]
        words += ["--code", str(project.code)] if project.code else []
        words += ["--gpu-id", str(project.gpu_id)] if project.gpu_id >= 0 else []
        status = run_spacy(words, log, project.show)
        if status or not (path / WEIGHTS).is_file():
            why = reason(log, status)
            raise AlError(Errors.AL130.format(command="pretraining", why=why, log=log))
        weights.unlink(missing_ok=True)
        sign(folder, made_from, path / WEIGHTS)
        os.replace(path / WEIGHTS, weights)
    return weights


def pretraining(config: Mapping[str, Any]) -> dict[str, Any]:
    """The `[pretraining]` section that makes weights and that reads them: the config's own, or spaCy's defaults.

    config (Mapping): A filled config without variables.
    RAISES (AlError): AL133 where neither a shared encoder nor one within a component can be pretrained.
    """
    if config.get("pretraining"):
        return dict(config["pretraining"])
    block = load_config(DEFAULT_CONFIG_PRETRAIN_PATH)["pretraining"]
    parts = {name: config["components"][name] for name in config["nlp"]["pipeline"]}
    for name, part in parts.items():
        if part.get("factory") == "tok2vec":
            return {**block, "component": name, "layer": ""}
    for name, part in parts.items():
        within = part.get("model", {}).get("tok2vec", {}).get("@architectures", "")
        if within and "Listener" not in within:
            return {**block, "component": name, "layer": "tok2vec"}
    raise AlError(Errors.AL133.format(found=", ".join(parts)))


def _texts(project: Project) -> list[str]:
    """Of the pool, in an order that does not depend on the pool's."""
    held_out: set[str] = set()
    for path in (project.dev, project.settings.test):
        if path is not None and path.exists():
            held_out |= labelled_ids(path)
    assert project.settings.pool is not None
    found: dict[str, str] = {}
    for shard in shards(project.settings.pool):
        try:
            found.update((content_hash(doc.text), doc.text) for doc in read_bare(shard))
        except AlError:
            # scoring leaves it out as well, and says so
            continue
    return [found[key] for key in sorted(set(found) - held_out) if found[key].strip()]
