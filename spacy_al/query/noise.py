"""Texts that are noise rather than language: each rule has a name, looks at the text alone, and is counted by its name."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

import numpy
from spacy.tokens import Doc

from spacy_al.types import Bools, Ints
from spacy_al.util import content_hash

# What UTF-8 looks like where it was read as Latin-1 or Windows-1252, and what stands for characters that were lost
SECOND = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
DAMAGE = re.compile(
    f"[ÂÃ][{SECOND}]|â[{SECOND}][{SECOND}]|\ufffd|[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]"
)
CELLS = re.compile(r"\t+|\s*\|\s*| {2,}")
ITEM = re.compile(r"\s*(?:[-*•◦▪–]|\(?(?:\d{1,3}|[a-zA-Z])[.)])\s")
NUMBER = re.compile(r"[\d.,:/%<>=+-]*\d[\d.,:/%<>=+-]*")
# Letters with digits or signs between them, as l, o and s are misread
MISREAD = re.compile(
    r"[^\W\d_]*[a-z][0-9|!~^°]+[a-z][^\W\d_]*|[^\W\d_]*[|~^\\][^\W\d_]+|[^\W\d_]+[a-z][.,;][a-z][^\W\d_]*"
)
# Characters a place of damage, below which a text is read as if there were none
PLACES = 200
# Letters that are a word, in one language or another
ALONE = frozenset("aeiouyàéóAIOYÀÉÓ")
LANGUAGES = (
    "da",
    "de",
    "en",
    "es",
    "fi",
    "fr",
    "hu",
    "it",
    "nb",
    "nl",
    "pl",
    "pt",
    "ro",
    "sv",
    "tr",
)
# Lines that so many other texts have, or so large a share of them, say nothing of this one
REPEATED, REPEATED_SHARE = 5, 0.01
# Lines of a text that are looked at, spread over it
LINES = 16


def is_damaged(text: str, words: Sequence[str], lang: str) -> bool:
    """Characters that were read in the wrong encoding, or lost, at one of 200 places or more."""
    return len(DAMAGE.findall(text)) * PLACES >= max(len(text), 1)


def is_table(text: str, words: Sequence[str], lang: str) -> bool:
    """Rows of cells, or more numbers than words."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = sum(len([cell for cell in CELLS.split(line) if cell]) >= 4 for line in lines)
    numbers = sum(NUMBER.fullmatch(word) is not None for word in words)
    letters = sum(word.isalpha() for word in words)
    return 2 * rows > len(lines) or (numbers >= 4 and numbers > letters)


def is_list(text: str, words: Sequence[str], lang: str) -> bool:
    """Items under each other, or many short ones between commas."""
    lines = [line for line in text.splitlines() if line.strip()]
    items = sum(ITEM.match(line) is not None for line in lines)
    parts = sum(word in (",", ";", "·", "•") for word in words) + 1
    return (items >= 3 and 2 * items > len(lines)) or (parts >= 8 and len(words) < 4 * parts)


def is_misread(text: str, words: Sequence[str], lang: str) -> bool:
    """Words that came out of a scanner in pieces, or with other characters in them."""
    bare = [word for word in words if any(map(str.isalpha, word))]
    odd = sum(
        (len(word) == 1 and word not in ALONE) or MISREAD.fullmatch(word) is not None
        for word in bare
    )
    return odd >= 3 and 10 * odd > len(bare)


def is_foreign(text: str, words: Sequence[str], lang: str) -> bool:
    """More of another language's most frequent words than of this one's, by spaCy's lists; or another script than its own."""
    if lang not in LANGUAGES:
        return False
    letters = [word.lower() for word in words if word.isalpha()]
    if len(letters) < 5:
        return False
    latin = sum(all(letter < "\u0250" for letter in word) for word in letters)
    if 2 * latin < len(letters):
        return True
    own = sum(word in _frequent(lang) for word in letters)
    # short words of one or two letters are shared by many
    longer = [word for word in letters if len(word) > 1]
    theirs = [[w for w in longer if w in _frequent(other)] for other in LANGUAGES if other != lang]
    most = max(theirs, key=len)
    # three different ones: a name may have one of them, again and again
    return len(set(most)) >= 3 and 5 * len(most) > len(letters) and len(most) >= 2 * own


