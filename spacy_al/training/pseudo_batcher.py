"""A batcher that passes over most of the texts that nobody but a model has labelled."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.decision import SELF


@spacy.registry.batchers("spacy-al.batch_sampled.v1")  # type: ignore[untyped-decorator]
def make_batcher(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float = 0.1,
    seed: int = 0,
) -> Callable[[Iterable[Example]], Iterable[list[Example]]]:
    """Batches without most of the texts that nobody but a model has labelled.

    It is the batcher that samples, and no corpus reader, since spaCy reads a corpus once and batches it in each pass: a reader
    would leave out the same texts for good.

    batcher (Callable): Makes the batches of what is left.
    rate (float): The share of such texts that each pass over the corpus sees.
    seed (int): Of which.
    RETURNS (Callable): Takes the examples of one pass, and gives batches.
    RAISES (UsageError): AL221 for a rate that is none.
    """
    # written so that NaN is refused as well
    if not 0 <= rate <= 1:
        raise UsageError(Errors.AL221.format(value=rate))
    return partial(sampled, batcher, rate, numpy.random.default_rng(seed))


def sampled(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float,
    rng: numpy.random.Generator,
    examples: Iterable[Example],
) -> Iterator[list[Example]]:
    """The batches of one pass; see `make_batcher`."""
    yield from batcher(
        example
        for example in examples
        if not is_self_labelled(example.reference) or rng.random() < rate
    )


def is_self_labelled(doc: Doc) -> bool:
    """Whether nobody but a model has labelled any of a text."""
    return len(doc) > 0 and sum(len(span) for span in doc.spans.get(SELF, ())) == len(doc)
