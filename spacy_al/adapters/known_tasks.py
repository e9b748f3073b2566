"""The tasks of a run, as the answers of other tools find them."""

from collections.abc import Mapping, Sequence
from typing import Any

from spacy_al.adapters.formats import Format, squeezed
from spacy_al.adapters.payloads import payload_of
from spacy_al.errors import AlError, Errors
from spacy_al.store.export import TASK
from spacy_al.store.store import Store
from spacy_al.tasks.answer import YES_NO_CATEGORY, YES_NO_FORMS, check, task_kind
from spacy_al.tasks.records import StoredTask, question_id
from spacy_al.tasks.relabel import as_named_now, categories_named_now, open_task
from spacy_al.tasks.task import Task
from spacy_al.util import content_hash

# What a recipe's tasks have, and answering leaves as it was
NEEDED = ("text", "tokens", "labels", "meta", "_input_hash", "_task_hash", "_view_id")
KEPT = (*NEEDED, "options", "config", "label", "asked")


class Asked:
    """The tasks of a run, to be found by what other tools keep of them.

    store (Store): The run.
    form (Format | None): Of the answers; None for Prodigy's.
    add (bool): Whether the latest round is to ask what a recipe has asked by itself.
    """

    def __init__(self, store: Store, form: Format | None, add: bool) -> None:
        self.store, self.form, self.add = store, form, add
        self._seen: set[str] = set()
        self._found: dict[tuple[Any, str], list[StoredTask]] = {}
        self._anywhere: dict[str, list[StoredTask]] = {}
        self._by_id: dict[str, StoredTask] = {}
        self._by_words: dict[str, set[str]] = {}
        for stored in store.tasks():
            self._keep(stored)

    def text(self, words: str) -> str:
        """The text that was asked about: this one, or the one that differs from it in white space alone; else this one.

        RAISES (AlError): AL115 if there are several.
        """
        if content_hash(words) in self._anywhere and (self.form is None or self.form.has_text):
            return words
        found = self._by_words.get(squeezed(words), {words})
        if len(found) > 1:
            why = "several texts that were asked about differ in white space alone"
            raise AlError(Errors.AL115.format(why=why, what="Use a format that keeps it"))
        return next(iter(found))

    def named_now(self, said: Any) -> Any:
        """An answer or a record of a file, in the labels that the run has now: the file may be older than a change."""
        labels = self.store.labels()
        named = as_named_now(said, labels)
        if not self.form:
            return named
        if "cats" in named:
            named = {**named, "cats": categories_named_now(named["cats"], labels)}
        self._seen |= {*named.get("cats", ()), *(mark["label"] for mark in named.get("spans", ()))}
        return named

    def shown(self, task: Task) -> list[str] | None:
        """The labels that could be chosen for a file, where a question has got others since: those too that are anywhere in it.

        Nobody can tell which the tool has shown. Of a label that is nowhere in the file, no text says that it has none.
        """
        before = task.get("labels", [])
        names = open_task(task, self.store.labels()).get("labels", [])
        shown = [name for name in names if name in before or name in self._seen]
        return shown if shown != before else None

    def task(self, answered: Mapping[str, Any]) -> StoredTask | None:
        """The task that is answered: the one about its text that it names, else of its round the one of its hash, else the first.

        A tool that knows of no rounds answers what was asked last about a text. A yes or no to a span answers its own question
        alone; one to a category is a part of the answer to a question about several.

        RAISES (AlError): AL115 for what is to be asked now and is no task of a recipe, or no answer to it.
        """
        item = content_hash(answered["text"])
        named = self._by_id.get(str(answered.get(TASK)))
        if named and named.item == item:
            # a review stands in another round than the question that it repeats
            return named
        number = (answered.get("meta") or {}).get("round")
        if self.form and item in self._anywhere:
            number = self._anywhere[item][-1].round
        asked = self._found.get((number, item), [])
        found = _of_hash(answered, asked)
        view = answered.get("_view_id")
        if view not in YES_NO_FORMS or (view == YES_NO_CATEGORY and not self.add):
            found += [one for one in asked if one.task.get("_view_id") not in YES_NO_FORMS]
        if not found and self.add and answered.get("answer") is not None:
            found = _of_hash(answered, self._anywhere.get(item, [])) or [self._ask(answered)]
        return next(iter(found), None)

    def _ask(self, answered: Mapping[str, Any]) -> StoredTask:
        current = self.store.round()
        task = {key: answered[key] for key in KEPT if key in answered}
        if why := "there is no round yet" if current is None else _not_ours(task, self.kind):
            what = "Take in what the recipes of spacy-al have asked, once the run has begun"
            raise AlError(Errors.AL115.format(why=why, what=what))
        assert current is not None
        task["meta"] = {**task["meta"], "round": current.number}
        # nothing is asked that is not answered
        said = check(task, payload_of(answered, task))
        if task_kind(task) == "categories":
            task["accept"] = []
        else:
            # of what was suggested only that is known which was to be accepted or rejected as it was
            task["spans"] = said.get("spans", []) if task["_view_id"] in YES_NO_FORMS else []
        self.store.advance(current.number, current.state, tasks=[("train", task)])
        identity = question_id(current.number, task, "train")
        stored = StoredTask(identity, current.number, content_hash(task["text"]), "train", 0, task)
        self._keep(stored)
        return stored

    @property
    def kind(self) -> str | None:
        """The kind of answer that the run asks for, if it has asked."""
        first = next(iter(self._found.values()), None)
        return task_kind(first[0].task) if first else None

    def _keep(self, stored: StoredTask) -> None:
        self._found.setdefault((stored.round, stored.item), []).append(stored)
        self._anywhere.setdefault(stored.item, []).append(stored)
        self._by_id[stored.id] = stored
        text = stored.task["text"]
        self._by_words.setdefault(squeezed(text), set()).add(text)


def _of_hash(answered: Mapping[str, Any], asked: Sequence[StoredTask]) -> list[StoredTask]:
    hash_ = answered.get("_task_hash")
    return [one for one in asked if hash_ and one.task.get("_task_hash") == hash_]


def _not_ours(task: Mapping[str, Any], kind: str | None) -> str:
    """Why something is no task of a recipe for a component of this kind, or nothing."""
    if missing := [key for key in NEEDED if key not in task]:
        return f"it has no {missing[0]!r}"
    text, tokens, labels = (task[key] for key in ("text", "tokens", "labels"))
    try:
        own = task_kind(task)  # type: ignore[arg-type]
        fits = all(
            token["id"] == number and text[token["start"] : token["end"]] == token["text"]
            for number, token in enumerate(tokens)
        )
        fits = fits and isinstance(labels, list) and {*map(type, labels)} == {str}
        fits = fits and isinstance(task["meta"], dict)
        fits = fits and type(task["_task_hash"]) is int
    except (LookupError, TypeError):
        fits = False
    if not fits:
        return "its tokens are not those of its text, or its labels are no labels"
    return "" if kind in (None, own) else f"it asks for {own}, and the run for {kind}"
