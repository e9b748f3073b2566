"""Scores for a pool, a shard at a time, here or in other processes. What is kept of a text is a few numbers."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import import_file
from thinc.api import Model, NumpyOps, require_gpu

from spacy_al.acquisition import default_acquisition
from spacy_al.data.duplicates import near_key
from spacy_al.data.pool import nothing_usable, read_shard_items, shards
from spacy_al.embeddings import Embedding
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.posteriors.read import Reader, components_before, find_component, reader_of, run
from spacy_al.posteriors.temperature import Temperature, fitted_temperature, read_calibration
from spacy_al.settings import resolve
from spacy_al.types import Acquisition, Floats, Ints
from spacy_al.util import batched, callable_name, progress

BATCH = 1000


@dataclass(frozen=True)
class Job:
    """What to do with each shard. Plain data, so that it travels to other processes, which make the functions of it.

    model (str | None): Directory or package of the pipeline; None scores nothing and only embeds.
    component (str | None): Whose posterior.
    blocks (dict): Config blocks of `posterior`, `acquisition`, `embedding`; absent ones are chosen by the component.
    embed (bool): Whether vectors are wanted.
    keep_tokens (bool): Read the stored tokens rather than tokenise anew.
    lang (str): Language of the tokeniser where there is no model.
    code (str | None): Python file that registers functions.
    gpu_id (int): -1 for none.
    """

    model: str | None
    component: str | None = None
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    embed: bool = False
    keep_tokens: bool = False
    lang: str = "en"
    code: str | None = None
    gpu_id: int = -1


@dataclass
class PoolScores:
    """A pool as numbers: one row a text, sorted by id, so that nothing depends on the order of the pool.

    ids (Ints): (N,) content hashes.
    scores (Floats): (N,) acquisition scores, all 1 without a model.
    near (Ints): (N,) equal for near duplicates.
    vectors (Any): (N, d) embeddings, or None.
    report (Counter): What was read, and what was left out and why.
    n_tokens (int): Tokens read.
    """

    ids: Ints
    scores: Floats
    near: Ints
    vectors: Any
    report: Counter[str]
    n_tokens: int

    def keep(self, rows: Any) -> "PoolScores":
        """The same with some of the rows."""
        vectors = None if self.vectors is None else self.vectors[rows]
        return PoolScores(
            self.ids[rows], self.scores[rows], self.near[rows], vectors, self.report, self.n_tokens
        )


class Scorer:
    """A job with its functions made and its pipeline loaded."""

    def __init__(self, job: Job) -> None:
        self.job = job
        load_code(job.code)
        self.nlp = load_pipeline(job)
        if job.model is None:
            return
        self.component = find_component(self.nlp, job.component)
        self.upstream = components_before(self.nlp, self.component)
        self.temperature: Temperature = fitted_temperature(self.nlp, self.component)
        self.calibrated = read_calibration(self.nlp, self.component) is not None
        posterior = job.blocks.get("posterior")
        self.read: Reader = resolve(posterior) if posterior else reader_of(self.nlp, self.component)

    @cached_property
    def embedding(self) -> Embedding:
        """The embedding that the job names; else the shared encoder's mean where there is one, else hashed words."""
        block = self.job.blocks.get("embedding")
        if block is None:
            shared = self.job.model is not None and any(
                self.component in getattr(pipe, "listening_components", ())
                and "doc.tensor" in self.nlp.get_pipe_meta(name).assigns
                for name, pipe in self.upstream
            )
            block = {"@al_embeddings": f"spacy-al.{'encoder' if shared else 'hashed_words'}.v1"}
        return resolve(block)

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
        """Posteriors of fresh docs, which keep what the components before left on them."""
        run(self.upstream, docs)
        return self.read(self.nlp.get_pipe(self.component), docs, self.temperature)

    def score(self, docs: Sequence[Doc]) -> Floats:
        """(n_docs,) acquisition scores of fresh docs; all 1 without a model."""
        if self.job.model is None:
            return numpy.ones(len(docs))
        return self.acquisition(self.posteriors(docs))

    def score_shard(self, shard: Path, part: tuple[int, int] = (0, 1)) -> PoolScores:
        """Score the texts of one shard, or of a part of it."""
        report: Counter[str] = Counter()
        ids, near, scores, vectors = [], [], [], []
        n_tokens = 0
        with self.nlp.memory_zone():
            items = read_shard_items(
                shard, self.nlp, keep_tokens=self.job.keep_tokens, report=report, part=part
            )
            for batch in batched(items, BATCH):
                docs = [item.doc for item in batch]
                ids += [int(item.id, 16) for item in batch]
                near += [near_key(doc.text) for doc in docs]
                n_tokens += sum(map(len, docs))
                scores.append(self.score(docs))
                if self.job.embed:
                    vectors.append(self.embedding(docs))
                del batch, docs
        return PoolScores(
            numpy.array(ids, dtype="u8"),
            numpy.concatenate([*scores, numpy.zeros(0)]),
            numpy.array(near, dtype="u8"),
            _stack(vectors) if vectors else None,
            report,
            n_tokens,
        )


