"""The pipeline component that keeps what a pipeline in use sees and says."""

from collections.abc import Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.capture.describe import PREDICTIONS
from spacy_al.capture.recorder import Recorder


@Language.factory(
    "al_capture",
    default_config={
        "folder": None,
        "rate": 1.0,
        "texts": True,
        "fields": [],
        "predictions": [*PREDICTIONS],
        "max_mb": 1000.0,
    },
)
def make_al_capture(
    nlp: Language,
    name: str,
    folder: str | Path | None,
    rate: float,
    texts: bool,
    fields: Sequence[str],
    predictions: Sequence[str],
    max_mb: float,
) -> "AlCapture":
    """Build the component; it keeps what the components before it said. Arguments as for `Recorder`.

    RAISES (UsageError): AL351 for a setting that cannot be, and without a folder.
    """
    recorder = Recorder(
        folder, rate=rate, texts=texts, fields=fields, predictions=predictions, max_mb=max_mb
    )
    return AlCapture(nlp, recorder, name)


class AlCapture:
    """Keeps a share of the documents that pass, and changes nothing of them.

    Its settings are those of its block in the pipeline's config, which `to_disk` and `to_bytes` of the pipeline keep: so what is
    overridden when a pipeline is loaded, such as the folder where it is deployed, holds.

    recorder (Recorder): Keeps them.
    """

    def __init__(self, nlp: Language, recorder: Recorder, name: str = "al_capture") -> None:
        self.nlp, self.recorder, self.name = nlp, recorder, name
        self._model: tuple[str, str] | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Keep a document, or not."""
        if self._model is None:
            # making the meta of a pipeline takes longer than many documents
            meta = self.nlp.meta
            self._model = f"{meta['lang']}_{meta['name']}", meta["version"]
        model, version = self._model
        self.recorder.record(doc, model=model, version=version)
        return doc
