"""The labels of a run: where they come from, how they are changed, and what a change does to what was asked and answered."""

from collections import Counter
from dataclasses import dataclass, replace

from spacy_al.config.project import Project
from spacy_al.config.section import is_label
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.loop.again import per_batch
from spacy_al.loop.answers import merged_answers
from spacy_al.loop.measured import labels_on_dev
from spacy_al.oracle.gold_texts import gold_labels
from spacy_al.processes.lock import locked
from spacy_al.store.export import export_tasks
from spacy_al.store.labels import change_labels
from spacy_al.store.store import Store
from spacy_al.tasks.labels import (
    ADD,
    MERGE,
    REMOVE,
    RENAME,
    START,
    UNDO,
    RunLabels,
    describe_change,
)
from spacy_al.tasks.merge import Merged
from spacy_al.util import arguments, command_line

# In the place of a new name, where the labels at the start are those that questions of an earlier version showed
QUESTIONS = "questions"


@dataclass(frozen=True)
class LabelRow:
    """A label of a run.

    name (str): The label.
    key (int | None): The digit that chooses it on the page, if there is one.
    marks (int): How often answers have it.
    not_asked (int): Answered texts that nobody was asked about it.
    measured (bool): Whether the score on dev counts it.
    """

    name: str
    key: int | None
    marks: int
    not_asked: int
    measured: bool


def config_labels(project: Project) -> list[str]:
    """The labels that a config names, itself or by what is labelled already. Raises as `gold_labels`.

    Those of the gold of an oracle count where the config names none itself.
    """
    settings = project.settings
    if settings.asks_only:
        # what else the pipeline knows, and its own corpus has, is not asked about
        return [*settings.labels]
    corpora = [settings.train, settings.weak]
    corpora += [] if settings.labels else [project.oracle]
    kind, spans_key = project.kind, settings.spans_key
    found = [gold_labels(path, kind=kind, spans_key=spans_key) for path in corpora if path]
    names = [*settings.labels, *(label for part in found for label in part)]
    if not names and settings.teacher is not None:
        names = settings.teacher.named_labels
    return [*dict.fromkeys(names)]


def with_labels(store: Store, project: Project, found: list[str] | None = None) -> Project:
    """A project with the labels of its run, which are recorded when it starts and change by a command alone.

    found (list[str] | None): As `config_labels`, where they have been read.
    RAISES (AlError): AL162 for a config with other labels.
    """
    found = config_labels(project) if found is None else found
    known, asked = store.labels(), _asked(store)
    if not known.is_known or (not asked and all(one.kind == START for one in known.operations)):
        # as long as nothing was asked a config may say what it likes
        names = [*dict.fromkeys([*asked, *found])]
        if names and names != known.names:
            change_labels(store, START, names, QUESTIONS if asked else None)
    else:
        check_config(project, known, found)
    names = store.labels().names
    return replace(project, settings=replace(project.settings, labels=names)) if names else project


def check_labels(project: Project) -> None:
    """RAISES (AlError): AL162 where a run has begun and its config has other labels."""
    if project.database.is_file():
        with Store(project.database) as store:
            if store.labels().is_known:
                with_labels(store, project)


def check_config(project: Project, known: RunLabels, found: list[str]) -> None:
    """RAISES (AlError): AL162 for a config that has other labels than its run; it names the command that changes them."""
    new = [label for label in found if known.parts(label) is None]
    there = {known.today(label) for label in found}
    # a config that names none leaves it to the run
    told = project.settings.labels and known.operations[0].into != QUESTIONS
    first = [(label, known.today(label, 0)) for label in known.first] if told else []
    gone = [now for _, now in first if now is not None and now not in there]
    if not new and not gone:
        return
    words = [["add", label] for label in new] + [["remove", label] for label in gone]
    if len(new) == len(gone) == 1:
        words.insert(0, ["rename", gone[0], new[0]])
    commands = " or ".join(
        f"`{command_line(arguments('labels', [project.config, *one], project.overrides))}`"
        for one in words
    )
    why = [f"{', '.join(new)} is new"] if new else []
    why += [f"{', '.join(gone)} is missing"] if gone else []
    raise AlError(
        Errors.AL162.format(
            path=project.config, output=project.output, why=", and ".join(why), commands=commands
        )
    )


def found_by_model(store: Store, names: list[str]) -> None:
    """Have the run know labels that only its model does, e.g. one that a config took over from elsewhere."""
    known = store.labels()
    for name in names:
        if known.is_known and known.parts(name) is None:
            change_labels(store, ADD, [name])


def check_change(known: RunLabels, kind: str, names: list[str], into: str | None = None) -> None:
    """RAISES (UsageError): AL163 for a change that cannot be, with what can."""
    listed = ", ".join(known.names)
    if kind == UNDO:
        if known.last is None:
            _refuse("No label was changed", "Nothing can be taken back")
        return
    new = into if into is not None else names[0] if kind == ADD else None
    for name in [*names, *([into] if into is not None else [])]:
        if not is_label(name):
            _refuse(f"{name!r} is no name", "Give the label a name")
    # "DRUG " and "DRUG" look the same, and no file can have a line end in a label
    if new is not None and new not in known.now and (new != new.strip() or not new.isprintable()):
        _refuse(
            f"{new!r} has white space at an edge, or what cannot be printed",
            "Give the label another name",
        )
    if kind == ADD:
        if names[0] in known.now:
            _refuse(f"The run has the label {names[0]} already", f"Its labels are: {listed}")
        return
    for name in names:
        if name not in known.now:
            _refuse(f"The run has no label {name}", f"Its labels are: {listed}")
    if kind == RENAME and into in known.now:
        _refuse(
            f"The run has a label {into} already", f"To make one of two, merge them into {into}"
        )
    if kind == MERGE and len({*names, into} & {*known.now}) < 2:
        _refuse("Only one label is to be merged", "Name two of them, or rename it")
    if kind == REMOVE and len(known.now) == 1:
        _refuse(f"{names[0]} is the last label of the run", "Add another one first")


