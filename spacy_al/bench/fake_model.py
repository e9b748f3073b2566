"""A language model that is none: it answers the prompts of spacy-llm's own task from gold, as wrong as it is told to be.

It is registered as `spacy-al.fake_model.v1`, for measuring alone.
"""

from functools import lru_cache
from pathlib import Path

# spacy-llm looks at the types of models, and knows these alone
from typing import Any, Iterable  # noqa: UP035

import numpy
from spacy.tokens import Doc
from spacy.vocab import Vocab
from spacy_llm.registry import registry as llm_registry

from spacy_al.corpus.shard import read_shard
from spacy_al.oracle.mistakes import Mistakes, mistaken
from spacy_al.util import content_hash

NAME = "spacy-al.fake_model.v1"
# What the template of spacy.NER.v3 has before and after the text
BEFORE, AFTER = "Paragraph: ", "\nAnswer:"


@llm_registry.llm_models(NAME)  # type: ignore[untyped-decorator]
def make_fake_model(
    gold: str, missed: float, mislabelled: float, boundary: float, spurious: float, seed: int
) -> Any:
    """A model that knows the answers to a corpus.

    gold (str): Its `.spacy` file; of a text that is not in it, it says nothing.
    missed, mislabelled, boundary, spurious (float): As for `Mistakes`; drawn for each text by itself.
    seed (int): Of the draws.
    """
    rates = Mistakes(missed=missed, mislabelled=mislabelled, boundary=boundary, spurious=spurious)

    def ask(prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        docs, labels = _read_gold(gold)
        for shards in prompts:
            texts = [str(one).rsplit(BEFORE, 1)[1].split(AFTER)[0].strip() for one in shards]
            yield [_answer(docs.get(text), labels, rates, seed) for text in texts]

    return ask


@lru_cache(maxsize=2)
def _read_gold(path: str) -> tuple[dict[str, Doc], list[str]]:
    docs = list(read_shard(Path(path), Vocab()))
    return {d.text.strip(): d for d in docs}, sorted({s.label_ for d in docs for s in d.ents})


def _answer(doc: Doc | None, labels: list[str], rates: Mistakes, seed: int) -> str:
    """What the model writes: an entity a line, by its words alone, as spacy.NER.v3 wants it."""
    if doc is None:
        return ""
    said = mistaken(
        {(span.start, span.end, span.label_) for span in doc.ents},
        [rates],
        numpy.random.default_rng([seed, int(content_hash(doc.text)[:8], 16)]),
        form="entities",
        labels=labels,
        spaces=[token.text.isspace() for token in doc],
    )
    lines = [(doc[start:end].text, label) for start, end, label in sorted(said)]
    return "\n".join(
        f"{k}. {words} | True | {label} | it looks like one"
        for k, (words, label) in enumerate(lines, 1)
    )
