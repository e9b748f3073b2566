"""Disturb a run at random moments, and see that it ends as one that was left alone.

    python -m tests.helpers.chaos --kills 100 --full-disks 20

Processes are killed with SIGKILL wherever they are: the loop, the `spacy train` below it, a person's front end while it
answers. Disks are full in earnest: the operating system refuses to let a file grow beyond a size that is drawn anew each time.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_al.errors import AlError
from spacy_al.oracle.annotator import make_oracle
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.store.store import Store

ROOT = Path(__file__).parents[2]
SIZES = {"seed": 30, "pool_gold": 90, "dev": 20}
LABELS = [
    "ALLERGY",
    "CONDITION",
    "DATE",
    "DOSAGE",
    "DRUG",
    "GOVERNING_LAW",
    "JURISDICTION",
    "MONEY",
]
LABELS += ["PARTY", "PERSON", "PROCEDURE", "PROVISION"]
OVERRIDES: dict[str, Any] = {
    "training.max_steps": 6,
    "training.eval_frequency": 3,
    "components.tok2vec.model.encode.width": 32,
    "components.tok2vec.model.encode.depth": 1,
    "al.batch_size": 12,
    "al.max_rounds": 3,
    # what a front end may answer does not depend on who answers
    "al.labels": json.dumps(LABELS),
}


def corpus(folder):
    """A small project of the corpus that ships."""
    for name, count in SIZES.items():
        docs = list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab()))
        DocBin(docs=docs[:count]).to_disk(folder / f"{name}.spacy")


def command(folder, output, *more, verb=("run", "--once", "--quiet")):
    paths = {"train": "seed", "dev": "dev", "pool": "pool_gold"}
    overrides = {f"paths.{key}": folder / f"{name}.spacy" for key, name in paths.items()}
    overrides |= {**OVERRIDES, "al.output": output}
    words = [word for key, value in overrides.items() for word in (f"--{key}", str(value))]
    run = [verb[0], str(ROOT / "configs" / "ner.cfg"), *verb[1:]]
    return [sys.executable, "-m", "spacy_al", *run, *more, *words]


def environment():
    """One thread each, and the modules below `tests` wherever it is started."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **threads, "PYTHONPATH": path}


def start(words, limit=None):
    """A process in a session of its own; limit (int | None): bytes beyond which no file grows."""

    def bounded():
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=bounded,
    )


def tree(pid):
    """A process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                found += tree(int(child))
        except OSError:
            continue
    return found


def labelled(output):
    """What has to be equal, byte for byte."""
    names = ("train.spacy", "tasks.jsonl", "answers.jsonl", "model-best/ner/model")
    found = {}
    for folder in sorted(output.glob("round-*")):
        for name in names:
            if (folder / name).is_file():
                found[f"{folder.name}/{name}"] = (folder / name).read_bytes()
    return found


def disturb(folder, *, kills, full_disks, seed, say=print):
    """One run that is left alone, and others that are not, until all the trouble has been met.

    RETURNS (dict): How often what was met. Raises AssertionError where two runs differ, or an answer is lost.
    """
    corpus(folder)
    draw, counts = random.Random(seed), dict.fromkeys(KINDS, 0)
    calm = folder / "calm"
    drive(folder, calm, [], draw, 0.0, counts, say)
    started = time.perf_counter()
    assert drive(folder, calm, [], draw, 0.0, counts, say) == set()
    # moments within a step of the loop: what it takes to find that there is nothing to do is in each of them
    longest = 3 * (time.perf_counter() - started)
    trouble = ["kill"] * kills + ["full"] * full_disks
    draw.shuffle(trouble)
    while True:
        counts["runs"] += 1
        output = folder / f"disturbed-{counts['runs']}"
        acknowledged = drive(folder, output, trouble, draw, longest, counts, say)
        compare(calm, output, acknowledged)
        if not trouble:
            return counts


def drive(folder, output, trouble, draw, longest, counts, say):
    """Start the loop and a front end in turn until the run has stopped, with the trouble that is left.

    RETURNS (set): Ids of the answers whose storing was acknowledged.
    """
    gold, acknowledged, waiting = folder / "pool_gold.spacy", set(), False
    while True:
        kind = trouble.pop() if trouble else None
        who = "front end" if waiting else "loop"
        words = command(folder, output)
        if waiting:
            words = [sys.executable, "-m", "tests.helpers.chaos", "annotate"]
            words += [str(output / "al.db"), str(gold)]
        elif draw.random() < 0.3:
            words += ["--oracle", str(gold)]
        process = start(words, draw.randrange(2_000, 400_000) if kind == "full" else None)
        if kind == "kill":
            time.sleep(draw.uniform(0, longest))
            if process.poll() is None:
                victim = draw.choice(tree(process.pid))
                try:
                    os.kill(victim, signal.SIGKILL)
                    counts[f"{who} killed" if victim == process.pid else "training killed"] += 1
                except ProcessLookupError:
                    # a training that has ended meanwhile
                    trouble.append(kind)
            else:
                trouble.append(kind)
        out, err = process.communicate(timeout=600)
        say(f"{who}, {kind or 'undisturbed'}: {process.returncode}")
        assert "Traceback" not in err, err
        if kind is None or process.returncode in (0, 3):
            assert process.returncode in (0, 3), err
        elif kind == "full":
            assert process.returncode == 1 and "[AL" in err, err
            counts["disk full"] += 1
        if waiting:
            acknowledged |= set(out.split())
            # it has answered everything, or the loop will say that it has not
            waiting = False
        elif process.returncode == 0:
            return acknowledged
        else:
            waiting = process.returncode == 3


KINDS = ("runs", "loop killed", "training killed", "front end killed", "disk full")


def compare(calm, disturbed, acknowledged):
    expected, found = labelled(calm), labelled(disturbed)
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    assert [name for name in expected if expected[name] != found[name]] == []
    with Store(disturbed / "al.db", create=False) as store:
        kept = [answer.id for answer in store.answers()]
    assert len(kept) == len(set(kept)) == OVERRIDES["al.batch_size"] * OVERRIDES["al.max_rounds"]
    assert acknowledged <= set(kept)


app = typer.Typer(add_completion=False)


@app.command()
def annotate(database: Path, gold: Path):
    """Answer what is asked, and print the id of each answer once it is stored."""
    # the loop's own oracle, so that the answers are the same
    oracle, texts = make_oracle(), read_gold_texts(gold)
    try:
        # a disk may be full when the database is opened as well
        with Store(database, create=False) as store:
            for stored in store.unanswered():
                payload, seconds = oracle(
                    stored.task, texts[stored.item], kind="entities", spans_key="sc", seed=0
                )
                name = f"oracle-{stored.id}"
                store.add_answer(stored.id, payload, id=name, annotator="oracle", seconds=seconds)
                print(name, flush=True)
    except AlError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


@app.callback(invoke_without_command=True)
def main(
    ctx: typer.Context,
    kills: Annotated[int, typer.Option(help="Processes to kill")] = 100,
    full_disks: Annotated[int, typer.Option(help="Full disks to meet")] = 20,
    seed: Annotated[int, typer.Option(help="Of the moments")] = 0,
):
    """Disturb runs, and print how often what was met."""
    if ctx.invoked_subcommand:
        return
    with tempfile.TemporaryDirectory() as folder:
        found = disturb(Path(folder), kills=kills, full_disks=full_disks, seed=seed)
    print(json.dumps(found))


if __name__ == "__main__":
    app()
