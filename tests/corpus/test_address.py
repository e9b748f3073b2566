"""A pool at a URL is read as one on this machine is, and what is missing or forbidden is said."""

import fsspec
import pytest
from upath import UPath

from spacy_al.corpus.address import is_remote, pool_path
from spacy_al.corpus.pool import fetch, n_stored, shards
from spacy_al.corpus.shard import read_bare, write_shard
from spacy_al.errors import AlError