Rule = Callable[[str, Sequence[str], str], bool]
# In the order in which they are counted: a text counts under the first that holds
RULES: dict[str, Rule] = {
    "mojibake": is_damaged,
    "language": is_foreign,
    "table": is_table,
    "list": is_list,
    "ocr": is_misread,
}
BOILERPLATE = "boilerplate"
NAMES = (*RULES, BOILERPLATE)
# As reports count them
REASONS = {
    "mojibake": "damaged encoding",
    "language": "another language",
    "table": "table",
    "list": "list",
    "ocr": "misread by a scanner",
    BOILERPLATE: "repeated lines",
}


def noise_bits(docs: Sequence[Doc], rules: Sequence[str] = tuple(RULES)) -> Ints:
    """Which rules hold for each text: bit k for the k-th of `RULES`, shape (n_docs,).

    docs (Sequence[Doc]): Tokenised; the language is that of their vocabulary.
    rules (Sequence[str]): Those that are asked for; others are not tried.
    """
    found = numpy.zeros(len(docs), dtype="u1")
    for row, doc in enumerate(docs):
        text, words = doc.text, [token.text for token in doc if not token.is_space]
        for bit, (name, rule) in enumerate(RULES.items()):
            if name in rules and rule(text, words, doc.lang_):
                found[row] |= 1 << bit
    return found


def line_keys(docs: Sequence[Doc]) -> Ints:
    """Hashes of up to 16 lines of each text, evenly spread over it, shape (n_docs, 16); 0 where it has fewer. One of a single line has none."""
    keys = numpy.zeros((len(docs), LINES), dtype="u8")
    for row, doc in enumerate(docs):
        lines = [" ".join(line.split()) for line in doc.text.splitlines() if line.strip()]
        if len(lines) < 2:
            continue
        step = max(1, -(-len(lines) // LINES))
        for column, line in enumerate(lines[::step]):
            keys[row, column] = int(content_hash(line), 16) or 1
    return keys


def repeated(keys: Ints) -> Bools:
    """Texts of which more than half of the lines stand in many other texts too, shape (N,).

    keys (Ints): (N, 16), see `line_keys`.
    """
    lines, found = numpy.unique(keys, return_inverse=True)
    found = found.reshape(keys.shape)
    # of each text a line counts once
    once = numpy.sort(found, axis=1)
    first = numpy.ones(once.shape, dtype=bool)
    first[:, 1:] = once[:, 1:] != once[:, :-1]
    texts = numpy.bincount(once[first], minlength=len(lines))
    common = (texts > max(REPEATED, REPEATED_SHARE * len(keys))) & (lines != 0)
    held: Bools = 2 * common[found].sum(axis=1) > (keys != 0).sum(axis=1)
    return held


def rules_that_hold(names: Sequence[str], bits: Ints, keys: Ints | None) -> dict[str, Bools]:
    """Reason -> which texts it holds for, in the order of counting.

    names (Sequence[str]): Of rules.
    bits (Ints): (N,) see `noise_bits`.
    keys (Ints | None): (N, 16) see `line_keys`, where repeated lines are asked for.
    """
    found = {
        REASONS[name]: (bits >> bit) & 1 == 1 for bit, name in enumerate(RULES) if name in names
    }
    if BOILERPLATE in names and keys is not None:
        found[REASONS[BOILERPLATE]] = repeated(keys)
    return found


@cache
def _frequent(lang: str) -> frozenset[str]:
    """The stop words of a language, as spaCy lists them."""
    words: set[str] = import_module(f"spacy.lang.{lang}.stop_words").STOP_WORDS
    return frozenset(words)
