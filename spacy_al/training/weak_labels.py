"""Weak labels: what functions say of texts, made one by somebody else's label model, to train on before anybody has answered.

Entities come from skweak's hidden Markov model (Lison et al., 2021), categories from Snorkel's label model (Ratner et al.,
2017). Both learn from agreement alone how far to trust each function.
"""

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from spacy_al import registry
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.corpus.pool import read_pool
from spacy_al.corpus.shard import WEAK_KEY, write_shard
from spacy_al.errors import AlError, Errors
from spacy_al.evaluation.gold import stored_docs
from spacy_al.posteriors.component import blamed_on, open_pipeline
from spacy_al.types import Ints
from spacy_al.util import content_hash

# Snorkel's model has nothing to learn from fewer functions
LEAST = 3


@dataclass(frozen=True)
class Weak:
    """Weakly labelled texts.

    docs (list[Doc]): Those of which something is known; `doc.user_data["al_weak"]` names the functions that spoke.
    kind (str): "entities" or "categories".
    how (str): What made one label of many.
    functions (dict): By name: `votes`, and the shares `coverage`, `overlaps`, `conflicts` of all texts, or for entities of
        all tokens, that it labels, that another labels too, and that another labels differently (as Snorkel counts them).
    labels (Counter): How often each label is on the docs.
    report (Counter): As `read_pool`.
    """

    docs: list[Doc]
    kind: str
    how: str
    functions: dict[str, dict[str, float]]
    labels: Counter[str]
    report: Counter[str]


def weak(
    pool: Path,
    output: Path,
    *,
    model: str | None = None,
    lang: str = "en",
    tokeniser: Mapping[str, Any] | None = None,
    missing: bool = False,
) -> Weak:
    """Write the texts of a pool with what the registered labelling functions say of them.

    pool (Path): The texts.
    output (Path): A `.spacy` file.
    model (str | None): Pipeline that runs before the functions.
    lang (str): Of the tokeniser where there is no pipeline.
    tokeniser (Mapping | None): What `blank_pipeline` needs of a config, whose own tokeniser is used.
    missing (bool): Keep tokens that no function marks missing.
    RETURNS (Weak): What was written, and what each function did.
    RAISES (AlError): As `label_pool`, AL085 and AL047.
    """
    found = label_pool(pool, open_pipeline(model, lang, tokeniser), outside=not missing)
    write_shard(found.docs, output)
    return found


def label_pool(pool: Path, nlp: Language, *, outside: bool = True) -> Weak:
    """Apply all registered labelling functions to a pool, and make one label of what they say.

    pool (Path): Its own annotation is not looked at.
    nlp (Language): Tokenises; its components run before the functions.
    outside (bool): Whether tokens that no function marks are no entities, in texts where one is found: from entities alone a
        model learns that all is one. Otherwise they are missing, as those are in any case where a mark did not prevail.
    RETURNS (Weak): Texts of which no function says anything are left out.
    RAISES (AlError): AL253 without functions, AL254 if one returns something else, AL092 if one fails, AL255 without the
        extra, AL256 if nothing is labelled, AL257 if the label model fails, and as `read_pool`.
    """
    functions = labelling_functions()
    report: Counter[str] = Counter()
    docs, votes, n_texts, n_tokens = list[Doc](), list[list[Any]](), 0, 0
    for doc in nlp.pipe(item.doc for item in read_pool(pool, nlp, report=report)):
        said = [_vote(name, function, doc) for name, function in functions.items()]
        n_texts += 1
        n_tokens += len(doc)
        if any(vote for vote in said):
            docs.append(doc)
            votes.append(said)
    kinds = {isinstance(vote, str) for said in votes for vote in said if vote}
    if not kinds:
        raise AlError(Errors.AL256.format(path=pool, total=n_texts, names=", ".join(functions)))
    if len(kinds) == 2:
        found = "a category where others return spans"
        strings = {n for said in votes for n, v in zip(functions, said) if isinstance(v, str)}
        raise AlError(Errors.AL254.format(name=min(strings), found=found))
    names = list(functions)
    if kinds == {True}:
        labels = sorted({vote for said in votes for vote in said if isinstance(vote, str)})
        rows = _category_rows(votes, labels)
        made, how = _categories(docs, rows, labels)
        kind, total = "categories", n_texts
        counts = Counter(max(doc.cats, key=doc.cats.__getitem__) for doc in made if doc.cats)
    else:
        labels = sorted({span.label_ for said in votes for spans in said for span in spans or ()})
        rows = numpy.concatenate([_token_rows(d, v, labels) for d, v in zip(docs, votes)])
        made, how = _entities(docs, votes, names, labels, outside), "skweak's hidden Markov model"
        kind, total = "entities", n_tokens
        counts = Counter(span.label_ for doc in made for span in doc.ents)
    for doc, said in zip(made, votes):
        doc.user_data[WEAK_KEY] = [name for name, vote in zip(names, said) if vote]
    made = [doc for doc in made if doc.cats or doc.to_array("ENT_IOB").any()]
    return Weak(made, kind, how, analysis(rows, names, total), counts, report)


def labelling_functions() -> dict[str, Callable[[Doc], Any]]:
    """The functions that are registered in `al_labelling_functions`, by name, sorted.

    RAISES (AlError): AL253 if nothing is, AL092 if one cannot be made.
    """
    made = {}
    for name, make in sorted(registry.al_labelling_functions.get_all().items()):
        with blamed_on(make):
            made[name] = make()
    if not made:
        raise AlError(Errors.AL253)
    return made


