"""Rows that are outer products, kept as their factors: gradients of a linear layer take K + d numbers, not K * d."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy

from spacy_al.types import Floats

# Numbers a row of a sketch: in single precision 1 kB
WIDTH = 256


class Factored:
    """N rows of length K * d, row i the outer product of `left[i]` and `right[i]`, never multiplied out.

    It goes where an array of embeddings goes: it has a shape and a length, its rows are taken by an array, a mask or
    a slice, and `stack` joins several.

    left (Floats): Shape (N, K).
    right (Floats): Shape (N, d).
    """

    def __init__(self, left: Floats, right: Floats) -> None:
        self.left, self.right = left, right

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.left), self.left.shape[1] * self.right.shape[1]

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, rows: Any) -> "Factored":
        return Factored(self.left[rows], self.right[rows])

    @staticmethod
    def stack(parts: Sequence["Factored"]) -> "Factored":
        """The rows of all parts after each other."""
        left = numpy.concatenate([part.left for part in parts])
        return Factored(left, numpy.concatenate([part.right for part in parts]))

    def __matmul__(self, vector: Floats) -> Floats:
        """Products with one long vector, shape (N,)."""
        table = vector.reshape(self.left.shape[1], self.right.shape[1])
        return numpy.einsum("nk,nk->n", self.left, self.right @ table.T)

    def products(self, other: "Factored") -> Floats:
        """Products of each row with each of the other's, shape (N, M): (a x b) . (c x d) = (a . c)(b . d)."""
        return (self.left @ other.left.T) * (self.right @ other.right.T)

    def squares(self) -> Floats:
        """The square of the length of each row, shape (N,)."""
        return (self.left**2).sum(axis=1) * (self.right**2).sum(axis=1)

    def sum(self, axis: int = 0) -> Floats:
        """The sum of all rows, shape (K * d,)."""
        return (self.left.T @ self.right).ravel()

    def sketch(self) -> Floats:
        """Shape (N, 256): dense rows with about the same products; see `sketch`."""
        return sketch(self.left, self.right)


def sketch(left: Floats, right: Floats) -> Floats:
    """Outer products as dense rows of 256 numbers whose products with each other are right in expectation.

    Number j of a row is (u_j . a)(v_j . b) / 16 with fixed random signs u_j and v_j (a random projection of tensors;
    Sun et al., 2018), so the sketch of a sum of outer products is the sum of their sketches.

    left, right (Floats): The factors a and b of each row, shapes (N, K) and (N, d).
    RETURNS (Floats): Shape (N, 256), in single precision.
    """
    by_left, by_right = left @ _signs(left.shape[1], 0), right @ _signs(right.shape[1], 1)
    return ((by_left * by_right) / WIDTH**0.5).astype("f4")


def stack(parts: Sequence[Any]) -> Any:
    """The rows of all parts after each other, whatever kind they are: dense, scipy sparse, or `Factored`."""
    if hasattr(parts[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(parts, format="csr")
    return parts[0].stack(parts) if hasattr(parts[0], "stack") else numpy.concatenate(parts)


@lru_cache(maxsize=16)
def _signs(size: int, side: int) -> Floats:
    # the same in every process and every round, or sketches of two batches could not be compared
    signs = numpy.random.default_rng([side, size]).integers(0, 2, (size, WIDTH), dtype="i1")
    return signs.astype("f4") * 2 - 1
