"""Where sentences begin in legal, clinical and other text, by rules about what a full stop can be."""

import re

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

from spacy_al.corpus.abbreviations import (
    BEFORE_NUMBER,
    CAPITAL_NOUNS,
    GO_ON,
    MAY_GO_ON,
    ORDINALS,
    TITLES,
    WORDS,
)

_CLOSING = r"[\"'”’“»›)\]}]*"
# Marks of scripts without spaces or letters of two sizes need no space after them
_OTHER = "".join(re.escape(mark) for mark in Sentencizer.default_punct_chars if mark not in ".!?")
# Each alternative looks behind, so that a long run of marks or of spaces is walked through once
_MARK = re.compile(
    rf"(?P<stop>(?<![.!?…])[.!?…]+{_CLOSING})\s+"
    rf"|(?P<other>(?<![{_OTHER}])[{_OTHER}]+{_CLOSING})\s*"
    # a space that was forgotten: "was normal.The"
    r"|(?P<tight>(?<=[^\W\d_A-Z]{3})\.)(?=[^\W\d_a-z][^\W\d_A-Z])"
    r"|(?P<blank>(?<!\s)[^\S\n]*\n\s*\n\s*)|(?P<line>(?<!\s)[^\S\n]*\n[^\S\n]*)"
)
_OPENING = "\"'“„‚«‹»([{¿¡*•§ "
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BRACKETED = re.compile(r"(?:[a-zA-Z]{1,3}|[ivx]{1,5}|\((?:[a-zA-Z]{1,3}|[ivx]{1,5}|\d{1,3}))\)\s")
_ITEM = re.compile(r"[-–—•*·▪◦]\s|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s")
_GOES_ON = frozenset(",;:)]}%/-–=<>&…")
_ROMAN = re.compile(r"[IVXLC]+")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,4}\.)+[^\W\d_]{1,4}")
_NUMBER = re.compile(r"\d[\d.,/:-]*")
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xzß]{2,5}", re.I)
# So many characters are looked at on either side
NEAR = 100
# Nobody wraps lines at fewer characters
NARROWEST = 50


class Splitter:
    """The rules, with what one language needs of them.

    nlp (Language): What its tokeniser keeps together with a full stop is an abbreviation. One of its stop words with a capital
        letter shows where a sentence begins, after the orthographic heuristic of Kiss and Strunk (2006), with a list in place
        of their counts. A language that has no stop words is cut less often.
    """

    def __init__(self, nlp: Language) -> None:
        kept = (key for key in nlp.Defaults.tokenizer_exceptions if isinstance(key, str))
        self.may_go_on = (
            MAY_GO_ON
            | {key[:-1] for key in kept if len(key) > 2 and key.endswith(".") and key[0].isalpha()}
        ) - GO_ON
        self.stop_words = nlp.Defaults.stop_words
        self.ordinals = nlp.lang in ORDINALS
        self.capital_nouns = nlp.lang in CAPITAL_NOUNS

    def set_starts(self, doc: Doc) -> None:
        """Set the sentence starts of a doc, where a token begins."""
        starts = set(self.starts(doc.text))
        for token in doc:
            token.is_sent_start = token.i == 0 or token.idx in starts

    def starts(self, text: str) -> list[int]:
        """The offsets at which sentences begin; the first is 0."""
        found = [0]
        for mark in _MARK.finditer(text):
            if mark.end() < len(text) and self._ends(text, mark, found[-1]):
                found.append(mark.end())
        return found

    def _ends(self, text: str, mark: re.Match[str], start: int) -> bool:
        if mark["blank"] is not None or mark["other"] or mark[0].count("\n") > 1:
            return True
        # a line that was ended on purpose
        line = "\n" in mark[0] and _line_ends(text, mark)
        if mark["line"] is not None:
            return line
        after = text[mark.end() : mark.end() + NEAR]
        bracketed = _BRACKETED.match(after) is not None
        after = after.lstrip(_OPENING)
        if not bracketed and (after[:1].islower() or after[:1] in _GOES_ON):
            return False
        follows = _WORD.match(after)
        word = follows[0] if follows else ""
        number = word[:1].isdigit() or (len(word) > 1 and _ROMAN.fullmatch(word) is not None)
        # "W. A. No." has stop words, too
        abbreviated = after[len(word) :].startswith(".")
        begins = (
            line or bracketed or (not (number or abbreviated) and word.lower() in self.stop_words)
        )
        marks = (mark["stop"] or ".").rstrip("\"'”’“»›)]}")
        if marks != ".":
            # what is left out is a word, where nouns have capital letters
            return begins or not (self.capital_nouns and marks[0] in ".…")
        if (abbreviated and word in BEFORE_NUMBER) or after.partition(" ")[0].rstrip(
            "."
        ) in GO_ON - TITLES:
            return line
        before = text[max(start, mark.start() - NEAR) : mark.start()].split()
        return self._stop_ends(before, word, number, begins)

    def _stop_ends(self, before: list[str], word: str, number: bool, begins: bool) -> bool:
        """Whether one full stop ends a sentence.

        before (list[str]): The sentence so far.
        word (str): The next word, which is not lower case, or nothing.
        number (bool): It is a number.
        begins (bool): It is likely to begin a sentence.
        """
        chunk = before[-1].lstrip(_OPENING) if before else ""
        last = re.split(r"[-/(]", chunk)[-1]
        if not last or (len(before) == 1 and _ITEM.match(f"{chunk}. ")):
            # the number or letter of an item is part of it
            return False
        known = {chunk, last}
        # after a number it is a unit: "5 h."
        unit = (
            not number
            and len(before) > 1
            and _NUMBER.fullmatch(before[-2].lstrip("(~<>=≤≥")) is not None
        )
        if known & GO_ON:
            return False
        if known & self.may_go_on:
            return begins or (bool(known & WORDS) and word != "" and not number)
        if len(last) == 1 and last.isalpha():
            return begins or (last.islower() and unit)
        if _DOTTED.fullmatch(chunk):
            # "p.o. Patients", but "U.S. Court"
            small = chunk.islower() and not self.capital_nouns
            return begins or (small and word.istitle() and len(word) > 1)
        if number and re.fullmatch(r"\d{1,2}(\.\d{1,2})?", chunk):
            # a date with spaces
            return begins
        if self.ordinals and ((chunk.isdigit() and len(chunk) < 3) or _ROMAN.fullmatch(last)):
            return begins
        # no word of any language
        if _CONSONANTS.fullmatch(last) and not last.isupper():
            return begins or unit
        return True


def _line_ends(text: str, mark: re.Match[str]) -> bool:
    """Whether a line was ended on purpose: before an item of a list, or where the next word had had room in it."""
    after = text[mark.end() : mark.end() + NEAR]
    if _ITEM.match(after):
        return True
    if after[0].islower() or text[mark.start() - 1] in ",;":
        return False
    begin = text.rfind("\n", 0, mark.start())
    before = begin - text.rfind("\n", 0, max(begin, 0))
    next_line = text.find("\n", mark.end())
    length = mark.start() - begin
    width = max(before, length, (next_line if next_line > 0 else len(text)) - mark.end(), NARROWEST)
    return length + len(after.split(maxsplit=1)[0]) <= width
