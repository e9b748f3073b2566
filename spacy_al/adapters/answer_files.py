"""A file of answers taken over, and what to say of those that could not be."""

import warnings
from pathlib import Path

from spacy_al.adapters.prodigy import PRODIGY, Imported, import_answers, listed
from spacy_al.adapters.reading import BadSpans
from spacy_al.errors import AlError, AlWarning, Errors, Warnings
from spacy_al.store.store import Store


def import_(
    store: Store,
    answers: Path,
    *,
    format: str = PRODIGY,
    annotator: str | None = None,
    add: bool = False,
    spans_key: str = "sc",
    column: str | None = None,
    bad_spans: BadSpans = "refuse",
) -> Imported:
    """Store the answers of a file, and warn of those that are left out.

    store (Store): The run that asked.
    answers (Path): JSONL of answered tasks, or what the format has.
    format, annotator, add, spans_key, column, bad_spans: As for `import_answers`.
    RETURNS (Imported): Counts of what was taken and what was not.
    RAISES (AlError): As `import_answers`; AL119 if there is nothing that could be used.
    """
    result = import_answers(
        store,
        answers,
        format=format,
        annotator=annotator,
        add=add,
        spans_key=spans_key,
        column=column,
        bad_spans=bad_spans,
    )
    if not result.taken:
        first = f" The first: {result.first}" if result.first else ""
        unused = listed(result.reading.unused) if result.reading else ""
        nothing = f"nothing is labelled in it, not read: {unused}" if unused else "it is empty"
        counts = listed(result.counts) or nothing
        raise AlError(Errors.AL119.format(path=answers, counts=counts, first=first))
    if left_out := result.left_out:
        message = Warnings.W110.format(
            count=left_out.total(),
            total=result.counts.total(),
            path=answers,
            counts=listed(left_out),
            first=result.first,
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    return result
