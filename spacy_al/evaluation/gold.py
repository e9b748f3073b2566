"""Labelled documents beside a pipeline's own: the right answers, on the tokens that the pipeline makes.

As in `spacy train`, texts are tokenised anew, and stored tokens are kept only where the spaces between them are unknown.
Answers are carried over by their characters; what does not fall on tokens is counted, and not judged.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy
from spacy.language import Language
from spacy.morphology import Morphology
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import read_shard
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.read import components_before, run_pipes
from spacy_al.types import Bools


@dataclass(frozen=True, slots=True)
class SpanAnswer:
    """The right spans of one document.

    spans (frozenset): (start, end, label), the end exclusive.
    known (Bools): (n_tokens,) False for tokens of which the annotation says nothing.
    """

    spans: frozenset[tuple[int, int, str]]
    known: Bools

    def knows(self, start: int, end: int) -> bool:
        """Whether all tokens of a span are annotated."""
        return bool(self.known[start:end].all())


# The right answer of a document: spans; categories with True or False; or a label per token, None where unknown
Answer: TypeAlias = SpanAnswer | dict[str, bool] | list[str | None]


@dataclass
class Gold:
    """A labelled corpus as one component of a pipeline meets it.

    docs (list[Doc]): Fresh documents that what comes before the component has run on; never the stored ones.
    answers (list[Answer]): One per doc.
    counts (Counter): `documents` (usable ones), `answers`, `unaligned` answers, and `without annotation` documents.
    rows (list[int]): Of each doc the place of the stored one.
    """

    docs: list[Doc] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rows: list[int] = field(default_factory=list)


def read_gold(
    nlp: Language, name: str, path: Path, *, limit: int | None = None, seed: int = 0
) -> Gold:
    """The gold documents of a file, for one component.

    nlp (Language): The pipeline.
    name (str): The component.
    path (Path): A `.spacy` file, or a folder of them.
    limit (int | None): Take at most so many usable documents, a random sample.
    seed (int): Of that sample.
    RETURNS (Gold): At least one document.
    RAISES (AlError): As `shards` and `read_shard`; AL070 if no document is annotated for the component.
    """
    gold = align_gold(nlp, name, stored_docs(path), limit=limit, seed=seed)
    if not gold.docs:
        row = FACTORIES[nlp.get_pipe_meta(name).factory]
        needs = row.gold.format(key=getattr(nlp.get_pipe(name), "key", ""))
        total = gold.counts["without annotation"]
        raise AlError(Errors.AL070.format(path=path, total=total, name=name, needs=needs))
    return gold


def align_gold(
    nlp: Language,
    name: str,
    stored: Iterable[Doc],
    *,
    limit: int | None = None,
    seed: int = 0,
) -> Gold:
    """The same of documents in memory, which are not changed. May be empty."""
    pipe, answer_of = (
        nlp.get_pipe(name),
        ANSWERS[FACTORIES[nlp.get_pipe_meta(name).factory].answers],
    )
    gold, usable = Gold(), []
    for row, doc in enumerate(stored):
        if len(doc) and _annotated(doc, pipe, answer_of):
            usable.append((row, doc))
        else:
            gold.counts["without annotation"] += 1
    if limit is not None and limit < len(usable):
        rows = numpy.random.default_rng(seed).choice(len(usable), limit, replace=False)
        usable = [usable[row] for row in sorted(rows.tolist())]
    for row, old in usable:
        fresh = fresh_doc(nlp, old)
        gold.rows.append(row)
        gold.docs.append(fresh)
        gold.answers.append(answer_of(old, fresh, pipe, gold.counts))
    gold.counts["documents"] = len(usable)
    run_pipes(components_before(nlp, name), gold.docs)
    return gold


def without_labels(gold: Gold, known: Sequence[Collection[str]]) -> tuple[Gold, dict[str, int]]:
    """The gold without answers that a component cannot give, as it has no such label.

    known (Sequence): The labels that it has, for each doc.
    RETURNS (tuple): What is left, and how many answers are left out by their labels.
    """
    others: Counter[str] = Counter()
    answers = [_only(answer, own, others) for answer, own in zip(gold.answers, known)]
    counts = gold.counts.copy()
    counts["answers"] -= others.total()
    return replace(gold, answers=answers, counts=counts), dict(sorted(others.items()))


def _only(answer: Answer, known: Collection[str], others: Counter[str]) -> Answer:
    if isinstance(answer, SpanAnswer):
        others.update(span[2] for span in answer.spans if span[2] not in known)
        # that none of the known ones is there is known all the same
        return replace(answer, spans=frozenset(s for s in answer.spans if s[2] in known))
    if isinstance(answer, dict):
        others.update(label for label in answer if label not in known)
        return {label: value for label, value in answer.items() if label in known}
    others.update(label for label in answer if label is not None and label not in known)
    return [label if label in known else None for label in answer]


def stored_docs(path: Path) -> Iterator[Doc]:
    """The documents of a `.spacy` file or a folder of them as they were stored. Raises as `shards` and `read_shard`."""
    for shard in shards(path):
        yield from read_shard(shard, Vocab())


def fresh_doc(nlp: Language, stored: Doc) -> Doc:
    """The document that `spacy train` would make of a stored one."""
    if not stored.has_unknown_spaces:
        return nlp.make_doc(stored.text)
    words = [token.text for token in stored]
    return Doc(nlp.vocab, words=words, spaces=[bool(token.whitespace_) for token in stored])


def unaligned_marks(
    nlp: Language, stored: Iterable[Doc], kind: str, spans_key: str = "sc"
) -> tuple[int, int]:
    """How many entities, spans or tags of labelled documents are on no token of a pipeline, and how many there are.

    nlp (Language): It tokenises; its components are not asked.
    kind (str): "entities", "spans" or "tags".
    """
    lost = total = 0
    for doc in stored:
        if kind == "tags":
            marks: list[Any] = [token for token in doc if token.tag_]
            places = [(token.idx, token.idx + len(token)) for token in marks]
            own = {(token.idx, token.idx + len(token)) for token in fresh_doc(nlp, doc)}
            lost += sum(place not in own for place in places)
        else:
            marks = [*(doc.ents if kind == "entities" else doc.spans.get(spans_key, ()))]
            new = fresh_doc(nlp, doc) if marks else doc
            lost += sum(new.char_span(mark.start_char, mark.end_char) is None for mark in marks)
        total += len(marks)
    return lost, total


def n_right(answer: Answer) -> int:
    """How many spans, categories or labels an answer holds that are right."""
    if isinstance(answer, SpanAnswer):
        return len(answer.spans)
    if isinstance(answer, dict):
        return sum(answer.values())
    return sum(label is not None for label in answer)


def _annotated(doc: Doc, pipe: Any, answer_of: Callable[..., Any]) -> bool:
    if answer_of is _entities:
        return bool(doc.to_array("ENT_IOB").any())
    if answer_of is _spans:
        return pipe.key in doc.spans
    if answer_of is _categories:
        return any(label in doc.cats for label in pipe.labels)
    if answer_of is _starts:
        return doc.has_annotation("SENT_START")
    return any(_token_label(token, pipe) is not None for token in doc)


def _entities(old: Doc, new: Doc, pipe: Any, counts: Counter[str]) -> SpanAnswer:
    unknown = [token for token in old if not token.ent_iob]
    return _span_answer(old.ents, unknown, new, counts)


def _spans(old: Doc, new: Doc, pipe: Any, counts: Counter[str]) -> SpanAnswer:
    return _span_answer(old.spans[pipe.key], (), new, counts)


def _span_answer(
    spans: Iterable[Any], unknown: Iterable[Any], new: Doc, counts: Counter[str]
) -> SpanAnswer:
    known = numpy.ones(len(new), dtype=bool)
    for token in unknown:
        _forget(known, new, token.idx, token.idx + len(token))
    found = set()
    for span in spans:
        counts["answers"] += 1
        aligned = new.char_span(span.start_char, span.end_char)
        if aligned is None:
            # training leaves such tokens out as well
            counts["unaligned"] += 1
            _forget(known, new, span.start_char, span.end_char)
        else:
            found.add((aligned.start, aligned.end, span.label_))
    return SpanAnswer(frozenset(found), known)


def _forget(known: Bools, doc: Doc, start_char: int, end_char: int) -> None:
    span = doc.char_span(start_char, end_char, alignment_mode="expand")
    if span is not None:
        known[span.start : span.end] = False


def _categories(old: Doc, new: Doc, pipe: Any, counts: Counter[str]) -> dict[str, bool]:
    counts["answers"] += len(old.cats)
    return {label: value >= 0.5 for label, value in old.cats.items()}


def _labels(old: Doc, new: Doc, pipe: Any, counts: Counter[str]) -> list[str | None]:
    labels = {
        (token.idx, len(token)): label
        for token in old
        if (label := _token_label(token, pipe)) is not None
    }
    found = [labels.get((token.idx, len(token))) for token in new]
    counts["answers"] += len(labels)
    counts["unaligned"] += len(labels) - sum(label is not None for label in found)
    return found


def _starts(old: Doc, new: Doc, pipe: Any, counts: Counter[str]) -> list[str | None]:
    # as spaCy trains it: what is no start goes on
    starts = {token.idx: bool(token.is_sent_start) for token in old}
    found = [starts.get(token.idx) for token in new]
    counts["answers"] += len(old)
    counts["unaligned"] += sum(start is None for start in found)
    return [None if start is None else "S" if start else "I" for start in found]


def _token_label(token: Any, pipe: Any) -> str | None:
    """The label that a tagger or a morphologizer would be taught for a token, None where nothing is annotated."""
    if "labels_morph" not in pipe.cfg:
        return token.tag_ or None
    morph, pos = str(token.morph), token.pos_
    if not pos and not morph:
        return None
    features = Morphology.feats_to_dict(morph) | ({"POS": pos} if pos else {})
    label: str = pipe.vocab.strings[pipe.vocab.morphology.add(features)]
    return label


# By the column `answers` of FACTORIES
ANSWERS: dict[str, Callable[[Doc, Doc, Any, Counter[str]], Any]] = {
    "entities": _entities,
    "spans": _spans,
    "categories": _categories,
    "tags": _labels,
    "starts": _starts,
}
