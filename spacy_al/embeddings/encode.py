"""Encodings of docs, from a cache where they are there, and encoded and added where they are not."""

from collections.abc import Iterable, Iterator, Sequence

import numpy
from spacy.tokens import Doc

from spacy_al.embeddings.cache import EncodingCache, cache_key
from spacy_al.embeddings.cache_file import LARGEST, Key
from spacy_al.embeddings.encoder import Encoder, Encoding

# Written to the cache together: a file of some 6 MB with 384 numbers a vector. So much is lost if the process is
# killed, and after so much the progress moves on
CHUNK_TOKENS = 8_192


def encode_docs(
    encoder: Encoder, cache: EncodingCache | None, docs: Sequence[Doc], *, tokens: bool = True
) -> list[Encoding]:
    """One encoding a doc. Nothing is encoded twice, and a cache changes nothing but the time that it takes.

    encoder (Encoder): As `open_encoder` gives it.
    cache (EncodingCache | None): Of this encoder.
    docs (Sequence[Doc]): They stay as they are.
    tokens (bool): Keep and return vectors of tokens as well. Without them a cache is a twentieth of the size.
    RETURNS (list[Encoding]): float32, rounded as the cache does, so that it makes no difference whether it was there.
    RAISES (AlError): AL304, AL047 if the cache cannot be written; what was added before stays.
    """
    keys = [cache_key(doc, tokens=tokens) for doc in docs]
    found: dict[Key, Encoding] = {}
    if cache is not None:
        cache.refresh()
        found = {
            key: Encoding(numpy.array(encoding.text, "f4"), numpy.array(encoding.tokens, "f4"))
            for key, encoding in cache.get(keys).items()
        }
    rest = {key: doc for key, doc in zip(keys, docs) if key not in found}
    for chunk in chunks(rest.items()):
        made = encoder.encode([doc for _, doc in chunk])
        fresh = {key: rounded(encoding, key) for (key, _), encoding in zip(chunk, made)}
        if cache is not None:
            cache.add(fresh)
        found |= fresh
    return [found[key] for key in keys]


def chunks(
    items: Iterable[tuple[Key, Doc]], most: int = CHUNK_TOKENS
) -> Iterator[list[tuple[Key, Doc]]]:
    """Lists of keys and docs with about so many tokens; a longer doc is alone."""
    chunk: list[tuple[Key, Doc]] = []
    n_tokens = 0
    for key, doc in items:
        if chunk and n_tokens + len(doc) > most:
            yield chunk
            chunk, n_tokens = [], 0
        chunk.append((key, doc))
        n_tokens += len(doc)
    if chunk:
        yield chunk


def rounded(encoding: Encoding, key: Key) -> Encoding:
    """An encoding as it comes out of a cache, in float32; without its tokens where the key has none."""
    rows = encoding.tokens if key.tokens else encoding.tokens[:0]
    text, tokens = (
        array.clip(-LARGEST, LARGEST).astype("f2").astype("f4") for array in (encoding.text, rows)
    )
    return Encoding(numpy.ascontiguousarray(text), tokens)
