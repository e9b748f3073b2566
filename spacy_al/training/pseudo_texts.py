"""Whole texts that the latest model is sure of, labelled by it: self-training (Scudder, 1965; Yarowsky, 1995).

They are made anew each round by the model of the round before, are in no store, and in a corpus that trains they are marked
whole by `SELF`. A model is surest of what it has seen most of, so the surest texts alone would drown rare classes:
of each kind of text no more are taken than in proportion to what people have labelled.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.config.self_training import SelfTraining
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import fetch, read_shard_items, shards
from spacy_al.corpus.shard import read_shard
from spacy_al.errors import AlError
from spacy_al.metrics import SelfLabelled
from spacy_al.posteriors.component import TrainedComponent, open_component
from spacy_al.tasks.decision import SELF, Mark
from spacy_al.tasks.merge import count_decided, count_labels, write_corpus
from spacy_al.util import content_hash

# Texts that are read together
BATCH = 200


@dataclass(frozen=True)
class PseudoTexts:
    """Texts that a model is sure of.

    marks (dict): Of each text, by its id, the entities or the category; the surest first.
    wrong (float): How many of the texts are labelled wrong, if probabilities mean what they say.
    """

    marks: dict[str, list[Mark]]
    wrong: float


def pseudo_label_texts(
    component: TrainedComponent,
    pool: Path,
    labelled: Iterable[Doc],
    how: SelfTraining,
    *,
    kind: str,
    leave_out: Collection[str],
    keep_tokens: bool = False,
) -> PseudoTexts:
    """The texts of a pool that the model is surest of, in a pass over it that keeps no more than it gives.

    The kind of a text is its category; or of its entities' labels the one that people gave least often; or that it has no entity.
    Of a kind that people never labelled there are none.

    component (TrainedComponent): Of the latest model. One that could not be calibrated is not trusted with any text.
    pool (Path): Shards that cannot be read are passed over.
    labelled (Iterable[Doc]): What is labelled already. Texts of which people decided nothing do not count.
    how (SelfTraining): From which probability on, and how many.
    kind (str): "entities" or "categories".
    leave_out (Collection[str]): Ids of texts that are asked, labelled, or kept for measuring.
    keep_tokens (bool): Read the stored tokens rather than tokenise anew.
    """
    by_people = [count_labels(doc, kind) for doc in labelled if count_decided(doc, kind)]
    totals = sum(by_people, Counter[str]())
    rooms = Counter(kind_of_text(count, totals) for count in by_people)
    found: dict[str, list[tuple[float, str, list[Mark]]]] = {}
    sure = (
        _sure_ones(component, pool, how.threshold, leave_out, keep_tokens)
        if component.calibrated
        else ()
    )
    for item in sure:
        own = kind_of_text((label for _, _, label in item[2]), totals)
        heap = found.setdefault(own, [])
        heapq.heappush(heap, item)
        if len(heap) > int(how.most * rooms[own]):
            heapq.heappop(heap)
    best = sorted((item for heap in found.values() for item in heap), key=lambda i: (-i[0], i[1]))
    return PseudoTexts(
        {name: marks for _, name, marks in best}, sum(1 - prob for prob, _, _ in best)
    )


def kind_of_text(labels: Iterable[str], totals: Counter[str]) -> str:
    """The label of a text that is rarest in all, or "" for one without any."""
    return min(labels, key=lambda label: (totals[label], label), default="")


def label_whole(doc: Doc, marks: Sequence[Mark], *, kind: str, labels: Iterable[str]) -> Doc:
    """Write onto a bare doc what the model is sure of, and mark all of it as nobody else's.

    labels (Iterable[str]): The categories.
    """
    if kind == "categories":
        right = {label for _, _, label in marks}
        doc.cats = {label: float(label in right) for label in labels}
    else:
        doc.set_ents([Span(doc, start, end, label=label) for start, end, label in marks])
    doc.spans[SELF] = [doc[:]]
    return doc


def add_pseudo_texts(
    project: Project, number: int, corpus: Path, asked: Collection[str]
) -> SelfLabelled:
    """Add to the corpus of a round what the model of the round before is sure of, if the config says so and there is one.

    number (int): The round.
    corpus (Path): All that is labelled; written again, whole or not at all.
    asked (Collection[str]): Ids of texts that were asked.
    RETURNS (SelfLabelled): `self_trained`, `self_trained_words`; `self_trained_wrong_expected`: how many of the texts, by its
        probabilities.
    """
    settings, how = project.settings, project.settings.self_training
    model = project.folder(number - 1) / "model-best"
    if how is None or number < how.after or not model.is_dir() or not corpus.is_file():
        return {}
    assert settings.pool is not None
    component = open_component(
        str(model), settings.component, code=project.code_text, gpu_id=project.gpu_id
    )
    docs = list(read_shard(corpus, Vocab()))
    leave_out = {*asked, *(content_hash(doc.text) for doc in docs)}
    for path in (project.dev, settings.test):
        leave_out |= labelled_ids(path) if path else set()
    found = pseudo_label_texts(
        component, settings.pool, docs, how, kind=project.kind, leave_out=leave_out
    )
    texts = fetch(settings.pool, component.nlp, found.marks)
    own = [
        label_whole(item.doc, found.marks[name], kind=project.kind, labels=component.labels)
        for name, item in texts.items()
    ]
    write_corpus([*docs, *own], corpus)
    return {
        "self_trained": len(own),
        "self_trained_words": sum(len(doc) for doc in own),
        "self_trained_wrong_expected": round(found.wrong, 3),
    }


def _sure_ones(
    component: TrainedComponent,
    pool: Path,
    threshold: float,
    leave_out: Collection[str],
    keep_tokens: bool,
) -> Iterator[tuple[float, str, list[Mark]]]:
    """Probability, id and marks of each text of which the model is sure."""
    known = {int(identity, 16) for identity in leave_out}
    for shard in shards(pool):
        # a copy, or it would grow with the pool
        items = read_shard_items(shard, component.nlp, keep_tokens=keep_tokens, seen={*known})
        while True:
            with component.nlp.memory_zone():
                try:
                    batch = {item.id: item.doc for item in islice(items, BATCH)}
                except AlError:
                    break
                if not batch:
                    break
                for name, posterior in zip(batch, component.posteriors([*batch.values()])):
                    prob = _prob(posterior)
                    # of 0 where every analysis was cut; digits, as a batch's others change the last ones
                    if 0 < prob >= threshold:
                        yield round(prob, 6), name, _marks(posterior)
                del batch


def _prob(posterior: Any) -> float:
    """Of the most probable analysis of a text, or its most probable category."""
    if hasattr(posterior, "best_prob"):
        return float(posterior.best_prob)
    return float(posterior.probs.max())


def _marks(posterior: Any) -> list[Mark]:
    if hasattr(posterior, "best_prob"):
        return [(span.start, span.end, span.label) for span in posterior.best]
    return [(0, 0, posterior.labels[int(posterior.probs.argmax())])]
