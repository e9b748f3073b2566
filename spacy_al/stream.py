"""Steps that recipes are made of: load -> score -> rank, and the questions about a text that was ranked.

    plan = load("corpus/pool", "training/al", component="ner")
    plan = score(plan, "expected_errors", density_weight=1.0)
    for task in rank(plan): ...

A plan does nothing. The stream reads the pool when its first task is asked for, and ranks what is left of it once more as soon
as a newer model is there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.adapters.payloads import payload_of
from spacy_al.config.settings import Settings
from spacy_al.corpus.tokeniser import OF_PROJECT
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import USUAL
from spacy_al.posteriors import find_component, get_posteriors
from spacy_al.posteriors.component import open_pipeline
from spacy_al.query.select import select
from spacy_al.tasks.answer import check
from spacy_al.tasks.decision import Annotation, annotation, make_doc
from spacy_al.tasks.recipes import missed_entities as missed_entities
from spacy_al.tasks.recipes import preselected as preselected
from spacy_al.tasks.recipes import single_category as single_category
from spacy_al.tasks.recipes import single_entities as single_entities
from spacy_al.tasks.task import Task
from spacy_al.training.latest import latest_model
from spacy_al.util import content_hash, several

# Texts that are held as tasks at a time
MOST = 5_000
# From a task about a whole text, its document and its posterior to the tasks that are asked
Ask: TypeAlias = Callable[[Task, Doc, Any], Iterator[Task]]


@dataclass(frozen=True)
class Plan:
    """A pool that is to be ranked, and how.

    pool (Path): A `.spacy` file or a folder of shards.
    model (str | None): A pipeline's directory or package, or a folder below which models appear; None for none.
    settings (Settings): Component, factory, labels, density.
    labeled (tuple[Path, ...]): Corpora or files of tasks whose texts are not asked.
    acquisition (str | None): Registered function by name; by default the one that suits the component.
    sampler (str | None): Registered function by name.
    """

    pool: Path
    model: str | None
    settings: Settings
    labeled: tuple[Path, ...] = ()
    acquisition: str | None = None
    sampler: str | None = None


@dataclass
class Answers:
    """The answers about entities in this stream, by text; `update` takes what Prodigy hands to a recipe."""

    given: dict[str, list[tuple[Task, dict[str, Any]]]] = field(default_factory=dict)

    def update(self, answered: Sequence[Mapping[str, Any]]) -> None:
        """Remember answered tasks.

        RAISES (AlError): AL115 for what is no answer to its task.
        """
        for one in answered:
            task = dict(one)
            payload, text = check(task, payload_of(task, task)), content_hash(task["text"])
            hash_ = task.get("_task_hash")
            # the same question once more corrects the answer
            kept = [pair for pair in self.given.get(text, ()) if pair[0].get("_task_hash") != hash_]
            if payload["answer"] != "ignore":
                # what was suggested is gone; in its place is what was said
                task["spans"] = payload["spans"]
                kept.append((task, payload))
            self.given[text] = kept

    def about(self, text: str, labels: Sequence[str]) -> list[Annotation]:
        """The answers about the entities of a text."""
        given = self.given.get(content_hash(text), ())
        return [annotation(task, said, kind="entities", labels=labels) for task, said in given]


def load(
    pool: str | Path,
    model: str | None,
    *,
    component: str | None = None,
    factory: str = USUAL,
    labels: str | Sequence[str] | None = None,
    labeled: str | Path | Sequence[str | Path] | None = None,
    lang: str | None = None,
) -> Plan:
    """The pool to ask about.

    pool (str | Path): A `.spacy` file or a folder of shards; its annotation is never looked at.
    model (str | None): A trained pipeline, or the folder below which that of a run's last round is looked for, see `latest_model`, over and over.
    component (str | None): Whose posterior; by default the only component that has one.
    factory (str): Of which what is asked for as long as there is no model depends; one of `kinds.FACTORIES`.
    labels (str | Sequence[str] | None): That the model is still to learn, one or several.
    labeled (str | Path | Sequence | None): Corpora or files of tasks whose texts are not asked, one or several.
    lang (str | None): Language of the tokeniser as long as there is no model; by default the project's own tokeniser where a
        run has begun the recipe, else English.
    """
    of_project = OF_PROJECT.get() if lang is None else None
    own, tokeniser = of_project or (lang or "en", {})
    settings = Settings(
        component=component,
        factory=factory,
        labels=several(labels or ()),
        lang=own,
        tokeniser=dict(tokeniser),
    )
    return Plan(Path(pool), model, settings, tuple(map(Path, several(labeled or ()))))


def score(
    plan: Plan,
    acquisition: str | None = None,
    *,
    density_weight: float = 0.0,
    sampler: str | None = None,
) -> Plan:
    """How sooner or later is told: by an acquisition times the density to a power, and who takes from that.

    plan (Plan): What to ask about.
    acquisition (str | None): Registered function, e.g. "token_entropy"; by default the one that suits the component.
    density_weight (float): Exponent of the mean similarity to the pool (Settles and Craven, 2008); 0 for none.
    sampler (str | None): Registered function; by default draws by the fourth power of the scores, one in ten of them uniform, as in
        the shipped configs, and `representative` as long as there is no model.
    """
    settings = replace(plan.settings, density_weight=density_weight)
    return replace(plan, settings=settings, acquisition=acquisition, sampler=sampler)


def rank(plan: Plan, ask: Ask | None = None, *, ahead: int = 100) -> Iterator[Task]:
    """The tasks of a pool, those that teach most first, until every text has been asked.

    plan (Plan): What to rank, and how.
    ask (Ask | None): Makes questions of a text, of its tokens and its posterior; by default the whole text is one.
    ahead (int): Texts that a model chooses at first, and so the most that a sampler tells apart; then twice as many each time,
        up to MOST, so that a pool is scored again ever more rarely. A newer model ends such a batch early, and begins anew;
        while one is being written, the stream goes on with the one before.
    YIELDS (Task): `meta.model` names the model that chose it.
    RAISES (AlError): What `select` raises; AL265 (UsageError) where `ask` needs a model and there is none.
    """
    asked: set[str] = set()
    batch: Iterator[Task] = iter(())
    nlp, current, n = None, None, ahead
    while True:
        latest = newest(plan.model)
        task = next(batch, None) if latest == current else None
        if task is None:
            try:
                n = min(2 * n, max(MOST, ahead)) if latest == current else ahead
                batch = iter(_chosen(plan, latest[0], n, asked))
                nlp = open_pipeline(latest[0]) if ask and latest[0] else None
                current = latest
                continue
            except AlError as error:
                if asked and error.code == "AL086":
                    return
                # a model that is half written
                task = next(batch, None) if error.code == "AL085" else None
                if task is None:
                    raise
        asked.add(content_hash(task["text"]))
        if ask is None:
            yield task
        elif nlp is None:
            raise UsageError(Errors.AL265.format(model=plan.model))
        else:
            doc = make_doc(task, nlp.vocab)
            yield from ask(task, doc, get_posteriors(nlp, [doc], plan.settings.component)[0])


def newest(model: str | None) -> tuple[str | None, int]:
    """The pipeline that is to be used now, and when it was written.

    model (str | None): A pipeline, or the folder below which that of a run's last round is looked for, see `latest_model`.
    RETURNS (tuple): Directory or package, None as long as there is none; a number that changes when it is written anew.
    """
    if model is None or not Path(model).is_dir():
        return model, 0
    found = model if Path(model, "meta.json").is_file() else latest_model(Path(model))
    try:
        return found, Path(found, "meta.json").stat().st_mtime_ns if found else 0
    except FileNotFoundError:
        # taken away since it was found
        return None, 0


def app_config(plan: Plan, **more: Any) -> dict[str, Any]:
    """Prodigy's settings of a recipe: the language, and the labels that one can choose.

    plan (Plan): Whose model knows the labels.
    more: Other settings of Prodigy.
    """
    model, settings = newest(plan.model)[0], plan.settings
    labels: list[str] = []
    nlp: Language = open_pipeline(model, settings.lang, settings.tokeniser)
    if model:
        labels = [*nlp.get_pipe(find_component(nlp, settings.component)).labels]  # type: ignore[attr-defined]
    return {"lang": nlp.lang, "labels": [*dict.fromkeys([*labels, *settings.labels])], **more}


def _chosen(plan: Plan, model: str | None, n: int, asked: set[str]) -> list[Task]:
    """The next texts, by a model or, as long as there is none, by what represents the pool."""
    by_model: dict[str, Any] = {"acquisition": plan.acquisition, "sampler": plan.sampler}
    chosen = select(
        plan.pool,
        n=n,
        model=model,
        labeled=plan.labeled,
        asked=asked,
        settings=plan.settings,
        **(by_model if model else {}),
    )
    return chosen.tasks
