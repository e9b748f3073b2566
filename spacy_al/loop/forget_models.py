"""Models that were trained with texts that are to be forgotten: which they are, what is left of the texts in them, and how they are made anew."""

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly
from spacy.strings import StringStore

from spacy_al.config.project import Project, round_number
from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.pool import shards
from spacy_al.corpus.removal import remove_from_shard
from spacy_al.corpus.shard import read_bare
from spacy_al.errors import AlError
from spacy_al.loop.examine import measure_round
from spacy_al.loop.forget_files import pipelines_of
from spacy_al.loop.hashes import training_hashes
from spacy_al.posteriors.component import load_pipeline
from spacy_al.store.store import Store
from spacy_al.training.learner import VECTORS, pool_vectors
from spacy_al.training.pretrain import pretrain
from spacy_al.training.round import TRAIN
from spacy_al.training.trainer import CONFIG, MODEL, train


@dataclass(frozen=True)
class LeftInModel:
    """A pipeline, or vectors, that still has words of the texts.

    path (Path): Its folder.
    words (list[str]): That are in its vocabulary, and in no text that stays.
    vectors (list[str]): Those of them that it has a vector of.
    """

    path: Path
    words: list[str]
    vectors: list[str] = field(default_factory=list)


def rounds_trained_with(project: Project, gone: Forgotten) -> frozenset[int]:
    """The rounds whose models are there and were trained with one of the texts."""
    found = set(gone.rounds)
    for folder in project.output.glob("round-*"):
        number, corpus = round_number(folder), folder / TRAIN
        if number is not None and corpus.is_file():
            found |= {number} if remove_from_shard(corpus, gone, dry=True).texts else set()
    return frozenset(number for number in found if (project.folder(number) / MODEL).is_dir())


def own_words(project: Project, gone: Forgotten, texts: Iterable[str]) -> list[str]:
    """The words of the texts, as spelled and in small letters, that no text of the pool or of a labelled corpus has which stays."""
    nlp = load_pipeline(None, project.settings.lang, config=project.settings.tokeniser)
    words: dict[str, None] = {}
    for text in texts:
        for token in nlp.make_doc(text):
            words |= {word: None for word in (token.text, token.norm_) if word.strip()}
    settings = project.settings
    for pool in (settings.pool, settings.train, settings.dev, settings.test):
        for shard in shards(pool) if pool and words else ():
            for stored in read_bare(shard):
                if not gone.has(stored.text):
                    for word in stored.words:
                        words.pop(word, None), words.pop(word.lower(), None)
    return [*words]


def left_in_models(folder: Path, words: Collection[str]) -> list[LeftInModel]:
    """The pipelines and vectors below a folder that still have one of the words."""
    found = []
    for path in pipelines_of(folder) if words else ():
        known = set(srsly.read_json(path / "vocab" / "strings.json"))
        left = [word for word in words if word in known]
        rows = path / "vocab" / "key2row"
        keys = srsly.read_msgpack(rows) if left and rows.is_file() else {}
        if left:
            having = [word for word in left if StringStore([word])[word] in keys]
            found.append(LeftInModel(path, left, having))
    return found


def train_anew(store: Store, project: Project, numbers: Collection[int]) -> list[int]:
    """Train the models of rounds once more, on their corpora as they are now, and measure them.

    RETURNS (list[int]): The rounds of which that was done; the model of another one is deleted, and it is said why.
    """
    settings, states = project.settings, {one.number: one.state for one in store.rounds()}
    if settings.pretrain_epochs:
        pretrain(project, project.output / "pretrain")
    if settings.pool and settings.encoder and (project.output / VECTORS).is_dir():
        pool_vectors(settings, settings.pool, project.output)
    done = []
    for number in sorted(numbers):
        folder = project.folder(number)
        shutil.rmtree(folder / MODEL, ignore_errors=True)
        project.show(f"Round {number}: training without what was forgotten")
        try:
            members = sorted(folder.glob("member-*"))
            trained = train(folder, gpu_id=project.gpu_id, code=project.code, show=project.show)
            for own in (one for one in members if (one / CONFIG).is_file()):
                train(own, gpu_id=project.gpu_id, code=project.code, show=project.show)
            model: dict[str, Any] = {"hash": trained.hash, "path": str(trained.model)}
            model |= {"seconds": trained.seconds, "versions": trained.versions}
            store.advance(number, states[number], model=model)
            measured = measure_round(store, project, number)
            before = store.metrics().get(number, {}).get("hashes", {})
            measured["hashes"] = {**before, **training_hashes(project, folder)}
            store.advance(number, states[number], metrics=measured)
        except AlError as error:
            shutil.rmtree(folder / MODEL, ignore_errors=True)
            project.show(
                f"⚠ The model of round {number} cannot be made without it, and was deleted: {error.text}"
            )
            continue
        done.append(number)
    return done
