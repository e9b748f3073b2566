"""Put a model into use if it is better than the one that is, and go back."""

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from spacy_al.config.project import Project
from spacy_al.corpus.shard import writing
from spacy_al.deployment.card_facts import CardFacts, card_facts
from spacy_al.deployment.gate import Judgement, Rule, judge_candidate
from spacy_al.deployment.model_card import write_card
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.evaluation.gold import stored_docs
from spacy_al.evaluation.text_counts import TextAnswers, text_answers
from spacy_al.loop.measured import labels_of_gold
from spacy_al.loop.notify import notify
from spacy_al.posteriors.component import open_pipeline
from spacy_al.processes.lock import locked
from spacy_al.store.champion import (
    Champion,
    champions,
    n_compared,
    record_promotion,
    record_refusal,
    record_rollback,
)
from spacy_al.store.store import Store
from spacy_al.training.latest import champion_of, check_champion
from spacy_al.training.made_from import CARD, hash_of
from spacy_al.training.trainer import MODEL
from spacy_al.util import content_hash

# Where a run keeps the texts that it asked for to measure on
DEV = "dev.spacy"


@dataclass(frozen=True)
class Promotion:
    """What became of a candidate.

    candidate (str): Its folder.
    champion (Champion | None): The model in use now; None if there is none.
    verdict (Judgement | None): The comparison; None where nothing was in use before.
    gold (str | None): The texts that both were compared on.
    n_compared (int): How many candidates were compared so far, this one included.
    is_same (bool): Whether it was in use already.
    is_dry (bool): Whether nothing was to be changed.
    """

    candidate: str
    champion: Champion | None
    verdict: Judgement | None
    gold: str | None
    n_compared: int
    is_same: bool = False
    is_dry: bool = False


def promote(
    project: Project,
    candidate: Path | None = None,
    gold: Path | None = None,
    *,
    rule: Rule | None = None,
    deploy: str | None = None,
    dry_run: bool = False,
) -> Promotion:
    """Compare a model with the one in use, and put it into use if it is better. The first one is put into use without a comparison.

    project (Project): With a run.
    candidate (Path | None): A model's folder; by default that of the last round that has trained.
    gold (Path | None): Held-out texts; by default the run's development set.
    rule (Rule | None): When it is better; by default as `Rule` has it.
    deploy (str | None): A command that puts it where it is used, with {model} for its folder; if it fails, the old model stays in use.
    dry_run (bool): Compare, and change nothing.
    RETURNS (Promotion): With the model in use now.
    RAISES (AlError): AL360 without a model, AL361 for held-out texts that the candidate was trained on, AL362 if deploying failed, AL363 if
        the model in use is not what was promoted, and what reading models and texts raises.
    """
    with locked(project.output), Store(project.database, create=False) as store:
        model, number = _candidate(project, store, candidate)
        current = champion_of(store)
        n = n_compared(store)
        if current is not None and current.hash == hash_of(model):
            project.follow()
            return Promotion(str(model), current, None, None, n, is_same=True)
        texts = gold or project.settings.dev or project.output / DEV
        verdict, said, rule = None, None, rule or Rule()
        if current is not None:
            _check_held_out(model, texts)
            verdict, said = _compare(project, store, model, Path(current.model), texts, rule)
            n = n_compared(store, str(hash_of(model)))
        if dry_run:
            return Promotion(str(model), current, verdict, str(texts), n, is_dry=True)
        if verdict is not None and not verdict.is_better:
            record_refusal(store, str(model), str(hash_of(model)), verdict.reasons)
            notify(project, "refused", model=str(model), round=number, why=verdict.reasons)
            project.follow()
            return Promotion(str(model), current, verdict, str(texts), n)
        if said is None and texts.exists():
            # without a comparison only the card needs them
            with suppress(AlError):
                said = _answers(project, store, model, texts)
        facts = card_facts(project, store, model, number, texts, said, verdict, rule)
        with _card(project, facts, current):
            _deploy(deploy, model)
        why = "The first model in use" if verdict is None else _found(verdict)
        made = Champion(str(model), str(hash_of(model)), number, time.time(), why)
        record_promotion(store, made)
        notify(project, "promoted", model=str(model), round=number, why=why)
        project.follow()
        return Promotion(str(model), made, verdict, str(texts) if verdict else None, n)


