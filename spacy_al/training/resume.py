"""Going on from the last model: which components of a config can be taken from it as they are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.evaluation.gold import ANSWERS, SpanAnswer
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import open_pipeline


def sourced(
    config: Mapping[str, Any], model: Path, docs: Sequence[Doc]
) -> tuple[dict[str, dict[str, str]] | None, str]:
    """Blocks that take the trained components of a config from a model. Shared encoders stay shared, as they come along.

    config (Mapping): A filled config without variables.
    model (Path): The model to go on from.
    docs (Sequence[Doc]): What will be learned from.
    RETURNS (tuple): Blocks by the components' names, or None and why the model cannot be gone on from. A component whose
        labels cannot be compared is left out, and starts anew.
    RAISES (AlError): AL085 if the model cannot be loaded.
    """
    nlp = open_pipeline(str(model), config["nlp"]["lang"])
    theirs = nlp.config.interpolate()["components"]
    frozen = config["training"]["frozen_components"]
    blocks: dict[str, dict[str, str]] = {}
    for name in config["nlp"]["pipeline"]:
        block = config["components"][name]
        if name in frozen:
            continue
        if name not in nlp.component_names:
            return None, f"it has no '{name}'"
        pipe: Any = nlp.get_pipe(name)
        if not getattr(pipe, "is_trainable", False):
            continue
        # what a sourced component is made of comes with it, whatever the config says
        if "factory" in block and not _within(block, theirs[name]):
            return None, f"the settings of '{name}' have changed"
        row = FACTORIES.get(nlp.get_pipe_meta(name).factory)
        if row and not row.pace:
            # fitted anew it is the same, and as it was it would not learn
            continue
        if row:
            new = _labels(nlp, name, docs) - set(pipe.labels)
            if new:
                return None, f"'{name}' does not know the label {', '.join(sorted(new))}"
        elif getattr(pipe, "labels", ()):
            continue
        blocks[name] = {"source": str(model)}
    return blocks, ""


def _labels(nlp: Language, name: str, docs: Sequence[Doc]) -> set[str]:
    """The labels that a component would meet in a corpus."""
    pipe: Any = nlp.get_pipe(name)
    answer_of = ANSWERS[FACTORIES[nlp.get_pipe_meta(name).factory].answers]
    found: set[str | None] = set()
    for doc in docs:
        if hasattr(pipe, "key") and pipe.key not in doc.spans:
            continue
        answer = answer_of(doc, doc, pipe, Counter())
        if isinstance(answer, SpanAnswer):
            found |= {label for _, _, label in answer.spans}
        else:
            found.update(answer)
    return {label for label in found if label}


def _within(part: Any, whole: Any) -> bool:
    """Whether all that a block says is said by another."""
    if isinstance(part, Mapping):
        return isinstance(whole, Mapping) and all(
            name in whole and _within(value, whole[name]) for name, value in part.items()
        )
    return bool(part == whole)
