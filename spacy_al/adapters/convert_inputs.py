"""What `convert` is given: which files in which format, and what is wanted of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from spacy.util import load_config

from spacy_al.adapters.formats import FORMATS, KINDS, Format
from spacy_al.adapters.hugging_face import BESIDE
from spacy_al.adapters.offset_units import checked_records
from spacy_al.adapters.prodigy_gold import read_prodigy_gold
from spacy_al.adapters.reading import LabelledRecord, Reading
from spacy_al.adapters.recognise import find_format, is_one
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES

# Verdicts of Prodigy are taken over by `import`; here what was accepted is gold
READERS = {**FORMATS, "prodigy": Format(".jsonl", KINDS, None, read_prodigy_gold)}
# What can be wanted
TAUGHT = tuple(name for name, row in FACTORIES.items() if row.is_asked)
# What a file is read for, if nobody says it
ORDER = ("entities", "spans", "categories", "tags")
# A file, its format, and by what that was known
File: TypeAlias = tuple[Path, str, str]


def load_training_config(config: Path | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A training config, with or without `[al]`; nothing without one.

    RAISES (AlError): AL080 no file, AL081 no config.
    """
    if config is None:
        return {}
    if not config.is_file():
        raise AlError(Errors.AL080.format(path=config))
    try:
        return dict(load_config(config, overrides=dict(overrides), interpolate=True))
    except Exception as error:
        # confection raises errors of several unrelated types
        raise AlError(Errors.AL081.format(path=config, why=str(error).strip())) from None


def wanted_factory(
    made: Mapping[str, Any], kind: str | None, component: str | None
) -> tuple[str | None, str | None]:
    """The factory that is meant, and where the config keeps its spans.

    made (Mapping): The config, or nothing.
    kind (str | None): A factory, as it was told.
    component (str | None): Of the config, as it was told.
    RETURNS (tuple): Either may be None.
    RAISES (UsageError): AL337.
    """
    if kind is not None and kind not in TAUGHT:
        raise UsageError(
            Errors.AL337.format(given=kind, why="which is no factory", known=", ".join(TAUGHT))
        )
    parts = {
        name: part
        for name, part in made.get("components", {}).items()
        if isinstance(part, dict) and part.get("factory") in TAUGHT
    }
    chosen = component or made.get("al", {}).get("component")
    if chosen is None:
        fit = [name for name in parts if kind in (None, parts[name]["factory"])]
        chosen = fit[0] if len(fit) == 1 else None
        if kind is None and len(fit) > 1:
            why = "as several components of the config can be meant"
            raise UsageError(Errors.AL337.format(given="What is", why=why, known=", ".join(fit)))
    elif chosen not in parts:
        why = "which is no component of the config that can be taught"
        known = ", ".join(parts) or "none"
        raise UsageError(Errors.AL337.format(given=chosen, why=why, known=known))
    part = parts.get(chosen or "", {})
    return kind or part.get("factory"), part.get("spans_key")


def labelled_files(inputs: Sequence[Path], format: str | None) -> list[File]:
    """Each file with its format, and by what it was known.

    inputs (Sequence[Path]): Files, and folders of them.
    format (str | None): As it was told.
    RETURNS (list[File]): In order.
    RAISES (AlError): AL040 for what is not there, AL122 (UsageError) for a corpus, AL334 (UsageError) as `find_format`.
    """
    found: list[File] = []
    for path in inputs:
        if path.suffix == ".spacy":
            why = "it is a corpus already"
            raise UsageError(Errors.AL122.format(path=path, why=why))
        if not path.exists():
            raise AlError(Errors.AL040.format(path=path))
        if path.is_dir() and not (READERS[format].of_folders if format else is_one(path)):
            inner = [
                child
                for child in sorted(path.rglob("*"))
                if child.is_file()
                and child.name not in BESIDE
                and not any(p.startswith(".") for p in child.relative_to(path).parts)
            ]
        else:
            inner = [path]
        for one in inner:
            if format:
                found.append((one, format, ""))
            else:
                known = find_format(one, READERS)
                found.append((one, known.format, f" ({known.why})"))
    return found


def find_kind(files: Sequence[File], wanted: Reading) -> tuple[str, str]:
    """The first kind of which a record has something.

    files (Sequence): As `labelled_files` gives them.
    wanted (Reading): All else that is wanted.
    RETURNS (tuple[str, str]): The kind, and a sentence on it and on what else there is.
    RAISES (AlError): What the readers raise where nothing can be read.
    """
    counts: Counter[str] = Counter()
    marked: dict[str, list[Any]] = {}
    error: AlError | None = None
    why: dict[str, str] = {}
    for kind in KINDS:
        for path, name, _ in files:
            form = READERS[name]
            if kind not in form.kinds:
                continue
            reading = replace(wanted, kind=kind, said=[], unused=Counter(), lost={})
            try:
                for record in read_checked(form, path, reading):
                    if "problem" not in record and (
                        what := record.get("cats") or record.get("spans")
                    ):
                        counts[kind] += 1
                        marked.setdefault(kind, []).append(what)
                    elif "problem" in record:
                        why.setdefault(kind, f"{record['where']}: {record['problem']}")
            except AlError as problem:
                error = error or problem
    if not counts:
        if error:
            raise error
        held = {kind for _, name, _ in files for kind in READERS[name].kinds}
        first = next((kind for kind in ORDER if kind in held), ORDER[0])
        # what it is meant for is not known, so neither is which reason matters
        seen = {reason: kind for kind, reason in why.items() if reason != why.get(first)}
        others = [f"as {kind}, {reason}" for reason, kind in seen.items()]
        said = f"Were it read for others: {'; '.join(others)}. Name what is meant with --kind."
        return first, said if others else ""
    # what a component learns of tokens all by itself is rarely what a file is made for
    best = next(kind for kind in ORDER if counts[kind])
    others = [kind for kind in counts if kind != best and marked[kind] != marked[best]]
    also = f" There are {' and '.join(others)} as well, which --kind can name." if others else ""
    return best, f"Its {best} are read, which {counts[best]} texts have.{also}"


def read_checked(form: Format, path: Path, reading: Reading) -> Iterator[LabelledRecord]:
    """The records of a file, each checked.

    form (Format): Its format, one of `READERS`.
    path (Path): The file.
    reading (Reading): What is wanted.
    YIELDS (LabelledRecord): In order.
    """
    yield from checked_records(form.read(path, reading), reading)