def rollback(project: Project, *, deploy: str | None = None) -> Champion | None:
    """Put the model back into use that was in use before.

    deploy (str | None): As for `promote`; it is run for the model that comes back.
    RETURNS (Champion | None): The model in use now; None where none was in use before.
    RAISES (AlError): AL364 if none is in use, AL362, AL363.
    """
    with locked(project.output), Store(project.database, create=False) as store:
        found = champions(store)
        if not found:
            raise AlError(Errors.AL364.format(config=project.config))
        before = found[-2] if len(found) > 1 else None
        if before is not None:
            check_champion(before)
            _deploy(deploy, Path(before.model))
        record_rollback(store, f"Instead of {found[-1].model}")
        project.follow()
        return before


def _candidate(project: Project, store: Store, given: Path | None) -> tuple[Path, int | None]:
    if given is not None:
        if not (given / "meta.json").is_file():
            raise UsageError(Errors.AL085.format(path=given, why="it has no meta.json"))
        return given, None
    for number in sorted(store.models(), reverse=True):
        model = project.folder(number) / MODEL
        if model.is_dir():
            return model, number
    raise AlError(Errors.AL360.format(config=project.config))


def _check_held_out(model: Path, gold: Path) -> None:
    """RAISES (AlError): AL361."""
    corpus = model.parent / "train.spacy"
    if not corpus.is_file():
        return
    learned = {content_hash(doc.text) for doc in stored_docs(corpus)}
    found = sum(content_hash(doc.text) in learned for doc in stored_docs(gold))
    if found:
        raise AlError(Errors.AL361.format(n=found, gold=gold, corpus=corpus))


def _compare(
    project: Project, store: Store, new: Path, old: Path, gold: Path, rule: Rule
) -> tuple[Judgement, TextAnswers]:
    """The comparison, and what the new one says of the texts."""
    said = _answers(project, store, new, gold)
    before = _answers(project, store, old, gold)
    return judge_candidate(said, before, rule, seed=project.settings.seed), said


def _answers(project: Project, store: Store, model: Path, gold: Path) -> TextAnswers:
    labels = store.labels()
    measured = None
    if labels.is_known:
        measured = labels_of_gold(project, labels, list(stored_docs(gold)), str(gold))[0]
    nlp = open_pipeline(str(model))
    return text_answers(nlp, gold, project.settings.component, labels=labels, measured=measured)


@contextmanager
def _card(project: Project, facts: CardFacts, current: Champion | None) -> Iterator[None]:
    """The card beside the weights while the model is deployed, so that it goes with them; as it was before if that fails."""
    path = facts.model / CARD
    earlier = path.read_bytes() if path.is_file() else None
    try:
        write_card(facts, Path(current.model) if current else None)
    except AlError as error:
        # a model can be used where nobody may write
        project.show(f"⚠ No model card: {error.text}")
        yield
        return
    try:
        yield
    except BaseException:
        if earlier is None:
            path.unlink(missing_ok=True)
        else:
            with writing(path, "wb") as file:
                file.write(earlier)
        raise


def _found(verdict: Judgement) -> str:
    score = verdict.score
    assert score is not None
    return f"F {score.new:.3f} against {score.old:.3f} on {verdict.texts:,} texts"


def _deploy(command: str | None, model: Path) -> None:
    """RAISES (AlError): AL362."""
    if command is None:
        return
    words = [word.replace("{model}", str(model)) for word in shlex.split(command)]
    try:
        # without a shell: a path is a path, whatever is in its name
        done = subprocess.run(words, stdout=sys.stderr, check=False)
    except OSError as error:
        raise AlError(Errors.AL362.format(command=command, why=error.strerror or error)) from error
    if done.returncode:
        why = f"it ended with {done.returncode}"
        raise AlError(Errors.AL362.format(command=command, why=why))
