"""Labels that a component from a trained pipeline has yet to learn. spaCy's own initialisation leaves such a component as it is."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from spacy import registry
from spacy.language import Language

from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.training.measured_scorer import score_measured
from spacy_al.training.widen import can_widen, widen

ADD_LABELS = "spacy-al.add_labels.v1"


@registry.callbacks(ADD_LABELS)  # type: ignore[untyped-decorator]
def make_add_labels(
    component: str,
    labels: list[str],
    measured: list[str] | None = None,
    before: Callable[[Language], object] | None = None,
) -> Callable[[Language], None]:
    """For `[initialize.after_init]`: widen the output of a trained component. What it knows stays what it was.

    component (str): Its name.
    labels (list[str]): Those that it is to learn.
    measured (list[str] | None): Those by which this training chooses its best model; None for all. Nothing of it is saved.
    before (Callable | None): Another callback, which is called first.
    """
    return partial(add_labels, component=component, labels=labels, measured=measured, before=before)


def add_labels(
    nlp: Language,
    *,
    component: str,
    labels: Sequence[str],
    measured: Sequence[str] | None = None,
    before: Callable[[Language], object] | None = None,
) -> None:
    """Add labels that a component lacks, and have it scored by some of them."""
    if before is not None:
        before(nlp)
    pipe: Any = nlp.get_pipe(component)
    widen(pipe, labels)
    if measured is not None:
        # what is kept of other labels is by definition right before the first step, and would choose it
        row = FACTORIES[nlp.get_pipe_meta(component).factory]
        pipe.scorer = partial(
            score_measured,
            only=[*measured],
            task=row.task,
            key=getattr(pipe, "key", ""),
            own=pipe.scorer,
        )


def check_can_widen(pipe: Any, component: str, model: str, labels: Sequence[str]) -> None:
    """RAISES (AlError): AL135 for a component whose layers cannot be widened, before anybody is asked about its labels."""
    if labels and not can_widen(pipe):
        raise AlError(
            Errors.AL135.format(component=component, model=model, labels=", ".join(labels))
        )
