"""Shards encoded by the workers of a Ray cluster, each with an encoder of its own, into one cache that all of them reach."""

import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from spacy_al.corpus.pool import read_shard_items, shards
from spacy_al.distributed.ray_engine import check_workers, map_on_ray
from spacy_al.embeddings.cache import open_cache
from spacy_al.embeddings.encode import encode_docs
from spacy_al.embeddings.encode_pool import ZONE
from spacy_al.embeddings.encoder import EncoderSettings, open_encoder
from spacy_al.errors import AlError, AlWarning
from spacy_al.posteriors.component import load_code, load_pipeline


class RayEncoder:
    """Encodes a pool on a cluster; given to `encode_pool` as what fills the cache.

    workers (int): Actors, each of one core.
    model, lang, tokeniser (str | None, str, dict): As for `load_pipeline`, since a worker tokenises what it reads.
    code (str | None): Python file that registers functions.
    RAISES (AlError): AL087, AL393.
    """

    def __init__(
        self,
        workers: int,
        model: str | None,
        lang: str,
        tokeniser: dict[str, Any],
        code: str | None = None,
    ) -> None:
        check_workers(workers)
        self.workers, self._pipeline, self._code = workers, (model, lang, tokeniser), code

    def __call__(
        self, pool: Path, settings: EncoderSettings, folder: Path, tokens: bool, keep_tokens: bool
    ) -> Iterator[None]:
        """Encode what the cache lacks; yields once for each text that was looked at. RAISES (AlError): As `encode_pool`, AL394."""
        given = (self._pipeline, self._code, settings, folder.absolute(), tokens, keep_tokens)
        for count in map_on_ray(ShardEncoder, given, shards(pool), self.workers):
            yield from (None for _ in range(count))


class ShardEncoder:
    """What an actor holds: a tokeniser, an encoder, and the cache."""

    def __init__(
        self,
        pipeline: tuple[str | None, str, dict[str, Any]],
        code: str | None,
        settings: EncoderSettings,
        folder: Path,
        tokens: bool,
        keep_tokens: bool,
    ) -> None:
        load_code(code)
        model, lang, tokeniser = pipeline
        self._nlp, self._tokens, self._keep = (
            load_pipeline(model, lang, config=tokeniser),
            tokens,
            keep_tokens,
        )
        with warnings.catch_warnings():
            # who began it has said it
            warnings.simplefilter("ignore", AlWarning)
            self._encoder = open_encoder(settings)
            self._cache = open_cache(folder, self._encoder)

    def __call__(self, shard: Path) -> int:
        """How many texts of a shard were looked at; one that cannot be read has none."""
        count, items = 0, read_shard_items(shard, self._nlp, keep_tokens=self._keep)
        while True:
            with self._nlp.memory_zone():
                try:
                    docs = [item.doc for item in islice(items, ZONE)]
                except AlError:
                    return count
                if not docs:
                    return count
                encode_docs(self._encoder, self._cache, docs, tokens=self._tokens)
                count += len(docs)
                del docs
