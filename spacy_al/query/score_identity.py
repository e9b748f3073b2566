"""What scores depend on beside the text, as hashes: the model with its temperature, and the settings by which it is read."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
from spacy.util import is_package

from spacy_al.config.components import pipeline_folder
from spacy_al.corpus.shard import writing
from spacy_al.embeddings.encoder import CACHE, find_model, hash_parts
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.query.score_cache import KeptScores, last_scores
from spacy_al.query.score_file import SUFFIX
from spacy_al.query.scorer import Job
from spacy_al.util import versions

MANIFEST, FORMAT = "manifest.json", 1


def keep_scores(job: Job, cache: Path, refresh: float = 0.0) -> Job:
    """The job with a place where its scores are kept.

    job (Job): What is scored, and how.
    cache (Path): Folder in which each model has one of its own.
    refresh (float): Score anew the upper share of the texts under the model before, and some of the rest at random; 0 scores all.
        It is settled when a model scores for the first time, so that the same command gives the same batch.
    RAISES (UsageError): AL395 where texts are read with stored tokens, of which one text may have different ones.
    RAISES (AlError): AL047 if the folder cannot be written.
    """
    if job.keep_tokens:
        why = "a score is kept by the text, and stored tokens may differ for one text"
        raise UsageError(Errors.AL395.format(given="--score-cache", other="--keep-tokens", why=why))
    if cache.exists() and not cache.is_dir():
        raise UsageError(Errors.AL087.format(name="--score-cache", value=cache, must="a folder"))
    settings, model = settings_hash(job), model_hash(job)
    folder = cache / hash_parts(settings, model)
    about = _manifest(folder)
    if about is None:
        others = [(one, _manifest(one.parent)) for one in cache.glob(f"*/{MANIFEST}")]
        known = {one.parent: it for one, it in others if it and it["settings"] == settings}
        about = {"format": FORMAT, "settings": settings, "model": model, "name": job.model}
        about["number"] = 1 + max((it["number"] for it in known.values()), default=0)
        about |= {"before": None, "least": 0.0, "versions": versions()}
        if refresh and known and job.model is not None:
            before = max(known, key=lambda one: (known[one]["number"], one.name))
            about |= {"before": before.name, "least": _least(before, refresh)}
        with writing(folder / MANIFEST) as file:
            file.write(json.dumps(about, indent=2) + "\n")
    last = cache / about["before"] if refresh and about["before"] else None
    return replace(job, kept=KeptScores(folder, last, about["least"]))


def settings_hash(job: Job) -> str:
    """A hash of how a model is read, whichever one it is: all that a job says but where models and corpora lie."""
    blocks = {name: _plain(block) for name, block in sorted(job.blocks.items())}
    code = _hash_of(job.code) if job.code else None
    tokeniser = None if job.model else (job.lang, job.tokeniser)
    parts = (FORMAT, job.model is None, job.component, job.columns, tokeniser, code)
    return hash_parts(json.dumps([*parts, blocks, versions()], sort_keys=True, default=str))


def model_hash(job: Job) -> str:
    """A hash of the files of the model, its temperatures among them, and of all models and corpora that the settings name; not of a cache."""
    named = [str(value) for block in job.blocks.values() for value in _strings(block)]
    found = [(value, _hash_of(value)) for value in sorted(set(named))]
    own = _hash_of(job.model) if job.model else None
    # a reader of one's own may learn from what is labelled
    labelled = [_hash_of(str(path)) for path in job.labelled if "posterior" in job.blocks]
    said: tuple[Any, ...] = ()
    if job.teacher is not None:
        # what it has said so far
        teacher = job.teacher
        names = sorted(teacher.names.items())
        said = (teacher.hash, teacher.kind, teacher.exclusive, names, _hash_of(str(teacher.folder)))
    return hash_parts(own, [one for _, one in found if one], labelled, said)


def _least(folder: Path, share: float) -> float:
    """The score from which a text is in the upper share, under the model before."""
    _, scores = last_scores(sorted(folder.glob(f"*{SUFFIX}")))
    return float(numpy.quantile(scores, 1 - share)) if len(scores) else 0.0


def _manifest(folder: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        about: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf8"))
        kept = {name: about[name] for name in ("settings", "number", "before", "least")}
        return kept if about["format"] == FORMAT else None
    return None


def _strings(block: Any) -> Iterator[str]:
    """All texts within a block of a config, but for the folder of a cache."""
    if isinstance(block, dict):
        block = [value for name, value in block.items() if name != CACHE]
    if isinstance(block, list | tuple):
        for value in block:
            yield from _strings(value)
    elif isinstance(block, str | Path):
        yield str(block)


def _plain(block: Any) -> Any:
    """A block without the places of what `model_hash` looks at."""
    if isinstance(block, dict):
        return {name: _plain(value) for name, value in block.items() if name != CACHE}
    if isinstance(block, list | tuple):
        return [_plain(value) for value in block]
    return None if isinstance(block, str | Path) and _hash_of(str(block)) else block


def _hash_of(name: str) -> str | None:
    """A hash of a file, of all files of a folder, or of the pipeline or encoder that a package holds; None for any other word."""
    if name.startswith("spacy-al.") or not name:
        return None
    path = Path(name)
    if not path.exists() and is_package(name):
        with suppress(OSError, ValueError):
            path = pipeline_folder(name)
        with suppress(AlError):
            path = path if path.exists() else find_model(name)[0]
    if not path.exists():
        return None
    if path.is_file():
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        digest.update(hashlib.blake2b(file.read_bytes()).digest())
    return digest.hexdigest()
