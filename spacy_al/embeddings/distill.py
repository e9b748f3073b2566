"""Static vectors of words, distilled from a pool with a pretrained encoder: what it has learnt, in a plain spaCy pipeline.

A word's vector is the mean of what the encoder says of it wherever it stands in the pool (after Bommasani et al., 2020, and Gupta
and Jaggi, 2021, who average the contexts of a general corpus), reduced to fewer numbers. What comes out is named as
`paths.vectors`, and needs neither torch nor spacy-al.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.pool import read_shard_items, shards
from spacy_al.embeddings.cache import EncodingCache, cache_key, open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encode_pool import (
    EncodingPlan,
    check_room,
    fill_cache,
    plan_encoding,
    pool_chunks,
)
from spacy_al.embeddings.encoder import Encoder, EncoderSettings, hash_parts, open_encoder
from spacy_al.embeddings.vectors_folder import check_replaceable, read_about, write_vectors
from spacy_al.embeddings.word_sums import WordSums, principal_parts
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.util import batched, progress_bar

# Goes up when the same inputs give other vectors
VERSION = 1
DIM, MIN_COUNT, MAX_WORDS = 128, 1, 200_000
# Words that are encoded alone, at once
BATCH = 4_096


@dataclass(slots=True)
class Distilled:
    """Static vectors in a folder.

    folder (Path): A saved pipeline of no components, with the vectors.
    plan (EncodingPlan): What there was to encode of the pool.
    inputs (dict): All that decides what the vectors are.
    reused (bool): The folder held vectors that were made of the same, and nothing was done.
    changed (list[str]): Which inputs are others than those of the vectors that were there and are replaced.
    about (dict): What `meta.json` says: the inputs, the encoder, and counts of words.
    """

    folder: Path
    plan: EncodingPlan
    inputs: dict[str, Any]
    reused: bool = False
    changed: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


def distill(
    pool: Path,
    nlp: Language,
    settings: EncoderSettings,
    folder: Path,
    *,
    cache: Path,
    words_of: Sequence[Path] = (),
    dim: int = DIM,
    min_count: int = MIN_COUNT,
    max_words: int = MAX_WORDS,
    keep_tokens: bool = False,
    n_process: int = 1,
    tell: Callable[[Distilled], None] | None = None,
) -> Distilled:
    """Make static vectors of the words of a pool, or leave those that are there and were made of the same.

    pool (Path): A `.spacy` file or a folder of them.
    nlp (Language): Tokenises the texts, as the pipeline will that uses the vectors.
    settings (EncoderSettings): The encoder.
    folder (Path): Where they go. Others that were distilled are replaced, as a whole.
    cache (Path): Folder of encodings. What is not in it yet is encoded and added.
    words_of (Sequence[Path]): More `.spacy` files or folders, whose words are encoded alone where the pool lacks them.
    dim (int): Numbers a vector, at most the encoder's width.
    min_count (int): Words that are rarer in the pool are encoded alone, too.
    max_words (int): Vectors at most, of the words that are the most frequent in the pool. It bounds the memory.
    keep_tokens (bool): Take the stored tokens.
    n_process (int): Processes that encode the pool.
    tell (Callable | None): Is given what will be done, before it is.
    RETURNS (Distilled): What was done.
    RAISES (AlError): As `encode_pool`; AL306 if the folder holds something else, AL307 if the encoder knows none of the words.
    """
    limits = {"dim": dim, "min_count": min_count, "max_words": max_words, "n_process": n_process}
    for name, value in limits.items():
        if value < 1:
            raise UsageError(Errors.AL087.format(name=name, value=value, must="1 or more"))
    check_replaceable(folder)
    encoder = open_encoder(settings)
    kept, words = open_cache(cache, encoder), _PoolWords()
    plan = plan_encoding(pool, nlp, kept, keep_tokens=keep_tokens, visit=words.visit)
    more = count_words(words_of, nlp, keep_tokens)
    inputs = {
        "version": VERSION,
        "encoder_hash": encoder.hash,
        "pool_hash": words.digest.hexdigest(),
        "words_of_hash": hash_parts(sorted(more.items())),
        "language": nlp.lang,
        "dim": dim,
        "min_count": min_count,
        "max_words": max_words,
    }
    before = read_about(folder)
    changed = [name for name, value in inputs.items() if before and before.get(name) != value]
    done = Distilled(folder, plan, inputs, bool(before) and not changed, changed, before)
    if tell is not None:
        tell(done)
    if done.reused:
        return done
    check_room(plan, cache)
    fill_cache(
        pool, nlp, settings, encoder, kept, plan, keep_tokens=keep_tokens, n_process=n_process
    )
    often, alone = choose_words(words.counts, more, min_count, max_words)
    sums = WordSums([*often, *alone], encoder.width)
    chunks = pool_chunks(pool, nlp, keep_tokens)
    for _ in progress_bar(
        _add_contexts(sums, chunks, encoder, kept, len(often)), plan.texts, "text"
    ):
        pass
    for _ in progress_bar(_add_alone(sums, alone, encoder, kept), len(alone), "word"):
        pass
    names, means, counts = sums.means()
    if not names:
        raise AlError(Errors.AL307.format(name=settings.name, pool=pool))
    vectors, share = principal_parts(means, dim)
    done.about = {
        **inputs,
        "encoder": {key: value for key, value in encoder.about.items() if key in asdict(settings)},
        "texts": plan.texts,
        "tokens": plan.tokens,
        "words": len(names),
        "words_alone": len(set(alone).intersection(names)),
        "contexts": int(counts.sum()),
        "width": vectors.shape[1],
        "variance": round(share, 4),
    }
    write_vectors(folder, str(nlp.lang), names, vectors, done.about)
    return done


class _PoolWords:
    """The words of a pool, how often each is there, and a hash of the texts and their tokens."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self.digest = hashlib.blake2b(digest_size=8)

    def visit(self, docs: list[Doc]) -> None:
        """Count the words of some docs."""
        for doc in docs:
            self.digest.update(repr(tuple(cache_key(doc))).encode())
            self.counts.update(_words(doc))


