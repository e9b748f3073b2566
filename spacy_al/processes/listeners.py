"""Which batch a listener waits for, told by sums over arrays: spaCy goes through all tokens, one by one, at every step."""

from collections.abc import Iterable
from typing import Any

import numpy
from spacy.attrs import ORTH
from spacy.pipeline.tok2vec import Tok2VecListener
from spacy.tokens import Doc


def tell_batches_fast() -> None:
    """Have listeners tell batches apart by arrays; for processes of our own, as it changes spaCy's class. Nothing else reads these ids."""
    listener: Any = Tok2VecListener
    listener.get_batch_id = classmethod(_batch_id)


def _batch_id(cls: type[Tok2VecListener], inputs: Iterable[Doc]) -> int:
    """As spaCy's: the sum of the hashes of all words."""
    with numpy.errstate(over="ignore"):
        return sum(int(doc.to_array(ORTH).sum(dtype="u8")) for doc in inputs)
