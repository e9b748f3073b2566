"""Records of labelled files as Docs: marks on tokens, what cannot be on them counted, and one text with one meaning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_al.adapters.reading import LabelledRecord, Mark, Reading
from spacy_al.adapters.record_check import short

INSIDE = "it begins or ends inside a token"


@dataclass
class Labelled:
    """A Doc and where it comes from."""

    doc: Doc
    where: str


@dataclass
class MergedTexts:
    """Texts, each once.

    docs (list[Doc]): In order.
    repeated (int): Records that said again what another had said.
    contradictions (list[tuple[str, str]]): Where, and why, for each text that is labelled differently.
    """

    docs: list[Doc] = field(default_factory=list)
    repeated: int = 0
    contradictions: list[tuple[str, str]] = field(default_factory=list)


def gold_doc(record: LabelledRecord, reading: Reading, nlp: Language, *, keep_tokens: bool) -> Doc:
    """A checked record as a Doc.

    record (LabelledRecord): Without a problem.
    reading (Reading): Gets the marks that are left out.
    nlp (Language): Its tokeniser is used.
    keep_tokens (bool): Whether the file's own tokens are; where it has none, tokens are split where marks begin and end.
    RETURNS (Doc): What is undecided is missing.
    RAISES (ValueError): It cannot be one, and why.
    """
    marks = record.get("spans", [])
    doc = _tokenised(record, marks, nlp, keep_tokens)
    if reading.kind == "categories":
        doc.cats = dict(record["cats"])
        return doc
    missing = list(record.get("missing", ()))
    spans: list[Span] = []
    for mark in marks:
        span = doc.char_span(mark["start"], mark["end"], label=mark["label"])
        why = "a tag is on several tokens" if span else INSIDE
        if span and (reading.kind != "tags" or len(span) == 1):
            spans.append(span)
        elif reading.bad_spans == "refuse":
            part = record["text"][mark["start"] : mark["end"]]
            raise ValueError(
                f"the span {short(mark['label'])} ({short(part)}): {why}. {_how(keep_tokens)}"
            )
        else:
            reading.lose(why, mark.get("where", record["where"]))
            missing.append((mark["start"], mark["end"]))
    undecided = _tokens_of(doc, missing)
    if reading.kind == "tags":
        for span in spans:
            span[0].tag_ = span.label_
        if not spans:
            raise ValueError("no token of it has a tag")
    elif reading.kind == "spans":
        if undecided:
            raise ValueError(
                "a part of it is undecided, and a span categoriser takes that for wrong"
            )
        doc.spans[reading.spans_key] = spans
    else:
        taken = {token for span in spans for token in range(span.start, span.end)}
        open_ = [doc[token : token + 1] for token in sorted(undecided - taken)]
        if len(open_) == len(doc):
            raise ValueError("nothing of it is decided")
        doc.set_ents(spans, missing=open_, default="outside")
    return doc


def merge_texts(found: Iterable[Labelled], kind: str, spans_key: str = "sc") -> MergedTexts:
    """Each text once: what several records say of it is put together, and what contradicts itself is left out.

    found (Iterable[Labelled]): In the order of the files.
    kind (str): Of what is labelled.
    spans_key (str): Where spans are.
    """
    groups: dict[str, list[Labelled]] = {}
    for one in found:
        # with the file's own tokens a blank may stand at the end
        groups.setdefault(one.doc.text.rstrip(), []).append(one)
    result = MergedTexts()
    for group in groups.values():
        doc = group[0].doc
        for other in group[1:]:
            try:
                doc = _put_together(doc, other.doc, kind, spans_key)
                result.repeated += 1
            except ValueError as error:
                places = ", ".join(one.where for one in group[:4])
                result.contradictions.append((places, f"one text is labelled differently: {error}"))
                break
        else:
            result.docs.append(doc)
            continue
        result.repeated -= group.index(other) - 1
    return result


def label_counts(docs: Iterable[Doc], kind: str, spans_key: str = "sc") -> dict[str, int]:
    """How often each label is there, the most frequent first."""
    counts: dict[str, int] = {}
    for doc in docs:
        for label in _labels(doc, kind, spans_key):
            counts[label] = counts.get(label, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _labels(doc: Doc, kind: str, spans_key: str) -> list[str]:
    if kind == "categories":
        return [label for label, value in doc.cats.items() if value]
    if kind == "tags":
        return [token.tag_ for token in doc if token.tag]
    spans: Sequence[Span] = doc.ents if kind == "entities" else doc.spans.get(spans_key, ())
    return [span.label_ for span in spans]


def _tokenised(
    record: LabelledRecord, marks: Sequence[Mark], nlp: Language, keep_tokens: bool
) -> Doc:
    text = record["text"]
    if not text.strip():
        raise ValueError("its text is empty")
    if keep_tokens and "words" in record:
        return Doc(nlp.vocab, words=record["words"], spaces=record.get("spaces"))
    try:
        doc = nlp.make_doc(text)
    except Exception as error:
        # a tokeniser of one's own can raise anything
        raise ValueError(
            f"it cannot be tokenised: {type(error).__name__}: {str(error)[:120]}"
        ) from error
    # one that splits at blanks may put one behind the last token
    if doc.text not in (text, f"{text} "):
        raise ValueError("the tokeniser makes another text of it")
    if not keep_tokens:
        return doc
    cuts = sorted({place for mark in marks for place in (mark["start"], mark["end"])})
    words, spaces = [], []
    for token in doc:
        end = token.idx + len(token)
        places = [token.idx, *(cut for cut in cuts if token.idx < cut < end), end]
        words += [text[start:stop] for start, stop in pairwise(places)]
        spaces += [False] * (len(places) - 2) + [bool(token.whitespace_)]
    return doc if len(words) == len(doc) else Doc(nlp.vocab, words=words, spaces=spaces)


def _tokens_of(doc: Doc, stretches: Iterable[tuple[int, int]]) -> set[int]:
    """The tokens that lie in stretches of characters, be it in part."""
    found = set[int]()
    for start, end in stretches:
        found.update(token.i for token in doc if token.idx < end and token.idx + len(token) > start)
    return found


def _put_together(first: Doc, second: Doc, kind: str, spans_key: str) -> Doc:
    """One doc of two. RAISES (ValueError): They contradict each other."""
    if kind == "categories":
        for label in first.cats.keys() & second.cats.keys():
            if first.cats[label] != second.cats[label]:
                raise ValueError(f"the category {short(label)} is 1 and 0")
        first.cats = {**first.cats, **second.cats}
        return first
    if [token.text for token in first] != [token.text for token in second]:
        raise ValueError("its tokens differ")
    if kind == "spans":
        one, other = (
            {(s.start, s.end, s.label_) for s in doc.spans[spans_key]} for doc in (first, second)
        )
        if one != other:
            raise ValueError(_difference(first, one ^ other))
        return first
    tags = kind == "tags"
    for token, other_token in zip(first, second):
        said = [(t.tag_,) if tags else (t.ent_iob, t.ent_type_) for t in (token, other_token)]
        known = [bool(t.tag if tags else t.ent_iob) for t in (token, other_token)]
        if all(known) and said[0] != said[1]:
            raise ValueError(
                f"the token {short(token.text)} is {_named(said[0])} and {_named(said[1])}"
            )
        if tags and not known[0]:
            token.tag_ = other_token.tag_
    if not tags:
        spans = {(e.start, e.end, e.label_) for doc in (first, second) for e in doc.ents}
        ordered = sorted(spans)
        if any(after[0] < before[1] for before, after in pairwise(ordered)):
            raise ValueError("its entities overlap")
        missing = [
            first[t.i : t.i + 1]
            for t, other in zip(first, second)
            if not (t.ent_iob or other.ent_iob)
        ]
        first.set_ents([Span(first, *span) for span in ordered], missing=missing, default="outside")
    return first


def _named(said: tuple[Any, ...]) -> str:
    return said[-1] or "outside"


def _difference(doc: Doc, marks: set[tuple[int, int, str]]) -> str:
    start, end, label = min(marks)
    return f"{short(label)} on {short(doc[start:end].text)} is in one of them alone"


def _how(keep_tokens: bool) -> str:
    return "Use --bad-spans missing" + ("" if keep_tokens else ", or --keep-tokens")


def token_differences(docs: Iterable[Doc], nlp: Language) -> int:
    """How many docs have other tokens than the pipeline would make."""
    return sum(
        [token.text for token in doc] != [token.text for token in nlp.make_doc(doc.text)]
        for doc in docs
    )


def keep_exclusive(docs: Sequence[Doc], labels: Mapping[str, int]) -> list[Doc]:
    """Docs of which exactly one category applies; the others of the corpus then do not."""
    kept = []
    for doc in docs:
        right = [label for label, value in doc.cats.items() if value]
        if len(right) == 1:
            doc.cats = {label: float(label == right[0]) for label in sorted({*labels, *doc.cats})}
            kept.append(doc)
    return kept
