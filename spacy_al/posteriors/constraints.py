"""The actions that spaCy's entity transition system forbids or forces, token by token (`_parser_internals/ner.pyx`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE, SENT_START
from spacy.tokens import Doc

from spacy_al.posteriors.entity_scores import Actions
from spacy_al.types import Bools, Floats, Ints

A = TypeVar("A", bound=NDArray[Any])

I, B = 1, 3  # noqa: E741  spaCy's codes of ENT_IOB; 0 is missing, 2 outside


@dataclass
class Constraints:
    """Validity of every action in every state of a batch; all but the label of the open entity depend on the token alone.

    begin, unit (Bools): (n_tokens, n_labels), with nothing open.
    out (Bools): (n_tokens,), with nothing open; true for a blocked token, which can only be outside.
    odds (Floats): (n_tokens, n_labels) with an entity of the label open: inf where it must go on, -inf where it must
        close, 0 where neither was ever seen in training, nan where the scores decide.
    n_dropped (int): Number of inside tags without a beginning, which were left out.
    """

    begin: Bools
    unit: Bools
    out: Bools
    odds: Floats
    n_dropped: int = 0

    @classmethod
    def of(cls, docs: Sequence[Doc], actions: Actions, *, presets: bool = True) -> "Constraints":
        """Read them from the docs: preset and blocked entities if wanted, sentence starts, white space."""
        attrs = [IS_SPACE, SENT_START, ENT_IOB, ENT_TYPE]
        table = numpy.concatenate([doc.to_array(attrs).reshape(len(doc), 4) for doc in docs])
        final = numpy.cumsum([len(doc) for doc in docs]) - 1
        space = table[:, 0] > 0
        is_last = numpy.zeros(len(table), dtype=bool)
        is_last[final] = True
        next_start = _next(table[:, 1] == 1, is_last)
        iob = table[:, 2].astype(numpy.int64) * presets
        preset = numpy.full(len(table), -1)
        n_dropped = 0
        if (iob & 1).any():  # I or B
            ids = {docs[0].vocab.strings[label]: i for i, label in enumerate(actions.labels)}
            n_dropped = _presets(iob, table[:, 3], ids, preset, is_last)
        return cls(*_rules(space, is_last, next_start, iob, preset, actions), n_dropped)


def _rules(
    space: Bools, is_last: Bools, next_start: Bools, iob: Ints, preset: Ints, actions: Actions
) -> tuple[Bools, Bools, Bools, Floats]:
    next_iob = _next(iob, is_last)
    starts, inside = iob == B, iob == I
    blocked = starts & (preset < 0)
    n_labels = len(actions.labels)
    same = preset[:, None] == numpy.arange(n_labels)

    free = ~starts & ~inside
    may_begin = free & ~is_last & (next_iob != B) & ~next_start & ~space
    begin = may_begin[:, None] | ((starts & ~is_last & (next_iob == I))[:, None] & same)
    may_unit = next_iob != I
    unit = (may_unit & ~starts & ~space)[:, None] | ((may_unit & starts)[:, None] & same)
    out = free | blocked
    # a preset entity goes on over sentence boundaries and white space
    goes_on = ~is_last & ~starts & (next_iob != B)
    go_on = (goes_on & ~inside & ~next_start)[:, None] | (
        (goes_on & inside & (next_iob == I))[:, None] & same
    )
    close = ((next_iob != I) & ~inside)[:, None] | ((inside & (next_iob != I))[:, None] & same)

    seen = {
        move: actions.seen[columns] & (columns >= 0) for move, columns in actions.columns.items()
    }
    return *_closed(begin, unit, out, blocked, seen, actions), _open(go_on, close, seen)


def _closed(
    begin: Bools,
    unit: Bools,
    out: Bools,
    blocked: Bools,
    seen: dict[str, Bools],
    actions: Actions,
) -> tuple[Bools, Bools, Bools]:
    """Leave out what training never saw, unless that leaves nothing at all."""
    known = begin & seen["B"], unit & seen["U"], out & (blocked | actions.seen[actions.out])
    stuck = ~(known[0].any(axis=1) | known[1].any(axis=1) | known[2])
    for kept, valid in zip(known, (begin, unit, out)):
        kept[stuck] = valid[stuck]
    return known


def _open(go_on: Bools, close: Bools, seen: dict[str, Bools]) -> Floats:
    inside, last = go_on & seen["I"], close & seen["L"]
    stuck = ~(inside | last)
    inside, last = numpy.where(stuck, go_on, inside), numpy.where(stuck, close, last)
    odds = numpy.full(go_on.shape, numpy.nan)
    odds[inside & ~last] = numpy.inf
    odds[~inside & last] = -numpy.inf
    odds[stuck & inside & last] = 0
    return odds


def _presets(
    iob: Ints,
    types: Ints,
    ids: dict[int, int],
    preset: Ints,
    is_last: Bools,
) -> int:
    """Fill in the label index of preset tokens; turn those that cannot be followed back into free ones, and count them."""
    count = 0
    open_label: int | None = None  # of the preset entity that the token before belongs to
    for token in numpy.flatnonzero(iob & 1).tolist():
        goes_on = token > 0 and not is_last[token - 1] and iob[token - 1] in (I, B)
        label = int(types[token])
        if iob[token] == B:
            # without a label it says that no entity is there
            open_label = label or None
            if label:
                preset[token] = ids[label]
        elif goes_on and open_label == label:
            preset[token] = ids[label]
        else:
            count += 1
            open_label = None
            iob[token] = 0
    return count


def _next(values: A, is_last: Bools) -> A:
    """Each token's value at the token after it, 0 behind a document's end."""
    shifted = numpy.zeros_like(values)
    shifted[:-1] = values[1:]
    shifted[is_last] = 0
    return shifted
