"""Exact and near duplicates, found by hashes alone: no pair of texts is ever compared."""

import re
import unicodedata
import zlib
from itertools import pairwise

from spacy_al.util import content_hash

# Into so many parts a text is cut to find copies of it; each is left out once
PARTS = 5
# Of fewer words one says what a text is about: "How do I unblock my PIN?" is no copy of "How do I change my PIN?"
FEWEST = 8
# By so many of its first words a text is found to be of a template; they stand within so many characters
OPENING, OPENING_CHARS = 10, 300
# A quoted term is what a definition is of
_QUOTED = re.compile(r'["“„«][^"“”„»\n]{1,60}["“”»]')


class Duplicates:
    """The texts that were met so far, as up to three integers each.

    near (bool): Also find near duplicates: texts with one `value_key`, and those without a letter ("1.", "0 0.") with one `near_key`.
    numbers (int): How many texts that are near duplicates but for a number were taken for new.
    """

    def __init__(self, *, near: bool = True) -> None:
        self.near = near
        self.numbers = 0
        self._exact = set[int]()
        self._near = set[int]()
        self._forms = set[int]()
        self._known = set[int]()

    def learn(self, text: str) -> None:
        """Note a text of the pool: what is like it is `in the pool already` or a `near duplicate in the pool`."""
        self.check(text)
        self.numbers = 0
        self._known.add(int(content_hash(text), 16))
        if self.near:
            self._known.add(value_key(text))

    def check(self, text: str) -> str | None:
        """Why this text is not new: `duplicate`, `near duplicate`, what `learn` says, or None for the first of its kind."""
        identity = int(content_hash(text), 16)
        if identity in self._exact:
            return "in the pool already" if identity in self._known else "duplicate"
        self._exact.add(identity)
        if not self.near:
            return None
        key = value_key(text)
        if key in self._near:
            return "near duplicate in the pool" if key in self._known else "near duplicate"
        self._near.add(key)
        form = near_key(text)
        if form != key:
            self.numbers += form in self._forms
            self._forms.add(form)
        return None


def near_key(text: str) -> int:
    """Equal for texts that say the same in the same form: 64 bits of a hash of the normalised text.

    Normalised is: NFKC, lower-case, every digit a 0, without invisible format characters, and with every run of white space,
    control characters and punctuation as one space (none at the ends). Symbols such as +, <, = and emoji
    stay, and so do the number of digits and the order of words.
    """
    return _hash(_words(text))


def value_key(text: str) -> int:
    """Equal for near duplicates: as `near_key`, but with the values of digits where the text has a letter."""
    if not any(char.isalpha() for char in text):
        return near_key(text)
    return _hash(_words(text, _VALUES))


def copy_keys(text: str) -> list[int]:
    """Numbers of which two texts share one if a word, or a few in a row, was put in the place of as many others.

    The words, as `near_key` compares them, are cut into `PARTS` parts, and each number says all but one part. A text of
    fewer than `FEWEST` words has only its `near_key`.

    RETURNS (list[int]): `PARTS` unsigned numbers of 64 bits; some may be equal.
    """
    words = _words(text)
    if len(words) < FEWEST:
        return [_hash(words)] * PARTS
    # with the number of words, and where something is missing, so that what is left stands in the same place
    cuts = [len(words) * i // PARTS for i in range(PARTS + 1)]
    return [_hash([*words[:i], f"{i} {j} {len(words)}", *words[j:]]) for i, j in pairwise(cuts)]


def opening(text: str) -> list[int]:
    """The first words of a text as numbers, without those of digits and without terms in quotes: its form rather than its values.

    RETURNS (list[int]): `OPENING` unsigned numbers of 32 bits, the last ones 0 where there are fewer words.
    """
    words = _words(_QUOTED.sub(" ", text[:OPENING_CHARS]))
    found = [
        zlib.crc32(word.encode("utf8", "surrogatepass")) or 1 for word in words if "0" not in word
    ][:OPENING]
    return found + [0] * (OPENING - len(found))


def _words(text: str, table: "_Normal | None" = None) -> list[str]:
    table = _NORMAL if table is None else table
    return unicodedata.normalize("NFKC", text).lower().translate(table).split()


def _hash(words: list[str]) -> int:
    return int(content_hash(" ".join(words)), 16)


class _Normal(dict[int, int | str | None]):
    """A table for str.translate that is filled as characters turn up.

    keep_values (bool): Digits keep their values.
    """

    def __init__(self, *, keep_values: bool = False) -> None:
        super().__init__()
        self.keep_values = keep_values

    def __missing__(self, code: int) -> int | str | None:
        kind = unicodedata.category(chr(code))
        if kind == "Nd":
            self[code] = str(unicodedata.digit(chr(code))) if self.keep_values else "0"
        elif kind == "Cf":
            self[code] = None
        else:
            self[code] = " " if kind == "Cc" or kind[0] in "PZ" else code
        return self[code]


_NORMAL, _VALUES = _Normal(), _Normal(keep_values=True)
