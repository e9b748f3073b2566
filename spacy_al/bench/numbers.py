"""What texts are that differ in numbers alone: how many there are, and whether people labelled them alike.

`python -m spacy_al.bench.numbers CORPORA`, a folder of `NAME/{train,dev,test}.spacy` with labels.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc
from spacy.vocab import Vocab
from wasabi import table

from spacy_al.corpus.duplicates import near_key, value_key
from spacy_al.corpus.shard import read_shard

COLUMNS = ("texts", "differ in a number", "labelled otherwise", "number in an entity")


def count_numbers(paths: list[Path]) -> tuple[int, int, int, int]:
    """COLUMNS of one corpus: each text is compared with the first of its form.

    paths (list[Path]): Its parts.
    """
    firsts, values = dict[int, Any](), set[int]()
    differ = otherwise = within = 0
    for path in paths:
        for doc in read_shard(path, Vocab()):
            value, form = value_key(doc.text), near_key(doc.text)
            if value in values:
                continue
            values.add(value)
            labels = _labels(doc)
            if form in firsts:
                differ += 1
                otherwise += firsts[form] != labels
                within += any(char.isdigit() for ent in doc.ents for char in ent.text)
            else:
                firsts[form] = labels
    return len(values), differ, otherwise, within


def _labels(doc: Doc) -> Any:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents], doc.cats


def numbers_cli(
    corpora: Annotated[Path, typer.Argument(help="Folder of labelled corpora")],
) -> None:
    """Count texts that differ in numbers alone."""
    rows = [
        (folder.name, *count_numbers(sorted(folder.glob("*.spacy"))))
        for folder in sorted(corpora.iterdir())
        if folder.is_dir()
    ]
    typer.echo(table(rows, header=("", *COLUMNS), divider=True, aligns=("l", "r", "r", "r", "r")))


if __name__ == "__main__":
    typer.run(numbers_cli)
