"""`spacy-al simulate`: what a strategy would have gained on a corpus whose labels are known."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm
from typer import Option
from wasabi import table

from spacy_al.cli.app import app, explained, only_overrides, say
from spacy_al.cli.options import WITH_OVERRIDES, Code, Config, Quiet
from spacy_al.measures.learning_curve import is_random
from spacy_al.measures.simulated import ResultRow
from spacy_al.posteriors.component import load_code
from spacy_al.reporting.facts import CostFacts, SimulationFacts
from spacy_al.reporting.plot import check_plots
from spacy_al.simulation import SimulationPlan, make_plan, simulate
from spacy_al.simulation.options import full_training, simulation_command
from spacy_al.simulation.results import read_results
from spacy_al.simulation.summary import write_facts
from spacy_al.util import cores

STRATEGY = (
    "Acquisition, 'density', sampler, or several of them joined by +, e.g. mnlp+density; give it several times to "
    "compare several with random choice (default: what the config says)"
)
STRATEGIES = "File of strategies with names of their own: each section [NAME] is what it changes of [al] (default: all of them)"
BATCH = (
    "Batch sizes to compare, e.g. 25,50,100: every strategy with each, until all have asked for as many texts, beside random choice "
    "in batches of the same size (default: batch_size of the config)"
)
FULL = "Also train once on the whole corpus, for this many steps"
ORACLE = (
    "'gold': annotators who are never wrong; 'real': as slow and as wrong as people are on chosen texts "
    "(default: [al.oracle] of the config, else gold)"
)
SHARES = ("90", "95", "99")
# Of the F of a label that a model trained on the whole corpus has
LABEL_SHARES = ("80", "95")


@app.command("simulate", context_settings=WITH_OVERRIDES)
@explained
def simulate_cli(
    ctx: typer.Context,
    config: Config,
    gold: Annotated[Path, Option("--gold", help="Labelled corpus to choose from")],
    output: Annotated[Path, Option("--output", "-o", help="Folder of the results")] = Path(
        "training/simulate"
    ),
    strategy: Annotated[list[str] | None, Option("--strategy", help=STRATEGY)] = None,
    strategies: Annotated[Path | None, Option("--strategies", help=STRATEGIES)] = None,
    seeds: Annotated[int, Option("--seeds", min=1, help="Number of seeds")] = 3,
    start: Annotated[
        int, Option("--start", min=1, help="Texts labelled at first, drawn at random")
    ] = 100,
    rounds: Annotated[
        int | None,
        Option("--rounds", min=1, help="Rounds of batch_size texts (default: max_rounds)"),
    ] = None,
    batch: Annotated[str | None, Option("--batch", metavar="N,N,...", help=BATCH)] = None,
    full: Annotated[int | None, Option("--full", min=1, help=FULL)] = None,
    oracle: Annotated[str | None, Option("--oracle", help=ORACLE)] = None,
    n_process: Annotated[
        int | None, Option("--n-process", min=1, help="Processes (default: one a core)")
    ] = None,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Label a corpus again, from its gold, by one strategy after another, and compare them with random choice.

    It can be stopped at any time: the same command goes on where it was. The numbers do not depend on how often it was,
    nor on the number of processes. The test set is `paths.test`.
    """
    overrides = only_overrides(ctx.args, config)
    # not after hours of work
    check_plots()
    # the config may name what the code registers
    load_code(code)
    batches = _sizes(batch) if batch is not None else []
    plan = make_plan(
        config,
        gold,
        overrides,
        strategy=strategy or (),
        strategies=strategies,
        seeds=seeds,
        start=start,
        rounds=rounds,
        batches=batches,
        oracle=oracle,
        code=code,
    )
    done = simulate(plan, output, n_process=n_process or cores(), full=full_training(full))
    rows = list(_progress(done, plan, output))
    command = simulation_command(
        plan, output, strategy or (), strategies, batches, full=full, oracle=oracle
    )
    found = write_facts(plan, output, rows, full is not None, command)
    if not quiet:
        for text in format_facts(found):
            say(text)
        say(f"✔ Results in {output}")


