"""Rounds done again: from the folder of each, held against what it stated and what it made."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.config.settings import read_settings
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.loop.hashes import gold_of_round, pool_hashes, training_hashes
from spacy_al.loop.next_batch import select_next
from spacy_al.processes.lock import locked
from spacy_al.store.gold import without_gold
from spacy_al.store.removal import forgotten_rounds
from spacy_al.store.store import Store
from spacy_al.tasks.relabel import AGAIN
from spacy_al.training.made_from import FILE, hash_of
from spacy_al.training.made_from import MODEL as ITSELF
from spacy_al.training.repeat import Changed, differences_now, other_files, trained_again
from spacy_al.training.round import TRAIN
from spacy_al.training.trainer import CONFIG, MODEL

# What a hash is of, in words
WORDS = {
    "train": "The corpus that it was trained on ({folder}/train.spacy)",
    "dev": "The development set",
    "config": "Its config ({folder}/config.cfg)",
    "code": "The code of --code",
    "start": "The pipeline that it begins with",
    "model": "Its model ({folder}/model-best)",
    "pool": "The pool that its questions were chosen from",
    ITSELF: "Its model ({folder}/model-best)",
}
HASH = re.compile(r"[0-9a-f]{32}")
# Scores of one model are alike up to rounding
NEAR = 1e-9


@dataclass
class Reproduction:
    """A round, done again.

    round (int): Which.
    differences (list[str]): What is another than when it was trained, in sentences.
    impossible (str | None): Why it cannot be trained again; None if it can.
    trained (bool): Whether it was.
    files (list[str]): Files of its models that are not alike, byte for byte.
    hash, hash_again (str | None): Of its model, as it stated, and of the new one.
    score, score_again (float | None): On the development set, as it stated, and of the new model.
    batch (tuple | None): How many of its questions were chosen again, and how many there were; None where that was not tried.
    batch_why (str | None): Why it was not.
    """

    round: int
    differences: list[str] = field(default_factory=list)
    impossible: str | None = None
    trained: bool = False
    files: list[str] = field(default_factory=list)
    hash: str | None = None
    hash_again: str | None = None
    score: float | None = None
    score_again: float | None = None
    batch: tuple[int, int] | None = None
    batch_why: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether the result is the same; of what was not trained, whether nothing is another."""
        if self.impossible is not None or (self.batch and self.batch[0] != self.batch[1]):
            return False
        if not self.trained:
            return not self.differences
        return not self.files and _same(self.score, self.score_again)


def reproduce(
    project: Project,
    numbers: list[int] | None = None,
    *,
    dry_run: bool = False,
    batch: bool = False,
) -> list[Reproduction]:
    """Do rounds again, and compare. The run itself is not changed.

    project (Project): With a run.
    numbers (list[int] | None): Of rounds; None for all that have trained.
    dry_run (bool): Compare hashes, and train nothing.
    batch (bool): Choose the questions again as well, where that can be done.
    RETURNS (list[Reproduction]): One a round, in order.
    RAISES (AlError): AL375 for a round that has not trained, AL155 if another process runs in the same output.
    """
    found = []
    with locked(project.output), Store(project.database, create=False) as store:
        store.examine()
        trained = sorted(store.models())
        for number in trained if numbers is None else numbers:
            if number not in trained:
                known = ", ".join(map(str, trained)) or "none"
                raise UsageError(
                    Errors.AL375.format(number=number, known=known, config=project.config)
                )
            found.append(_reproduce(project, store, number, dry_run, batch))
    return found


def _reproduce(
    project: Project, store: Store, number: int, dry_run: bool, batch: bool
) -> Reproduction:
    folder, metrics = project.folder(number), store.metrics().get(number, {})
    dev = metrics.get("dev")
    found = Reproduction(
        number, hash=store.models()[number]["hash"], score=dev["score"] if dev else None
    )
    missing = [name for name in (CONFIG, TRAIN) if not (folder / name).is_file()]
    if missing:
        found.impossible = f"{folder / missing[0]} is not there"
        return found
    gold = gold_of_round(folder)
    stated = metrics.get("hashes", {})
    # what is told by its own name below is not told by that of a setting as well
    told = {*stated.values()}
    changed = [one for one in differences_now(folder, project.code) if one.before not in told]
    now = {**training_hashes(project, folder), **pool_hashes(_pool(project))}
    changed += [
        Changed(name, stated[name], now.get(name, "nothing"))
        for name in stated
        if stated[name] != now.get(name)
    ]
    if found.hash != hash_of(folder / MODEL):
        changed.append(Changed(ITSELF, str(found.hash), str(hash_of(folder / MODEL))))
    found.differences = [*dict.fromkeys(_sentence(one, folder) for one in changed)]
    if "pool" in stated and stated["pool"] != now.get("pool"):
        # a pool that has grown since changes no training
        words = WORDS["pool"]
        found.differences = [one for one in found.differences if not one.startswith(words)]
    gone = sum(count for k, count in forgotten_rounds(store).items() if k < number)
    if gone and stated.get("train", now["train"]) != now["train"]:
        found.impossible = f"{gone} texts that rounds before it had asked about were forgotten, and its corpus has changed since"
        return found
    if not dry_run:
        _train(project, store, folder, gold, found)
    if batch and not dry_run:
        _choose(project, store, folder, stated.get("pool") == now.get("pool"), found)
    return found


