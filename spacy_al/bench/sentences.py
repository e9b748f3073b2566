"""How well sentences are found in running text: the rules of `ingest`, spaCy's sentencizer, and a senter trained on other corpora.

`python -m spacy_al.bench.sentences CORPORA`, a folder of `NAME/{train,test}.spacy` whose docs are sentences, and of `NAME/meta.json`.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from typer import Option
from wasabi import table

from spacy_al.corpus.pool import pool_texts
from spacy_al.corpus.sentences import Splitter

NAMES = ("bc5cdr", "german_ler", "inlegal_ner", "ncbi_disease", "phee")
# Sentences in one text
LONG = 10
Gold = tuple[str, list[int]]


def compare_splitters(
    corpora: Path, names: Sequence[str] = NAMES, *, sentences: int = 4000, epochs: int = 4
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Precision, recall and F of the boundaries between sentences, by corpus and by what finds them.

    corpora (Path): Holds a folder a corpus.
    names (Sequence[str]): Which ones. A senter is trained on the train parts of every other one and judged on the rest, in turn.
    sentences (int): Of each corpus that a senter learns from.
    epochs (int): How often it sees them.
    RETURNS (dict): On the test parts.
    """
    langs = {name: srsly.read_json(corpora / name / "meta.json")["lang"] for name in names}
    halves = names[::2], names[1::2]
    senters = [
        train_senter([corpora / name / "train.spacy" for name in half], sentences, epochs)
        for half in halves
    ]
    found = {}
    for name in names:
        gold = join(pool_texts(corpora / name / "test.spacy"))
        blank = spacy.blank(langs[name])
        sentencizer = spacy.blank(langs[name])
        sentencizer.add_pipe("sentencizer")
        senter = senters[0 if name in halves[1] else 1]
        arms: dict[str, Callable[[str], Iterable[int]]] = {
            "sentencizer": _of(sentencizer),
            "senter": _of(senter),
            "rules": Splitter(blank).starts,
        }
        found[name] = {arm: score_boundaries(gold, starts) for arm, starts in arms.items()}
    return found


def join(texts: Iterable[str]) -> list[Gold]:
    """Texts of `LONG` sentences with the offsets of their beginnings; what does not end in a mark is a heading, with a blank line after it."""
    found: list[Gold] = []
    for number, text in enumerate(text.strip() for text in texts):
        if number % LONG == 0:
            found.append((text, [0]))
            continue
        before, starts = found[-1]
        before += " " if before.rstrip("\"'”’“»)]")[-1:] in tuple(".!?…:;") else "\n\n"
        found[-1] = before + text, [*starts, len(before)]
    return found


def score_boundaries(
    gold: Sequence[Gold], starts: Callable[[str], Iterable[int]]
) -> tuple[float, float, float]:
    """Precision, recall and F of the beginnings of sentences but the first of each text."""
    counts: Counter[str] = Counter()
    for text, right in gold:
        mine, theirs = set(starts(text)) - {0}, set(right) - {0}
        counts += Counter(both=len(mine & theirs), own=len(mine), wanted=len(theirs))
    both, own, wanted = (counts[name] for name in ("both", "own", "wanted"))
    return both / max(own, 1), both / max(wanted, 1), 2 * both / max(own + wanted, 1)


def train_senter(paths: Sequence[Path], sentences: int, epochs: int, seed: int = 0) -> Language:
    """A pipeline of a senter alone, for any language, trained on joined sentences."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("xx")
    nlp.add_pipe("senter")
    examples = [
        Example(nlp.make_doc(text), _with_starts(nlp.make_doc(text), set(starts)))
        for path in paths
        for text, starts in join(list(pool_texts(path))[:sentences])
    ]
    optimizer = nlp.initialize(lambda: examples)
    order = random.Random(seed)
    for _ in range(epochs):
        order.shuffle(examples)
        for batch in minibatch(examples, 8):
            nlp.update(batch, sgd=optimizer)
    return nlp


def _with_starts(doc: Doc, starts: set[int]) -> Doc:
    for token in doc:
        token.is_sent_start = token.idx in starts
    return doc


def _of(nlp: Language) -> Callable[[str], Iterable[int]]:
    return lambda text: [sent.start_char for sent in nlp(text).sents]


def sentences_cli(
    corpora: Annotated[Path, typer.Argument(help="Folder of corpora whose docs are sentences")],
    name: Annotated[list[str] | None, Option(help="Which of them")] = None,
) -> None:
    """Measure how well sentences are found."""
    found = compare_splitters(corpora, name or NAMES)
    rows = [
        (
            name,
            *(f"{f:.3f} ({precision:.3f}/{recall:.3f})" for precision, recall, f in own.values()),
        )
        for name, own in found.items()
    ]
    typer.echo(table(rows, header=("", *next(iter(found.values()))), divider=True))
    typer.echo("F of boundaries (precision/recall)")


if __name__ == "__main__":
    typer.run(sentences_cli)
