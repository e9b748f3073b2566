"""A whole pool into a cache of encodings: what it takes is said before, and what is there is not encoded again."""

import shutil
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.pool import nothing_usable, read_shard_items, shards
from spacy_al.embeddings.cache import EncodingCache, cache_key, open_cache, other_encoders
from spacy_al.embeddings.cache_file import Key, size_of
from spacy_al.embeddings.encode import CHUNK_TOKENS, chunks, encode_docs
from spacy_al.embeddings.encoder import Encoder, EncoderSettings, open_encoder
from spacy_al.embeddings.shared import SharedEncoder
from spacy_al.errors import AlError, AlWarning, Errors, UsageError, Warnings
from spacy_al.processes.pool import processes
from spacy_al.util import progress_bar

ZONE = 1000
# (pool, settings, folder of the cache, tokens, keep_tokens) -> something for each text that was looked at
EncodingEngine: TypeAlias = Callable[[Path, EncoderSettings, Path, bool, bool], Iterator[None]]
# Files' heads, the manifest, and others who write to the same disk
RESERVE = 2**20


@dataclass(slots=True)
class EncodingPlan:
    """What there is to encode.

    folder (Path): Where it goes.
    texts, tokens (int): In the pool, but for what it has twice.
    new_texts, new_tokens (int): Those that are not in the cache.
    size (int): Bytes that these will take.
    free (int): Bytes that the disk has left.
    skipped (Counter[str]): Reason and count of what is left out.
    others (list): What other encoders left in the cache, as `other_encoders` gives it.
    """

    folder: Path
    texts: int = 0
    tokens: int = 0
    new_texts: int = 0
    new_tokens: int = 0
    size: int = 0
    free: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    others: list[tuple[str, str, int]] = field(default_factory=list)


def encode_pool(
    pool: Path,
    nlp: Language,
    settings: EncoderSettings,
    folder: Path,
    *,
    tokens: bool = True,
    keep_tokens: bool = False,
    n_process: int = 1,
    tell: Callable[[EncodingPlan], None] | None = None,
    engine: EncodingEngine | None = None,
) -> EncodingPlan:
    """Encode all texts of a pool that are not in the cache yet. If it is cut off, the next call goes on from there.

    pool (Path): A `.spacy` file or a folder of them.
    nlp (Language): Tokenises the texts, as it will when their vectors are used.
    settings (EncoderSettings): The encoder.
    folder (Path): Of the cache.
    tokens (bool): Keep the vectors of tokens, too.
    keep_tokens (bool): Take the stored tokens of the pool.
    n_process (int): Processes that encode, each with an encoder of its own and one thread.
    tell (Callable | None): Is given the plan before anything is encoded.
    engine (EncodingEngine | None): Encodes elsewhere, such as `distributed.ray_encoder.RayEncoder`.
    RETURNS (EncodingPlan): What was to be done, and was.
    RAISES (AlError): What `open_encoder` and `shards` raise; AL045 if no text is usable, AL305 if the disk is too small, AL304,
        AL047, AL087 for a wrong number of processes, AL093 if one of them ends early. What was encoded before stays.
    """
    if n_process < 1:
        raise UsageError(Errors.AL087.format(name="n_process", value=n_process, must="1 or more"))
    # with nothing left to encode neither torch nor the weights are loaded
    encoder = SharedEncoder(settings, folder)
    cache = open_cache(folder, encoder)
    plan = plan_encoding(pool, nlp, cache, tokens=tokens, keep_tokens=keep_tokens)
    if tell is not None:
        tell(plan)
    check_room(plan, folder)
    fill_cache(
        pool,
        nlp,
        settings,
        encoder,
        cache,
        plan,
        tokens=tokens,
        keep_tokens=keep_tokens,
        n_process=n_process,
        engine=engine,
    )
    return plan


def check_room(plan: EncodingPlan, folder: Path) -> None:
    """RAISES (AlError): AL305 if the disk of the cache is too small for what is to be encoded."""
    if plan.size + RESERVE > plan.free:
        found = {"size": format_size(plan.size), "free": format_size(plan.free)}
        raise AlError(Errors.AL305.format(path=folder, **found))


def fill_cache(
    pool: Path,
    nlp: Language,
    settings: EncoderSettings,
    encoder: Encoder,
    cache: EncodingCache,
    plan: EncodingPlan,
    *,
    tokens: bool = True,
    keep_tokens: bool = False,
    n_process: int = 1,
    engine: EncodingEngine | None = None,
) -> None:
    """Encode what a plan found missing.

    encoder, cache (Encoder, EncodingCache): Those of the settings, open; other processes open their own.
    plan (EncodingPlan): Of the same pool.
    RAISES (AlError): As `encode_pool`.
    """
    parts = _new_chunks(pool, nlp, cache, tokens, keep_tokens)
    if engine is not None and plan.new_texts:
        done = engine(pool, settings, cache.folder.parent, tokens, keep_tokens)
    elif n_process == 1 or plan.new_tokens <= CHUNK_TOKENS:
        done = _encode_here(parts, encoder, cache, tokens)
    else:
        done = _encode_beside(parts, settings, cache.folder.parent, tokens, n_process)
    for _ in progress_bar(done, plan.new_texts, "text"):
        pass


