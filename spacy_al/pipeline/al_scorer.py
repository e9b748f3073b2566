"""The pipeline component that writes an acquisition score on every document."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch

from spacy_al.acquisition import default_acquisition
from spacy_al.arrays import distribution
from spacy_al.errors import AlError
from spacy_al.kinds import FACTORIES

# registers the scorer that a config of this component names
from spacy_al.pipeline import calibration_scorer as calibration_scorer
from spacy_al.pipeline import extensions
from spacy_al.pipeline.answer_sets import packed_set
from spacy_al.posteriors.context import Context
from spacy_al.posteriors.read import find_component, readable, reader_of
from spacy_al.posteriors.temperature import (
    FILE,
    StoredCalibration,
    read_calibration,
    read_stored,
    weights_hash,
)
from spacy_al.posteriors.tokens import Tokens
from spacy_al.types import Acquisition
from spacy_al.util import callable_name

# Less probable entities and spans are not kept on documents: after calibration there are hundreds of them in a sentence
STORED = 1e-5


@Language.factory(
    "al_scorer",
    default_config={"component": None, "acquisition": None, "scorer": None},
    assigns=["doc._.al", "span._.al", "token._.al"],
)
def make_al_scorer(
    nlp: Language,
    name: str,
    component: str | None,
    acquisition: Acquisition | None,
    scorer: Callable[..., dict[str, Any]] | None = None,
) -> "AlScorer":
    """Build the component.

    component (str | None): Whose posterior; by default the only component that has one.
    acquisition (Acquisition | None): From posteriors to scores; by default the one that suits the component.
    scorer (Callable | None): What `nlp.evaluate` and trainings show of it, such as `spacy-al.calibration_scorer.v1`.
    """
    return AlScorer(nlp, name, component=component, acquisition=acquisition, scorer=scorer)


class AlScorer(Pipe):
    """Scores documents by what another component does not know of them. It changes no annotation.

    Wherever it stands in the pipeline, it reads each document as the other component gets it. Where that one shares its
    encoder, this reads what the encoder left on the document, so that only the head is run again. While the component is
    switched off, documents get no score.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "al_scorer",
        *,
        component: str | None = None,
        acquisition: Acquisition | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        self.nlp, self.name = nlp, name
        self.component, self.acquisition, self.scorer = component, acquisition, scorer
        # fitted temperatures that came with it, by the weights they were fitted for
        self.calibrations: dict[str, StoredCalibration] = {}
        # of which file and weights, and what was found
        self._calibration: tuple[Any, StoredCalibration | None] = (None, None)

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], *, nlp: Language | None = None
    ) -> None:
        """Learns nothing. One that was sourced from another pipeline reads the components of this one from now on."""
        self.nlp = nlp or self.nlp

    def __call__(self, doc: Doc) -> Doc:
        """Score one document."""
        self._scored(doc)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Score a stream of documents, a batch at a time. Those that fail go to the error handler, and are left out."""
        for docs in minibatch(stream, batch_size):
            try:
                self.score_docs(docs)
                scored = docs
            except Exception:
                scored = None
            if scored is None:
                # one by one, so that a document that fails takes no other with it
                scored = [doc for doc in docs if self._scored(doc)]
            yield from scored

    def score_docs(self, docs: Sequence[Doc]) -> None:
        """Write scores on documents.

        RAISES (AlError): As `get_posteriors`, and AL008 behind a component that merges or splits tokens.
        """
        component = self._component()
        if component not in self.nlp.pipe_names:
            # spaCy also switches off what it has not loaded yet, and runs the rest on the patterns of an entity ruler
            return
        context = Context.of(self.nlp, component, self._place())
        read = reader_of(self.nlp, component, presets=context.entities)
        calibration = self._fitted(component)
        fitted = calibration["temperature"] if calibration else None
        temperature = 1.0 if fitted is None else fitted
        posteriors = read(self.nlp.get_pipe(component), context.prepare(docs), temperature)
        if not posteriors:
            return
        acquisition = self.acquisition or default_acquisition(posteriors[0])
        scores = acquisition(posteriors)
        entropies = token_entropies(posteriors)
        for i, (doc, posterior) in enumerate(zip(docs, posteriors)):
            entry: dict[str, Any] = {
                # nothing can be learned of a document without tokens
                "score": float(scores[i]) if len(doc) else 0.0,
                "acquisition": callable_name(acquisition),
                "calibrated": fitted is not None,
            }
            if calibration and "sets" in calibration:
                found = packed_set(posterior, calibration["sets"])
                if found is not None:
                    entry["sets"] = found
            if entropies is not None:
                entry["entropies"] = entropies[i].astype("f4").tobytes()
            # "spans" would be made by being asked for; they are put in order when somebody reads them
            if hasattr(posterior, "above"):
                spans = posterior.above(STORED, ordered=False)
                entry["spans"] = extensions.packed_spans(spans)
            elif isinstance(posterior, Tokens):
                best = posterior.token_probs.argmax(axis=1)
                entry["tags"] = {
                    "labels": list(posterior.labels),
                    "best": best.astype("i4").tobytes(),
                    "prob": posterior.token_probs.max(axis=1, initial=0).astype("f4").tobytes(),
                }
            elif hasattr(posterior, "probs"):
                entry["categories"] = {
                    "labels": list(posterior.labels),
                    "probs": posterior.probs.astype("f8").tobytes(),
                }
            extensions.store(doc, component, entry)

    def score(self, examples: Iterable[Example], **how: Any) -> dict[str, Any]:
        """What its scorer finds on documents that it has scored; nothing without a scorer."""
        if self.scorer is None:
            return {}
        component = self._component()
        factory = FACTORIES[self.nlp.get_pipe_meta(component).factory]
        key = getattr(self.nlp.get_pipe(component), "key", "")
        return self.scorer(examples, component=component, factory=factory.name, key=key, **how)

    def to_bytes(self, **_: Any) -> bytes:
        """What it carries: the temperature that was fitted for its component as that is now."""
        data: bytes = srsly.msgpack_dumps(self._carried())
        return data

    def from_bytes(self, data: bytes, **_: Any) -> "AlScorer":
        """Carry what another one did."""
        self.calibrations = srsly.msgpack_loads(data)
        return self

    def to_disk(self, path: str | Path, **_: Any) -> None:
        """As `to_bytes`. Without a temperature there is nothing to write."""
        if carried := self._carried():
            Path(path).mkdir(parents=True, exist_ok=True)
            srsly.write_json(Path(path) / FILE, carried)

    def from_disk(self, path: str | Path, **_: Any) -> "AlScorer":
        """As `from_bytes`. RAISES (AlError): AL015 if the file is damaged."""
        file = Path(path) / FILE
        self.calibrations = read_stored(file) if file.is_file() else {}
        return self

    def _carried(self) -> dict[str, StoredCalibration]:
        try:
            component = self._component()
        except AlError:
            # in a pipeline that is not finished
            return {}
        record = read_calibration(self.nlp, component)
        return {weights_hash(self.nlp, component): record} if record else {}

    def _scored(self, doc: Doc) -> bool:
        try:
            self.score_docs([doc])
        except Exception as error:
            self.get_error_handler()(self.name, self, [doc], error)
            return False
        return True

    def _component(self) -> str:
        """The component to read, which may be switched off."""
        nlp = self.nlp
        found = readable(nlp)
        if self.component is None and len(found) == 1:
            return found[0]
        return find_component(nlp, self.component)

    def _place(self) -> str:
        """The name in the pipeline, which `rename_pipe` changes without a word to the component."""
        return next((name for name, pipe in self.nlp.components if pipe is self), self.name)

    def _fitted(self, component: str) -> StoredCalibration | None:
        """The record that `calibrate` stored for these weights, looked up again when the file or the weights have changed."""
        path = self.nlp.path and Path(self.nlp.path) / FILE
        written = path.stat().st_mtime_ns if path and path.is_file() else None
        if not written and not self.calibrations:
            return None
        key = component, path, written, weights_sample(self.nlp, component)
        if self._calibration[0] != key:
            self._calibration = key, read_calibration(self.nlp, component)
        return self._calibration[1]


def weights_sample(nlp: Language, component: str, size: int = 64) -> bytes:
    """A hash of about `size` values of each parameter that a component predicts with, a shared encoder's included: enough
    to notice training, at a small part of the price of hashing them all."""
    reader: Any = nlp.get_pipe(component)
    pipe: Any
    models = [reader.model]
    for _, pipe in nlp.pipeline:
        if reader.name in getattr(pipe, "listening_components", ()):
            models.append(pipe.model)
    digest = hashlib.blake2b(digest_size=16)
    for node in (node for model in models for node in model.walk()):
        for param in node.param_names:
            if node.has_param(param):
                digest.update(node.ops.to_numpy(_some(node.get_param(param), size)).tobytes())
        for shim in node.shims:
            for value in shim._model.state_dict().values():
                digest.update(_some(value, size).cpu().numpy().tobytes())
    return digest.digest()


def _some(values: Any, size: int) -> Any:
    values = values.reshape(-1)
    return values[:: max(1, len(values) // size)]


def token_entropies(posteriors: Sequence[Any]) -> list[Any] | None:
    """Entropy of every token's label in nats, an array a document; None for components without such a distribution."""
    if not hasattr(posteriors[0], "token_probs"):
        return None
    rows = [posterior.token_probs for posterior in posteriors]
    ends = numpy.cumsum([len(row) for row in rows])
    return numpy.split(distribution.row_entropy(numpy.concatenate(rows)), ends[:-1])


extensions.register()
