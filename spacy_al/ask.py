"""From picks to questions: tasks with what the model would answer, and how unsure it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_al.data.pool import PoolItem, fetch
from spacy_al.data.tasks import Task, make_task
from spacy_al.errors import AlError, Errors
from spacy_al.scoring import Scorer
from spacy_al.settings import Settings
from spacy_al.suggest import no_suggestion, suggest
from spacy_al.types import Floats

SOURCE = ("doc", "sentence", "before", "after")


@dataclass(frozen=True)
class Picks:
    """What a sampler chose: ids, weighted scores and propensities, in the order in which to ask."""

    ids: list[str]
    scores: Floats
    propensities: Floats


def ask(
    pool: Path,
    known: dict[str, PoolItem],
    picks: Picks,
    scorer: Scorer,
    settings: Settings,
    meta: dict[str, Any],
) -> tuple[list[Task], list[Floats]]:
    """The questions about what was picked, with what the model would answer, and how unsure it is of each token.

    pool (Path): Where the texts are.
    known (dict): Items that were read already.
    picks (Picks): What a sampler chose.
    scorer (Scorer): Its pipeline tokenises and answers.
    settings (Settings): For the labels that the model is still to learn, and the component before there is a model.
    meta (dict): What is the same for all tasks of the batch.
    RETURNS (tuple): Tasks; (n_tokens,) entropies of each.
    RAISES (AlError): AL097 if the pool lost some of the texts meanwhile.
    """
    missing = [identity for identity in picks.ids if identity not in known]
    found = {**known, **fetch(pool, scorer.nlp, missing, keep_tokens=scorer.job.keep_tokens)}
    if lost := sum(identity not in found for identity in picks.ids):
        raise AlError(Errors.AL097.format(path=pool, count=lost))
    items = [found[identity] for identity in picks.ids]
    docs = [item.doc for item in items]
    labels = settings.labels
    if scorer.job.model is None:
        suggestions = [no_suggestion(doc, settings.factory) for doc in docs]
    else:
        posteriors = scorer.posteriors(docs)
        # and those that the model is still to learn
        labels = [*dict.fromkeys([*posteriors[0].labels, *labels])]
        suggestions = [suggest(p, doc, scorer.threshold) for p, doc in zip(posteriors, docs)]
    tasks = []
    numbers = zip(items, suggestions, picks.scores.tolist(), picks.propensities.tolist())
    for rank, (item, suggestion, score, propensity) in enumerate(numbers, 1):
        own: dict[str, Any] = {"score": score, "rank": rank, **meta, "propensity": propensity}
        if suggestion.why:
            own["why"] = suggestion.why
        own |= {key: item.source[key] for key in SOURCE if key in item.source}
        tasks.append(
            make_task(
                item.doc,
                suggestions=suggestion.items,
                component_kind=suggestion.kind,
                labels=labels,
                meta=own,
                view_id=suggestion.view_id,
                exclusive=suggestion.exclusive,
            )
        )
    return tasks, [suggestion.uncertainty for suggestion in suggestions]