def plan_encoding(
    pool: Path,
    nlp: Language,
    cache: EncodingCache,
    *,
    tokens: bool = True,
    keep_tokens: bool = False,
    visit: Callable[[list[Doc]], None] | None = None,
) -> EncodingPlan:
    """How much of a pool is to be encoded, and what it will take.

    visit (Callable | None): Is given the docs, some at a time, which it must not keep.
    RAISES (AlError): As `shards`, AL045.
    """
    plan = EncodingPlan(cache.folder, others=other_encoders(cache))
    failures: list[AlError] = []
    for docs in _zones(pool, nlp, keep_tokens, plan.skipped, failures):
        if visit is not None:
            visit(docs)
        sizes = {cache_key(doc, tokens=tokens): len(doc) for doc in docs}
        missing = cache.missing(sizes)
        plan.texts += len(docs)
        plan.tokens += sum(sizes.values())
        plan.new_texts += len(missing)
        plan.new_tokens += sum(sizes[key] for key in missing)
    plan.skipped.pop("read", None)
    if failures:
        plan.skipped["unreadable shard"] = len(failures)
        if not plan.texts:
            raise failures[0]
        total = len(shards(pool))
        message = Warnings.W041.format(count=len(failures), total=total, first=failures[0])
        warnings.warn(message, AlWarning, stacklevel=2)
    if not plan.texts:
        raise nothing_usable(pool, plan.skipped)
    plan.size = size_of(plan.new_texts, plan.new_tokens if tokens else 0, cache.width)
    existing = next(path for path in cache.folder.absolute().parents if path.exists())
    plan.free = shutil.disk_usage(existing).free
    return plan


def format_size(n_bytes: float) -> str:
    """`58.1 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def pool_chunks(pool: Path, nlp: Language, keep_tokens: bool = False) -> Iterator[list[Doc]]:
    """The docs of a pool, some thousand tokens at a time, which live until the next; shards that cannot be read are left out."""
    for docs in _zones(pool, nlp, keep_tokens, Counter(), []):
        for chunk in chunks((cache_key(doc), doc) for doc in docs):
            yield [doc for _, doc in chunk]


def _zones(
    pool: Path,
    nlp: Language,
    keep_tokens: bool,
    report: Counter[str],
    failures: list[AlError],
) -> Iterator[list[Doc]]:
    """The docs of a pool, some at a time, which live until the next."""
    seen: set[int] = set()
    for shard in shards(pool):
        items = read_shard_items(shard, nlp, keep_tokens=keep_tokens, report=report, seen=seen)
        more = True
        while more:
            with nlp.memory_zone():
                docs = []
                try:
                    docs += [item.doc for item in islice(items, ZONE)]
                except AlError as error:
                    failures.append(error)
                more = bool(docs)
                if docs:
                    yield docs
                del docs


def _new_chunks(
    pool: Path, nlp: Language, cache: EncodingCache, tokens: bool, keep_tokens: bool
) -> Iterator[list[Doc]]:
    """What is missing in the cache, as many texts as are written at once."""
    for docs in _zones(pool, nlp, keep_tokens, Counter(), []):
        keyed = {cache_key(doc, tokens=tokens): doc for doc in docs}
        missing: list[Key] = cache.missing(keyed)
        for chunk in chunks((key, keyed[key]) for key in missing):
            yield [doc for _, doc in chunk]


def _encode_here(
    parts: Iterator[list[Doc]], encoder: Encoder, cache: EncodingCache, tokens: bool
) -> Iterator[None]:
    for docs in parts:
        encode_docs(encoder, cache, docs, tokens=tokens)
        yield from (None for _ in docs)


def _encode_beside(
    parts: Iterator[list[Doc]], settings: EncoderSettings, folder: Path, tokens: bool, n: int
) -> Iterator[None]:
    """The same in other processes, each of which writes files of its own."""
    waiting: deque[Future[int]] = deque()
    try:
        with processes(n, _set_up, settings, folder, tokens) as pool:
            for docs in parts:
                words = [[token.text for token in doc] for doc in docs]
                spaces = [[bool(token.whitespace_) for token in doc] for doc in docs]
                waiting.append(pool.submit(_encode_words, words, spaces))
                # so that docs do not pile up
                while len(waiting) > 2 * n:
                    yield from (None for _ in range(waiting.popleft().result()))
            while waiting:
                yield from (None for _ in range(waiting.popleft().result()))
    except BrokenProcessPool:
        raise AlError(Errors.AL093.format(count=n)) from None


# Of a process that encodes: its encoder, its cache, and whether tokens are kept
_OPEN: list[Any] = []


def _set_up(settings: EncoderSettings, folder: Path, tokens: bool) -> None:
    with warnings.catch_warnings():
        # the first process has said it
        warnings.simplefilter("ignore", AlWarning)
        encoder = open_encoder(settings, n_threads=1)
        _OPEN[:] = [encoder, open_cache(folder, encoder), tokens]


def _encode_words(words: Sequence[list[str]], spaces: Sequence[list[bool]]) -> int:
    encoder, cache, tokens = _OPEN
    vocab = Vocab()
    docs = [Doc(vocab, words=some, spaces=after) for some, after in zip(words, spaces)]
    encode_docs(encoder, cache, docs, tokens=tokens)
    return len(docs)
