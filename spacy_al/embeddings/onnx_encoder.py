"""An encoder on ONNX Runtime: a folder with `model.onnx`, `tokenizer.json` and `config.json`, without torch and transformers.

`export-encoder` makes such folders. Their graph has two outputs, and beside it stands which layers the second one is the mean of. The graph
of anybody else has to give its last layer as `last_hidden_state`, which then is all there is.
"""

import json
import os
import warnings
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import numpy

from spacy_al.embeddings.encoder import (
    ONNX_FILES,
    EncoderSettings,
    check_layers,
    hash_files,
    onnx_file,
)
from spacy_al.embeddings.opening import explain_opening, first_line, need_packages
from spacy_al.embeddings.piece_encoder import PieceEncoder
from spacy_al.errors import AlError, AlWarning, Errors, UsageError, Warnings
from spacy_al.types import Floats, Ints

EXPORT, CONFIG, TOKENIZER = "encoder.json", "config.json", "tokenizer.json"
GRAPH = ONNX_FILES[0]
# Outputs of a graph
TOP, MIDDLE = "last_hidden_state", "mean_of_layers"
# How operators are called that round to integers by the range of all that goes through at once
ROUNDS_TOGETHER = b"DynamicQuantize"
# How configs of transformers call it
N_LAYERS = ("num_hidden_layers", "n_layers", "n_layer", "num_layers")
# Kinds whose positions begin after that of padding, with their prefixes
SHIFTED = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")
# Positions where nothing says how many there are
USUAL_LIMIT = 512
# Pieces a batch: more no longer fit into the caches of a processor, and took a third more time
BATCH_TOKENS = 1024
TYPES = {"tensor(int64)": "i8", "tensor(int32)": "i4"}


@dataclass(frozen=True)
class OnnxFacts:
    """What a graph does not say of itself.

    layers (tuple[int, ...]): Whose mean it gives, in order.
    n_layers (int): That there are.
    limit, padding (int): As in `PieceEncoder`.
    files (dict[str, str]): A hash of each file that was written with it; none for a foreign one.
    """

    layers: tuple[int, ...]
    n_layers: int
    limit: int
    padding: int
    files: dict[str, str]


class OnnxEncoder(PieceEncoder):
    """A graph for ONNX Runtime and a tokenizer, on the processor.

    session (Any): An `onnxruntime.InferenceSession`.
    pieces (Any): A `tokenizers.Tokenizer`.
    facts (OnnxFacts): Of the graph.
    settings (EncoderSettings): How they are read.
    weights (str): A hash of the files.
    alone (bool): As in `PieceEncoder`: the graph rounds to integers, by the range of what goes through at once.
    RAISES (AlError): AL302 for a graph that wants or gives something else, AL308 if it cannot be run.
    """

    kind: ClassVar[str] = "onnx"
    revision: ClassVar[int] = 1

    def __init__(
        self,
        session: Any,
        pieces: Any,
        facts: OnnxFacts,
        settings: EncoderSettings,
        weights: str,
        alone: bool,
    ) -> None:
        self.session, self.settings = session, settings
        given = [output.name for output in session.get_outputs()]
        self.outputs = [TOP, MIDDLE] if facts.files else [TOP]
        if missing := [name for name in self.outputs if name not in given]:
            raise _refused(
                settings, f"it gives {', '.join(given)}, and not {' and '.join(missing)}"
            )
        self.inputs = {each.name: TYPES.get(each.type) for each in session.get_inputs()}
        known = {"input_ids", "attention_mask", "token_type_ids"}
        for name, kind in self.inputs.items():
            if name not in known or kind is None:
                raise _refused(settings, f"it wants {name} as well, or of another type")
        probe = numpy.full((1, 2), facts.padding, dtype="i8")
        shapes = {states.shape for states in self.read(probe, numpy.ones_like(probe))}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 3 or shape[:2] != (1, 2):
            raise _refused(settings, "what it gives is no vector a piece")
        super().__init__(
            settings,
            pieces,
            width=int(shape[2]),
            layers=facts.layers,
            limit=facts.limit,
            padding=facts.padding,
            weights=weights,
            packages={name: version(name) for name in ("onnxruntime", "tokenizers")},
            alone=alone,
        )
        self.batch_tokens = min(settings.batch_tokens, BATCH_TOKENS)

    def read(self, ids: Ints, mask: Ints) -> tuple[Floats, Floats]:
        """As `PieceEncoder.read`. RAISES (AlError): AL308."""
        arrays = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        try:
            states = self.session.run(
                self.outputs,
                {name: arrays[name].astype(kind) for name, kind in self.inputs.items()},
            )
        except Exception as error:
            why = first_line(error)
            raise AlError(Errors.AL308.format(name=self.settings.name, why=why)) from error
        top, middle = states[0].astype("f4"), states[-1].astype("f4")
        return top, middle


