"""An `[al]` section for a spaCy config, inserted as text, so that comments survive."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from confection import Config, ConfigValidationError
from spacy.cli.init_config import init_config

from spacy_al.acquisition.inputs import FITS
from spacy_al.config.components import component_blocks, readable_factories
from spacy_al.config.from_model import config_from_model
from spacy_al.corpus.shard import writing
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.embeddings.encoder import find_model
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES, USUAL

DEFAULT_OUTPUT = "training/al"
SECTION = """\
component = "{component}"
output = "{output}"
batch_size = 40
max_rounds = 10
seed = 0
retrain = "scratch"
"""
# Of `select` as well. The uniform share is what a score of the whole pool can be estimated by
DEFAULT_SAMPLER = {"@al_samplers": "spacy-al.stochastic.v1", "beta": 4.0, "explore": 0.1}
BLOCKS = {
    "pool": "path = ${paths.pool}\n",
    "posterior": '@al_posteriors = "{reader}"\n',
    "acquisition": '@al_acquisitions = "spacy-al.{acquisition}.v1"\n',
    "sampler": "".join(f"{key} = {json.dumps(value)}\n" for key, value in DEFAULT_SAMPLER.items()),
    # stops before max_rounds once three rounds have gained next to nothing
    "stopper": '@al_stoppers = "spacy-al.plateau.v1"\nwindow = 3\nmin_gain = 0.005\n',
}


def init(
    path: Path,
    *,
    component: str | None = None,
    pool: str | None = None,
    lang: str = "en",
    encoder: str | None = None,
    model: str | None = None,
    labels: Sequence[str] = (),
) -> list[str]:
    """Fill the `[al]` section of a config by inserting text.

    path (Path): A spaCy config; where there is none, a starter config for `component` (ner by default) is written.
    component (str | None): The component that is taught; by default the only one of the config that can be.
    pool (str | None): For `[paths]`, where it has no pool yet; by default corpus/pool if that is there, else corpus/pool.spacy.
    lang (str): Of a starter config.
    encoder (str | None): Folder or package of a pretrained encoder that models learn from, beside others that are compared with it.
    model (str | None): A trained pipeline that a new config begins with: its folder or its package.
    labels (Sequence[str]): The labels that are asked for; where there is a model, beside those which it knows already.
    RETURNS (list[str]): What was added.
    RAISES (AlError): AL134 for a model where there is a config that begins otherwise, AL300 or AL303 if there is no such encoder; AL054 (UsageError) a language without a tokeniser, AL081 no config, AL104 no such component, or several to choose from.
    """
    if encoder is not None:
        find_model(encoder)
    text = ""
    if not path.exists() and model is not None:
        text, component = config_from_model(model, component)
    elif not path.exists():
        # says what a language wants that has no tokeniser here
        blank_pipeline(lang)
    try:
        if path.exists():
            text = path.read_text("utf8")
        elif model is None:
            text = init_config(
                lang=lang, pipeline=[component or USUAL], optimize="efficiency"
            ).to_str()
        config = Config().from_str(text, interpolate=False)
    except (OSError, ValueError) as error:
        raise AlError(Errors.AL081.format(path=path, why=str(error).strip())) from None
    component = component or config.get("al", {}).get("component")
    try:
        blocks = component_blocks(config.interpolate())
    except ConfigValidationError as error:
        raise AlError(Errors.AL081.format(path=path, why=str(error).strip())) from None
    if model is not None and all(block.get("source") != model for block in blocks.values()):
        raise AlError(Errors.AL134.format(path=path, model=model))
    factories = readable_factories(blocks)
    usable = [*factories]
    if component is None and len(usable) == 1:
        component = usable[0]
    if component not in usable:
        raise AlError(
            Errors.AL104.format(
                path=path, usable=", ".join(usable) or "none", found=component or "none named"
            )
        )
    row = FACTORIES[factories[component]]
    # what suits a component before anything was measured on the user's own texts
    values = {
        "component": component,
        "reader": row.reader,
        "acquisition": FITS[row.posterior][0],
        "output": _output(path, config),
    }
    added = []
    if "pool" not in config.get("paths", {}):
        pool = pool or ("corpus/pool" if Path("corpus/pool").is_dir() else "corpus/pool.spacy")
        text = _insert(text, "paths", f'pool = "{pool}"\n')
        added.append("paths.pool")
    present = config.get("al", {})
    lines = SECTION.format(**values).splitlines(keepends=True)
    # a config writes a dollar sign, as of the tag PRP$, as two
    listed = json.dumps([*labels], ensure_ascii=False).replace("$", "$$")
    lines += [f"labels = {listed}\n"] if labels else []
    missing = [line for line in lines if line.split(" = ")[0] not in present]
    if missing:
        text = _insert(text, "al", "".join(missing))
        added.append("al")
    if encoder is not None and "encoder" not in present:
        if "learner" not in present:
            text = _insert(text, "al", 'learner = "auto"\n')
        text = f"{text.rstrip()}\n\n[al.encoder]\nname = {json.dumps(encoder)}\n"
        added.append("al.encoder")
    for name, block in BLOCKS.items():
        if name not in present:
            filled = block if name == "pool" else block.format(**values)
            text = f"{text.rstrip()}\n\n[al.{name}]\n{filled}"
            added.append(f"al.{name}")
    if added:
        with writing(path) as file:
            file.write(text)
    return added


def _output(path: Path, config: Config) -> str:
    """The folder of a run of its own for each config; that of a section which names none is where it always was."""
    return DEFAULT_OUTPUT if "al" in config else f"training/{path.stem}"


def has_encoder(path: Path) -> bool:
    """Whether a config names an encoder, or has a transformer, which is one."""
    config = Config().from_disk(path, interpolate=False)
    factories = [block.get("factory") or "" for block in config.get("components", {}).values()]
    return "encoder" in config.get("al", {}) or any("transformer" in name for name in factories)


def _insert(text: str, section: str, lines: str) -> str:
    """Put lines at the top of a section, which is added at the end if need be."""
    header = re.search(rf"^\[{section}\][ \t]*\n", text, flags=re.MULTILINE)
    if header is None:
        return f"{text.rstrip()}\n\n[{section}]\n{lines}"
    return text[: header.end()] + lines + text[header.end() :]
