"""Whether recent texts are still like those that the model in use is measured on, and how good it probably is on them."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from spacy_al.config.project import Project
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_bare
from spacy_al.deployment.promote import DEV
from spacy_al.embeddings.documents import compress, hashed_words, weigh_rare
from spacy_al.errors import AlError, Errors
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.evaluation.gold import stored_docs
from spacy_al.evaluation.stop_set import expected_answers
from spacy_al.loop.notify import notify
from spacy_al.measures.drift import (
    DriftTest,
    adjust,
    compare_numbers,
    compare_shares,
    compare_vectors,
)
from spacy_al.posteriors.component import BATCH, TrainedComponent, open_component
from spacy_al.query.recency import look_back
from spacy_al.store.drift import Compared, DriftLook, record_look
from spacy_al.store.store import Store
from spacy_al.tasks.suggestion import suggest
from spacy_al.training.latest import latest_model
from spacy_al.util import batched, content_hash

# Texts of either side: a random sample of more
MOST = 2000
FEWEST = 10
WIDTH = 32


@dataclass(frozen=True)
class Drift:
    """What a look at recent texts found.

    model (str): By whose reading.
    n_before, n_now (int): Texts that were compared.
    tests (list[DriftTest]): All of them; what differs is an alarm.
    score_name (str): Of the scores below.
    score (float | None): On the labelled texts, by their labels.
    expected_before (float | None): What the model itself expects there, without their labels: how far it can be believed.
    expected_now (float | None): What it expects on the recent texts.
    """

    model: str
    n_before: int
    n_now: int
    tests: list[DriftTest]
    score_name: str
    score: float | None
    expected_before: float | None
    expected_now: float | None

    @property
    def alarms(self) -> list[DriftTest]:
        """What chance hardly explains."""
        return [test for test in self.tests if test.is_alarm]


@dataclass
class _Reading:
    """A model's reading of texts: of each its words and how wrong it probably is there; which labels stand in how many."""

    docs: list[Any]
    words: list[float]
    doubts: list[float]
    labels: Counter[str]
    errors: float = 0.0
    answers: float = 0.0

    @property
    def expected(self) -> float | None:
        """1 - wrong or missing answers / (answers given + answers to give): F, in expectation."""
        return 1 - self.errors / self.answers if self.answers else None


def check_drift(project: Project, recent: Path | None = None) -> Drift:
    """Compare recent texts with those that the run is measured on, by the model in use, and keep what was found.

    project (Project): With a run.
    recent (Path | None): A pool of them; by default the run's own, from `[al.pool] since` on.
    RETURNS (Drift): With an alarm for each comparison that differs.
    RAISES (AlError): AL360 without a model, AL365 for fewer than 10 texts on one side; as `look_back`, and as the readers.
    """
    settings, dev = project.settings, project.settings.dev or project.output / DEV
    model = latest_model(project.output)
    if model is None:
        raise AlError(Errors.AL360.format(config=project.config))
    component = open_component(
        model, settings.component, code=project.code_text, gpu_id=project.gpu_id
    )
    own = recent is None
    pool = recent or settings.pool
    assert pool is not None
    since = look_back(pool, settings.recency).since if own else None
    measured, seed = [*stored_docs(dev)], settings.seed
    recent_texts = (
        stored.text
        for shard in shards(pool)
        for stored in read_bare(shard)
        if not (since and since.leaves_out(stored.source))
    )
    texts = [_sample(found, seed) for found in ((doc.text for doc in measured), recent_texts)]
    for path, found in zip((dev, pool), texts):
        if len(found) < FEWEST:
            raise AlError(Errors.AL365.format(path=path, found=len(found), least=FEWEST))
    before, now = (_read(component, found) for found in texts)
    tests = [
        compare_numbers("words a text", numpy.array(before.words), numpy.array(now.words)),
        compare_numbers("errors expected", numpy.array(before.doubts), numpy.array(now.doubts)),
        *compare_shares(before.labels, len(texts[0]), now.labels, len(texts[1])),
        _vectors(before, now, seed),
    ]
    right = evaluate(component.nlp, measured, component.name)
    made = Drift(
        model,
        len(texts[0]),
        len(texts[1]),
        adjust(tests),
        right["score_name"],
        right["score"],
        before.expected,
        now.expected,
    )
    with Store(project.database, create=False) as store:
        names = [test.name for test in made.alarms]
        compared: list[Compared] = [
            {"name": test.name, "before": test.before, "now": test.now, "p": test.adjusted}
            for test in made.tests
        ]
        look = DriftLook(
            model,
            made.n_now,
            names,
            compared=compared,
            expected_before=made.expected_before,
            expected_now=made.expected_now,
        )
        record_look(store, look)
    if names:
        notify(project, "alarm", differs=names, texts=made.n_now, model=model)
    return made


def _sample(texts: Iterable[str], seed: int) -> list[str]:
    """Different texts: those whose hash, with the seed of the run, is least."""
    found = {content_hash(f"{seed} {text}"): text for text in texts if text.strip()}
    return [found[key] for key in heapq.nsmallest(MOST, found)]


def _read(component: TrainedComponent, texts: Iterable[str]) -> _Reading:
    made = _Reading([], [], [], Counter())
    for batch in batched(texts, BATCH):
        docs = [component.nlp.make_doc(text) for text in batch]
        for doc, posterior in zip(docs, component.posteriors(docs)):
            errors, wanted = expected_answers(posterior)
            shown = suggest(posterior, doc, component.threshold)
            labels = _labels(shown, component.threshold)
            made.labels.update({*labels})
            made.errors += errors
            made.answers += wanted + len(labels)
            made.words.append(len(doc))
            made.doubts.append(errors)
        made.docs += docs
    return made


def _labels(shown: Any, threshold: float) -> list[str]:
    """The labels that a model would write on a text, as often as it would."""
    if shown.kind != "categories":
        return [str(item[2]) for item in shown.items]
    if shown.exclusive:
        return [max(shown.items, key=lambda item: item[1])[0]]
    return [label for label, prob in shown.items if prob >= threshold]


def _vectors(before: _Reading, now: _Reading, seed: int) -> DriftTest:
    counts = weigh_rare(hashed_words([*before.docs, *now.docs]))
    found = compress(counts, numpy.random.default_rng(seed), WIDTH)
    n = len(before.docs)
    return compare_vectors("what texts are about", found[:n], found[n:])
