"""The score by which a training chooses its best model, where dev does not measure all labels: what the model finds of others is not wrong.

Nothing of it stays in the model, which loads where spacy-al is missing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from spacy import registry
from spacy.language import Language
from spacy.training import Example

from spacy_al.kinds import FACTORIES
from spacy_al.tasks.relabel import keep_labels

MEASURED, RESTORED = "spacy-al.measured_scorer.v1", "spacy-al.own_scorer.v1"
Callback = Callable[[Language], Language]


@registry.scorers(MEASURED)  # type: ignore[untyped-decorator]
def make_measured_scorer(
    labels: list[str], factory: str, spans_key: str, scorer: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """For `[components.NAME.scorer]`: a scorer that sees only some labels.

    labels (list[str]): Those that count.
    factory (str): Of the component.
    spans_key (str): Where a span categoriser keeps its spans.
    scorer (Callable): The component's own.
    """
    # spaCy hands the labels of the component to its scorer, by the name of `labels`
    return partial(
        score_measured, only=labels, task=FACTORIES[factory].task, key=spans_key, own=scorer
    )


def score_measured(
    examples: Iterable[Example],
    *,
    only: Sequence[str],
    task: str,
    key: str,
    own: Callable[..., dict[str, Any]],
    **how: Any,
) -> dict[str, Any]:
    """The scores over some labels.

    only (Sequence[str]): The labels.
    task, key (str): The kind of answer, and where spans are.
    own (Callable): The component's scorer.
    how: As spaCy gives it.
    """
    found = list(examples)
    for example in found:
        if task != "tags":
            keep_labels(example.predicted, only, task, key)
        keep_labels(example.reference, only, task, key)
    if task == "categories":
        how["labels"] = [label for label in how.get("labels", only) if label in only]
    return own(found, **how)


@registry.callbacks(RESTORED)  # type: ignore[untyped-decorator]
def make_own_scorer(component: str, scorer: str, before: Callback | None = None) -> Callback:
    """For `[training.before_to_disk]`: give a component of the saved pipeline its own scorer back.

    component (str): Its name.
    scorer (str): The name of its scorer.
    before (Callable | None): Another callback, which is called first.
    """
    return partial(restore_scorer, component=component, scorer=scorer, before=before)


def restore_scorer(
    nlp: Language, *, component: str, scorer: str, before: Callback | None = None
) -> Language:
    """Returns the pipeline, as spaCy wants it."""
    if before is not None:
        nlp = before(nlp)
    # what is saved is the config; the pipeline that goes on training keeps its scorer
    nlp._pipe_configs[component]["scorer"] = {"@scorers": scorer}
    return nlp


def score_only(config: Mapping[str, Any], component: str, labels: Sequence[str]) -> None:
    """Have a training score some labels alone.

    config (Mapping): Of the training; changed. A component that is taken over from a model, or has a scorer with settings of its
        own, stays as it is.
    component (str): The one that is taught.
    labels (Sequence[str]): Those that count.
    """
    block = config["components"].get(component, {})
    factory = block.get("factory")
    if factory not in FACTORIES:
        return
    default = Language.get_factory_meta(factory).default_config or {}
    own = block.get("scorer") or default.get("scorer")
    if not isinstance(own, Mapping) or [*own] != ["@scorers"]:
        return
    key = block.get("spans_key") or "sc"
    block["scorer"] = {
        "@scorers": MEASURED,
        "labels": [*labels],
        "factory": factory,
        "spans_key": key,
        "scorer": dict(own),
    }
    training = config.setdefault("training", {})  # type: ignore[attr-defined]
    before = training.get("before_to_disk")
    training["before_to_disk"] = {
        "@callbacks": RESTORED,
        "component": component,
        "scorer": own["@scorers"],
        **({"before": before} if before else {}),
    }
