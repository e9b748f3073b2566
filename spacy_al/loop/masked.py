"""What is hidden of the texts of a run that leave it: by names, and by what has been labelled in it."""

from collections.abc import Sequence

from spacy_al.config.project import Project
from spacy_al.store.store import Store
from spacy_al.tasks.mask import Mask, make_mask


def run_mask(store: Store, project: Project, names: Sequence[str]) -> Mask | None:
    """A mask that knows what of each text has a label that is to be hidden, by whomever.

    names (Sequence[str]): As for `make_mask`; without any nothing is hidden.
    RETURNS (Mask | None): None where nothing is hidden.
    RAISES (AlError): AL473 and AL474 as `make_mask`.
    """
    if not names:
        return None
    # categories say nothing of any words
    labels = () if project.kind == "categories" else store.labels().names or project.settings.labels
    mask = make_mask(names, labels)
    texts = dict[str, str]()
    for stored in store.tasks():
        texts[stored.id] = stored.task["text"]
        mask.learn(stored.task["text"], stored.task.get("spans", ()))
        mask.learn(stored.task["text"], stored.task.get("believed", ()))
    for answer in store.answers():
        mask.learn(texts[answer.task], answer.payload.get("spans", ()))
    return mask
