"""Noise of known kinds, made of the texts of a corpus, so that its words are those of the rest."""

import random
from collections.abc import Callable, Sequence
from itertools import cycle

# As scanners take one for another; kept apart from what the rules look for, so that these can miss
CONFUSED = {
    "l": ("1", "I", "|"),
    "o": ("0", "c"),
    "e": ("c",),
    "i": ("l", "1"),
    "m": ("rn", "nn"),
    "h": ("b", "li"),
    "a": ("u", "o"),
    "s": ("5", "a"),
    "t": ("f", "l"),
    "n": ("ri", "u"),
}
MISREAD, SPLIT = 0.15, 0.05
HEAD = ("Department of Medicine", "This report was made by a computer .", "Page 1 of 1")
FOOT = ("Confidential . Not to be passed on .", "Printed on request , not signed .")


def broken_encoding(text: str, rng: random.Random) -> str:
    """UTF-8 that was read as Windows-1252: some letters get accents first, and quotes are curly."""
    accents = {"e": "é", "a": "ä", "o": "ö", "u": "ü", "'": "’", '"': "“", "-": "–"}
    letters = [accents[c] if c in accents and rng.random() < 0.1 else c for c in text]
    at = rng.randrange(len(letters) + 1)
    letters.insert(at, rng.choice("éöß’–"))
    return "".join(letters).encode("utf8").decode("cp1252", errors="replace")


def table_row(text: str, rng: random.Random) -> str:
    """Words of the text, each with a number, in cells."""
    words = [word for word in text.split() if word.isalpha()] or ["value"]
    cells = [f"{rng.choice(words)} {rng.random() * 100:.1f}" for _ in range(rng.randint(4, 9))]
    return rng.choice((" | ", "  ", "\t")).join(cells)


def word_list(text: str, rng: random.Random) -> str:
    """Words of the text between commas, or under each other."""
    words = [word for word in text.split() if word.isalpha()] or ["item"]
    chosen = [rng.choice(words) for _ in range(rng.randint(6, 14))]
    return ", ".join(chosen) if rng.random() < 0.5 else "\n".join(f"- {word}" for word in chosen)


def scanned(text: str, rng: random.Random) -> str:
    """Letters that are taken for others, and words that fall apart."""
    made = ""
    for letter in text:
        if letter in CONFUSED and rng.random() < MISREAD:
            letter = rng.choice(CONFUSED[letter])
        made += letter + (" " if letter.isalpha() and rng.random() < SPLIT else "")
    return made


def framed(text: str, rng: random.Random) -> str:
    """A few words of the text between lines that many texts have."""
    own = " ".join(text.split()[: rng.randint(3, 8)])
    return "\n".join([*rng.sample(HEAD, 2), own, rng.choice(FOOT)])


KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "mojibake": broken_encoding,
    "table": table_row,
    "list": word_list,
    "ocr": scanned,
    "boilerplate": framed,
}


def plant_noise(
    texts: Sequence[str], n: int, rng: random.Random, foreign: Sequence[str] = ()
) -> dict[str, str]:
    """n different texts of noise and the kind of each, all kinds alike.

    texts (Sequence[str]): They are made of.
    n (int): How many.
    rng (Random): Chooses.
    foreign (Sequence[str]): Texts of another language; with them that is a kind as well.
    """
    kinds = [*KINDS, *(["language"] if foreign else [])]
    found = dict[str, str]()
    for kind in cycle(kinds):
        if len(found) == n:
            break
        made = rng.choice(foreign) if kind == "language" else KINDS[kind](rng.choice(texts), rng)
        found.setdefault(made, kind)
    return found
