"""From picks to questions: tasks with what the model would answer, and how unsure it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_al.acquisition.partial import asked_tokens
from spacy_al.config.partial import Partial, check_factory
from spacy_al.config.settings import Settings
from spacy_al.corpus.pool import PoolItem, fetch
from spacy_al.errors import AlError, Errors
from spacy_al.posteriors.component import TrainedComponent
from spacy_al.query.patterns import Patterns
from spacy_al.query.picks import Picks
from spacy_al.query.scorer import Scorer
from spacy_al.query.taught import (
    in_a_sentence,
    mark_source,
    suggest_taught,
    taught_batch,
    taught_labels,
)
from spacy_al.tasks.suggestion import asked_only, no_suggestion, suggest
from spacy_al.tasks.task import EXPECTED, Task, make_task
from spacy_al.tasks.yes_no import yes_no_tasks
from spacy_al.types import Floats

SOURCE = ("doc", "sentence", "before", "after")
# An entity of this probability is asked whole
LEAST = 0.1


def make_questions(
    pool: Path,
    known: dict[str, PoolItem],
    picks: Picks,
    scorer: Scorer,
    settings: Settings,
    meta: dict[str, Any],
    terms: Patterns | None = None,
) -> tuple[list[Task], list[Floats]]:
    """The questions about what was picked, with what the model would answer, and how unsure it is of each token.

    Of a text that is asked about in part, only what is suggested there is a suggestion, and the rest is what the model believes:
    an answer with it would pass the model's own labels off as a person's.

    pool (Path): Where the texts are.
    known (dict): Items that were read already.
    picks (Picks): What a sampler chose.
    scorer (Scorer): Its pipeline tokenises and answers.
    settings (Settings): For the labels that the model is still to learn, the component before there is a model, and
        whether parts of texts are asked about.
    meta (dict): What is the same for all tasks of the batch.
    terms (Patterns | None): Without a model their matches are suggested.
    RETURNS (tuple): Tasks, one a text or a yes or no to each of several entities; (n_tokens,) entropies of each.
    RAISES (AlError): AL097 if the pool lost some of the texts meanwhile; AL220, AL281 for parts of texts where the component
        cannot learn from them.
    """
    missing = [identity for identity in picks.ids if identity not in known]
    found = {**known, **fetch(pool, scorer.nlp, missing, keep_tokens=scorer.job.keep_tokens)}
    if lost := sum(identity not in found for identity in picks.ids):
        raise AlError(Errors.AL097.format(path=pool, count=lost))
    items = [found[identity] for identity in picks.ids]
    docs = [item.doc for item in items]
    labels = settings.labels
    asked: list[list[int] | None] = [None] * len(docs)
    doubted: list[Any] = [None] * len(docs)
    theirs = taught_batch(settings, docs, scorer.job.code)
    is_taught = scorer.component is None and terms is None
    if scorer.component is None:
        if not labels:
            labels = [*dict.fromkeys(terms.labels)] if terms else taught_labels(settings)
        found_in = [terms.matches(doc) if terms else [] for doc in docs]
        suggestions = [
            no_suggestion(doc, settings.factory, [span for span in spans if span.label_ in labels])
            for doc, spans in zip(docs, found_in)
        ]
        if is_taught:
            suggestions = [
                form if said is None else suggest_taught(form, said, labels)
                for form, said in zip(suggestions, theirs)
            ]
    else:
        component = scorer.component
        posteriors = component.posteriors(docs)
        # those of the run keep their order, whatever that of the model is; not those of preset entities
        known_labels = [label for label in posteriors[0].labels if label in component.labels]
        # a pipeline that one began with knows labels that nobody wants to ask about
        if not settings.asks_only:
            labels = [*dict.fromkeys([*labels, *known_labels])]
        suggestions = [
            asked_only(suggest(p, doc, component.threshold), labels)
            for p, doc in zip(posteriors, docs)
        ]
        if settings.partial and meta["round"] >= settings.partial.after:
            asked, doubted = asked_of(component, docs, settings.partial)
    n_yes_no = settings.partial.yes_no if settings.partial else 0
    tasks, uncertainty = list[Task](), list[Floats]()
    numbers = zip(items, suggestions, picks.scores.tolist(), picks.propensities.tolist())
    for rank, (item, suggestion, score, propensity) in enumerate(numbers, 1):
        part = asked[rank - 1]
        own: dict[str, Any] = {"score": score, "rank": rank, **meta}
        if not picks.is_secret:
            own["propensity"] = propensity
        if picks.eligible is not None and not picks.is_secret:
            own["eligible"] = int(picks.eligible[rank - 1])
        if picks.within is not None:
            own["within"] = float(picks.within[rank - 1])
        if suggestion.why:
            own["why"] = suggestion.why
        said = theirs[rank - 1]
        if said is not None:
            shown = None if is_taught else suggestion
            own["teacher"] = in_a_sentence(settings, item.doc, said, shown)
        own |= {key: item.source[key] for key in SOURCE if key in item.source}
        inside, beyond = _split(suggestion.items, part)
        posterior = doubted[rank - 1]
        questions = (
            yes_no_tasks(posterior, item.doc, (), n_yes_no, meta=own)
            if n_yes_no and posterior
            else []
        )
        questions = questions or [
            make_task(
                item.doc,
                suggestions=inside,
                component_kind=suggestion.kind,
                labels=labels,
                meta=own,
                view_id=suggestion.view_id,
                exclusive=suggestion.exclusive,
                asked=part,
                believed=beyond,
            )
        ]
        if picks.expected is not None and scorer.component is not None:
            expected = expected_counts(picks.expected, rank - 1, scorer.component.labels, labels)
            questions = [task | expected for task in questions]
        if is_taught and said is not None:
            questions = [mark_source(question) for question in questions]
        tasks += questions
        uncertainty += [suggestion.uncertainty] * len(questions)
    return tasks, uncertainty


def expected_counts(
    found: Mapping[str, Any], row: int, known: Sequence[str], asked: Sequence[str]
) -> dict[str, Any]:
    """What a model expects of a text and of the pool, beside its question, for estimates: see `evaluation.pool_score`.

    found (Mapping): As `Picks.expected`.
    row (int): Of the text.
    known, asked (Sequence[str]): The model's labels, and those that are asked about: of others nothing is ever known, and nothing is said.
    """
    if not {*known} <= {*asked}:
        return {}
    numbers = {
        name: [float(f"{value:.7g}") for value in values]
        for name, values in (("text", found["drawn"][row]), ("pool", found["pool"]))
    }
    return {EXPECTED: {"labels": [*known], **numbers}}


def _split(items: Sequence[Any], asked: Sequence[int] | None) -> tuple[Sequence[Any], list[Any]]:
    """Suggestions that touch the tokens that are asked about, and those that do not."""
    if asked is None:
        return items, []
    about = set(asked)
    inside = [item for item in items if not about.isdisjoint(range(*item[:2]))]
    return inside, [item for item in items if item not in inside]


def asked_of(
    component: TrainedComponent, docs: Sequence[Doc], partial: Partial
) -> tuple[list[list[int] | None], list[Any]]:
    """Which tokens of each text to ask about, by what the component itself is not sure of; and the posteriors that say so.

    RAISES (UsageError): AL220, AL281 for a component that cannot learn from texts which are labelled in part.
    """
    check_factory(component.factory, partial)
    found: list[list[int] | None] = []
    posteriors = component.marginals(docs, partial.temperature)
    for posterior in posteriors:
        spans = posterior.above(LEAST) if hasattr(posterior, "above") else None
        found.append(
            asked_tokens(
                posterior.token_probs,
                () if spans is None else spans.start,
                () if spans is None else spans.end,
                threshold=partial.threshold,
                margin=partial.margin,
            )
        )
    return found, posteriors
