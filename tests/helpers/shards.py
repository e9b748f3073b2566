"""A pool on disk, for tests that need one."""

from spacy_al.corpus.pool import SHARD_SIZE
from spacy_al.corpus.shard import write_shard
from spacy_al.util import batched


def write_shards(docs, output, shard_size=SHARD_SIZE):
    """Docs as 00000.spacy, 00001.spacy and so on; the files."""
    return [
        write_shard(batch, output / f"{number:05}.spacy")
        for number, batch in enumerate(batched(docs, shard_size))
    ]
