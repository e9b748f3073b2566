"""Several opinions of one document: a committee of trained pipelines (query by committee; Seung et al., 1992)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy
import spacy
from spacy.attrs import NORM
from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al import registry
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES
from spacy_al.metrics import Temperature
from spacy_al.posteriors.entities import EntityPosterior
from spacy_al.posteriors.read import get_posteriors, reader_of
from spacy_al.posteriors.spans import Spans
from spacy_al.posteriors.temperature import FILE as CALIBRATION
from spacy_al.posteriors.temperature import read_calibration
from spacy_al.types import Floats

# Analyses of each member that are compared one by one
N_BEST = 5


@dataclass(frozen=True, eq=False)
class CommitteePosterior:
    """The beliefs of several models, or of several samples of one, about one document.

    The arrays of the members stacked, of which there are those that the members have.

    members (tuple): Ordinary posteriors of the same document, of one kind and with the same labels.
    own (Any): What the component itself believes, of the same kind: what is shown with a question.
    """

    members: tuple[Any, ...]
    own: Any

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of every member."""
        return self.members[0].labels

    @property
    def exclusive(self) -> bool:
        """Whether exactly one category applies, or at most one label of a span."""
        return self.members[0].exclusive

    @cached_property
    def token_probs(self) -> Floats:
        """(n_members, n_tokens, n_labels) or one column more for "outside", the last."""
        return numpy.stack([member.token_probs for member in self.members])

    @cached_property
    def probs(self) -> Floats:
        """(n_members, n_labels) of categories."""
        return numpy.stack([member.probs for member in self.members])

    @cached_property
    def span_probs(self) -> Floats:
        """(n_members, n_candidates) over the candidates of all members; 0 where one has no such candidate (entities: below 1e-6)."""
        views = [m.above(0.0) if isinstance(m, Spans) else m.spans for m in self.members]
        width = max(int(view.end.max(initial=0)) for view in views) + 1
        keys = [
            (view.start.astype("i8") * width + view.end) * len(self.labels) + view.label
            for view in views
        ]
        union = numpy.unique(numpy.concatenate(keys))
        probs = numpy.zeros((len(views), len(union)))
        for row, key, view in zip(probs, keys, views):
            row[numpy.searchsorted(union, key)] = view.prob
        return probs

    @cached_property
    def analysis_probs(self) -> Floats:
        """(n_members, n_analyses) what each member says of the best analyses of all: five of each for entities, for tokens one.

        A row is at most 1; the rest of it is all other analyses.
        """
        if isinstance(self.members[0], EntityPosterior):
            found = {
                tuple((s.start, s.end, s.label) for s in spans): None
                for member in self.members
                for _, spans in member.nbest(N_BEST)
            }
            rows = [[member.logprob(spans) for spans in found] for member in self.members]
            return numpy.exp(rows).reshape(len(self.members), len(found))
        best = numpy.unique(self.token_probs.argmax(axis=-1), axis=0)
        tokens = numpy.arange(best.shape[1])
        return self.token_probs[:, tokens, best].prod(axis=-1)


@registry.al_posteriors("spacy-al.committee.v1")
def make_committee_reader(members: list[str]) -> Callable[..., list[CommitteePosterior]]:
    """A reader of any component together with the same component of other pipelines.

    members (list[str]): Directories of trained pipelines. The pipeline that is read is the first member itself.
    """
    return partial(read_committee, members=tuple(members))


def read_committee(
    pipe: Any,
    docs: Sequence[Doc],
    temperature: Temperature,
    *,
    members: Sequence[str],
    nlp: Language,
) -> list[CommitteePosterior]:
    """The posteriors of a component and of those of its name in other pipelines, each of which encodes the docs itself.

    They get the words and the sentence starts of the docs, and none of their entities.

    pipe (Any): The component.
    docs (Sequence[Doc]): Docs that have been through what comes before the component. Not changed.
    temperature (Temperature): Of the component, and of members for which none was fitted, unless it is by label.
    members (Sequence[str]): Directories of the other pipelines.
    nlp (Language): The component's own pipeline, which knows what it is read by.
    RETURNS (list[CommitteePosterior]): One per doc, in order.
    RAISES (AlError): AL201 if labels differ, AL202 if a pipeline cannot be loaded, and what the readers raise.
    """
    rows = [reader_of(nlp, pipe.name)(pipe, docs, temperature)]
    # another model may take the place of one, or be calibrated since
    files = [Path(path) / name for path in members for name in ("config.cfg", CALIBRATION)]
    stamps = tuple(file.stat().st_mtime_ns if file.is_file() else 0 for file in files)
    for path, (other, fitted) in zip(members, _opened(tuple(members), stamps, pipe.name)):
        _check_labels(nlp, pipe, other.get_pipe(pipe.name), path)
        copies = [_copy(doc, other.vocab) for doc in docs]
        own = fitted
        if own is None:
            # the biases of one model are not those of another
            own = (
                1.0 if isinstance(temperature, Mapping) and "scale" in temperature else temperature
            )
        rows.append(get_posteriors(other, copies, pipe.name, temperature=own))
    return [CommitteePosterior(opinions, opinions[0]) for opinions in zip(*rows)]


# Of two components, and no more: each round has a committee of its own, and pipelines are large
@lru_cache(maxsize=2)
def _opened(
    paths: tuple[str, ...], stamps: tuple[int, ...], name: str
) -> list[tuple[Language, Temperature | None]]:
    return [_open(path, name) for path in paths]


def _open(path: str, name: str) -> tuple[Language, Temperature | None]:
    """A pipeline with this component, and the temperature that was fitted for it."""
    try:
        nlp = spacy.load(path)
    except Exception as error:
        # a damaged file can raise anything
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise AlError(Errors.AL202.format(path=path, why=why)) from error
    if name not in nlp.component_names:
        found = ", ".join(nlp.component_names) or "nothing"
        why = f"it has no '{name}', but {found}"
        raise AlError(Errors.AL202.format(path=path, why=why))
    record = read_calibration(nlp, name)
    return nlp, record["temperature"] if record else None


def _check_labels(nlp: Language, pipe: Any, other: Any, path: str) -> None:
    """RAISES (AlError): AL201 unless both have the same labels, in the same order where that is an order of columns."""
    ours, theirs = tuple(pipe.labels), tuple(other.labels)
    if FACTORIES[nlp.get_pipe_meta(pipe.name).factory].task == "entities":
        ours, theirs = tuple(sorted(ours)), tuple(sorted(theirs))
    if ours == theirs:
        return
    differences = [
        f"{what} {', '.join(sorted(labels))}"
        for what, labels in (
            ("it lacks", set(ours) - set(theirs)),
            ("it alone has", set(theirs) - set(ours)),
        )
        if labels
    ]
    difference = "; ".join(differences) or "they are in another order"
    raise AlError(Errors.AL201.format(name=pipe.name, path=path, difference=difference))


def _copy(doc: Doc, vocab: Vocab) -> Doc:
    """Tokens, norms and sentence starts, in another pipeline's vocab."""
    words = [token.text for token in doc]
    starts: Any = [token.is_sent_start for token in doc]
    spaces = [bool(token.whitespace_) for token in doc]
    copy = Doc(vocab, words=words, spaces=spaces, sent_starts=starts)
    norms: Any = numpy.array([[vocab.strings.add(token.norm_)] for token in doc], dtype="u8")
    return copy.from_array([NORM], norms.reshape(len(doc), 1))