def preview(
    store: Store, project: Project, kind: str, names: list[str], into: str | None = None
) -> list[str]:
    """What a change will do, in sentences. Arguments as of `change`, of a change that can be."""
    known = store.labels()
    merged = merged_answers(store, project)
    marks = _marks(store, project, merged)
    waiting = sum(1 for _ in store.unanswered())
    if kind == UNDO:
        last = known.last
        assert last is not None
        after = known.changed(UNDO, ())
        said = [f"Takes back: {describe_change(last)}."]
        said.append(f"The labels will be: {', '.join(after.names)}.")
        if last.kind == MERGE:
            count = marks[last.into or ""]
            said.append(
                f"Of {count} marks of {last.into} those that were given since the merge count no more: nobody knows which label they have."
            )
        elif last.kind == REMOVE:
            said.append(f"Earlier marks of {last.labels[0]} count again.")
        elif last.kind == ADD:
            said.append(f"{marks[last.labels[0]]} marks of {last.labels[0]} count no more.")
        else:
            said.append(f"{marks[last.into or '']} marks get their old name back.")
        return [*said, *_open(waiting)]
    if kind == RENAME:
        return [f"{marks[names[0]]} marks of {names[0]} are {into} from now on.", *_open(waiting)]
    if kind == MERGE:
        counts = " and ".join(f"{marks[name]} marks of {name}" for name in names)
        return [f"{counts} are {into} from now on.", *_open(waiting)]
    if kind == REMOVE:
        said = [f"{marks[names[0]]} marks of {names[0]} count no more; nothing is deleted."]
        return [*said, *_open(waiting)]
    return [*_added(store, project, names[0], len(merged.docs)), *_open(waiting)]


def look_ahead(project: Project, kind: str, names: list[str], into: str | None = None) -> list[str]:
    """What a change will do, in sentences; it changes nothing. Arguments and errors as of `change`."""
    with Store(project.database, create=False) as store:
        record_labels(store, project)
        check_change(store.labels(), kind, names, into)
        return preview(store, project, kind, names, into)


def change(project: Project, kind: str, names: list[str], into: str | None = None) -> RunLabels:
    """Change the labels of a run. Questions that wait are written anew; nothing that is stored changes.

    project (Project): The run.
    kind (str): "add", "rename", "merge", "remove" or "undo".
    names (list[str]): The label; for a merge several, for an undo none.
    into (str | None): The new name.
    RETURNS (RunLabels): The labels of now.
    RAISES (AlError): AL110 if there is no run, AL155 while one of its steps is under way; AL163 for a change that cannot be.
    """
    with locked(project.output), Store(project.database, create=False) as store:
        record_labels(store, project)
        check_change(store.labels(), kind, names, into)
        change_labels(store, kind, names, into)
        current = store.round()
        if current is not None and current.state == "wait":
            export_tasks(store, current.number, project.folder(current.number) / "tasks.jsonl")
        return store.labels()


def look_at_labels(project: Project) -> list[LabelRow]:
    """The labels of a run. RAISES (AlError): AL110 if there is none."""
    with Store(project.database, create=False) as store:
        record_labels(store, project)
        return label_rows(store, project)


def record_labels(store: Store, project: Project) -> None:
    """Have a run of an earlier version know its labels. The config may differ by then: that is what a change is to mend."""
    if not store.labels().is_known:
        with_labels(store, project)


def label_rows(store: Store, project: Project) -> list[LabelRow]:
    """The labels of a run in their order, with what was said of them."""
    merged = merged_answers(store, project)
    not_asked = Counter(label for labels in merged.lacking.values() for label in labels)
    measured = labels_on_dev(store, project)[0]
    marks = _marks(store, project, merged)
    return [
        LabelRow(
            name,
            one.place + 1 if one.place < 9 else None,
            marks[name],
            not_asked[name],
            name in measured,
        )
        for name, one in store.labels().now.items()
    ]


def _marks(store: Store, project: Project, merged: Merged) -> Counter[str]:
    """How often answers have each label: those that train, `merged`, and those that measure."""
    return merged.balance + merged_answers(store, project, purpose="dev").balance


def _added(store: Store, project: Project, name: str, n_texts: int) -> list[str]:
    most, most_dev = per_batch(project)
    said = [f"{name} comes last, after {', '.join(store.labels().names)}."]
    if n_texts:
        said.append(
            f"{n_texts} answered texts stay as they are. Those in which a model that has learned {name} finds it likely will be "
            f"asked again about {name} alone, at most {most} beside each batch."
        )
    if project.settings.dev is None:
        count = len({task.item for task in store.tasks(purpose="dev")})
        if count:
            said.append(
                f"{count} texts of the development set will be asked again about {name} alone, {most_dev} beside each batch; until "
                f"then the score on dev does not measure it."
            )
    else:
        said.append(f"The score on dev does not measure {name} unless paths.dev has it.")
    return said


def _open(waiting: int) -> list[str]:
    return [f"{waiting} questions that wait show it on the page."] if waiting else []


def _asked(store: Store) -> list[str]:
    """The labels that questions showed, those of the last ones first; none before the first question."""
    tasks = [stored.task for stored in store.tasks()]
    return [*dict.fromkeys(label for task in reversed(tasks) for label in task["labels"])]


def _refuse(why: str, what: str) -> None:
    raise UsageError(Errors.AL163.format(why=why, what=what))
