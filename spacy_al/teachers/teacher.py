"""A teacher: any pipeline, or any component by its config block, opened once, and known by a hash of what makes it say what it says."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_al.config.components import pipeline_folder
from spacy_al.config.settings import Settings
from spacy_al.embeddings.encoder import hash_parts
from spacy_al.errors import AlError, Errors
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.posteriors.component import load_code, open_pipeline
from spacy_al.tasks.mask import Mask, make_mask
from spacy_al.teachers.said import TeacherSaid, read_said
from spacy_al.training.made_from import hash_of

# Files that a component's block names, by which its hash changes with what is in them
PATTERNS = "patterns"


@dataclass
class Teacher:
    """A pipeline that labels texts.

    nlp (Language): The pipeline.
    kind (str): "entities", "spans", "tags" or "categories": what is read off its documents.
    spans_key (str): Where spans are.
    errors (dict): Of the last texts, the ids of those that it failed on, and how.
    mask (Mask | None): What is hidden of the texts that it is given; what it says of them is by characters, whose places stay.
    """

    nlp: Language
    kind: str
    spans_key: str = "sc"
    errors: dict[str, Exception] = field(default_factory=dict)
    mask: Mask | None = None

    def label(self, texts: Mapping[str, str]) -> dict[str, TeacherSaid]:
        """Label texts together. It never raises: where a component fails, its texts are left out, and `errors` says why.

        texts (Mapping): By their ids.
        RETURNS (dict): Of those that went well.
        """
        self.errors = {}
        hidden = self.mask.text if self.mask else str
        docs = [(self.nlp.make_doc(hidden(text)), id_) for id_, text in texts.items()]
        # its type says that a handler never returns, and spaCy goes on with those that do
        self.nlp.default_error_handler = self._keep
        for _, pipe in self.nlp.pipeline:
            # spaCy's own recognisers and parsers have nowhere to keep one, and raise what fails
            with suppress(AttributeError):
                pipe.set_error_handler(self._keep)  # type: ignore[attr-defined]
        found: dict[str, TeacherSaid] = {}
        try:
            for doc, id_ in self.nlp.pipe(docs, as_tuples=True, batch_size=len(docs) or 1):
                if id_ not in self.errors:
                    found[id_] = read_said(doc, self.kind, self.spans_key)
        except Exception as error:
            # a component without a handler: all that have not come out
            self.errors |= {id_: error for id_ in texts if id_ not in found}
        lost = [id_ for id_ in texts if id_ not in found and id_ not in self.errors]
        self.errors |= dict.fromkeys(lost, LookupError("it did not come out of the pipeline"))
        return found

    def _keep(self, name: str, pipe: Any, docs: Sequence[Doc], error: Exception) -> None:
        # spaCy keeps there what goes along with a document
        self.errors |= {str(doc._context): error for doc in docs}


def open_teacher(settings: Settings, code: str | None = None) -> Teacher:
    """The teacher that a config names.

    RAISES (AlError): AL085 for a pipeline that cannot be loaded, AL441 for a component that cannot be made, AL088, and AL473 or AL474 for a mask
        that is none.
    """
    block = settings.teacher
    assert block is not None
    load_code(code)
    if block.pipeline:
        nlp = open_pipeline(block.pipeline)
    else:
        nlp = open_pipeline(None, settings.lang, settings.tokeniser)
        _add(nlp, dict(block.component or {}))
    mask = make_mask(block.mask) if block.mask else None
    return Teacher(nlp, _kind(settings), settings.spans_key, mask=mask)


def teacher_hash(settings: Settings) -> str:
    """16 hex digits that change with the pipeline, or with the block of the component, its patterns and the packages that make it, and with what is
    read off its documents; not with what is done with that.

    A model behind an address can change without it. The name of its version then belongs into the block.
    """
    block = settings.teacher
    assert block is not None
    how: list[Any] = [_kind(settings), settings.spans_key]
    if block.mask:
        patterns = {name: one.pattern for name, one in make_mask(block.mask).patterns.items()}
        how.append(json.dumps(patterns, sort_keys=True))
    if block.pipeline:
        how.append(_pipeline_hash(block.pipeline))
    else:
        component = dict(block.component or {})
        named = component.get(PATTERNS)
        how += [json.dumps(component, sort_keys=True, default=str), settings.lang]
        how.append(hash_of(Path(named)) if isinstance(named, str) else None)
        how += [_version(name) for name in ("spacy", "spacy-llm", "gliner-spacy", "gliner")]
    return hash_parts(*how)


def _kind(settings: Settings) -> str:
    return FACTORIES.get(settings.factory or USUAL, FACTORIES[USUAL]).task


def _pipeline_hash(name: str) -> str | None:
    try:
        return hash_of(pipeline_folder(name))
    except (OSError, ValueError):
        # opening it will say what is wrong
        return None


def _add(nlp: Language, block: dict[str, Any]) -> None:
    """RAISES (AlError): AL441."""
    factory, patterns = str(block.pop("factory")), block.pop(PATTERNS, None)
    try:
        if isinstance(patterns, str):
            lines = Path(patterns).read_text("utf8").splitlines()
            patterns = [json.loads(line) for line in lines if line.strip()]
        pipe: Any = nlp.add_pipe(factory, name="al_teacher", config=block)
        if patterns is not None:
            pipe.add_patterns(patterns)
    except Exception as error:
        why = (str(error).strip() or type(error).__name__).splitlines()
        shown = f"{type(error).__name__}: {' '.join(why)}"[:300]
        raise AlError(Errors.AL441.format(factory=factory, why=shown)) from error


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
