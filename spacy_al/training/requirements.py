"""What a saved pipeline needs besides spaCy, said in its `meta.json`, where `spacy package` finds it."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import packages_distributions, version
from pathlib import Path

from confection import Config
from spacy import registry
from spacy.language import Language
from spacy.util import get_model_meta

from spacy_al.embeddings.encoder import find_model, onnx_file

REQUIREMENTS = "spacy-al.requirements.v1"


@registry.callbacks(REQUIREMENTS)  # type: ignore[untyped-decorator]
def make_requirements(
    requirements: list[str], before: Callable[[Language], Language] | None = None
) -> Callable[[Language], Language]:
    """For `[training.before_to_disk]`: add to the requirements of the pipeline.

    requirements (list[str]): As pip takes them, e.g. "spacy-al[encoder]>=0.1.0".
    before (Callable | None): Another callback, which is called first.
    """
    return partial(add_requirements, requirements=requirements, before=before)


def add_requirements(
    nlp: Language,
    *,
    requirements: Sequence[str],
    before: Callable[[Language], Language] | None = None,
) -> Language:
    """Returns the pipeline, as spaCy wants it."""
    if before is not None:
        nlp = before(nlp)
    nlp.meta["requirements"] = sorted({*nlp.meta.get("requirements", ()), *requirements})
    return nlp


def say_requirements(config: Config, encoder: str) -> None:
    """Have the model say that it needs spacy-al, what the encoder runs on and, if it is a package, the encoder."""
    found, is_pipeline = find_model(encoder)
    extra = "" if is_pipeline else "[onnx]" if onnx_file(found) else "[encoder]"
    needed = [f"spacy-al{extra}>={version('spacy-al')}"]
    if is_pipeline:
        # static vectors need nothing, and a pipeline with a transformer says what that needs
        needed += get_model_meta(found).get("requirements", [])
    if not Path(encoder).is_dir():
        owners = packages_distributions().get(encoder.replace("-", "_"), [encoder])
        needed += [f"{name}=={version(name)}" for name in owners[:1]]
    training = config.setdefault("training", {})
    own = training.get("before_to_disk")
    training["before_to_disk"] = {
        "@callbacks": REQUIREMENTS,
        "requirements": needed,
        **({"before": own} if own else {}),
    }
