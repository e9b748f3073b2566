"""Static vectors of words, distilled from a pool with a pretrained encoder: what it has learnt, in a plain spaCy pipeline.

A word's vector is the mean of what the encoder says of it wherever it stands in the pool (after Bommasani et al., 2020, and Gupta
and Jaggi, 2021, who average the contexts of a general corpus), reduced to fewer numbers. Parts of words are fitted to these, so that
unknown words have vectors, too (`subwords`). What comes out is named as `paths.vectors`, and needs neither torch nor spacy-al.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
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
    ZONE,
    EncodingPlan,
    check_room,
    fill_cache,
    plan_encoding,
    pool_chunks,
)
from spacy_al.embeddings.encoder import Encoder, EncoderSettings, hash_parts
from spacy_al.embeddings.shared import shared_encoder
from spacy_al.embeddings.subwords import subword_vectors
from spacy_al.embeddings.vectors_folder import check_replaceable, read_about, write_vectors
from spacy_al.embeddings.word_sums import WordSums, bridge, principal_parts
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.types import Floats
from spacy_al.util import batched, progress_bar

# Goes up when the same inputs give other vectors
VERSION = 1
DIM, ROWS, MAX_WORDS = 128, 65_536, 100_000
# By what words are looked up: their casing is a feature of its own in spaCy's models
ATTR = "LOWER"
# Words that are encoded alone: at once, and at most of those that only show how words alone differ from words in a context
BATCH, BRIDGE_WORDS = 4_096, 20_000


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
    rows: int = ROWS,
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
    words_of (Sequence[Path]): More `.spacy` files or folders. Those of their words that the pool lacks are encoded alone.
    dim (int): Numbers a vector, at most the encoder's width.
    rows (int): Of the table of parts of words. Its size is 4 bytes times this times `dim`.
    max_words (int): The most frequent ones of the pool, and then of `words_of`, are looked at. It bounds the memory.
    keep_tokens (bool): Take the stored tokens.
    n_process (int): Processes that encode the pool.
    tell (Callable | None): Is given what will be done, before it is.
    RETURNS (Distilled): What was done.
    RAISES (AlError): As `encode_pool`; AL306 if the folder holds something else, AL307 if the encoder knows none of the words.
    """
    limits = {"dim": dim, "rows": rows, "max_words": max_words, "n_process": n_process}
    for name, value in limits.items():
        if value < 1:
            raise UsageError(Errors.AL087.format(name=name, value=value, must="1 or more"))
    check_replaceable(folder)
    # not opened where all is in the cache, as in every round of a run but the first
    encoder = shared_encoder(settings, cache)
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
        "rows": rows,
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
    names, means, n_alone, n_contexts = _word_means(
        words.counts, more, max_words, encoder, kept, pool_chunks(pool, nlp, keep_tokens), plan
    )
    if not names:
        raise AlError(Errors.AL307.format(name=settings.name, pool=pool))
    vectors, share = principal_parts(means, dim)
    done.about = {
        **inputs,
        "encoder": {key: value for key, value in encoder.about.items() if key in asdict(settings)},
        "texts": plan.texts,
        "tokens": plan.tokens,
        "words": len(names) - n_alone,
        "words_alone": n_alone,
        "contexts": n_contexts,
        "width": vectors.shape[1],
        "variance": round(share, 4),
    }
    name = f"distilled_{hash_parts(sorted(inputs.items()))}"
    table = subword_vectors(names, vectors, rows, attr=ATTR, name=name)
    write_vectors(folder, str(nlp.lang), table, done.about)
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
            items, more = read_shard_items(shard, nlp, keep_tokens=keep_tokens), True
            while more:
                with nlp.memory_zone():
                    some = [_words(item.doc) for item in islice(items, ZONE)]
                more = bool(some)
                for words in some:
                    counts.update(words)
    return counts


def choose_words(
    counts: Counter[str], more: Counter[str], max_words: int
) -> tuple[list[str], list[str]]:
    """The words that get the mean of their contexts, and those that are encoded alone, both with the most frequent ones first.

    counts, more (Counter[str]): Of the pool and of other corpora.
    """
    usual = _ranked(counts)[:max_words]
    rest = Counter({word: count for word, count in more.items() if word not in counts})
    return usual, _ranked(rest)[: max_words - len(usual)]


def words_alone(
    encoder: Encoder,
    cache: EncodingCache | None,
    words: Sequence[str],
    known: Sequence[str],
    means: Floats,
) -> tuple[list[str], Floats]:
    """Words that stand alone, moved to where their contexts would be, as it is with words of which both are known.

    words (Sequence[str]): Those that are wanted.
    known, means (Sequence[str], Floats): n words with the (n, width) means of their contexts, the most frequent ones first.
    RETURNS (tuple[list[str], Floats]): The words of which the encoder says something, and their vectors.
    """
    both = known[:BRIDGE_WORDS]
    sums = WordSums([*both, *words], encoder.width)
    vocab = Vocab()
    for batch in batched(progress_bar(sums.rows, len(sums.rows), "word"), BATCH):
        docs = [Doc(vocab, words=[word], spaces=[False]) for word in batch]
        encodings = encode_docs(encoder, cache, docs)
        sums.add(batch, numpy.concatenate([each.tokens for each in encodings]))
    given = sums.counts > 0
    n, found = len(both), sums.sums
    moved = bridge(found[:n][given[:n]], means[:n][given[:n]], found[n:][given[n:]])
    return [word for word, has in zip(words, given[n:]) if has], moved


def _word_means(
    counts: Counter[str],
    more: Counter[str],
    max_words: int,
    encoder: Encoder,
    cache: EncodingCache,
    chunks: Iterable[list[Doc]],
    plan: EncodingPlan,
) -> tuple[list[str], Floats, int, int]:
    """Words and their (n, width) vectors, how many of them, the last, were encoded alone, and the contexts of the others."""
    usual, alone = choose_words(counts, more, max_words)
    sums = WordSums(usual, encoder.width)
    for _ in progress_bar(_add_contexts(sums, chunks, encoder, cache), plan.texts, "text"):
        pass
    names, means, found = sums.means()
    if not names or not alone:
        return names, means, 0, int(found.sum())
    others, moved = words_alone(encoder, cache, alone, names, means)
    return [*names, *others], numpy.concatenate((means, moved)), len(others), int(found.sum())


def _add_contexts(
    sums: WordSums, chunks: Iterable[list[Doc]], encoder: Encoder, cache: EncodingCache
) -> Iterator[None]:
    """Add what an encoder says of words wherever they stand. YIELDS: Once a doc."""
    for docs in chunks:
        encodings = encode_docs(encoder, cache, docs)
        words = [token.lower_ for doc in docs for token in doc]
        sums.add(words, numpy.concatenate([each.tokens for each in encodings]))
        yield from (None for _ in docs)


def _words(doc: Doc) -> list[str]:
    return [token.lower_ for token in doc if not token.is_space]


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))
