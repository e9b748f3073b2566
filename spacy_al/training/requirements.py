"""What a saved pipeline needs besides spaCy, said in its `meta.json`, where `spacy package` finds it."""

from collections.abc import Callable, Sequence
from functools import partial

from spacy import registry
from spacy.language import Language

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
