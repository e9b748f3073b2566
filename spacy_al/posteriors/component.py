"""A component of a trained pipeline, opened once: what comes before it, how it is read, and what it believes of documents."""

import inspect
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import import_file
from thinc.api import Model, NumpyOps, require_gpu

from spacy_al.corpus.labelled import labelled_docs
from spacy_al.corpus.tokeniser import blank_pipeline
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.metrics import Temperature
from spacy_al.posteriors.read import Reader, components_before, find_component, reader_of, run_pipes
from spacy_al.posteriors.temperature import fitted_temperature, read_calibration
from spacy_al.registry import resolve
from spacy_al.util import callable_name, is_unregistered

# A batch ends at either: posteriors hold kilobytes a token
BATCH, BATCH_TOKENS = 1000, 50_000
# Readers that take the place of the component, whose temperature is then not theirs
IN_ITS_PLACE = ("spacy-al.estimator.v1",)


@dataclass(frozen=True)
class TrainedComponent:
    """A component that believes something of documents, in a pipeline that nobody else uses.

    nlp (Language): Its pipeline.
    name (str): Its name there.
    upstream (Sequence): Names and components that a document meets before it, in order.
    temperature (Temperature): That its scores are divided by: the fitted one, or 1.
    read (Reader): What reads its posterior.
    in_its_place (bool): Whether the reader asks something else, such as an estimator, in the component's place.
    labels (tuple[str, ...]): Its labels as it was opened. spaCy adds those to an entity recogniser that a ruler before it finds in a text.
    """

    nlp: Language
    name: str
    upstream: Sequence[tuple[str, Any]]
    temperature: Temperature
    read: Reader
    in_its_place: bool = False
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", tuple(self.pipe.labels))

    @property
    def pipe(self) -> Any:
        return self.nlp.get_pipe(self.name)

    @property
    def factory(self) -> str:
        return self.nlp.get_pipe_meta(self.name).factory

    @property
    def threshold(self) -> float:
        """Probability from which the component itself would give an answer of several."""
        return getattr(self.pipe, "cfg", {}).get("threshold") or 0.5

    @cached_property
    def calibrated(self) -> bool:
        """Whether its probabilities mean what they say."""
        record = None if self.in_its_place else read_calibration(self.nlp, self.name)
        # sets of answers may be stored without a temperature
        return record is not None and record["temperature"] is not None

    def recalibrated(self) -> "TrainedComponent":
        """The same with the temperature that has been fitted since it was opened."""
        return replace(self, temperature=fitted_temperature(self.nlp, self.name))

    def posteriors(self, docs: Sequence[Doc]) -> list[Any]:
        """Posteriors of fresh docs, which keep what the components before left on them.

        RAISES (AlError): What the reader raises; AL092 if it fails otherwise.
        """
        ready = run_pipes(self.upstream, docs)
        with blamed_on(self.read):
            return self.read(self.pipe, ready, self.temperature)

    def marginals(self, docs: Sequence[Doc], temperature: float | None = None) -> list[Any]:
        """Posteriors of fresh docs by the component's own reader, whichever one the config names.

        temperature (float | None): None for the fitted one.
        """
        ready = run_pipes(self.upstream, docs)
        own = self.temperature if temperature is None else temperature
        return reader_of(self.nlp, self.name)(self.pipe, ready, own)


