"""What `al_capture` costs a pipeline: both ways through the same texts in turns, in one process.

    python -m tests.helpers.capture_load MODEL corpus/pool.spacy

A repeat runs `nlp.pipe` without it and with it, in an order that changes, and its ratio is that of these two: other work on the machine
falls on both. Times are of the process (user and system), and of the clock beside it.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin

from spacy_al.bench.machine import describe
from spacy_al.capture.al_capture import make_al_capture


def one_pass(nlp, pairs):
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in nlp.pipe(pairs, as_tuples=True):
        pass
    return time.process_time() - cpu, time.perf_counter() - wall


def measure(
    model: Path,
    texts: Path,
    repeats: Annotated[int, typer.Option()] = 9,
    n: Annotated[int, typer.Option(help="Texts of a pass")] = 2000,
    rate: Annotated[float, typer.Option()] = 1.0,
    scored: Annotated[bool, typer.Option(help="With al_scorer, in both ways")] = False,
) -> None:
    nlp = spacy.load(model)
    if scored:
        nlp.add_pipe("al_scorer")
    docs = DocBin().from_disk(texts).get_docs(nlp.vocab)
    known = [(doc.text, {"note": {"id": i}}) for i, doc in enumerate(docs)]
    pairs = (known * (1 + n // len(known)))[:n]
    with tempfile.TemporaryDirectory() as folder:
        nlp.add_pipe(
            "al_capture", config={"folder": folder, "rate": rate, "fields": ["note.id"]}, last=True
        )
        ways = {"plain": {"disable": ["al_capture"]}, "with al_capture": {}}
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for repeat in range(repeats + 1):
            for way in [*ways] if repeat % 2 else [*ways][::-1]:
                with nlp.select_pipes(**(ways[way] or {"disable": []})):
                    took = one_pass(nlp, pairs)
                # the first warms up
                found[way] += [took] if repeat else []
        lines = sum(path.read_bytes().count(b"\n") for path in Path(folder).glob("*.jsonl"))
        size = sum(path.stat().st_size for path in Path(folder).glob("*.jsonl"))
    print(describe())
    words = sum(len(nlp.make_doc(text)) for text, _ in pairs)
    print(f"{', '.join(nlp.pipe_names)}: {n:,} texts, {words:,} tokens a pass, {repeats} repeats")
    print(f"{lines:,} records, {size / max(lines, 1):.0f} bytes each")
    for number, what in enumerate(("process", "wall")):
        ratios = [with_[number] / plain[number] for plain, with_ in zip(*found.values())]
        plain, with_ = (statistics.median(took[number] for took in way) for way in found.values())
        # which other work on the machine disturbs least
        fastest = [min(took[number] for took in way) for way in found.values()]
        print(
            f"{what:8} {1e6 * plain / n:8.0f} µs a text plain, {1e6 * with_ / n:8.0f} with; ratio median "
            f"{statistics.median(ratios):.3f}, min {min(ratios):.3f}, max {max(ratios):.3f}; "
            f"fastest by fastest {fastest[1] / fastest[0]:.3f}"
        )


if __name__ == "__main__":
    assert make_al_capture
    typer.run(measure)