def open_onnx(folder: Path, settings: EncoderSettings, n_threads: int | None = None) -> OnnxEncoder:
    """The model in a folder.

    n_threads (int | None): That it computes with; None for `OMP_NUM_THREADS` if that is set, as torch does it, else one a core.
    RAISES (AlError): AL301, AL302, AL308, AL087 for layers that it does not give.
    WARNS (AlWarning): ALW303 where only the last layer is there and another default was to be expected.
    """
    need_packages(settings.name, "onnxruntime", "tokenizers")
    graph = onnx_file(folder)
    assert graph is not None
    with explain_opening(settings.name):
        import onnxruntime
        from tokenizers import Tokenizer

        for name in (CONFIG, TOKENIZER):
            if not (folder / name).is_file():
                raise ValueError(f"it has no {name}")
        config = json.loads((folder / CONFIG).read_text("utf8"))
        exported = folder / EXPORT
        facts = _exported_facts(exported) if exported.is_file() else _foreign_facts(folder, config)
        for name, known in facts.files.items():
            if hash_files([folder / name]) != known:
                raise ValueError(f"its {name} is not the one that was exported")
        pieces = Tokenizer.from_file(str(folder / TOKENIZER))
        most, known_pieces = max(pieces.get_vocab().values()), config.get("vocab_size")
        if known_pieces is not None and most >= known_pieces:
            why = f"its {TOKENIZER} numbers pieces up to {most:,}, and the model knows {known_pieces:,}"
            raise ValueError(f"{why}: they do not belong together")
        layers = check_layers(settings.layers, facts.n_layers)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads or _usual_threads()
        # what it logs is raised as well
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        content = graph.read_bytes()
        weights = hash_files([*_data_files(graph, content), folder / CONFIG, folder / TOKENIZER])
        alone = ROUNDS_TOGETHER in content
        made = OnnxEncoder(session, pieces, facts, settings, weights, alone)
    if sorted(layers) != [*facts.layers]:
        if settings.layers is not None:
            raise _no_layers(settings, facts)
        if not facts.files:
            warnings.warn(Warnings.W303.format(name=settings.name), AlWarning, stacklevel=2)
    return made


def _data_files(graph: Path, content: bytes) -> list[Path]:
    """The file of a graph and those beside it that hold its weights, which it names."""
    beside = [path for path in graph.parent.rglob("*") if path.is_file() and path != graph]
    named = [p for p in beside if p.relative_to(graph.parent).as_posix().encode() in content]
    return [graph, *named]


def note_facts(folder: Path, facts: OnnxFacts, about: dict[str, Any]) -> None:
    """Note beside a graph what it does not say. about (dict): More, for people to read."""
    text = json.dumps({**asdict(facts), **about}, indent=2, default=str)
    (folder / EXPORT).write_text(text + "\n", "utf8")


def _exported_facts(path: Path) -> OnnxFacts:
    try:
        made = json.loads(path.read_text("utf8"))
        facts = OnnxFacts(**{each.name: made[each.name] for each in fields(OnnxFacts)})
        if {*facts.files} != {GRAPH, CONFIG, TOKENIZER}:
            raise ValueError
        return replace(facts, layers=tuple(facts.layers))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"its {EXPORT} is damaged") from None


def _foreign_facts(folder: Path, config: dict[str, Any]) -> OnnxFacts:
    """As far as configs of transformers say it."""
    n_layers = next((int(config[name]) for name in N_LAYERS if config.get(name)), None)
    if n_layers is None:
        raise ValueError(f"its {CONFIG} does not say how many layers it has")
    padding = int(config.get("pad_token_id") or 0)
    limit = int(config.get("max_position_embeddings") or USUAL_LIMIT)
    if config.get("model_type") in SHIFTED:
        limit -= padding + 1
    beside = folder / "tokenizer_config.json"
    if beside.is_file():
        limit = min(limit, int(json.loads(beside.read_text("utf8")).get("model_max_length", limit)))
    return OnnxFacts((n_layers,), n_layers, limit, padding, {})


def _usual_threads() -> int:
    """0 lets ONNX Runtime choose."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else 0


def _no_layers(settings: EncoderSettings, facts: OnnxFacts) -> UsageError:
    there = ",".join(map(str, facts.layers))
    must = f"{there}, all that '{settings.name}' gives"
    if facts.files:
        must += "; `export-encoder --layers` makes one of others"
    given = list(settings.layers or ())
    return UsageError(Errors.AL087.format(name="layers", value=given, must=must))


def _refused(settings: EncoderSettings, why: str) -> AlError:
    return AlError(Errors.AL302.format(name=settings.name, why=why))