def open_component(
    model: str,
    component: str | None = None,
    *,
    posterior: Mapping[str, Any] | None = None,
    labelled: Sequence[Path] = (),
    code: str | None = None,
    gpu_id: int = -1,
) -> TrainedComponent:
    """Load a pipeline and find out how a component of it is read.

    model (str): Directory or package of the pipeline.
    component (str | None): By default the only one that has a posterior.
    posterior (Mapping | None): Config block of a reader; None for the one that suits the component.
    labelled (Sequence[Path]): Corpora that teach a reader which learns by itself, as an estimator does.
    code (str | None): Python file that registers functions.
    gpu_id (int): GPU to run on; -1 for none.
    RAISES (AlError): AL001 to AL003, AL084, AL085, AL088.
    """
    load_code(code)
    nlp = load_pipeline(model, gpu_id=gpu_id)
    name = find_component(nlp, component, has_reader=posterior is not None)
    upstream = components_before(nlp, name)
    read: Reader = resolve(posterior) if posterior else reader_of(nlp, name)
    wanted, given = inspect.signature(read).parameters, dict[str, Any]()
    if "nlp" in wanted:
        # to run a shared encoder anew, which comes before the component
        given["nlp"] = nlp
    if "labelled" in wanted:
        given["labelled"] = _labelled(nlp, upstream, labelled)
    return TrainedComponent(
        nlp,
        name,
        upstream,
        fitted_temperature(nlp, name),
        partial(read, **given) if given else read,
        in_its_place=posterior is not None and posterior["@al_posteriors"] in IN_ITS_PLACE,
    )


def _labelled(
    nlp: Language, upstream: Sequence[tuple[str, Any]], paths: Sequence[Path]
) -> list[tuple[Doc, dict[str, float]]]:
    """Labelled texts, tokenised as the pool is and sent through the components before, and their categories."""
    found = labelled_docs(paths, nlp).values()
    fresh = run_pipes(upstream, [nlp.make_doc(doc.text) for doc in found])
    return [(doc, gold.cats) for doc, gold in zip(fresh, found)]


def open_pipeline(
    model: str | None, lang: str = "en", config: Mapping[str, Any] | None = None
) -> Language:
    """A pipeline from a directory or a package, or an empty one as `blank_pipeline` makes it of a language or a config.

    RAISES (AlError): AL054 (UsageError) for a language without a tokeniser, AL062 for a config that fails, AL085 if there is no such pipeline, AL136 if it needs code that is not loaded.
    """
    try:
        return blank_pipeline(lang, config) if model is None else spacy.load(model)
    except AlError:
        raise
    except Exception as error:
        # a damaged file can raise anything
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        if is_unregistered(why):
            raise AlError(Errors.AL136.format(what=f"The pipeline {model}", why=why)) from error
        raise AlError(Errors.AL085.format(path=model or lang, why=why)) from error


def load_pipeline(
    model: str | None,
    lang: str = "en",
    gpu_id: int = -1,
    config: Mapping[str, Any] | None = None,
) -> Language:
    """A pipeline that nobody else uses, made fast. RAISES (AlError): As `open_pipeline`."""
    if gpu_id >= 0:
        _use_gpu(gpu_id)
    nlp = open_pipeline(model, lang, config)
    for _, pipe in nlp.pipeline:
        layers = getattr(pipe, "model", None)
        for node in layers.walk() if isinstance(layers, Model) else ():
            # numpy's own BLAS multiplies faster than thinc's default; nobody else uses this pipeline
            if type(node.ops) is NumpyOps:
                node.ops = NumpyOps(use_blis=False)
    return nlp


def _use_gpu(gpu_id: int) -> None:
    """RAISES (UsageError): AL087 where there is none of that number, or nothing installed that computes on it."""
    try:
        require_gpu(gpu_id)
    except Exception as error:
        must = f"-1 here, as no such GPU can be used ({type(error).__name__}: {error}). spacy.io/usage#gpu says what it needs"
        raise UsageError(Errors.AL087.format(name="--gpu-id", value=gpu_id, must=must)) from error


def load_code(path: str | Path | None) -> None:
    """Import a file that registers functions, if there is one. RAISES (AlError): AL088 if the file cannot be imported."""
    if path is None:
        return
    try:
        import_file("python_code", Path(path))
    except Exception as error:
        raise AlError(
            Errors.AL088.format(path=path, why=f"{type(error).__name__}: {error}")
        ) from error


@contextmanager
def blamed_on(function: Any) -> Iterator[None]:
    """RAISES (AlError): AL092, naming this registered function, for whatever is raised that is no AlError."""
    try:
        yield
    except AlError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__}: {error}"
        where = f"{last.filename}:{last.lineno}"
        name = callable_name(function)
        raise AlError(Errors.AL092.format(name=name, why=why, where=where)) from error
