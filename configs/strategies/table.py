"""The table of strategies, as Markdown, from what simulations found so far.

    python table.py results/bc5cdr results/banking77

"worse" and "better" stand where the 95% interval of the gain over random, paired by seed, lies below or above zero; a strategy of
the file that has no results yet is "unmeasured".
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from spacy_al.config.settings import read_strategies
from spacy_al.measures.learning_curve import RANDOM, compare
from spacy_al.simulation import read_full
from spacy_al.simulation.results import read_results

RESULTS = "results.jsonl"
HEAD = """# Strategies, in tables

Written by `python configs/strategies/compare.py CORPORA`, which goes on where it was stopped; how to read them, on which machine, and what follows
from them is in [measured.md](../measured.md#strategies-compared)."""
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
    made = [HEAD]
    for name, plan in plans.items():
        made.append(f"\n## {name}\n\n{_about(plan)}\n")
        if not (results / name / RESULTS).is_file():
            made.append("Unmeasured.")
            continue
        known = plan["only"] or [*read_strategies(experiments / plan["strategies"])]
        first = "words_decided" if plan["strategies"] == "partial.cfg" else "texts"
        made += lines(results / name, ["words", first, "seconds"], known)
    return "\n".join([*made, ""])


def _about(plan: dict[str, Any]) -> str:
    copies = f", each {plan['copies']} times" if plan["copies"] > 1 else ""
    encoder = ", a frozen pretrained encoder" if plan["frozen"] else ""
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
    shares = [f"{COSTS[c]} to 95% of full | " for c in costs] if full else []
    head = f"| strategy | seeds × rounds | last score | {''.join(heads)}words saved | {''.join(shares)}select CPU s | MB |"
    made = [head, "|---|---|---|" + "---:|" * (3 + len(heads) + len(shares))]
    order = sorted(found[costs[0]], key=lambda s: -(found[costs[0]][s]["gain"] or 0.0))
    for name in order:
        row = found[costs[0]][name]
        cells = [f"`{name}`", f"{row['seeds']} × {last[name]}", _score(row)]
        cells += ["" if name == RANDOM else _gain(found[c][name]) for c in costs]
        cells += ["" if name == RANDOM or row["savings"] is None else f"{row['savings']:.0%}"]
        cells += [_share(found[c][name]) for c in costs] if full else []
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


def _gain(row: dict[str, Any]) -> str:
    if row["gain"] is None:
        return ""
    if row["low"] is None:
        return f"{row['gain']:+.3f}"
    verdict = " **better**" if row["low"] > 0 else " **worse**" if row["high"] < 0 else ""
    return f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f}){verdict}"


def _share(row: dict[str, Any]) -> str:
    share = row["share_to_95"]
    return f"in {row['reached_95']} of {row['seeds']}" if share is None else f"{share:.0%}"


if __name__ == "__main__":
    typer.run(table_cli)