def count_words(paths: Sequence[Path], nlp: Language, keep_tokens: bool = False) -> Counter[str]:
    """Words of corpora, and how often each is there. RAISES (AlError): As `shards` and `read_shard`."""
    counts = Counter[str]()
    for path in paths:
        for shard in shards(path):
            for items in batched(read_shard_items(shard, nlp, keep_tokens=keep_tokens), 1000):
                for item in items:
                    counts.update(_words(item.doc))
    return counts


def choose_words(
    counts: Counter[str], more: Counter[str], min_count: int, max_words: int
) -> tuple[list[str], list[str]]:
    """The words that get the mean of their contexts, and those that are encoded alone, both the most frequent ones first.

    counts, more (Counter[str]): Of the pool and of other corpora.
    """
    rest = Counter({word: count for word, count in more.items() if word not in counts})
    ranked = [*_ranked(counts), *_ranked(rest)][:max_words]
    often = [word for word in ranked if counts[word] >= min_count]
    return often, ranked[len(often) :]


def _add_contexts(
    sums: WordSums,
    chunks: Iterable[list[Doc]],
    encoder: Encoder,
    cache: EncodingCache,
    n_words: int,
) -> Iterator[None]:
    """Add what an encoder says of the first `n_words` words wherever they stand. YIELDS: Once a doc."""
    for docs in chunks:
        encodings = encode_docs(encoder, cache, docs)
        words = [token.text for doc in docs for token in doc]
        sums.add(words, numpy.concatenate([each.tokens for each in encodings]), n_words)
        yield from (None for _ in docs)


def _add_alone(
    sums: WordSums, words: Sequence[str], encoder: Encoder, cache: EncodingCache
) -> Iterator[None]:
    """Add what an encoder says of words that stand alone. YIELDS: Once a word."""
    vocab = Vocab()
    for batch in batched(words, BATCH):
        docs = [Doc(vocab, words=[word], spaces=[False]) for word in batch]
        encodings = encode_docs(encoder, cache, docs)
        sums.add(batch, numpy.concatenate([each.tokens for each in encodings]))
        yield from (None for _ in batch)


def _words(doc: Doc) -> list[str]:
    return [token.text for token in doc if not token.is_space]


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))
