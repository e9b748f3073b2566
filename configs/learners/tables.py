"""What `compare.py` found, as a page."""

import platform
from collections import Counter, defaultdict
from importlib.metadata import version
from statistics import mean, stdev
from typing import Any

from spacy_al.training.learner import better_learner

NAMES = ("scratch", "vectors", "encoder", "auto")


def page(rows: list[dict[str, Any]]) -> str:
    """The tables, as Markdown."""
    rows = with_auto(rows)
    cells = defaultdict(list)
    for row in rows:
        cells[row["corpus"], row["size"], row["learner"]].append(row["score"])
    lines = [
        "# Learners",
        "",
        "F of entities, or macro F of categories, on test, by learner and labelled texts drawn by chance: mean over seeds ± standard",
        "deviation. `auto` takes what cross-validation on the labelled texts says; in brackets how often it took which.",
        "",
        f"Written by `configs/learners/compare.py`, with spaCy {version('spacy')} on {platform.machine()}. "
        "Cells with a dash were not done.",
        "",
        "| corpus | texts | seeds | " + " | ".join(NAMES) + " |",
        "|---|---:|---:|" + "---:|" * len(NAMES),
    ]
    for corpus in sorted({row["corpus"] for row in rows}):
        for size in sorted({row["size"] for row in rows if row["corpus"] == corpus}):
            found = [cells[corpus, size, name] for name in NAMES]
            said = [shown(scores) for scores in found]
            chosen = Counter(row["chosen"] for row in rows if key(row) == (corpus, size, "auto"))
            said[-1] += "".join(f" ({name} {n})" for name, n in chosen.most_common())
            lines.append(f"| {corpus} | {size:,} | {max(map(len, found))} | {' | '.join(said)} |")
    return "\n".join([*lines, "", *gains(cells), "", *calibrations(rows), ""])


def with_auto(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With what `auto` chooses by its scores and the score of that, where it was trained; without it elsewhere."""
    scores = {(*key(row), row["seed"]): row["score"] for row in rows if "score" in row}
    found = []
    for row in rows:
        if row["learner"] != "auto":
            found.append(row)
            continue
        chosen = better_learner(row["scores"], next(iter(row["scores"])))
        if (theirs := (row["corpus"], row["size"], chosen, row["seed"])) in scores:
            found.append({**row, "chosen": chosen, "score": scores[theirs]})
    return found


def gains(cells: dict[Any, list[float]]) -> list[str]:
    """What learners have over `scratch` on average over the corpora that have both; of how many, where it is not all."""
    lines = [
        "Over `scratch`, in points, on average over corpora (in brackets over how many, where a learner has fewer):",
        "",
        "| texts | corpora | vectors | encoder | auto |",
        "|---:|---:|---:|---:|---:|",
    ]
    corpora = sorted({corpus for corpus, _, _ in cells})
    for size in sorted({size for _, size, _ in cells}):
        found = {
            name: [
                100 * (mean(cells[c, size, name]) - mean(cells[c, size, "scratch"]))
                for c in corpora
                if cells[c, size, name] and cells[c, size, "scratch"]
            ]
            for name in NAMES[1:]
        }
        most = max(map(len, found.values()))
        said = [
            f"{mean(points):+.1f}" + (f" ({len(points)})" if len(points) < most else "")
            if points
            else "-"
            for points in found.values()
        ]
        lines.append(f"| {size:,} | {most} | {' | '.join(said)} |")
    return lines


def calibrations(rows: list[dict[str, Any]]) -> list[str]:
    """Calibration errors before and after, by corpus and learner."""
    found = defaultdict(list)
    for row in rows:
        if "calibration" in row:
            found[row["corpus"], row["learner"]].append(row["calibration"])
    lines = [
        "Calibration error on 1,000 texts of test (ten bins of equal mass) of models of 500 texts, as trained and after `calibrate` on the texts of",
        "dev: of what they set, and of all candidates, those to which either gives .01 or more. By chance: what would be measured on average if each probability that a model has",
        "after `calibrate` held, since bins of few events are off by chance. Means over seeds.",
        "",
        "| corpus | learner | seeds | set, before | after | by chance | candidates, before | after | by chance |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for (corpus, learner), own in sorted(found.items()):
        means = [
            f"{mean(values):.3f}"
            # older rows lack what is measured by chance
            if (values := [v for c in own if (v := c.get(when, {}).get(what)) is not None])
            else "-"
            for what in ("chosen", "candidates")
            for when in ("before", "after", "by_chance")
        ]
        lines.append(f"| {corpus} | {learner} | {len(own)} | {' | '.join(means)} |")
    return lines if found else []


def shown(scores: list[float]) -> str:
    if not scores:
        return "-"
    spread = f" ± {stdev(scores):.3f}" if len(scores) > 1 else ""
    return f"{mean(scores):.3f}{spread}"


def key(row: dict[str, Any]) -> tuple[str, int, str]:
    return (row["corpus"], row["size"], row["learner"])
