"""Answers to the questions of a run: the gold's answers, what all answers teach, and what they contradict."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.corpus.pool import pool_texts
from spacy_al.errors import AlError, Errors
from spacy_al.oracle.annotator import ORACLE
from spacy_al.oracle.gold_texts import check_gold, read_gold_texts
from spacy_al.registry import named, resolve
from spacy_al.store.gold import gold_answers, without_gold
from spacy_al.store.settle import Settled, settle
from spacy_al.store.store import Store
from spacy_al.tasks.answer import task_kind
from spacy_al.tasks.merge import Merged, merge
from spacy_al.tasks.records import StoredTask
from spacy_al.tasks.relabel import names_in, relabel_doc
from spacy_al.util import content_hash


def merged_answers(
    store: Store,
    project: Project,
    *,
    upto: int | None = None,
    purpose: str = "train",
    likely: Mapping[str, Mapping[str, Collection[int]]] | None = None,
) -> Merged:
    """The docs that the answers so far make, in the labels of now.

    upto (int | None): Answers up to this one.
    purpose (str): "train", or "dev" for a development set that was asked for.
    likely (Mapping | None): As for `merge`.
    RAISES (AlError): AL159 if the run has asked for something else than what the component is taught by.
    """
    tasks, gold = list(store.tasks()), gold_answers(store)
    if tasks and (asked := task_kind(tasks[0].task)) != project.kind:
        message = Errors.AL159.format(path=project.output, asked=asked, kind=project.kind)
        raise AlError(message)
    names, answers = all_labels(store, project, tasks), list(store.answers(upto=upto))
    consensus = project.settings.consensus
    return merge(
        # what is known tests people, and is not learned from them
        without_gold(store, tasks),
        answers,
        kind=project.kind,
        labels=names,
        settled=settle(tasks, answers, consensus, project.kind, names, gold).texts,
        spans_key=project.settings.spans_key,
        purpose=purpose,
        likely=likely,
        vocab=Vocab(),
    )


def all_labels(store: Store, project: Project, tasks: Iterable[StoredTask]) -> list[str]:
    """The labels of a run, and those that only its questions know."""
    own = store.labels().names or project.settings.labels
    known = (label for stored in tasks for label in stored.task["labels"])
    return [*dict.fromkeys([*own, *known])]


def settled_answers(store: Store, project: Project, upto: int | None = None) -> Settled:
    """What the consensus that the config asks for makes of answers that contradict each other. upto: As for `merged_answers`."""
    tasks, answers = list(store.tasks()), list(store.answers(upto=upto))
    names = all_labels(store, project, tasks)
    gold = gold_answers(store)
    return settle(tasks, answers, project.settings.consensus, project.kind, names, gold)


def check_oracle(store: Store, project: Project, labels: Collection[str]) -> None:
    """See to it that gold fits a run, before anything is trained or stored; another one can then be given.

    labels (Collection): Of the run, or those that it is to begin with.
    RAISES (AlError): AL120 if none of the texts that can still be asked is in the gold, AL121 if it is not annotated for the
        component, AL129 if it has none of the labels; as `read_gold_texts`.
    """
    assert project.oracle is not None and project.settings.pool is not None
    kind, spans_key = project.kind, project.settings.spans_key
    gold, known = read_gold_texts(project.oracle), store.labels()
    check_gold([], gold, kind=kind, spans_key=spans_key)
    there = {known.today(name) or name for name in names_in([*gold.values()], kind, spans_key)}
    wanted = known.names or labels
    if wanted and there.isdisjoint(wanted):
        found, names = ", ".join(sorted(there)) or "none", ", ".join(wanted)
        message = Errors.AL129.format(path=project.oracle, found=found, wanted=names)
        raise AlError(message)
    asked = store.asked_ids() - {stored.item for stored in store.unanswered()}
    texts = {content_hash(text): text for text in pool_texts(project.settings.pool)}
    open_ = texts.keys() - asked
    lost = [identity for identity in texts if identity in open_ - gold.keys()]
    if lost and len(lost) == len(open_):
        first = texts[lost[0]][:60]
        raise AlError(Errors.AL120.format(count=len(lost), total=len(open_), first=first))
    if lost:
        project.show(
            f"⚠ {len(lost)} of {len(open_)} texts that can be asked are not in {project.oracle}: where one of them is, the run stops"
        )


def ask_oracle(store: Store, project: Project, number: int) -> None:
    """Have the gold answer what is left of a round. RAISES (AlError): As `check_gold` and `Store.add_answer`."""
    assert project.oracle is not None
    settings = project.settings
    oracle = resolve(settings.blocks.get("oracle") or named("al_adapters", "oracle"))
    gold = read_gold_texts(project.oracle)
    for doc in gold.values():
        relabel_doc(doc, store.labels(), project.kind, settings.spans_key)
    left = store.unanswered(number)
    check_gold(
        (stored.task for stored in left), gold, kind=project.kind, spans_key=settings.spans_key
    )
    for stored in left:
        payload, seconds = oracle(
            stored.task,
            gold.get(stored.item),
            kind=project.kind,
            spans_key=settings.spans_key,
            seed=settings.seed,
        )
        # its own id, so that an answer that was given before an interruption is not given twice, and one that was taken back is
        before = len(store.answers_of(stored.id, ORACLE))
        id = f"{ORACLE}-{stored.id}" + (f"-{before}" if before else "")
        store.add_answer(stored.id, payload, id=id, annotator=ORACLE, seconds=seconds)


def reviews(store: Store, number: int) -> list[dict[str, Any]]:
    """The questions about which answers contradict each other, once each."""
    tasks = {stored.id: stored for stored in store.tasks()}
    given: dict[str, list[Any]] = {}
    for answer in store.answers():
        given.setdefault(answer.task, []).append(answer.payload)
    # a review that was taken back settles nothing
    done = {one.item for one in tasks.values() if one.purpose == "review" and one.id in given}
    return [
        {**tasks[name].task, "review": given[name]}
        for name in store.metrics()[number].get("review", [])
        if tasks[name].item not in done and name in given
    ]
