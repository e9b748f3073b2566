"""The development set, read once in a training: spaCy reads it from disk again whenever it looks at it."""

from collections.abc import Callable, Iterator
from typing import Any

from spacy.tokens import Doc
from spacy.training import Corpus, loop
from spacy.training.augment import dont_augment
from spacy.vocab import Vocab


def read_dev_once() -> None:
    """Have trainings keep the right answers of their development set; for processes of our own, as it changes spaCy's module.

    Scores are the same: the texts are tokenised anew at each look, and nothing writes on the documents that hold the answers.
    """
    make: Any = loop.create_evaluation_callback
    if make.__module__ == __name__:
        return

    def create_evaluation_callback(nlp: Any, dev_corpus: Any, weights: Any) -> Any:
        return make(nlp, once(dev_corpus), weights)

    loop.create_evaluation_callback = create_evaluation_callback


def once(reader: Callable[..., Any]) -> Callable[..., Any]:
    """The reader, if it is spaCy's own of `.spacy` files, reading them once for each vocab; any other as it is.

    reader (Callable): What `[corpora.dev]` resolves to. One that augments may change what it reads, and stays as it is.
    """
    if type(reader) is not Corpus or reader.augmenter is not dont_augment:
        return reader
    kept: dict[int, tuple[Vocab, list[Doc]]] = {}
    read = reader.read_docbin

    def read_docbin(vocab: Vocab, locs: Any) -> Iterator[Doc]:
        if id(vocab) not in kept:
            kept[id(vocab)] = vocab, list(read(vocab, locs))
        yield from kept[id(vocab)][1]

    reader.read_docbin = read_docbin  # type: ignore[method-assign]
    return reader