def score_pool(
    job: Job, path: Path, *, n_process: int = 1, scorer: Scorer | None = None
) -> PoolScores:
    """Score a whole pool. A shard that cannot be read is left out and named in a warning.

    job (Job): What to do.
    path (Path): The pool.
    n_process (int): Processes; each loads the pipeline.
    scorer (Scorer | None): The job's scorer, where it exists already; used with one process.
    RAISES (AlError): As `read_pool`, and what the job's functions raise.
    """
    paths = shards(path)
    n_parts = n_process if len(paths) < n_process else 1
    work = [(shard, (i, n_parts)) for shard in paths for i in range(n_parts)]
    found: list[PoolScores] = []
    failures: list[AlError] = []
    for result in progress(_run(job, work, n_process, scorer), len(work), "shard"):
        (failures if isinstance(result, AlError) else found).append(result)  # type: ignore[arg-type]
    report: Counter[str] = sum((part.report for part in found), Counter())
    if failures:
        report["unreadable shard"] = len({str(error) for error in failures})
        if not found:
            raise failures[0]
        message = Warnings.W041.format(
            count=report["unreadable shard"], total=len(paths), first=failures[0]
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    ids = numpy.concatenate([part.ids for part in found])
    if not len(ids):
        raise nothing_usable(path, report)
    vectors = [part.vectors for part in found if part.vectors is not None]
    merged = PoolScores(
        ids,
        numpy.concatenate([part.scores for part in found]),
        numpy.concatenate([part.near for part in found]),
        _stack(vectors) if vectors else None,
        report,
        sum(part.n_tokens for part in found),
    )
    _, rows = numpy.unique(ids, return_index=True)
    report["duplicate"] += len(ids) - len(rows)
    report["read"] -= len(ids) - len(rows)
    return merged.keep(rows)


def load_pipeline(job: Job) -> Language:
    """RAISES (AlError): AL085 if there is no such pipeline, or no such language."""
    if job.gpu_id >= 0:
        require_gpu(job.gpu_id)
    try:
        nlp = spacy.blank(job.lang) if job.model is None else spacy.load(job.model)
    except (OSError, ImportError, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        raise AlError(Errors.AL085.format(path=job.model or job.lang, why=why)) from error
    for _, pipe in nlp.pipeline:
        model = getattr(pipe, "model", None)
        for node in model.walk() if isinstance(model, Model) else ():
            # numpy's own BLAS multiplies faster than thinc's default; nobody else uses this pipeline
            if type(node.ops) is NumpyOps:
                node.ops = NumpyOps(use_blis=False)
    return nlp


def load_code(path: str | None) -> None:
    """RAISES (AlError): AL088 if the file cannot be imported."""
    if path is None:
        return
    try:
        import_file("python_code", Path(path))
    except Exception as error:
        raise AlError(
            Errors.AL088.format(path=path, why=f"{type(error).__name__}: {error}")
        ) from error


def _run(
    job: Job, work: list[tuple[Path, tuple[int, int]]], n_process: int, scorer: Scorer | None
) -> Iterator[PoolScores | AlError]:
    if n_process == 1:
        scorer = scorer or Scorer(job)
        yield from (_attempt(scorer.score_shard, *item) for item in work)
        return
    # a process that was not forked has none of this one's threads and locks to trip over
    context = get_context("spawn")
    with ProcessPoolExecutor(n_process, context, _set_up, (job,)) as pool:
        yield from pool.map(_score_there, *zip(*work))


_scorer: Scorer | None = None


def _set_up(job: Job) -> None:
    global _scorer
    # this many processes already fill the cores
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    _scorer = Scorer(job)


def _score_there(shard: Path, part: tuple[int, int]) -> PoolScores | AlError:
    assert _scorer is not None, os.getpid()
    return _attempt(_scorer.score_shard, shard, part)


def _attempt(
    score: Callable[..., PoolScores], shard: Path, part: tuple[int, int]
) -> PoolScores | AlError:
    try:
        return score(shard, part)
    except AlError as error:
        return error


def _stack(vectors: Sequence[Any]) -> Any:
    if hasattr(vectors[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(vectors, format="csr")
    return numpy.concatenate(vectors)
