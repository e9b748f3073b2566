"""A batcher that passes over most of the texts that nobody but a model, or a teacher, has labelled, or whose labels are doubtful."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_al.corpus.shard import RATE_KEY, TAUGHT, WEAK_KEY
from spacy_al.errors import Errors, UsageError
from spacy_al.tasks.decision import SELF


@spacy.registry.batchers("spacy-al.batch_sampled.v1")  # type: ignore[untyped-decorator]
def make_batcher(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float = 0.1,
    seed: int = 0,
    taught: float = 1.0,
) -> Callable[[Iterable[Example]], Iterable[list[Example]]]:
    """Batches without most of the texts that nobody but a model has labelled, or whose labels are doubtful.

    It is the batcher that samples, and no corpus reader, since spaCy reads a corpus once and batches it in each pass: a reader
    would leave out the same texts for good.

    batcher (Callable): Makes the batches of what is left.
    rate (float): The share of such texts that each pass over the corpus sees.
    seed (int): Of which.
    taught (float): The share of texts that nobody but a teacher has labelled, and that were not accepted; of a corpus of nothing else all
        are seen. Texts of a corpus that `audit --weighted` wrote are seen as often as their labels are likely to be right.
    RETURNS (Callable): Takes the examples of one pass, and gives batches.
    RAISES (UsageError): AL221 for a rate that is none; while it batches, AL427 for one that a text has.
    """
    # written so that NaN is refused as well
    for value in (rate, taught):
        if not 0 <= value <= 1:
            raise UsageError(Errors.AL221.format(value=value))
    return partial(sampled, batcher, rate, numpy.random.default_rng(seed), taught=taught)


def sampled(
    batcher: Callable[[Iterable[Example]], Iterable[list[Example]]],
    rate: float,
    rng: numpy.random.Generator,
    examples: Iterable[Example],
    taught: float = 1.0,
) -> Iterator[list[Example]]:
    """The batches of one pass; see `make_batcher`."""
    examples = [*examples]
    if all(is_taught(example.reference) for example in examples):
        taught = 1.0
    yield from batcher(
        example
        for example in examples
        if (share := _share(example.reference, rate, taught)) == 1.0 or rng.random() < share
    )


def _share(doc: Doc, rate: float, taught: float) -> float:
    """The share of the passes that see a text."""
    share = rate if is_self_labelled(doc) else taught if is_taught(doc) else 1.0
    return share * pass_rate(doc)


def pass_rate(doc: Doc) -> float:
    """The rate that a corpus states of a text, as `audit --weighted` and `estimate --weighted` write it; 1 where it states none.

    RAISES (UsageError): AL427 for anything but a share above 0: of nothing else a pass would be empty.
    """
    found = doc.user_data.get(RATE_KEY, 1.0)
    # written so that NaN is refused as well
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 1:
        raise UsageError(Errors.AL427.format(value=repr(found)[:50], text=doc.text[:50]))
    return float(found)


def is_taught(doc: Doc) -> bool:
    """Whether nobody but a teacher has labelled a text, and it was not accepted."""
    return [*doc.user_data.get(WEAK_KEY, ())] == [TAUGHT]


def is_self_labelled(doc: Doc) -> bool:
    """Whether nobody but a model has labelled any of a text."""
    return len(doc) > 0 and sum(len(span) for span in doc.spans.get(SELF, ())) == len(doc)
