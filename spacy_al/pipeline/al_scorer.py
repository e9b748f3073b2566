"""The pipeline component that writes an acquisition score on every document."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc
from spacy.util import minibatch

from spacy_al import extensions
from spacy_al.acquisition import default_acquisition, distribution
from spacy_al.posteriors.context import Context
from spacy_al.posteriors.read import find_component, reader_of
from spacy_al.posteriors.temperature import fitted_temperature, read_calibration
from spacy_al.types import Acquisition
from spacy_al.util import callable_name


@Language.factory(
    "al_scorer",
    default_config={"component": None, "acquisition": None},
    assigns=["doc._.al", "span._.al", "token._.al"],
)
def make_al_scorer(
    nlp: Language, name: str, component: str | None, acquisition: Acquisition | None
) -> "AlScorer":
    """Build the component.

    component (str | None): Whose posterior; by default the only component that has one.
    acquisition (Acquisition | None): From posteriors to scores; by default the one that suits the component.
    """
    return AlScorer(nlp, name, component=component, acquisition=acquisition)


class AlScorer(Pipe):
    """Scores documents by what another component does not know of them. It changes no annotation.

    Wherever it stands in the pipeline, it reads each document as the other component gets it. Where that one shares its
    encoder, this reads what the encoder left on the document, so that only the head is run again.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "al_scorer",
        *,
        component: str | None = None,
        acquisition: Acquisition | None = None,
    ) -> None:
        self.nlp, self.name = nlp, name
        self.component, self.acquisition = component, acquisition

    def __call__(self, doc: Doc) -> Doc:
        """Score one document."""
        error_handler = self.get_error_handler()
        try:
            self.score_docs([doc])
        except Exception as error:
            error_handler(self.name, self, [doc], error)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Score a stream of documents, a batch at a time."""
        error_handler = self.get_error_handler()
        for docs in minibatch(stream, batch_size):
            try:
                self.score_docs(docs)
            except Exception as error:
                error_handler(self.name, self, docs, error)
            else:
                yield from docs

    def score_docs(self, docs: Sequence[Doc]) -> None:
        """Write scores on documents.

        RAISES (AlError): As `get_posteriors`, and AL008 behind a component that merges or splits tokens.
        """
        component = find_component(self.nlp, self.component)
        context = Context.of(self.nlp, component, self.name)
        read = reader_of(self.nlp, component, presets=context.entities)
        prepared = context.prepare(docs)
        temperature = fitted_temperature(self.nlp, component)
        calibrated = read_calibration(self.nlp, component) is not None
        posteriors = read(self.nlp.get_pipe(component), prepared, temperature)
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
                "calibrated": calibrated,
            }
            if entropies is not None:
                entry["entropies"] = entropies[i].astype("f4").tobytes()
            if hasattr(posterior, "spans"):
                entry["spans"] = extensions.packed_spans(posterior.spans)
            if hasattr(posterior, "probs") and not hasattr(posterior, "spans"):
                entry["categories"] = {
                    "labels": list(posterior.labels),
                    "probs": posterior.probs.tobytes(),
                }
            extensions.store(doc, component, entry)


def token_entropies(posteriors: Sequence[Any]) -> list[Any] | None:
    """Entropy of every token's label in nats, an array a document; None for components without such a distribution."""
    if not hasattr(posteriors[0], "token_probs"):
        return None
    rows = [posterior.token_probs for posterior in posteriors]
    ends = numpy.cumsum([len(row) for row in rows])
    return numpy.split(distribution.entropy(numpy.concatenate(rows)), ends[:-1])


extensions.register()
