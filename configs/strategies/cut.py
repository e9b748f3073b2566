"""Cut a labelled corpus down to what many simulations can be made with, as it is or full of near-copies.

    python cut.py FOLDER corpus --pool 2000 --dev 200 --test 1000 --copies 5

FOLDER holds train.spacy, dev.spacy and test.spacy. Texts are drawn by the hashes of what they say, so that every machine
draws the same ones. With --copies 5 the pool holds a fifth as many texts, each five times, all but the first with one token
outside of any span replaced by one of another text: as many texts to choose from, and far less to learn from them.
"""

from pathlib import Path
from random import Random
from typing import Annotated

import typer
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from typer import Argument, Option
from wasabi import msg

from spacy_al.util import content_hash


def cut_cli(
    data: Annotated[Path, Argument(help="Folder of the corpus", file_okay=False)],
    output: Annotated[Path, Argument(help="Folder to write to")],
    pool: Annotated[int, Option(min=1, help="Texts that can be asked")] = 2000,
    dev: Annotated[int, Option(min=1, help="Texts that training stops on")] = 200,
    test: Annotated[int, Option(min=1, help="Texts that scores are of")] = 1000,
    copies: Annotated[int, Option(min=1, help="How often each text is in the pool")] = 1,
    spans_key: Annotated[str, Option(help="Copy entities to this group of spans as well")] = "",
    kinds: Annotated[
        bool, Option("--kinds", help="Categories: which labels a text's entities have")
    ] = False,
) -> None:
    """Cut a labelled corpus down to what many simulations can be made with."""
    lots = {"pool": (data / "train.spacy", -(-pool // copies)), "dev": (data / "dev.spacy", dev)}
    lots["test"] = (data / "test.spacy", test)
    output.mkdir(parents=True, exist_ok=True)
    drawn = {name: draw(path, size) for name, (path, size) in lots.items()}
    labels = sorted({ent.label_ for docs in drawn.values() for doc in docs for ent in doc.ents})
    for name, docs in drawn.items():
        if name == "pool" and copies > 1:
            docs = [copy for doc in docs for copy in near_copies(doc, docs, copies)][:pool]
        for doc in docs if spans_key else ():
            doc.spans[spans_key] = list(doc.ents)
        for doc in docs if kinds else ():
            own = {ent.label_ for ent in doc.ents}
            doc.cats = {label: float(label in own) for label in labels}
        DocBin(docs=docs).to_disk(output / f"{name}.spacy")
        msg.good(f"{output / name}.spacy: {len(docs):,} texts, {sum(map(len, docs)):,} tokens")


def draw(path: Path, size: int) -> list[Doc]:
    """Different texts, the first by their hashes."""
    docs = {content_hash(doc.text): doc for doc in DocBin().from_disk(path).get_docs(Vocab())}
    return [docs[identity] for identity in sorted(docs) if docs[identity].text.strip()][:size]


def near_copies(doc: Doc, docs: list[Doc], count: int) -> list[Doc]:
    """The doc, and copies of it with one token outside of any span replaced by one from another doc."""
    chance = Random(content_hash(doc.text))
    inside = {
        token.i for spans in (doc.ents, *doc.spans.values()) for span in spans for token in span
    }
    free = [token.i for token in doc if token.i not in inside and not token.is_space]
    found = [doc]
    for _ in range(count - 1):
        words = [token.text for token in doc]
        other = chance.choice(docs)
        words[chance.choice(free or range(len(doc)))] = other[chance.randrange(len(other))].text
        copy = Doc(doc.vocab, words, [bool(token.whitespace_) for token in doc])
        copy.cats = dict(doc.cats)
        copy.set_ents([Span(copy, e.start, e.end, label=e.label) for e in doc.ents])
        found.append(copy)
    return found


if __name__ == "__main__":
    typer.run(cut_cli)
