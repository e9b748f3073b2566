"""Scores for the texts of a shard. What is kept of a text is a few numbers. See `score_pool` for a whole pool."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy
from spacy.tokens import Doc

from spacy_al.acquisition import (
    answer_counts,
    default_acquisition,
    expected_marks,
    label_probs,
    members_of,
)
from spacy_al.acquisition.fusion import wants_said
from spacy_al.arrays.checks import finite
from spacy_al.corpus.dates import Since
from spacy_al.corpus.duplicates import copy_keys, opening
from spacy_al.corpus.pool import PoolItem, read_shard_items
from spacy_al.embeddings.documents import Embedding
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.posteriors.component import (
    BATCH,
    BATCH_TOKENS,
    TrainedComponent,
    blamed_on,
    load_code,
    load_pipeline,
    open_component,
)
from spacy_al.query.filters import word_shares
from spacy_al.query.noise import line_keys, noise_bits
from spacy_al.query.pool_scores import PoolScores, merge_scores, propose
from spacy_al.query.score_cache import KeptScores, KnownScores
from spacy_al.registry import resolve
from spacy_al.teachers.marks import TeacherMarks
from spacy_al.types import Acquisition, Floats
from spacy_al.util import callable_name

# Batches that fill the tokeniser's cache, which a memory zone would leave empty
WARM = 2
# What can be kept of each text beside its score
READ: dict[str, Callable[[Sequence[Any]], Any]] = {
    "label_probs": label_probs,
    "members": members_of,
    "marks": expected_marks,
    "answer_counts": answer_counts,
}
# Of the texts alone
OF_TEXTS: dict[str, Callable[[Sequence[Doc]], Any]] = {
    "word_shares": word_shares,
    "noise": noise_bits,
    "lines": line_keys,
}
COLUMNS = ("embeddings", *OF_TEXTS, *READ)


@dataclass(frozen=True)
class Job:
    """The work on each shard. Plain data, so that it travels to other processes, which make the functions of it.

    model (str | None): Directory or package of the pipeline; None scores nothing and only embeds.
    component (str | None): Whose posterior.
    blocks (dict): Config blocks of `posterior`, `acquisition`, `embedding`; absent ones are chosen by the component.
    columns (tuple[str, ...]): Those of COLUMNS that are wanted.
    keep_tokens (bool): Read the stored tokens rather than tokenise anew.
    lang (str): Language of the tokeniser where there is no model.
    tokeniser (dict): And what `blank_pipeline` needs of a config, if there is one.
    code (str | None): Python file that registers functions.
    gpu_id (int): -1 for none.
    labelled (tuple[Path, ...]): What the model learned from, for a posterior that learns as well.
    kept (KeptScores | None): Where scores are kept between calls; None keeps none.
    propose (int | None): Texts of highest score that each shard gives on; None for all.
    teacher (TeacherMarks | None): What a teacher says, for acquisitions that look at it.
    """

    model: str | None
    component: str | None = None
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    keep_tokens: bool = False
    lang: str = "en"
    tokeniser: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    gpu_id: int = -1
    labelled: tuple[Path, ...] = ()
    kept: KeptScores | None = None
    propose: int | None = None
    teacher: TeacherMarks | None = None


class Scorer:
    """A job with its functions made and its pipeline loaded.

    component (TrainedComponent | None): Whose posterior is scored; None without a model.
    nlp (Language): The pipeline; without a model a tokeniser only.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._n_batches = 0
        self.component: TrainedComponent | None = None
        if job.model is None:
            load_code(job.code)
            self.nlp = load_pipeline(None, job.lang, config=job.tokeniser)
            return
        self.component = open_component(
            job.model,
            job.component,
            posterior=job.blocks.get("posterior"),
            labelled=job.labelled,
            code=job.code,
            gpu_id=job.gpu_id,
        )
        self.nlp = self.component.nlp

    @cached_property
    def embedding(self) -> Embedding:
        """The embedding that the job names; else the shared encoder's mean where there is one, else hashed words."""
        block = self.job.blocks.get("embedding")
        if block is None:
            own = self.component
            shared = own is not None and any(
                own.name in getattr(pipe, "listening_components", ())
                and "doc.tensor" in self.nlp.get_pipe_meta(name).assigns
                for name, pipe in own.upstream
            )
            block = {"@al_embeddings": f"spacy-al.{'encoder' if shared else 'hashed_words'}.v1"}
        embedding: Embedding = resolve(block)
        return embedding

    @cached_property
    def acquisition(self) -> Acquisition:
        """The acquisition that the job names; else the one that suits the component."""
        block = self.job.blocks.get("acquisition")
        return (
            resolve(block)
            if block
            else default_acquisition(self.posteriors([self.nlp.make_doc("x")])[0])
        )

    @property
    def acquisition_name(self) -> str:
        return callable_name(self.acquisition)

    def posteriors(self, docs: Sequence[Doc]) -> list[Any]:
        """As `TrainedComponent.posteriors`; none without a model."""
        return self.component.posteriors(docs) if self.component else []

    def score(self, docs: Sequence[Doc]) -> Floats:
        """(n_docs,) acquisition scores of fresh docs; all 1 without a model.

        RAISES (AlError): What the reader raises; AL092 if the acquisition fails, AL024 for scores of another shape,
            AL021 for one that is NaN, infinite or negative.
        """
        return self._scores(self.posteriors(docs), docs)

    def embed(self, docs: Sequence[Doc], posteriors: Sequence[Any]) -> Any:
        """(n_docs, d) embeddings of docs that have been through the components before.

        RAISES (AlError): AL092 if the embedding fails, AL098 if it needs posteriors and there is no model.
        """
        given: dict[str, Any] = {}
        if "posteriors" in inspect.signature(self.embedding).parameters:
            if self.component is None:
                raise UsageError(Errors.AL098.format(name=callable_name(self.embedding)))
            given["posteriors"] = posteriors
        with blamed_on(self.embedding):
            return self.embedding(docs, **given)

    def _column(self, name: str, docs: Sequence[Doc], posteriors: Sequence[Any]) -> Any:
        if name == "embeddings":
            return self.embed(docs, posteriors)
        if name in OF_TEXTS:
            return OF_TEXTS[name](docs)
        if self.component is None:
            raise UsageError(Errors.AL098.format(name=name))
        found = READ[name](posteriors)
        if found is None:
            raise UsageError(Errors.AL099.format(name=name))
        if name == "label_probs":
            # labels of preset entities come last, and not in every batch
            found = found[:, : len(self.component.labels)]
        return found.astype("f4")

    def _scores(self, posteriors: Sequence[Any], docs: Sequence[Doc]) -> Floats:
        size = len(docs)
        if self.component is None:
            return numpy.ones(size)
        what = f"The scores of '{self.acquisition_name}'"
        given: dict[str, Any] = {}
        if self.job.teacher is not None and wants_said(self.acquisition):
            given["said"] = self.job.teacher.of_docs(docs)
        with blamed_on(self.acquisition):
            scores = numpy.asarray(self.acquisition(posteriors, **given), dtype="f8")
        if scores.shape != (size,):
            raise AlError(Errors.AL024.format(what=what, expected=(size,), found=scores.shape))
        return finite(scores, what, 0.0)

    def score_shard(
        self, shard: Path, part: tuple[int, int] = (0, 1), since: Since | None = None
    ) -> "PoolScores | AlError":
        """Scores for the texts of one shard, or of a part of it; the error of a shard that cannot be read.

        shard (Path): The shard.
        part, since: As for `read_shard_items`.
        RAISES (AlError): As `score`, and what the embedding raises.
        """
        report: Counter[str] = Counter()
        known = KnownScores(self.job.kept, shard, part) if self.job.kept else None
        items = read_shard_items(
            shard,
            self.nlp,
            keep_tokens=self.job.keep_tokens,
            report=report,
            part=part,
            since=since,
            known=known.has if known else None,
        )
        found: list[PoolScores] = []
        while True:
            with self._zone():
                try:
                    batch = _some(items)
                except AlError as error:
                    return error
                if not batch:
                    break
                found.append(self._score_batch(batch))
                del batch
        scores = merge_scores(found, report)
        if known is not None:
            scores = known.with_fresh(found, report, keep_unmet=since is not None)
        return scores if self.job.propose is None else propose(scores, self.job.propose)

    def _zone(self) -> AbstractContextManager[Any]:
        """Where the vocab forgets a batch's words, once the tokeniser has cached the most frequent ones."""
        self._n_batches += 1
        return nullcontext() if self._n_batches <= WARM else self.nlp.memory_zone()

    def _score_batch(self, batch: Sequence[PoolItem]) -> "PoolScores":
        docs = [item.doc for item in batch]
        posteriors = self.posteriors(docs)
        columns = {name: self._column(name, docs, posteriors) for name in self.job.columns}
        lengths = numpy.array([len(doc) for doc in docs], dtype="i4")
        return PoolScores(
            numpy.array([int(item.id, 16) for item in batch], dtype="u8"),
            self._scores(posteriors, docs),
            numpy.array([copy_keys(item.text) for item in batch], dtype="u8"),
            numpy.array([opening(item.text) for item in batch], dtype="u4"),
            lengths,
            columns,
            Counter(),
            int(lengths.sum()),
        )


def _some(items: Iterator[PoolItem]) -> list[PoolItem]:
    """The next texts of a shard, at most a batch."""
    batch: list[PoolItem] = []
    n_tokens = 0
    while len(batch) < BATCH and n_tokens < BATCH_TOKENS and (item := next(items, None)):
        batch.append(item)
        n_tokens += len(item.doc)
    return batch
