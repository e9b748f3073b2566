"""A start from terms: texts in which the patterns of an entity or span ruler match, and a batch that spreads over them."""

import json
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy
from spacy.language import Language
from spacy.pipeline import SpanRuler
from spacy.tokens import Doc, Span

from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.corpus.pool import PoolItem, read_shard_items, shards
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.types import Floats, Ints, Sampler
from spacy_al.util import why_not

BATCH = 1000


@dataclass(frozen=True)
class Patterns:
    """The different patterns of a file. A match names its pattern by number, as its `id_`.

    ruler (SpanRuler): Finds them.
    labels (tuple[str, ...]): (n_patterns,) the label of each.
    """

    ruler: SpanRuler
    labels: tuple[str, ...]

    def matches(self, doc: Doc) -> list[Span]:
        """All matches in a document, which stays as it is; overlapping ones too."""
        return self.ruler.match(doc) if len(doc) else []


def read_patterns(path: Path, nlp: Language) -> Patterns:
    """The patterns of an EntityRuler or SpanRuler, as spaCy writes them: one JSON object a line, `label` and `pattern`.

    path (Path): The JSONL file. Empty lines are passed over, and the same pattern under the same label counts once.
    nlp (Language): Whose tokens they are to match.
    RETURNS (Patterns): At least one.
    RAISES (AlError): AL040 or AL046 if it cannot be read, AL250 for a line that is no pattern, AL251 without any.
    """
    entries: dict[str, tuple[int, dict[str, Any]]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            entry = _entry(line, path, number)
            # ids and the like are not looked at
            entries.setdefault(json.dumps(entry), (number, entry))
    if not entries:
        raise AlError(Errors.AL251.format(path=path))
    ruler = SpanRuler(nlp, validate=True)
    found = [{**entry, "id": str(i)} for i, (_, entry) in enumerate(entries.values())]
    try:
        _add(ruler, found)
    except Exception:
        # at once is fast, and one at a time finds the line
        for (number, _), pattern in zip(entries.values(), found):
            try:
                _add(SpanRuler(nlp, validate=True), [pattern])
            except Exception as error:
                raise _broken(path, number, error) from error
        raise
    return Patterns(ruler, tuple(entry["label"] for _, entry in entries.values()))


def find_matches(
    patterns: Patterns, pool: Path, nlp: Language, ids: Ints, *, keep_tokens: bool = False
) -> Any:
    """Which patterns match which texts of a pool, read a shard at a time.

    patterns (Patterns): Made with the same `nlp`.
    pool (Path): The pool. Shards that cannot be read are passed over.
    nlp (Language): Tokenises.
    ids (Ints): (N,) the texts of interest, ascending.
    keep_tokens (bool): As for `read_shard_items`.
    RETURNS (csr_array): (N, n_patterns) of 0 and 1.
    WARNS (AlWarning): ALW250 if nothing matches.
    """
    from scipy.sparse import csr_array

    pairs = set[tuple[int, int]]()
    zone: Any = nullcontext
    for shard in shards(pool):
        items = read_shard_items(shard, nlp, keep_tokens=keep_tokens)
        while True:
            with zone():
                try:
                    found = _matches_of_some(patterns, items, ids)
                except AlError:
                    break
            if found is None:
                break
            pairs |= found
            # the first batch fills the tokeniser's cache, which a zone would leave empty
            zone = nlp.memory_zone
    if not pairs:
        message = Warnings.W250.format(count=len(patterns.labels), total=len(ids))
        warnings.warn(message, AlWarning, stacklevel=2)
    rows, columns = numpy.array(sorted(pairs), dtype="i8").reshape(-1, 2).T
    shape = (len(ids), len(patterns.labels))
    return csr_array((numpy.ones(len(rows)), (rows, columns)), shape=shape)


def rarity(matches: Any) -> Floats:
    """The summed weights of the different patterns in each text, log(1 + N / n) each (idf; Spärck Jones, 1972).

    She takes log(N / n) + 1 of terms; here a pattern that is in every text still counts a little, and a text without any is 0.

    matches (csr_array): (N, n_patterns) of 0 and 1.
    RETURNS (Floats): (N,) scores.
    """
    return numpy.asarray(matches @ _weights(matches))


def spread(
    scores: Floats,
    n: int,
    rng: numpy.random.Generator,
    *,
    groups: Ints | None = None,
    matches: Any,
    labels: tuple[str, ...],
    rest: Sampler,
    **given: Any,
) -> tuple[Ints, Floats]:
    """Texts in which patterns match, so that labels and patterns take turns; when they are used up, those of another sampler.

    Each draw serves the label that fewest of the texts so far have, among equals the one in fewest texts of the pool. Of its
    texts it takes the one with the most weight of patterns, a pattern's weight divided by one more than the times it was taken.

    scores (Floats): (N,); only those of the rest are looked at.
    n (int): Batch size; all that is eligible if there is less.
    rng (Generator): For the rest.
    groups (Ints | None): (N,) at most one row of each is chosen.
    matches (csr_array): (N, n_patterns) of 0 and 1.
    labels (tuple[str, ...]): (n_patterns,) the label of each pattern.
    rest (Sampler): Fills the batch.
    given: What the rest wants to see: arrays with a row a text, and what is labelled.
    RETURNS (tuple[Ints, Floats]): Rows, in the order of the draws, and propensities: 1.0 for texts with matches.
    """
    names, own = numpy.unique(numpy.array(labels), return_inverse=True)
    of_label = numpy.equal.outer(numpy.arange(len(names)), own)
    groups = numpy.arange(len(scores)) if groups is None else numpy.asarray(groups)
    # all that follows is about the texts with matches, which are few
    matched = numpy.flatnonzero(numpy.diff(matches.indptr))
    table, group = matches[matched], groups[matched]
    has_label = table @ of_label.T.astype("f8") > 0
    weights, in_pool = _weights(matches), has_label.sum(axis=0)
    left_of, taken, served = in_pool.copy(), numpy.zeros(len(labels)), numpy.zeros(len(names))
    free, chosen = numpy.ones(len(matched), dtype=bool), list[int]()
    while len(chosen) < n and free.any():
        able = numpy.flatnonzero(left_of)
        label = able[numpy.lexsort((in_pool[able], served[able]))[0]]
        gain = table @ (weights / (1 + taken)) * (free & has_label[:, label])
        # the first of those that are equal but for float noise
        row = int((gain >= gain.max() * (1 - 1e-9)).argmax())
        taken += table[[row]].sum(axis=0)
        served += has_label[row]
        used = numpy.flatnonzero(free & (group == group[row]))
        left_of -= has_label[used].sum(axis=0)
        free[used] = False
        chosen.append(row)
    first = matched[numpy.array(chosen, dtype="i8")]
    left = numpy.flatnonzero(~numpy.isin(groups, groups[first]))
    if len(first) == n or not len(left):
        return first, numpy.ones(len(first))
    for name, value in given.items():
        given[name] = value if value is None or name == "labelled" else value[left]
    if isinstance(rng, KeyedGenerator):
        rng = rng.some(left)
    more, propensities, *_ = rest(scores[left], n - len(first), rng, groups=groups[left], **given)
    return numpy.concatenate([first, left[more]]), numpy.concatenate(
        [numpy.ones(len(first)), propensities]
    )


def _matches_of_some(
    patterns: Patterns, items: Iterator[PoolItem], ids: Ints
) -> set[tuple[int, int]] | None:
    """(row, pattern) for the next texts of a shard; None if there are no more."""
    pairs, item = set[tuple[int, int]](), None
    for item in islice(items, BATCH):
        number = numpy.uint64(int(item.id, 16))
        row = int(numpy.searchsorted(ids, number))
        if row < len(ids) and ids[row] == number:
            pairs |= {(row, int(match.id_)) for match in patterns.matches(item.doc)}
    return None if item is None else pairs


def _weights(matches: Any) -> Floats:
    counts = numpy.asarray(matches.sum(axis=0))
    weights: Floats = numpy.log1p(matches.shape[0] / numpy.maximum(counts, 1))
    return weights


def _entry(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        entry = json.loads(line.decode("utf-8-sig"))
        label, pattern = entry["label"], entry["pattern"]
        # half a character has no bytes, and spaCy keeps none
        json.dumps([label, pattern], ensure_ascii=False).encode()
    except KeyError as error:
        raise _broken(path, number, f"it has no {error}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise _broken(path, number, f"it is no JSON object ({error})") from None
    if not isinstance(label, str) or not label.strip():
        raise _broken(path, number, "its label is no name")
    if not isinstance(pattern, str | list) or not pattern or str(pattern).isspace():
        raise _broken(path, number, "its pattern is neither a phrase nor a list of tokens")
    return {"label": label, "pattern": pattern}


def _add(ruler: SpanRuler, patterns: list[dict[str, Any]]) -> None:
    """Add patterns, and find out whether they can match what a tokeniser alone gives."""
    ruler.add_patterns(patterns)
    ruler.match(ruler.nlp.make_doc("x"))


def _broken(path: Path, number: int, why: Any) -> AlError:
    reason = " ".join(str(why).split())
    return AlError(Errors.AL250.format(path=path, line=number, why=reason[:300]))