def weak_docs(path: Path, but: Iterable[Path | None]) -> list[Doc]:
    """The docs of a corpus of weak labels, without texts of other corpora, whose labels are better or are to measure on.

    path (Path): A `.spacy` file, or a folder of them.
    but (Iterable[Path | None]): Corpora; those that are not there count as empty.
    """
    known = {i for other in but if other and other.exists() for i in labelled_ids(other)}
    return [doc for doc in stored_docs(path) if content_hash(doc.text) not in known]


def analysis(rows: Ints, names: Sequence[str], total: int) -> dict[str, dict[str, float]]:
    """How much each function labels, alone and with others. See `Weak`.

    rows (Ints): (n, n_functions) the label's number, -1 where a function says nothing; texts or tokens.
    names (Sequence[str]): The functions.
    total (int): Texts or tokens there are, those included of which nothing is said.
    """
    spoke = rows >= 0
    found = {}
    for column, name in enumerate(names):
        own, others = spoke[:, column], numpy.delete(spoke, column, axis=1)
        differ = others & (numpy.delete(rows, column, axis=1) != rows[:, [column]])
        found[name] = {
            "votes": int(own.sum()),
            "coverage": float(own.sum() / total),
            "overlaps": float((own & others.any(axis=1)).sum() / total),
            "conflicts": float((own & differ.any(axis=1)).sum() / total),
        }
    return found


def _vote(name: str, function: Callable[[Doc], Any], doc: Doc) -> str | list[Span] | None:
    """The vote of a function on a text: a category, spans, or nothing."""
    with blamed_on(function):
        said = function(doc)
        if said is None or (isinstance(said, str) and said.strip()):
            return said
        listed = isinstance(said, Iterable) and not isinstance(said, str)
        spans = [_span(doc, one) for one in said] if listed else None
    if spans is None or None in spans:
        found = repr(said if spans is None else spans)[:100]
        raise AlError(Errors.AL254.format(name=name, found=found))
    # of those that overlap the longest
    return filter_spans(span for span in spans if span)


def _span(doc: Doc, one: Any) -> Span | None:
    """A span of the doc without white space at its ends, which spaCy cannot train on; None if there is none."""
    match one:
        case Span() if one.doc is doc:
            start, end, label = one.start, one.end, one.label_
        case (int(start), int(end), str(label)) if 0 <= start < end <= len(doc):
            pass
        case _:
            return None
    while start < end and doc[start].is_space:
        start += 1
    while start < end and doc[end - 1].is_space:
        end -= 1
    return Span(doc, start, end, label=label) if start < end and label.strip() else None


def _category_rows(votes: Sequence[Sequence[Any]], labels: Sequence[str]) -> Ints:
    numbers = {label: k for k, label in enumerate(labels)}
    return numpy.array([[numbers[vote] if vote else -1 for vote in said] for said in votes])


def _token_rows(doc: Doc, said: Sequence[Any], labels: Sequence[str]) -> Ints:
    rows = numpy.full((len(doc), len(said)), -1)
    for column, spans in enumerate(said):
        for span in spans or ():
            rows[span.start : span.end, column] = labels.index(span.label_)
    return rows[(rows >= 0).any(axis=1)]


def _categories(docs: Sequence[Doc], rows: Ints, labels: Sequence[str]) -> tuple[list[Doc], str]:
    """Docs with exactly one category, or with none where there is a tie."""
    with _quietly("snorkel"):
        from snorkel.labeling.model import LabelModel, MajorityLabelVoter

        spoke = (rows >= 0).any(axis=0).sum()
        model, how = MajorityLabelVoter(cardinality=max(2, len(labels))), "majority vote"
        if spoke >= LEAST and len(labels) > 1:
            model, how = LabelModel(cardinality=len(labels), verbose=False), "Snorkel's label model"
            model.fit(rows, seed=0, progress_bar=False)
        chosen = model.predict(rows, tie_break_policy="abstain")
    made = [_bare(doc) for doc in docs]
    for doc, label in zip(made, chosen.tolist()):
        if label >= 0:
            doc.cats = {name: float(k == label) for k, name in enumerate(labels)}
    return made, how


def _entities(
    docs: Sequence[Doc],
    votes: Sequence[Sequence[Any]],
    names: Sequence[str],
    labels: Sequence[str],
    outside: bool,
) -> list[Doc]:
    """Docs with entities; other tokens are outside or missing."""
    made = [_bare(doc) for doc in docs]
    for doc, said in zip(made, votes):
        for name, spans in zip(names, said):
            if spans:
                doc.spans[name] = [Span(doc, s.start, s.end, label=s.label) for s in spans]
    with _quietly("skweak"):
        from skweak.generative import HMM

        model = HMM(WEAK_KEY, list(labels))
        model.fit(made)
        made = [model(doc) for doc in made]
    for doc in made:
        chosen = filter_spans(doc.spans[WEAK_KEY])
        marked = {token.i for spans in doc.spans.values() for span in spans for token in span}
        free = [doc[i : i + 1] for i in range(len(doc)) if i not in marked] if outside else []
        doc.set_ents(chosen, outside=free, default="missing")
        doc.spans.clear()
    return made


@contextmanager
def _quietly(package: str) -> Iterator[None]:
    """Without what a package prints and warns of. RAISES (AlError): AL255 where it is missing, AL257 where it fails."""
    silence = io.StringIO()
    try:
        with warnings.catch_warnings(), redirect_stdout(silence), redirect_stderr(silence):
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise AlError(Errors.AL255.format(package=package, missing=error.name)) from error
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise AlError(Errors.AL257.format(package=package, why=why)) from error


def _bare(doc: Doc) -> Doc:
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return Doc(doc.vocab, words=words, spaces=spaces)
