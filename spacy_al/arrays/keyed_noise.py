"""Chance that belongs to texts and not to rows."""

import hashlib
from typing import Any

import numpy

from spacy_al.types import Ints


class KeyedGenerator(numpy.random.Generator):
    """A generator of which whoever draws one number a row gets, for each row, the number of that row's text.

    So a text keeps its noise when other texts enter or leave the pool, and however the pool is shuffled. This holds
    for `random`, `gumbel` and `permutation`; other draws, and those of other sizes, come from an ordinary stream.

    seed (int): The project's seed.
    round (int): The round.
    ids (Ints): (N,) ids of the rows, unsigned 64 bits.
    stream (BitGenerator | None): For all other draws; by default one of the seed and the round.
    """

    def __init__(self, seed: int, round: int, ids: Ints, stream: Any = None) -> None:
        super().__init__(stream or numpy.random.PCG64([seed, round]))
        self._of = seed, round
        self._ids = ids
        self._key = f"{seed} {round}"
        self._draws = 0

    def random(self, size: Any = None, dtype: Any = numpy.float64, out: Any = None) -> Any:
        """Uniform in [0, 1)."""
        if not self._is_rows(size) or out is not None:
            return super().random(size, dtype, out)
        self._draws += 1
        key = hashlib.blake2b(f"{self._key} {self._draws}".encode(), digest_size=8).digest()
        bits = _mix(self._ids.astype("u8") ^ numpy.uint64(int.from_bytes(key, "big")))
        return ((bits >> numpy.uint64(11)) * 2.0**-53).astype(dtype)

    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Gumbel noise, of which the largest sums with log weights are draws without replacement."""
        if not self._is_rows(size):
            return super().gumbel(loc, scale, size)
        # 1 - u is in (0, 1]; exactly 1 would become infinite
        uniform = numpy.clip(1.0 - self.random(size), None, 1.0 - 2.0**-53)
        return loc - scale * numpy.log(-numpy.log(uniform))

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """The rows in random order."""
        if not isinstance(x, int) or not self._is_rows(x):
            return super().permutation(x, axis)
        return numpy.argsort(self.random(x), kind="stable")

    def secret_gumbel(self) -> Any:
        """Standard Gumbel noise, shape (N,), of which nobody who does not know the seed can tell one number from the others.

        A keyed hash (BLAKE2b) of each id in place of the fast mixing of the other draws, which is no cipher.
        """
        self._draws += 1
        key = hashlib.blake2b(f"secret {self._key} {self._draws}".encode()).digest()
        ids = self._ids.astype("<u8").tobytes()
        hashes = b"".join(
            hashlib.blake2b(ids[at : at + 8], key=key, digest_size=8).digest()
            for at in range(0, len(ids), 8)
        )
        # never 0, and finest where the noise is greatest, which is what a draw turns on
        uniform = (numpy.frombuffer(hashes, dtype="<u8") + 0.5) * 2.0**-64
        return -numpy.log(-numpy.log1p(-uniform * (1.0 - 2.0**-53)))

    def some(self, rows: Ints) -> "KeyedGenerator":
        """The chance of some of the rows, whose texts keep their noise; the ordinary stream goes on."""
        return KeyedGenerator(*self._of, self._ids[rows], self.bit_generator)

    def is_of(self, size: int) -> bool:
        """Whether it has noise for so many rows."""
        return size == len(self._ids)

    def _is_rows(self, size: Any) -> bool:
        return size == len(self._ids) or size == (len(self._ids),)


def chance_of(id_: str, key: str) -> float:
    """A number of one text, uniform in [0, 1): always the same for the same text and key.

    id_ (str): Its hash, 16 hex digits.
    key (str): What it is drawn for.
    """
    drawn = hashlib.blake2b(f"{key} {id_}".encode(), digest_size=8).digest()
    return (int.from_bytes(drawn, "big") >> 11) * 2.0**-53


def _mix(bits: Any) -> Any:
    """Each bit of the result depends on all bits (SplitMix64; Steele et al., 2014)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> numpy.uint64(shift))) * numpy.uint64(factor)
    return bits ^ (bits >> numpy.uint64(31))
