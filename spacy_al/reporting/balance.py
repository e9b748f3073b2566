"""The balance of labels in words: what was labelled beside what the pool holds."""

from collections.abc import Sequence

from spacy_al.measures.balance import LabelShare
from spacy_al.reporting.words import count, listing, percent


def balance_sentences(rows: Sequence[LabelShare], *, has_quotas: bool) -> list[str]:
    """What is missing, what is short, and what to do; nothing where all is in balance.

    has_quotas (bool): Whether the run keeps a share of each batch for labels already.
    """
    missing = [row for row in rows if row["is_missing"]]
    short = [row for row in rows if row["is_short"] and not row["is_missing"]]
    lines = []
    if missing:
        names = listing([f"{row['label']} (about {_times(row['expected'])})" for row in missing])
        lines.append(
            f"In the pool, as the model expects it, and never given in what it learned from: {names}."
        )
    if short:
        names = listing(
            [
                f"{row['label']} ({percent(row['share'])} of what was labelled, {percent(row['pool_share'])} in the pool)"
                for row in short
            ]
        )
        lines.append(f"Less than half as frequent as in the pool: {names}.")
    return [*lines, quotas_advice(has_quotas)] if lines else []


def quotas_advice(has_quotas: bool) -> str:
    """What to do about labels that are short."""
    if has_quotas:
        return "The sampler keeps a share of each batch for rare labels already; raise its share, or name the labels."
    return "The sampler spacy-al.quotas.v1 keeps a share of each batch for them."


def _times(value: float) -> str:
    return f"{count(round(value))} times"
