"""Rows as they are written and read: what a row holds is sealed, so that damage to it is not taken for what somebody said."""

import hashlib
import json
from typing import Any

# Between the JSON of a column and its seal; JSON has none there
MARK = "#"
LENGTH = 16


def seal(value: Any, *beside: Any) -> str:
    """A value as JSON, with a hash of it.

    beside: Other columns of the row, which the hash is of as well; numbers are compared as floats.
    """
    text = json.dumps(value, allow_nan=False)
    return f"{text}{MARK}{_hash(text, beside)}"


def unseal(text: str, *beside: Any) -> Any:
    """The value of a column; what was written before version 0.2 has no seal.

    RAISES (ValueError): If it is not what was written.
    """
    head, mark, found = text.rpartition(MARK)
    if not (mark and head and len(found) == LENGTH):
        return json.loads(text)
    if found != _hash(head, beside):
        raise ValueError("a row is not as it was written")
    return json.loads(head)


def _hash(text: str, beside: tuple[Any, ...]) -> str:
    rest = [float(one) if isinstance(one, (int, float)) else one for one in beside]
    data = json.dumps([text, *rest]).encode("ascii")
    return hashlib.blake2b(data, digest_size=LENGTH // 2).hexdigest()
