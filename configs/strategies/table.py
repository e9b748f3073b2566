"""The table of strategies, as Markdown, from what simulations found so far.

    python table.py results/bc5cdr results/banking77

"worse" and "better" stand where the 95% interval of the gain over random, paired by seed, lies below or above zero, in bold where that
holds with all strategies of the table counted (Holm, 1979); a strategy of the file that has no results yet is "unmeasured".
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from spacy_al.config.settings import read_strategies
from spacy_al.measures.learning_curve import LEVELS, RANDOM, compare
from spacy_al.measures.several import holm
from spacy_al.simulation import read_full
from spacy_al.simulation.results import read_results

RESULTS = "results.jsonl"
HEAD = """# Strategies, in tables

Written by `python configs/strategies/compare.py CORPORA`, which goes on where it was stopped; how to read them, on which machine, and what follows
from them is in [measured.md](../measured.md#strategies-compared). *Better* and *worse*: the 95% interval of the gain over random leaves out zero;
in bold with all strategies of a table counted (Holm, 1979). Tables of categories that are not over a pretrained encoder are of
the bag of words that the configs of categories had before they weighed words by attention."""
# What the shipped configs choose with, in each file of strategies
DEFAULT = "default"
COSTS = {
    "words": "words read",
    "words_decided": "words decided",
    "texts": "texts",
    "seconds": "modelled seconds",
}


def table_cli(
    results: Annotated[list[Path], Argument(help="Folders of simulations")],
    strategies: Annotated[
        list[Path] | None, Option(help="Files of strategies, to name those without results")
    ] = None,
    cost: Annotated[list[str] | None, Option(help=", ".join(COSTS))] = None,
) -> None:
    """Print one table for each simulation."""
    known = [name for path in strategies or () for name in read_strategies(path)]
    for folder in results:
        print(f"### {folder.name}\n")
        print("\n".join(lines(folder, cost or ["words", "texts"], known)), end="\n\n")


def page(experiments: Path, results: Path, plans: dict[str, dict[str, Any]]) -> str:
    """All tables of a folder of results, with what each experiment was.

    experiments (Path): Folder of the files of strategies.
    plans (dict): By name, as compare.py has them.
    """
    made = [HEAD, *_defaults(results, plans)]
    for name, plan in plans.items():
        made.append(f"\n## {name}\n\n{_about(plan)}\n")
        if not (results / name / RESULTS).is_file():
            made.append("Unmeasured.")
            continue
        known = plan["only"] or [*read_strategies(experiments / plan["strategies"])]
        first = "words_decided" if plan["strategies"] == "partial.cfg" else "texts"
        made += lines(results / name, ["words", first, "seconds"], known)
    return "\n".join([*made, ""])


def _defaults(results: Path, plans: dict[str, dict[str, Any]]) -> list[str]:
    """What the shipped configs choose with, on each corpus over a pretrained encoder, with all of these corpora counted."""
    found = {}
    for name, plan in plans.items():
        if plan["learner"] != "encoder" or not (results / name / RESULTS).is_file():
            continue
        rows, full = read_results(results / name), read_full(results / name) or None
        by = {row["strategy"]: row for row in compare(rows, "texts", full)}
        if DEFAULT in by and RANDOM in by:
            found[name] = (by[DEFAULT], by[RANDOM])
    if not found:
        return []
    p_values = holm([1.0 if row["p"] is None else row["p"] for row, _ in found.values()])
    made = [
        "\n## The defaults, over a pretrained encoder\n",
        "Texts to a share of the score of all texts: of the default, and of random choice with the same learner. p: that the gain is not chance, "
        "all rows counted (Holm).\n",
        "| experiment | seeds | gain by texts (95%) | p | "
        + " | ".join(f"to {level:.0%}: default, random" for level in LEVELS)
        + " |",
        "|---|---:|---:|---:|" + "---:|" * len(LEVELS),
    ]
    for (name, (row, chance)), p in zip(found.items(), p_values):
        cells = [f"[{name}](#{name})", f"{row['seeds']}"]
        cells += [_gain(row, p), f"{p:.3f}"]
        cells += [f"{_share(row, level)}, {_share(chance, level)}" for level in LEVELS]
        made.append(f"| {' | '.join(cells)} |")
    return made


def _about(plan: dict[str, Any]) -> str:
    copies = f", each {plan['copies']} times" if plan["copies"] > 1 else ""
    encoder = ", over a pretrained encoder" if plan["learner"] == "encoder" else ""
    return (
        f"{plan['corpus']}, {plan['config']}{encoder}: {plan['pool']:,} texts to choose from{copies}, {plan['start']} at first, "
        f"{plan['rounds']} rounds of {plan['batch']}."
    )


def lines(folder: Path, costs: list[str], known: list[str]) -> list[str]:
    """The rows of the table of one simulation."""
    rows, full = read_results(folder), read_full(folder) or None
    path = folder / "selecting.json"
    taken = json.loads(path.read_text("utf8")) if path.is_file() else {}
    found = {c: {r["strategy"]: r for r in compare(rows, c, full)} for c in costs}
    last = {
        name: max(r["round"] for r in rows if r["strategy"] == name) for name in found[costs[0]]
    }
    heads = [f"gain by {COSTS[c]} (95%) | " for c in costs]
    # of what its rounds are made of
    by = costs[1] if len(costs) > 1 else costs[0]
    shares = [f"{COSTS[by]} to {level:.0%} of full | " for level in LEVELS] if full else []
    head = f"| strategy | seeds × rounds | last score | {''.join(heads)}words saved | {''.join(shares)}select CPU s | MB |"
    made = [head, "|---|---|---|" + "---:|" * (3 + len(heads) + len(shares))]
    counted = {c: _counted(found[c]) for c in costs}
    order = sorted(found[costs[0]], key=lambda s: -(found[costs[0]][s]["gain"] or 0.0))
    for name in order:
        row = found[costs[0]][name]
        cells = [f"`{name}`", f"{row['seeds']} × {last[name]}", _score(row)]
        cells += [
            "" if name == RANDOM else _gain(found[c][name], counted[c].get(name)) for c in costs
        ]
        cells += ["" if name == RANDOM or row["savings"] is None else f"{row['savings']:.0%}"]
        cells += [_share(found[by][name], level) for level in LEVELS] if full else []
        cells += [
            f"{taken[name][key]:.{digits}f}" if name in taken else ""
            for key, digits in (("seconds", 1), ("megabytes", 0))
        ]
        made.append(f"| {' | '.join(cells)} |")
    made += [
        f"| `{name}` | unmeasured |" + " |" * (4 + len(heads) + len(shares))
        for name in known
        if name not in last
    ]
    if full:
        made += [
            "",
            f"All of the pool: {full['score']:.3f} from {full['words']:,} words, {full['texts']:,} texts.",
        ]
    return made


def _score(row: dict[str, Any]) -> str:
    return f"{row['final']:.3f}" + ("" if row["spread"] is None else f" ± {row['spread']:.3f}")


def _counted(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """P-values of the strategies that have one, all of these counted."""
    tested = [name for name, row in found.items() if name != RANDOM and row["p"] is not None]
    return dict(zip(tested, holm([found[name]["p"] for name in tested])))


def _gain(row: dict[str, Any], p: float | None) -> str:
    if row["gain"] is None:
        return ""
    if row["low"] is None:
        return f"{row['gain']:+.3f}"
    verdict = "better" if row["low"] > 0 else "worse" if row["high"] < 0 else ""
    if verdict:
        verdict = f" **{verdict}**" if p is not None and p < 0.05 else f" *{verdict}*"
    return f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}){verdict}"


def _share(row: dict[str, Any], level: float) -> str:
    name = f"{level:.0%}".rstrip("%")
    share = row[f"share_to_{name}"]
    return f"in {row[f'reached_{name}']} of {row['seeds']}" if share is None else f"{share:.0%}"


if __name__ == "__main__":
    typer.run(table_cli)
