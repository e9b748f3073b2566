"""Groups of texts in words: whose score differs, who was asked less, and of whom nothing can be said."""

from spacy_al.metrics import GroupMetrics, GroupRow
from spacy_al.reporting.words import count, format_interval, format_score, listing, p_value, plural

LEVEL = 0.05
NONE = "(without)"


def group_name(row: GroupRow) -> str:
    """The value of the field that a group has."""
    return NONE if row["name"] is None else row["name"]


def group_sentences(found: GroupMetrics) -> list[str]:
    """What stands after all groups are counted; what was asked of whom; and which groups are too small for any claim."""
    rows, field = found["rows"], found["field"]
    tested = [row for row in rows if row["p"] is not None]
    lines = [difference(row, field) for row in rows if row["differs"]]
    if tested and not lines:
        lines.append(
            f"By {field} no score differs by more than chance explains, of {plural(len(tested), 'group')} that "
            f"{'is' if len(tested) == 1 else 'are'} large enough (Holm)."
        )
    if less := less_asked(found):
        names = listing(
            [f"{group_name(row)} ({count(row['asked'])} of {count(row['pool'])})" for row in less]
        )
        lines.append(f"Asked less than a batch at random would: {names}.")
    small = [row for row in rows if row["p"] is None]
    if small:
        names = listing([f"{group_name(row)} ({count(row['told'])})" for row in small])
        lines.append(
            f"Too small for any claim, with fewer than {found['fewest']} texts with an answer among those that measure, or all others so few: {names}."
        )
    if found["others"]:
        lines.append(
            f"{plural(found['others'], 'group')} more {'is' if found['others'] == 1 else 'are'} not told one by one."
        )
    return lines


def difference(row: GroupRow, field: str) -> str:
    """A group whose score differs."""
    probably = format_interval(row["interval"])
    beside = f" (probably {probably}; of {count(row['told'])} texts)" if probably else ""
    return (
        f"{field} {group_name(row)}: score {format_score(row['score'])}{beside}, on all other texts {format_score(row['rest'])}; chance alone "
        f"makes such a difference with p {p_value(row['p'])}, all groups counted."
    )


def less_asked(found: GroupMetrics) -> list[GroupRow]:
    """The groups that were asked less than a batch at random would have been."""
    return [row for row in found["rows"] if row["less"] < LEVEL]


def needed_texts(found: GroupMetrics) -> int | None:
    """Texts that measure, at random, of which the least group that is too small yet would probably have enough; None where none is in the pool."""
    total = sum(row["pool"] for row in found["rows"])
    small = [row["pool"] for row in found["rows"] if row["p"] is None and row["pool"]]
    return round(found["fewest"] * total / min(small)) if small else None
