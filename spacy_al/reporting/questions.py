"""A question as a reader sees it: suggestions marked, uncertain words shaded, the answer beside it. All of it is bounded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spacy_al.reporting.facts import ShownQuestion, ShownSpan, ShownToken
from spacy_al.reporting.words import is_number
from spacy_al.tasks.task import Task

# Shares of the greatest uncertainty from which on a word is shaded
SHADES = (0.07, 0.2, 0.4, 0.6, 0.8)
# Nats: as unsure as a coin. Where no word is less certain than that, the darkest shade stands for it
COIN = 0.69
MOST_CHARACTERS = 600
MOST_CHIPS = 12
MOST_OF_A_CHIP = 80


def as_shown(
    task: Task, answer: dict[str, Any] | None = None, doubts: Sequence[float] | None = None
) -> ShownQuestion:
    """A task as it is shown: tokens with their uncertainty, suggested spans with exclusive ends, and the answer.

    doubts (Sequence | None): Entropies of the tokens; by default those that the task has, if any.
    """
    if doubts is None:
        doubts = task.get("uncertainty")
    meta = task["meta"]
    return {
        "text": task["text"],
        "tokens": [
            {
                "text": token["text"],
                "ws": token["ws"],
                "u": None if doubts is None else doubts[i],
            }
            for i, token in enumerate(task["tokens"])
        ],
        "spans": _spans(task.get("spans", [])),
        "options": [[option["id"], option.get("score")] for option in task.get("options", [])],
        "answer": answer and {**answer, "spans": _spans(answer.get("spans", []))},
        "score": meta.get("score"),
        "scored_by": meta.get("scored_by"),
        "why": meta.get("why"),
        "rank": meta.get("rank"),
    }


def _spans(spans: Sequence[dict[str, Any]]) -> list[ShownSpan]:
    return [
        {
            "start": span["token_start"],
            "end": span["token_end"] + 1,
            "label": span["label"],
            "score": span.get("score"),
        }
        for span in spans
    ]


def greatest_doubt(batches: Iterable[Sequence[ShownQuestion]]) -> float:
    """The uncertainty that the darkest shade stands for, the same for all questions of a report."""
    doubts = (
        token.get("u")
        for batch in batches
        for asked in batch
        for token in asked.get("tokens") or []
    )
    return max([COIN, *(doubt for doubt in doubts if is_number(doubt))])


def show_question(asked: ShownQuestion, most: float = COIN) -> dict[str, Any]:
    """The parts of a question that are shown.

    asked (ShownQuestion): text; tokens, each with text, ws and u (entropy in nats or None); spans with start and end (tokens, exclusive),
        label and score; options, pairs of category and probability; answer; score, why, rank.
    most (float): The uncertainty that the darkest shade stands for.
    RETURNS (dict): pieces: parts of the text in order, each with its words and the suggestion that marks it, if any; `also`:
        suggestions that overlap those; before, after: whether something was left out there; verdict, chips: the answer.
    """
    tokens = asked.get("tokens") or [{"text": asked.get("text") or "", "ws": False, "u": None}]
    spans = [span for span in asked.get("spans") or [] if 0 <= span["start"] < span["end"]]
    first, last = _window(tokens, spans)
    inline, overlapping = _flat(spans)
    pieces, at = [], first
    for span in inline:
        start, end = max(span["start"], first), min(span["end"], last)
        if start >= end:
            continue
        if at < start:
            pieces.append({"mark": None, "words": _words(tokens, at, start, most)})
        own, at = _words(tokens, start, end, most), end
        # the space behind a suggestion is not part of it
        space = own.pop() if own[-1]["text"] == " " else None
        pieces.append({"mark": span, "words": own})
        if space:
            pieces.append({"mark": None, "words": [space]})
    if at < last:
        pieces.append({"mark": None, "words": _words(tokens, at, last, most)})
    options = [option for option in asked.get("options") or [] if is_number(option[1])]
    options.sort(key=lambda option: -option[1])
    answer = asked.get("answer")
    verdict, chips = _answer(tokens, spans, answer)
    return {
        "rank": asked.get("rank"),
        "score": asked.get("score"),
        "scored_by": asked.get("scored_by"),
        "why": asked.get("why"),
        "pieces": pieces,
        "before": first > 0,
        "after": last < len(tokens),
        "n_characters": len(asked.get("text") or ""),
        "also": [_chip(tokens, span, "") for span in overlapping[:MOST_CHIPS]],
        "options": options[:5],
        "verdict": verdict,
        "answered": answer is not None,
        "chips": chips[:MOST_CHIPS],
        "more_chips": max(0, len(chips) - MOST_CHIPS),
    }


def _window(tokens: Sequence[ShownToken], spans: Sequence[ShownSpan]) -> Any:
    """The tokens that are shown: all, or those around the least certain one."""
    lengths = [len(token["text"]) + 1 for token in tokens]
    if sum(lengths) <= MOST_CHARACTERS * 1.5:
        return 0, len(tokens)
    doubts = [token.get("u") or 0.0 for token in tokens]
    middle = max(range(len(tokens)), key=lambda i: doubts[i])
    if not doubts[middle]:
        middle = spans[0]["start"] if spans and spans[0]["start"] < len(tokens) else 0
    first = last = middle
    room = MOST_CHARACTERS - lengths[middle]
    last += 1
    while True:
        left = first > 0 and lengths[first - 1] <= room
        if left:
            first -= 1
            room -= lengths[first]
        right = last < len(tokens) and lengths[last] <= room
        if right:
            room -= lengths[last]
            last += 1
        if not (left or right):
            return first, last


def _flat(spans: Sequence[ShownSpan]) -> tuple[list[Any], list[Any]]:
    """Suggestions that can be marked in the text, in order, and those that overlap them."""
    inline: list[Any] = []
    overlapping, taken = [], set[int]()
    # the likeliest is marked
    for span in sorted(spans, key=lambda s: (-(s.get("score") or 0.0), s["start"], -s["end"])):
        own = range(span["start"], span["end"])
        if taken.isdisjoint(own):
            taken.update(own)
            inline.append(span)
        else:
            overlapping.append(span)
    return sorted(inline, key=lambda span: span["start"]), overlapping


def _words(tokens: Sequence[ShownToken], start: int, end: int, most: float) -> list[dict[str, Any]]:
    """Tokens with their shade, and the spaces between them."""
    words: list[dict[str, Any]] = []
    for i in range(start, end):
        token = tokens[i]
        doubt = token.get("u")
        shade = sum(doubt >= share * most for share in SHADES) if is_number(doubt) else 0
        text = _short(token["text"], MOST_CHARACTERS)
        words.append({"text": text, "shade": shade, "u": doubt if shade else None})
        if token.get("ws"):
            words.append({"text": " ", "shade": 0, "u": None})
    return words


def _answer(
    tokens: Sequence[ShownToken],
    spans: Sequence[ShownSpan],
    answer: Mapping[str, Any] | None,
) -> tuple[str, list[dict[str, Any]]]:
    """The answer, and what became of the suggestions by it: kept, added, removed."""
    if answer is None:
        return "not answered yet", []
    said = answer.get("answer")
    if said == "ignore":
        return "left out by the annotator", []
    if said == "reject":
        return "rejected", []
    if answer.get("accept") is not None and not answer.get("spans"):
        chosen = [{"text": "", "label": label, "change": "kept"} for label in answer["accept"]]
        if chosen or not spans:
            return ("" if chosen else "nothing applies"), chosen
    given = sorted(answer.get("spans") or [], key=lambda span: (span["start"], span["end"]))
    keys = {_key(span) for span in given}
    suggested = {_key(span) for span in spans}
    chips = [_chip(tokens, span, "kept" if _key(span) in suggested else "added") for span in given]
    chips += [_chip(tokens, span, "removed") for span in spans if _key(span) not in keys]
    if not given and not chips:
        return "nothing to mark", []
    if keys == suggested:
        return "as suggested", []
    return ("" if given else "nothing to mark"), chips


def _key(span: ShownSpan) -> tuple[Any, ...]:
    return span["start"], span["end"], span["label"]


def _chip(tokens: Sequence[ShownToken], span: ShownSpan, change: str) -> dict[str, Any]:
    own = tokens[span["start"] : span["end"]]
    text = "".join(token["text"] + (" " if token.get("ws") else "") for token in own).strip()
    return {
        "text": _short(text, MOST_OF_A_CHIP),
        "label": span["label"],
        "change": change,
        "score": span.get("score"),
    }


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
