"""The labelled texts as samplers see them: vectors of the texts, and how often each label is on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.arrays.factored import stack
from spacy_al.corpus.labelled import labelled_docs
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.posteriors.component import BATCH
from spacy_al.query.scorer import Scorer
from spacy_al.tasks.merge import count_labels
from spacy_al.types import Ints
from spacy_al.util import batched


@dataclass(frozen=True)
class LabelledTexts:
    """The labelled texts, each once.

    embeddings (Any): (L, d), in the space of the pool's; None without any labelled text, or where nobody looks at them.
    counts (Ints): (L, K) how often each label is on each text.
    labels (tuple[str, ...]): The K labels, in the order of the model's, where there is a model.
    """

    embeddings: Any
    counts: Ints
    labels: tuple[str, ...]


def read_labelled(
    paths: Sequence[Path],
    scorer: Scorer,
    spans_key: str,
    factory: str | None,
    *,
    embed: bool = True,
) -> LabelledTexts:
    """Embed labelled corpora and count their labels.

    paths (Sequence[Path]): As for `labelled_docs`.
    scorer (Scorer): Its pipeline tokenises anew and its embedding is used, as for the pool.
    spans_key (str): Where a span categoriser keeps its spans.
    factory (str | None): Of the component, where there is no model to ask.
    embed (bool): Whether anybody looks at their vectors, which take a pass of the model.
    RAISES (AlError): As `labelled_docs` and `Scorer.embed`.
    """
    gold = labelled_docs(paths, scorer.nlp)
    labels: tuple[str, ...] = ()
    if scorer.component is not None:
        factory, labels = scorer.component.factory, scorer.component.labels
    kind = FACTORIES.get(factory or USUAL, FACTORIES[USUAL]).task
    counts = [count_labels(doc, kind, spans_key) for doc in gold.values()]
    labels = labels or tuple(sorted({label for count in counts for label in count}))
    table = numpy.array([[count[label] for label in labels] for count in counts], dtype="i8")
    vectors = _embed(gold, scorer) if embed else None
    return LabelledTexts(vectors, table.reshape(len(counts), len(labels)), labels)


def _embed(gold: dict[str, Doc], scorer: Scorer) -> Any:
    found = []
    for batch in batched((doc.text for doc in gold.values()), BATCH):
        docs = [scorer.nlp.make_doc(text) for text in batch]
        found.append(scorer.embed(docs, scorer.posteriors(docs)))
    return stack(found) if found else None
