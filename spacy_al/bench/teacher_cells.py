"""The cells of `bench.teacher_curves`, each a curve, and the table of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wasabi import table

# Without a teacher, and a model of all gold
NONE, FULL = "none", "all gold"
# Of what all gold gives, to which words are counted
SHARE = 0.95


@dataclass(frozen=True)
class Cell:
    """One curve.

    teacher (str): One of `teacher_curves.TEACHERS`, NONE, or FULL: a model of all gold of the pool.
    use (str): What becomes of what it says; empty without a teacher.
    """

    corpus: str
    teacher: str
    use: str
    seed: int


def cell_of(row: Mapping[str, Any]) -> Cell:
    """The cell that a row is of."""
    return Cell(row["corpus"], row["teacher"], row["use"], row["seed"])


def words_until(curve: Sequence[tuple[int, float]], aim: float) -> float | None:
    """Words until a score is reached, by straight lines between the rounds; None if it never is.

    curve (Sequence): (words, score), by words.
    """
    before: tuple[int, float] | None = None
    for words, score in curve:
        if score >= aim:
            if before is None:
                return float(words)
            share = (aim - before[1]) / (score - before[1])
            return before[0] + share * (words - before[0])
        before = (words, score)
    return None


def curves_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each cell: F by texts that were asked, words until 95% of all gold, and what was accepted."""
    cells: defaultdict[Cell, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        cells[cell_of(row)].append(row)
    full = {(c.corpus, c.seed): own[-1]["f"] for c, own in cells.items() if c.teacher == FULL}
    sizes = sorted({row["texts"] for row in rows})
    lines = []
    for cell, own in cells.items():
        own = sorted(own, key=lambda row: row["round"])
        by_size = {row["texts"]: f"{row['f']:.3f}" for row in own}
        top = full.get((cell.corpus, cell.seed))
        curve = [(row["words"], row["f"]) for row in own]
        until = words_until(curve, SHARE * top) if top and cell.teacher != FULL else None
        last = own[-1]
        taken = f"{last['agreed_wrong']} of {last['agreed']}" if last.get("agreed") else ""
        states = ["" if row["on"] is None else "on" if row["on"] else "off" for row in own]
        lines.append(
            (
                cell.corpus,
                cell.teacher,
                cell.use,
                cell.seed,
                *(by_size.get(size, "") for size in sizes),
                f"{last['words']:,}",
                f"{until:,.0f}" if until is not None else "",
                taken,
                " ".join(states).strip(),
            )
        )
    header = ("corpus", "teacher", "use", "seed", *map(str, sizes), "words in all")
    more = (f"words to {SHARE:.0%}", "wrong of those that agree", "acceptance by round")
    return str(table(lines, header=(*header, *more), divider=True))
