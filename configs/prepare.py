"""Lay out a labelled corpus for the loop: a seed, a pool without labels, its gold, dev and test.

    python prepare.py FOLDER corpus --seed-size 100

FOLDER holds train, dev and test, each as .spacy or in a column format that `spacy convert` reads (.conll, .iob, .tsv). Of
train, drawn at random, the first texts become the seed and the others the pool. The corpus that ships has its train
set in two files already, seed and pool_gold.
"""

import random
from pathlib import Path
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin
from spacy.training.converters import conll_ner_to_docs, iob_to_docs
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import msg

TRAIN = (("train",), ("seed", "pool_gold"))
COLUMNS = {".conll": conll_ner_to_docs, ".tsv": conll_ner_to_docs, ".iob": iob_to_docs}


def prepare_cli(
    data: Annotated[Path, Argument(help="Folder with train, dev and test", file_okay=False)],
    output: Annotated[Path, Argument(help="Folder to write to")],
    seed_size: Annotated[int, Option(min=1, help="Texts whose labels are there from the start")],
    only: Annotated[str, Option(help="Of .spacy files only texts of these categories")] = "",
) -> None:
    """Lay out a labelled corpus for the loop."""
    names = TRAIN[1] if all(find(data, name) for name in TRAIN[1]) else TRAIN[0]
    lost = [name for name in (*names, "dev", "test") if not find(data, name)]
    if lost:
        kinds = ", ".join((".spacy", *COLUMNS))
        msg.fail(f"{data} has no {', no '.join(lost)} (any of {kinds}).", exits=1)
    kept = set(filter(None, only.split(",")))
    train = [doc for name in names for doc in read(data, name, kept)]
    random.Random(0).shuffle(train)
    if len(train) <= seed_size:
        msg.fail(f"{len(train)} texts leave no pool beside a seed of {seed_size}.", exits=1)
    lots = {"seed": train[:seed_size], "pool_gold": train[seed_size:]}
    lots |= {name: read(data, name, kept) for name in ("dev", "test")}
    # The pool's own copy holds tokens and nothing else
    lots["pool"] = [bare(doc) for doc in lots["pool_gold"]]
    output.mkdir(parents=True, exist_ok=True)
    for name, docs in lots.items():
        DocBin(docs=docs).to_disk(output / f"{name}.spacy")
        msg.good(f"{output / name}.spacy: {len(docs):,} texts")


def find(folder: Path, name: str) -> Path | None:
    """The file of a part of the corpus, in any format that is read."""
    paths = (folder / f"{name}{suffix}" for suffix in (".spacy", *COLUMNS))
    return next((path for path in paths if path.is_file()), None)


def read(folder: Path, name: str, kept: set[str]) -> list[Doc]:
    """The docs of a part, of some categories or all; of a column format one a sentence."""
    path = find(folder, name)
    assert path is not None
    if path.suffix == ".spacy":
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
        return [doc for doc in docs if not kept or any(doc.cats.get(kind) for kind in kept)]
    docs = COLUMNS[path.suffix](path.read_text("utf8"), n_sents=1, no_print=True)
    return [sent.as_doc() for doc in docs for sent in doc.sents]


def bare(doc: Doc) -> Doc:
    """The tokens alone, so that no gold reaches the pool."""
    return Doc(doc.vocab, [token.text for token in doc], [bool(token.whitespace_) for token in doc])


if __name__ == "__main__":
    typer.run(prepare_cli)
