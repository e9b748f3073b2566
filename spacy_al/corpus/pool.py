"""The pool: unlabelled texts in one `.spacy` file or a folder of shards, read a shard at a time.

A shard needs no other shard, so it can be scored in a process of its own, given only its path:

    for shard in shards(path):
        with nlp.memory_zone():             # the vocab forgets the shard's words afterwards
            for item in read_shard_items(shard, nlp):
                ...                         # keep item.id and numbers; docs die with the zone
    chosen = fetch(path, nlp, ids)          # the few docs that were picked, in the order of ids
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.corpus.address import look_up, reaching
from spacy_al.corpus.dates import Since, meta_value
from spacy_al.corpus.shard import count_stored, read_bare
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.util import content_hash, is_blank, why_not

LARGE_FILE = 100 * 1024**2
SHARD_SIZE = 5000


@dataclass(slots=True)
class PoolItem:
    """A text of the pool.

    id (str): Hash of the text, its identity everywhere.
    doc (Doc): The text, tokenised, without any annotation of the pool.
    source (dict): What `ingest` stored: `doc` (id of the document), `sentence` (number in it), `before`
        and `after` (neighbouring sentences), `meta`. Empty where another tool wrote the pool.
    text (str): As `doc.text`, which spaCy puts together anew each time.
    """

    id: str
    doc: Doc
    source: dict[str, Any]
    text: str


def shards(path: Path) -> list[Path]:
    """The `.spacy` files of a pool, sorted by name.

    path (Path): One `.spacy` file, or a folder of them. Hidden files in it are not looked at.
    RETURNS (list[Path]): At least one path.
    RAISES (AlError): Nothing there (AL040), no shard in the folder (AL041), not a `.spacy` file (AL042).
    """
    try:
        with reaching(path):
            found = _shard_files(path)
            size, largest = max((shard.stat().st_size, shard) for shard in found)
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=why_not(error))) from error
    if size > LARGE_FILE:
        message = Warnings.W040.format(path=largest, size=size // 1024**2)
        warnings.warn(message, AlWarning, stacklevel=2)
    return found


def read_shard_items(
    path: Path,
    nlp: Language,
    *,
    keep_tokens: bool = False,
    report: Counter[str] | None = None,
    seen: set[int] | None = None,
    only: set[str] | None = None,
    part: tuple[int, int] = (0, 1),
    since: Since | None = None,
    known: Callable[[int], bool] | None = None,
) -> Iterator[PoolItem]:
    """The usable texts of one shard. The shard's own strings and labels never enter `nlp.vocab`.

    path (Path): The shard.
    nlp (Language): Tokenises the texts anew, as `spacy train` does; texts over its `max_length` are skipped.
    keep_tokens (bool): Keep the stored tokens instead, and sentence starts where more than one is stored.
    report (Counter[str] | None): Counts `read` and the skips: `empty`, `white space only`, `duplicate`,
        `too long`.
    seen (set[int] | None): Ids met so far, as integers; share it between shards to drop duplicates
        across them.
    only (set[str] | None): Ids to yield; the others are not tokenised.
    part (tuple[int, int]): (i, n): the i-th of n parts of about the same size, by ids; together they are the whole.
    since (Since | None): Leaves out what is older, and counts it.
    known (Callable | None): Says of a usable text, by its id as an integer, that it need not be made into a doc. It counts as read.
    YIELDS (PoolItem): In the order of the file.
    RAISES (AlError): As `read_shard`.
    """
    report = Counter() if report is None else report
    seen = set() if seen is None else seen
    for stored in read_bare(path):
        text = stored.text
        if is_blank(text):
            report["white space only" if text else "empty"] += part[0] == 0
            continue
        identity = content_hash(text)
        # 64 bits as an integer: half the memory of the string
        number = int(identity, 16)
        if number % part[1] != part[0]:
            continue
        if since is not None and (why := since.leaves_out(stored.source)):
            report[why] += 1
        elif number in seen:
            report["duplicate"] += 1
        elif len(text) > nlp.max_length:
            report["too long"] += 1
        else:
            seen.add(number)
            if only is None or identity in only:
                report["read"] += 1
                if known is not None and known(number):
                    continue
                doc = stored.to_doc(nlp.vocab) if keep_tokens else nlp.make_doc(text)
                yield PoolItem(identity, doc, stored.source, text)


def n_stored(path: Path) -> int:
    """How many texts a pool holds, with duplicates and unusable ones; none are counted of a shard that cannot be read.

    RAISES (AlError): As `shards`.
    """
    total = 0
    for shard in shards(path):
        with suppress(AlError):
            total += count_stored(shard)
    return total


def pool_texts(path: Path) -> Iterator[str]:
    """The texts of a pool as they are stored, without those of shards that cannot be read; more than white space. Raises as `shards`."""
    for shard in shards(path):
        with suppress(AlError):
            yield from (text for one in read_bare(shard) if not is_blank(text := one.text))


def read_pool(
    path: Path, nlp: Language, *, keep_tokens: bool = False, report: Counter[str] | None = None
) -> Iterator[PoolItem]:
    """Every usable text of a pool once; a shard that cannot be read is left out and named in a warning.

    Outside a memory zone `nlp.vocab` grows with the pool: for large ones go through `shards`.

    path (Path): The pool.
    nlp (Language): As for `read_shard_items`.
    keep_tokens (bool): As for `read_shard_items`.
    report (Counter[str] | None): As for `read_shard_items`, and `unreadable shard`.
    YIELDS (PoolItem): Shard by shard.
    RAISES (AlError): As `shards`; no shard can be read; no usable text at all (AL045).
    """
    report = Counter() if report is None else report
    paths, seen, failures = shards(path), set[int](), list[AlError]()
    for shard in paths:
        try:
            yield from read_shard_items(
                shard, nlp, keep_tokens=keep_tokens, report=report, seen=seen
            )
        except AlError as error:
            report["unreadable shard"] += 1
            failures.append(error)
    if not seen:
        if len(failures) == len(paths):
            raise failures[0]
        raise nothing_usable(path, report)
    if failures:
        message = Warnings.W041.format(count=len(failures), total=len(paths), first=failures[0])
        warnings.warn(message, AlWarning, stacklevel=2)


def fetch(
    path: Path, nlp: Language, ids: Iterable[str], *, keep_tokens: bool = False
) -> dict[str, PoolItem]:
    """The pool's items with these ids; only they are tokenised, and reading stops at the last of them.

    path (Path): The pool, or one of its shards.
    nlp (Language): As for `read_shard_items`.
    ids (Iterable[str]): Ids of items.
    keep_tokens (bool): As for `read_shard_items`.
    RETURNS (dict[str, PoolItem]): In the order of `ids`; ids that the pool lacks are left out, shards that
        cannot be read are passed over.
    """
    wanted = list(dict.fromkeys(ids))
    missing, found = set(wanted), dict[str, PoolItem]()
    for shard in _shard_files(path):
        if not missing:
            break
        try:
            for item in read_shard_items(shard, nlp, keep_tokens=keep_tokens, only=missing):
                found[item.id] = item
                missing.discard(item.id)
                if not missing:
                    break
        except AlError:
            continue
    return {identity: found[identity] for identity in wanted if identity in found}


def stratum_of(source: Mapping[str, Any], name: str) -> str | None:
    """The stratum of a text: what its record says of itself by a name, as `meta_value` has it; None where it says nothing.

    source (Mapping): What `ingest` stored of it.
    """
    value = meta_value(source.get("meta"), name)
    return None if value in (None, "") else str(value)


def strata_in(path: Path, name: str) -> dict[str, str | None]:
    """The strata of a pool: text id -> that of the text, of equal ones the first.

    path (Path): The pool. Shards that cannot be read are passed over.
    name (str): As for `stratum_of`.
    RAISES (AlError): As `shards`.
    """
    found: dict[str, str | None] = {}
    for shard in shards(path):
        with suppress(AlError):
            for stored in read_bare(shard):
                found.setdefault(content_hash(stored.text), stratum_of(stored.source, name))
    return found


def nothing_usable(path: Path, report: Counter[str]) -> AlError:
    """The error for a pool of which nothing is left, with what was skipped and why."""
    counts = ", ".join(f"{count} {why}" for why, count in sorted(report.items()) if why != "read")
    return AlError(Errors.AL045.format(path=path, counts=counts or "it holds no texts"))


def _shard_files(path: Path) -> list[Path]:
    look_up(path)
    if path.is_dir():
        names = sorted(child.name for child in path.iterdir() if not child.name.startswith("."))
        found = [path / name for name in names if name.endswith(".spacy")]
        if not found:
            what = f"{len(names)} other files" if names else "it is empty"
            raise AlError(Errors.AL041.format(path=path, found=what))
        return found
    if not path.exists():
        raise AlError(Errors.AL040.format(path=path))
    if path.suffix != ".spacy":
        raise AlError(Errors.AL042.format(path=path))
    return [path]
