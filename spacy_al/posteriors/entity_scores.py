"""The scores of spaCy's entity transition model for any state, without stepping through a parse.

A state is the token read next and the start of the open entity, if one is open: the features spaCy computes from
them (`StateC.set_context_tokens`) depend on nothing else, so states are scored in any order and number.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
from thinc.api import Model

from spacy_al.types import Bools, Floats, Ints

MOVES = ("B", "I", "L", "U")


@dataclass(frozen=True)
class Actions:
    """Which column of the scores is which action.

    labels (tuple): Entity labels, sorted; last those that the component lacks and preset entities have.
    columns (dict[str, Ints]): For B, I, L, U: (n_labels,) column of the action with that label, -1 if there is none.
    out (int): Column of O.
    seen (Bools): (n_columns,) False for actions that were added after training.
    """

    labels: tuple[str, ...]
    columns: dict[str, Ints]
    out: int
    seen: Bools

    @classmethod
    def of(cls, pipe: Any, presets: Collection[str] = ()) -> "Actions":
        """Read them from the component. `move_names` leaves out a column, so class names are asked one by one.

        presets (Collection[str]): Labels of preset entities. When spaCy parses it adds those that the component lacks, as
            actions it has never seen: here they are added without a change to the component.
        """
        names = [pipe.moves.get_class_name(i) for i in range(pipe.moves.n_moves)]
        own = {name[2:] for name in names if name[:2] in ("B-", "U-") and name[2:]}
        others = sorted(set(presets) - own)
        names += [f"{move}-{label}" for label in others for move in MOVES]
        index = {name: i for i, name in enumerate(names)}
        labels = (*sorted(own), *others)
        n_own = len(names) - len(MOVES) * len(others)
        seen = numpy.ones(len(names), dtype=bool)
        seen[[i for i in pipe.model.attrs["unseen_classes"] if i < n_own]] = False
        seen[n_own:] = False
        columns = {
            m: numpy.array([index.get(f"{m}-{label}", -1) for label in labels], dtype=int)
            for m in MOVES
        }
        return cls(labels, columns, index["O"], seen)


class Head:
    """The layers above the token vectors, as plain arrays. A copy of their layout, never a change to the model.

    relu (bool): Whether one maxout piece gets a ReLU: in spaCy's training and beam search, not in its greedy parse.
    """

    def __init__(self, model: Model[Any, Any], actions: Actions, *, relu: bool = False) -> None:
        lower = model.get_ref("lower")
        to_numpy: Any = model.ops.to_numpy
        weights = to_numpy(lower.get_param("W"))  # (n_features, n_hidden, n_pieces, n_in)
        self.n_features, self.n_hidden, self.n_pieces, self.n_in = weights.shape
        # one matrix a feature, (n_in, n_pieces * n_hidden): a product is quickest when it is large
        self.weights = numpy.ascontiguousarray(weights.transpose(0, 3, 2, 1)).reshape(
            self.n_features, self.n_in, -1
        )
        self.pad = self._pieces_first(to_numpy(lower.get_param("pad"))[0])
        self.bias = self._pieces_first(to_numpy(lower.get_param("b")))
        self.relu = relu and self.n_pieces == 1
        upper = model.get_ref("upper") if model.attrs["has_upper"] else None
        n_actions = len(actions.seen)
        # without an upper layer the hidden units are the scores
        self.output = numpy.eye(n_actions, self.n_hidden, dtype="f")
        self.output_bias = numpy.zeros(n_actions, dtype="f")
        if upper:
            # actions that the component lacks score 0, as those that spaCy adds
            n_own = upper.get_dim("nO")
            self.output[:] = 0
            self.output[:n_own] = to_numpy(upper.get_param("W"))
            self.output_bias[:n_own] = to_numpy(upper.get_param("b"))
        self.actions = actions
        inside, last = actions.columns["I"], actions.columns["L"]
        self.inside, self.last = self._columns(inside), self._columns(last)
        self.odds = (self.inside[0] - self.last[0], self.inside[1] - self.last[1])

    def _pieces_first(self, values: Floats) -> Floats:
        """(..., n_hidden, n_pieces) -> (..., n_pieces, 1, n_hidden), to be added to (n_pieces, n_tokens, n_hidden)"""
        return numpy.ascontiguousarray(values.swapaxes(-1, -2))[..., None, :]

    def _columns(self, columns: Ints) -> tuple[Floats, Floats]:
        return numpy.ascontiguousarray(self.output[columns].T), self.output_bias[columns]

    def features(self, vectors: Floats) -> "Features":
        """Everything that depends on single tokens. vectors (Floats): (n_tokens, n_in)."""
        return Features(self, vectors)


class Features:
    """A head and the token vectors of a batch: scores for any of its states."""

    def __init__(self, head: Head, vectors: Floats) -> None:
        self.head, self.vectors = head, vectors

    @cached_property
    def parts(self) -> list[Floats]:
        """For each feature, what each token adds as that feature: (n_pieces, n_tokens, n_hidden)."""
        head = self.head
        shape = len(self.vectors), head.n_pieces, head.n_hidden
        # pieces first, so that the maximum over them is one of whole arrays
        parts = [
            numpy.ascontiguousarray((self.vectors @ weights).reshape(shape).swapaxes(0, 1))
            for weights in head.weights
        ]
        parts[0] += head.bias
        return parts

    def release(self) -> None:
        """Forget what can be made again from the vectors: kilobytes a token, for as long as a posterior is kept."""
        self.__dict__.pop("parts", None)
        self.__dict__.pop("reading", None)

    @cached_property
    def reading(self) -> Floats:
        """Sums that a token and the one before it add while an entity is open: (n_pieces, n_tokens, n_hidden)."""
        reading = self.parts[0].copy()
        reading[:, 1:] += self.parts[2][:, :-1]
        return reading

    def hidden(self, total: Floats) -> Floats:
        """The nonlinearity: (n_pieces, n_rows, n_hidden) -> (n_rows, n_hidden). Changes its argument."""
        out = total[0]
        if self.head.relu:
            return numpy.maximum(out, 0, out=out)
        for piece in total[1:]:
            numpy.maximum(out, piece, out=out)
        return out

    def closed(self, tokens: Ints | slice = slice(None)) -> Floats:
        """Scores of all actions where nothing is open: (n_rows, n_actions)."""
        total = self.parts[0][:, tokens] + self.head.pad[1:].sum(axis=0)
        return self.hidden(total) @ self.head.output.T + self.head.output_bias

    def open(self, token: Ints, start: Ints) -> Floats:
        """Hidden units where an entity has been open since `start` (< token): (n_rows, n_hidden)."""
        parts, pad = self.parts, self.head.pad
        if self.head.n_features == 3:
            total = self.reading.take(token, axis=1)
            total += parts[1].take(start, axis=1)
            return self.hidden(total)
        total = parts[0].take(token, axis=1)
        # the wide variant: the first five tokens of the open entity
        for i in range(1, self.head.n_features):
            position = start + i - 1
            within = position < token
            read = parts[i].take(numpy.minimum(position, token), axis=1)
            total += numpy.where(within[:, None], read, pad[i])
        return self.hidden(total)

    def odds(self, token: Ints, start: Ints) -> Floats:
        """Score of going on inside minus score of closing, per label: (n_rows, n_labels)."""
        weights, bias = self.head.odds
        return self.open(token, start) @ weights + bias

    def inside_last(self, token: Ints, start: Ints) -> tuple[Floats, Floats]:
        """The two scores apart, each (n_rows, n_labels)."""
        hidden = self.open(token, start)
        (inside, inside_bias), (last, last_bias) = self.head.inside, self.head.last
        return hidden @ inside + inside_bias, hidden @ last + last_bias
