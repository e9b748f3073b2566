"""Suggestions for Label Studio, by the newest model of a run."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy

from spacy_al.adapters.label_studio.tasks import ASKED, sendable, to_label_studio, version
from spacy_al.config.project import Project
from spacy_al.corpus.pool import PoolItem
from spacy_al.query.picks import Picks
from spacy_al.query.questions import make_questions
from spacy_al.query.scorer import Job, Scorer
from spacy_al.store.store import Store
from spacy_al.teachers.marks import teacher_marks
from spacy_al.training.committee import read_together
from spacy_al.util import content_hash


class Suggester:
    """Predictions of texts by the newest model of a run.

    project (Project): The run.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._lock = threading.Lock()
        self._scorer: Scorer | None = None

    def newest(self) -> tuple[int, str] | None:
        """The round that trained it, and its path; None as long as there is none."""
        if not self.project.database.is_file():
            return None
        with Store(self.project.database) as store:
            models = store.models()
        found = [(n, one["path"]) for n, one in models.items() if Path(one["path"]).is_dir()]
        return found[-1] if found else None

    def version(self) -> str:
        """The name of the newest model in Label Studio."""
        latest = self.newest()
        return version(latest[0]) if latest else ""

    def predict(self, data: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Predictions in Label Studio's form.

        data (Sequence[dict]): Of tasks; what has no text of a usable length gets nothing suggested.
        RETURNS (list[dict]): One for each; none at all as long as there is no model.
        RAISES (AlError): As `Scorer`.
        """
        with self._lock:
            latest = self.newest()
            if latest is None:
                return []
            scorer, most = self._open(latest[1]), self._open(latest[1]).nlp.max_length
            texts = [one.get("text") for one in data]
            items = {
                content_hash(text): text
                for text in texts
                if isinstance(text, str) and text.strip() and len(text) <= most and sendable(text)
            }
            with scorer.nlp.memory_zone():
                made = self._ask(scorer, items, latest[0]) if items else {}
        nothing = {"result": [], "model_version": version(latest[0])}
        found = []
        for one, text in zip(data, texts):
            known = made.get(content_hash(text)) if isinstance(text, str) else None
            # of a part of a text only what is asked may be suggested, and what that is stands in the store
            found.append({**known, "result": []} if known and one.get(ASKED) else known or nothing)
        return found

    def _open(self, path: str) -> Scorer:
        if self._scorer is None or self._scorer.job.model != path:
            settings = read_together(self.project.settings, Path(path).parent)
            wanted = ("posterior", "acquisition")
            blocks = {name: settings.blocks[name] for name in wanted if name in settings.blocks}
            code = self.project.code_text
            labelled = (Path(path).parent / "train.spacy",)
            self._scorer = Scorer(
                Job(
                    path,
                    settings.component,
                    blocks,
                    code=code,
                    labelled=labelled,
                    teacher=teacher_marks(settings),
                )
            )
        return self._scorer

    def _ask(self, scorer: Scorer, texts: dict[str, str], number: int) -> dict[str, Any]:
        """By the hash of each text."""
        items = {
            key: PoolItem(key, scorer.nlp.make_doc(text), {}, text) for key, text in texts.items()
        }
        scores = scorer.score([scorer.nlp.make_doc(text) for text in texts.values()])
        picks = Picks([*items], scores, numpy.ones(len(items)))
        settings = replace(self.project.settings, partial=None, teacher=None)
        assert settings.pool is not None
        tasks, _ = make_questions(settings.pool, items, picks, scorer, settings, {"round": number})
        found = {}
        for key, task in zip(items, tasks):
            [prediction] = to_label_studio(task)["predictions"]
            found[key] = {**prediction, "model_version": version(number)}
        return found
