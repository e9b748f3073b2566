"""Text classification: a probability for every category of a document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
from spacy.pipeline.textcat_multilabel import MultiLabel_TextCategorizer
from spacy.tokens import Doc
from spacy.util import minibatch

from spacy_al import registry
from spacy_al.arrays.scaling import Scaling
from spacy_al.metrics import Temperature
from spacy_al.posteriors.encoder import BATCH, check_encoded, check_finite, check_ready
from spacy_al.posteriors.notebook import labels_table
from spacy_al.posteriors.outputs import exclusive_probs, independent_probs, output_kind
from spacy_al.posteriors.read import Reader
from spacy_al.posteriors.temperature import by_label
from spacy_al.types import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """The belief of a text classifier about one document.

    labels (tuple[str, ...]): The categories, in the component's order.
    probs (Floats): Shape (n_labels,); sums to 1 if exclusive, else one probability per label.
    exclusive (bool): Whether exactly one category applies.
    raw (Floats | None): As the model was trained, where a bias for each category may have made another one the most probable.
    """

    labels: tuple[str, ...]
    probs: Floats
    exclusive: bool
    raw: Floats | None = None

    @property
    def written(self) -> Bools:
        """(n_labels,) the categories that the component itself writes: a pipeline knows of no calibration."""
        probs = self.probs if self.raw is None else self.raw
        found: Bools = (
            numpy.arange(len(probs)) == probs.argmax() if self.exclusive else probs >= 0.5
        )
        return found

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        title = "Exactly one applies." if self.exclusive else "Each may apply, or none."
        return labels_table(title, self.labels, self.probs)


@registry.al_posteriors("spacy-al.textcat.v1")
def make_textcat_reader() -> Reader:
    """A reader of `textcat` and `textcat_multilabel`."""
    return partial(read_categories)


def read_categories(pipe: Any, docs: Sequence[Doc], temperature: Temperature) -> list[Categories]:
    """The posterior of a text classifier for each doc.

    Categories are exclusive unless the component is the multilabel one, whatever its model ends in. Of a doc without
    tokens nothing is known and the model is not asked: all exclusive categories are equally probable, and as in
    spaCy none of several applies.

    pipe (TextCategorizer): The component.
    docs (Sequence[Doc]): Docs that carry encoder output if the component listens for it. Not changed.
    temperature (Temperature): Divides the logits, or has a scale and a bias for each.
    RETURNS (list[Categories]): One per doc, in order.
    RAISES (AlError): AL004, AL005, AL007, AL010, AL012.
    """
    labels = tuple(pipe.labels)
    scaling = by_label(temperature, labels)
    check_ready(pipe)
    check_encoded(pipe, docs)
    exclusive = not isinstance(pipe, MultiLabel_TextCategorizer)
    blank = 1 / len(labels) if exclusive else 0.0
    probs, raw = (numpy.full((len(docs), len(labels)), blank) for _ in range(2))
    found = [i for i, doc in enumerate(docs) if len(doc)]
    if found:
        scores = numpy.concatenate(list(_scores(pipe, [docs[i] for i in found])))
        to_probs = exclusive_probs if exclusive else independent_probs
        kind = output_kind(pipe.model)
        probs[found] = to_probs(scores, kind, scaling, pipe)
        if isinstance(scaling, Scaling):
            raw[found] = to_probs(scores, kind, 1.0, pipe)
    if not isinstance(scaling, Scaling):
        return [Categories(labels, row, exclusive) for row in probs]
    return [Categories(labels, row, exclusive, own) for row, own in zip(probs, raw)]


def _scores(pipe: Any, docs: Sequence[Doc]) -> Iterator[Floats]:
    for batch in minibatch(docs, BATCH):
        with numpy.errstate(
            over="ignore", invalid="ignore"
        ):  # `check_finite` says which doc it was
            scores = pipe.predict(batch)
        yield check_finite(scores, pipe, batch)
