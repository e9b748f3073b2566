"""What a trained pipeline gains and loses when it learns another label: a run from it beside the same run from nothing.

    python configs/learners/pipeline.py CORPORA/bc5cdr --old Chemical --new Disease

A pipeline is trained on texts that are labelled with the old label alone. Then a run begins with it, which is asked about the new label
alone and answered from gold; another one begins from nothing. Test is labelled with both. It goes on where it was stopped; the table
is printed as Markdown.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.tokens import DocBin
from typer import Argument, Option

WORK = Path("training") / "pipeline"
HERE = Path(__file__).parent


def pipeline_cli(
    corpus: Annotated[Path, Argument(help="Folder with train, dev and test", file_okay=False)],
    old: Annotated[str, Option(help="The label that the pipeline knows")],
    new: Annotated[str, Option(help="The label that it is taught")],
    known: Annotated[int, Option(help="Texts that the pipeline was trained on")] = 1500,
    pool: Annotated[int, Option(help="Further texts, of which some are asked")] = 1000,
    rounds: Annotated[int, Option(help="Rounds of 50 texts")] = 4,
) -> None:
    """Make the corpora, train the pipeline, do both runs, and print what came of them."""
    folder = WORK / corpus.name
    folder.mkdir(parents=True, exist_ok=True)
    cut(corpus / "train.spacy", folder / "known.spacy", (0, known), [old])
    cut(corpus / "train.spacy", folder / "pool.spacy", (known, known + pool), [new])
    cut(corpus / "dev.spacy", folder / "old_dev.spacy", (0, 300), [old])
    cut(corpus / "dev.spacy", folder / "dev.spacy", (0, 300), [new])
    cut(corpus / "test.spacy", folder / "test.spacy", (0, 1500), [old, new])
    model = folder / "old" / "model-best"
    if not model.is_dir():
        words = ["train", HERE.parent / "ner.cfg", "-o", folder / "old"]
        words += ["--paths.train", folder / "known.spacy", "--paths.dev", folder / "old_dev.spacy"]
        call("spacy", *words, "--training.max_steps", 1500)
    rows = []
    for name, how in (("from the pipeline", ["--model", model]), ("from nothing", [])):
        config = folder / f"{'model' if how else 'nothing'}.cfg"
        if not config.is_file():
            call("spacy_al", "init", config, *how, "--component", "ner", "--label", new, "-q")
        paths = [f"--paths.{part}={folder / part}.spacy" for part in ("pool", "dev", "test")]
        own = ["--al.batch_size=50", f"--al.max_rounds={rounds}"]
        own += [f"--al.output={folder / config.stem}"]
        call("spacy_al", "run", config, "--oracle", folder / "pool.spacy", *paths, *own, "-q")
        for path in sorted((folder / config.stem).glob("round-*/metrics.json")):
            rows.append((name, json.loads(path.read_text("utf8"))))
    print(table(rows, old, new))


def cut(source: Path, made: Path, part: tuple[int, int], labels: list[str]) -> None:
    """Some docs of a corpus, with some of their labels."""
    nlp = spacy.blank("en")
    docs = list(DocBin().from_disk(source).get_docs(nlp.vocab))[slice(*part)]
    for doc in docs:
        doc.ents = [ent for ent in doc.ents if ent.label_ in labels]
    DocBin(docs=docs).to_disk(made)


def call(*words: object) -> None:
    """Run a command of a module."""
    subprocess.run([sys.executable, "-m", *map(str, words)], check=True)


def table(rows: list[tuple[str, dict]], old: str, new: str) -> str:
    """As Markdown: F of both labels on test, and how far the old label is found where it was."""
    lines = [f"| run | texts | {new} | {old} | agreement on {old} |", "|---|---:|---:|---:|---:|"]
    for name, metrics in rows:
        start = metrics.get("start", {})
        now = (metrics.get("test") or {}).get("score", start.get("test"))
        was = start.get("after", start.get("before"))
        cells = [name, f"{metrics.get('texts', 0)}", shown(now), shown(was)]
        lines.append(f"| {' | '.join([*cells, shown(start.get('agreement'))])} |")
    return "\n".join(lines)


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    typer.run(pipeline_cli)
