"""Groups of texts in a run, by a field of their meta: what was asked of each, and how good the model is in it."""

import warnings
from collections import Counter
from pathlib import Path

from spacy_al.config.project import Project
from spacy_al.corpus.pool import strata_in
from spacy_al.errors import AlWarning, Warnings
from spacy_al.evaluation.group_scores import GroupScore, group_scores
from spacy_al.evaluation.text_counts import text_answers
from spacy_al.measures.parity import FEWEST, LEVEL, asked_too_little
from spacy_al.metrics import Evaluation, GroupMetrics, GroupRow
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.store.store import Store
from spacy_al.tasks.labels import RunLabels

# Groups that are told one by one
MOST = 50


def measure_groups(
    store: Store,
    project: Project,
    component: TrainedComponent,
    dev: Path,
    labels: RunLabels,
    score: Evaluation,
) -> GroupMetrics | None:
    """The groups after a round.

    store (Store), project (Project): The run, whose `groups` names the field.
    component (TrainedComponent): Of the round's model, calibrated where that was possible.
    dev (Path): The texts that measure.
    labels (RunLabels), score (Evaluation): The labels of now, and the score of all these texts, which says what counts.
    RETURNS (GroupMetrics | None): None where no text has the field.
    WARNS (AlWarning): ALW480 if no text has the field, ALW481 if none that measures has.
    RAISES (AlError): As `strata_in` and `text_answers`.
    """
    field, pool = project.settings.groups, project.settings.pool
    assert field is not None and pool is not None
    of = strata_in(pool, field)
    in_pool = Counter(of.values())
    # a text that measures may say itself of which group it is, and need not be in the pool
    own = project.settings.dev
    of |= {key: value for key, value in strata_in(own or dev, field).items() if value is not None}
    if not any(value is not None for value in of.values()):
        warnings.warn(Warnings.W480.format(path=pool, field=field), AlWarning, stacklevel=2)
        return None
    known = labels.is_known
    answers = text_answers(
        component.nlp,
        dev,
        component.name,
        labels=labels if known else None,
        measured=score["labels"] if known and score.get("labels") else None,
    )
    values = [of.get(identity) for identity in answers.ids]
    if not any(value is not None for value in values):
        message = Warnings.W481.format(path=own or dev, field=field, n=len(values))
        warnings.warn(message, AlWarning, stacklevel=2)
    asked = Counter(of.get(one.item) for one in store.tasks(purpose="train"))
    names = sorted({*in_pool, *values}, key=lambda name: (-in_pool[name], name or ""))
    place = {name: k for k, name in enumerate(names)}
    scores = group_scores(
        answers, [place[value] for value in values], len(names), seed=project.settings.seed
    )
    less = asked_too_little(
        # what was asked may have left the pool since
        [min(asked[name], in_pool[name]) for name in names],
        [in_pool[name] for name in names],
    )
    rows = [
        _row(name, in_pool[name], asked[name], less[k], scores[k]) for k, name in enumerate(names)
    ]
    # of very many those that there is something to say of
    rows.sort(key=lambda row: (not row["differs"], row["less"] >= LEVEL, row["p"] is None))
    told = {id(row) for row in rows[:MOST]}
    kept = [row for row in sorted(rows, key=lambda row: -row["pool"]) if id(row) in told]
    return {"field": field, "fewest": FEWEST, "rows": kept, "others": len(rows) - len(kept)}


def _row(name: str | None, pool: int, asked: int, less: float, found: GroupScore) -> GroupRow:
    test = found.test
    return {
        "name": name,
        "pool": pool,
        "asked": asked,
        "share": asked / pool if pool else None,
        "less": less,
        "texts": found.texts,
        "told": test.texts,
        "score": test.score,
        "interval": found.interval,
        "rest": test.rest,
        "p": test.adjusted,
        "differs": test.is_alarm,
        "answers": found.answers,
        "calibration_error": found.calibration_error,
    }
