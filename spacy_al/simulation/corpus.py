"""The corpus that is asked again: its texts, what they are labelled with, and what of it cannot be asked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy
import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_shard
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.oracle.annotator import UNIFORM
from spacy_al.reporting.facts import CorpusFacts
from spacy_al.simulation.plan import SimulationPlan
from spacy_al.tasks.answer import YES_NO_ENTITIES
from spacy_al.tasks.decision import Mark
from spacy_al.tasks.merge import count_labels
from spacy_al.tasks.task import Task, make_task
from spacy_al.tasks.white_space import trim_doc
from spacy_al.util import content_hash


@dataclass(frozen=True)
class Corpus:
    """The texts that can be asked.

    plan (Plan): The simulation.
    docs (dict[str, Doc]): Gold by id of the text.
    dropped (Counter): What was left out and why.
    """

    plan: SimulationPlan
    docs: dict[str, Doc]
    dropped: Counter[str]

    @cached_property
    def labels(self) -> Counter[str]:
        """How often each label was given in all of it."""
        return self.count(self.docs)

    @cached_property
    def nlp(self) -> spacy.language.Language:
        """The tokeniser of the tasks."""
        settings = self.plan.settings
        return blank_pipeline(settings.lang, settings.tokeniser)

    def count(self, ids: Iterable[str]) -> Counter[str]:
        """How often each label was given in these texts."""
        return sum((count_labels_of(self.docs[i], self.plan) for i in ids), Counter())

    def words(self, ids: Iterable[str]) -> int:
        return sum(len(self.docs[i]) for i in ids)

    def bare(self) -> Iterator[Doc]:
        """The same texts and tokens without annotation: what a strategy sees."""
        vocab = Vocab()
        for doc in self.docs.values():
            yield Doc(vocab, [t.text for t in doc], [bool(t.whitespace_) for t in doc])

    def describe(self) -> CorpusFacts:
        """As plain data: texts, words, how often each label occurs, what was left out and why."""
        return {
            "texts": len(self.docs),
            "words": self.words(self.docs),
            "labels": dict(sorted(self.labels.items())),
            "dropped": dict(sorted(self.dropped.items())),
        }

    def draw(self, seed: int) -> list[str]:
        """The texts that are labelled at first, the same for all strategies."""
        order = numpy.random.default_rng(seed).permutation(sorted(self.docs))
        drawn: list[str] = order[: self.plan.start].tolist()
        return drawn

    def task(
        self,
        identity: str,
        chosen: bool,
        asked: Sequence[int] | None = None,
        doubted: Mark | None = None,
    ) -> Task:
        """The question to an annotator, with all labels of the corpus and no suggestions.

        identity (str): Of the text.
        chosen (bool): Whether a strategy chose it, or chance.
        asked (Sequence[int] | None): The tokens that the question is about; None for all of them.
        doubted (Mark | None): The entity that it asks a yes or no to, and nothing else.
        """
        row = FACTORIES[self.plan.factory]
        return make_task(
            self.nlp.make_doc(self.docs[identity].text),
            suggestions=[] if doubted is None else [(*doubted, None)],
            component_kind=row.task,
            labels=sorted(self.labels),
            # by this the annotators tell what was chosen
            meta={"strategy": "chosen" if chosen else UNIFORM},
            view_id=row.view_id if doubted is None else YES_NO_ENTITIES,
            exclusive=row.is_exclusive,
            asked=asked if doubted is None else [],
        )


def read_corpus(plan: SimulationPlan, vocab: Vocab) -> Corpus:
    """The gold of a plan without what cannot be asked.

    RAISES (AlError): As `shards` and `read_shard`; AL070 if nothing is annotated for the component, AL100 if there are fewer
        texts than the plan needs, AL212 if none has a label.
    """
    held_out = labelled_ids(plan.dev) | labelled_ids(plan.test)
    docs: dict[str, Doc] = {}
    dropped: Counter[str] = Counter()
    for shard in shards(plan.gold):
        for doc in read_shard(shard, vocab):
            identity = content_hash(doc.text)
            if not doc.text.strip():
                dropped["white space only"] += 1
            elif identity in held_out:
                dropped["in dev or test"] += 1
            elif identity in docs:
                dropped["duplicate"] += 1
            elif not _annotated(doc, plan):
                dropped["without annotation"] += 1
            else:
                dropped.update(trim_doc(doc, plan.kind, plan.settings.spans_key))
                docs[identity] = doc
    if not docs and dropped["without annotation"]:
        needs = FACTORIES[plan.factory].gold.format(key=plan.settings.spans_key)
        total = dropped.total()
        message = Errors.AL070.format(path=plan.gold, total=total, name=plan.component, needs=needs)
        raise AlError(message)
    needed = plan.start + plan.budget
    if len(docs) < needed:
        raise AlError(Errors.AL100.format(path=plan.gold, found=len(docs), needed=needed))
    corpus = Corpus(plan, docs, dropped)
    if not corpus.labels:
        raise AlError(Errors.AL212.format(path=plan.gold, count=len(docs)))
    return corpus


def count_labels_of(doc: Doc, plan: SimulationPlan) -> Counter[str]:
    """How often each label was given in a text: entities, spans, categories that apply, or tags."""
    if plan.kind != "tags":
        return count_labels(doc, plan.kind, plan.settings.spans_key)
    return Counter(tag for token in doc if (tag := _tag(token, plan.factory)))


def _tag(token: spacy.tokens.Token, factory: str) -> str:
    attribute = FACTORIES[factory].attribute
    if attribute is None:
        return "S" if token.is_sent_start else "I"
    return str(getattr(token, f"{attribute.lower()}_"))


def _annotated(doc: Doc, plan: SimulationPlan) -> bool:
    if plan.kind == "entities":
        return doc.has_annotation("ENT_IOB")
    if plan.kind == "spans":
        return plan.settings.spans_key in doc.spans
    if plan.kind == "categories":
        return bool(doc.cats)
    return bool(count_labels_of(doc, plan))