def _train(project: Project, store: Store, folder: Path, gold: Path, found: Reproduction) -> None:
    how: dict[str, Any] = {"gpu_id": project.gpu_id, "code": project.code}
    members = [path.parent for path in sorted(folder.glob(f"member-*/{FILE}"))]
    project.show(f"Round {found.round}: training again")
    try:
        with trained_again(folder, project.output, **how) as again:
            found.hash_again = again.hash
            work = again.model.parent
            found.files += other_files(folder, work)
            for one in sorted(work.glob(f"member-*/{MODEL}")):
                own = folder / one.parent.name
                other = other_files(own, one.parent, (folder, work))
                found.files += [f"{own.name}/{name}" for name in other]
            found.score_again = _score(project, store, again.model, gold, found.round)
        for member in members:
            project.show(f"Round {found.round}: training {member.name} again")
            with trained_again(member, project.output, **how) as again:
                other = other_files(member, again.model.parent)
                found.files += [f"{member.name}/{name}" for name in other]
    except AlError as error:
        found.impossible = error.text
        return
    found.trained = True


def _score(project: Project, store: Store, model: Path, gold: Path, number: int) -> float | None:
    """As the round measured it."""
    dev = store.metrics()[number].get("dev")
    if dev is None or not gold.exists():
        return None
    # the same labels count as then
    own = bool(dev.get("not_measured")) or project.settings.asks_only
    measured = dev.get("labels") if own else None
    labels = store.labels() if store.labels().is_known else None
    component = project.settings.component
    return evaluate(model, gold, component, labels=labels, measured=measured)["score"]


def _choose(
    project: Project, store: Store, folder: Path, same_pool: bool, found: Reproduction
) -> None:
    """Choose the questions of the round once more, from the pool as it is now."""
    tasks = [
        one.task["text"]
        for one in without_gold(store, store.tasks(found.round, purpose="train"))
        if AGAIN not in one.task and "asked_anew" not in one.task
    ]
    settings = read_settings(folder / CONFIG)
    if not tasks:
        found.batch_why = "it has asked nothing"
    elif not same_pool:
        found.batch_why = "the pool is another by now"
    elif settings.recipe or settings.cost == "seconds":
        found.batch_why = "it hangs on answers that came later"
    if found.batch_why is not None:
        return
    try:
        chosen = select_next(
            _pool(project),
            settings,
            model=str(folder / MODEL),
            round=found.round,
            n=len(tasks),
            trained_on=folder / TRAIN,
            code=project.code_text,
            gpu_id=project.gpu_id,
            n_process=project.n_process,
        ).tasks
    except AlError as error:
        found.batch_why = error.text
        return
    again = [task["text"] for task in chosen]
    found.batch = sum(a == b for a, b in zip(tasks, again)), len(tasks)


def _pool(project: Project) -> Path:
    assert project.settings.pool is not None
    return project.settings.pool


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < NEAR


def _sentence(one: Changed, folder: Path) -> str:
    """A difference for people."""
    if one.name == FILE:
        return f"{folder / FILE} states nothing of what it was made from, as in runs that began before version 0.2."
    if one.name in WORDS:
        what = WORDS[one.name].format(folder=folder)
        if "nothing" in (one.before, one.now):
            now = "is not given" if one.now == "nothing" else "was not there then"
            return f"{what} {now}."
        return f"{what} is another than it was."
    if HASH.fullmatch(one.before) and HASH.fullmatch(one.now):
        return f"What {one.name} names is another than it was."
    return f"{one.name} was {one.before}, and is {one.now}."