def format_facts(found: SimulationFacts) -> Iterator[str]:
    """The tables of a terminal: gains by words, shares of the full score, rare labels, time."""
    rows, cells = found["strategies"], list[tuple[Any, ...]]()
    # shown, and where parts of texts were asked about, decided as well
    costs = {cost: cost.replace("_", " ") for cost in found["costs"] if cost.startswith("words")}
    header: tuple[str, ...]
    for cost, name in costs.items():
        cells = [
            (
                row["strategy"],
                row["seeds"],
                f"{row['final']:.3f}" + (f" ± {row['spread']:.3f}" if row["seeds"] > 1 else ""),
                f"{row['by_cost'][cost]['curve'][-1][0]:,.0f}",
                *_compared(row["by_cost"][cost]),
            )
            for row in rows
        ]
        header = ("Strategy", "Seeds", "Last score", name.capitalize(), "Gain in area")
        header = (*header, "95% interval", "p", f"{name.capitalize()} saved")
        yield table(cells, header=header, divider=True, aligns=("l", *"rrrrrrr"))
    if found["full"]:
        for cost, name in costs.items():
            own = [row["by_cost"][cost] for row in rows]
            cells = [(row["strategy"], *(_share(row, share) for share in SHARES)) for row in own]
            header = (f"Share of the {name} to", *(f"{share}% of full" for share in SHARES))
            yield table(cells, header=header, divider=True, aligns=("l", *"rrr"))
        whole = found["full"]
        yield f"ℹ Full: {whole['score']:.3f} from {whole['texts']:,} texts, {whole['words']:,} words"
    if found["rare_labels"]:
        cells = [
            (row["strategy"], *(f"{rare['per_100_texts']:.1f}" for rare in row["rare"].values()))
            for row in rows
        ]
        header = ("Found in 100 chosen texts", *(_short(label) for label in found["rare_labels"]))
        yield table(cells, header=header, divider=True, aligns=("l", *"r" * len(header[1:])))
        for share in LABEL_SHARES if found["full"] else ():
            cells = [
                (
                    row["strategy"],
                    *(_learned(rare, share, row["seeds"]) for rare in row["rare"].values()),
                )
                for row in rows
            ]
            header = (f"Texts to {share}% of F", *header[1:])
            yield table(cells, header=header, divider=True, aligns=("l", *"r" * len(header[1:])))
    cells = [
        (row["strategy"], *(f"{s:.1f}" for s in row["seconds_per_round"].values())) for row in rows
    ]
    header = ("Seconds a round", "train", "evaluate", "select")
    yield table(cells, header=header, divider=True, aligns=("l", *"rrr"))
    for row in rows:
        own_words: Mapping[str, Any] | None = row.get("self_labels")
        own_texts: Mapping[str, Any] | None = row.get("self_texts")
        for made, unit in ((own_words, "words"), (own_texts, "texts")):
            if made:
                yield (
                    f"ℹ {row['strategy']}: models labelled {made[unit]:,.0f} {unit} a round themselves, {made['wrong']:.1%} of them "
                    f"wrong ({made['expected']:.1%} expected)"
                )
    for what, n in found["corpus"]["dropped"].items():
        yield f"ℹ {n} texts of the corpus left out: {what}"
    for note in found["notes"]:
        yield f"ℹ {note}"


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(
            f"--batch is '{text}', and whole numbers from 1 are needed, e.g. 25,50,100"
        )
    return [int(part) for part in parts]


def _compared(row: CostFacts) -> tuple[str, ...]:
    if is_random(row["strategy"]):
        return "", "", "", ""
    return (
        f"{row['gain']:+.3f}",
        "" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}",
        "" if row["p"] is None else f"{row['p']:.3f}",
        "" if row["savings"] is None else f"{row['savings']:.0%}",
    )


def _share(row: Mapping[str, Any], share: str) -> str:
    if row[f"share_to_{share}"] is not None:
        return f"{row[f'share_to_{share}']:.0%}"
    return f"in {row[f'reached_{share}']} of {row['seeds']}"


def _learned(rare: Mapping[str, Any], share: str, seeds: int) -> str:
    """The texts after which a label is learned; a dash where that is not known."""
    if f"reached_{share}" not in rare:
        return "-"
    texts = rare[f"texts_to_{share}"]
    return f"{texts:,.0f}" if texts is not None else f"in {rare[f'reached_{share}']} of {seeds}"


def _short(label: str, most: int = 18) -> str:
    return label if len(label) <= most else label[: most - 1] + "…"


def _progress(rows: Iterator[ResultRow], plan: SimulationPlan, output: Path) -> Iterator[ResultRow]:
    """A bar with the time left, to which rounds that were done before add nothing."""
    wanted = {(strategy, seed) for strategy in plan.strategies for seed in plan.seeds}
    known = sum((row["strategy"], row["seed"]) in wanted for row in read_results(output))
    total = sum(plan.rounds_of(strategy) + 1 for strategy, _ in wanted)
    disable = None
    with tqdm(
        total=total, initial=known, unit="round", leave=False, disable=disable, smoothing=0
    ) as bar:
        for number, row in enumerate(rows, 1):
            if number > known:
                bar.set_postfix_str(f"{row['strategy']} {row['score']:.3f}", refresh=False)
                bar.update()
            yield row
