"""Options that several verbs have, each with one meaning and one help."""

from enum import Enum
from pathlib import Path
from typing import Annotated, TypeAlias

from typer import Argument, Option

from spacy_al.corpus.address import pool_path
from spacy_al.errors import Errors, UsageError

# Of a command that takes spaCy's overrides of its config
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}

Config: TypeAlias = Annotated[Path, Argument(help="Training config with an [al] section")]
Code: TypeAlias = Annotated[
    Path | None, Option("--code", "-c", help="Python file with registered functions")
]
OwnTokeniser: TypeAlias = Annotated[
    Path | None,
    Option(
        "--config", help="Training config whose tokeniser is used in place of the rules of --lang"
    ),
]
Gpu: TypeAlias = Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for none")]
Processes: TypeAlias = Annotated[int, Option("--n-process", min=1, help="Processes that score")]
Lang: TypeAlias = Annotated[str, Option("--lang", "-l", help="Language of the tokeniser")]
KeepTokens: TypeAlias = Annotated[bool, Option("--keep-tokens", help="Use the stored tokens")]
Column: TypeAlias = Annotated[
    str | None,
    Option(
        "--column",
        help="Column, key, control or layer that has the labels: its name, or the number of a column from 1",
    ),
]


class BadSpans(str, Enum):
    """What a span that does not fit its text, or its tokens, costs."""

    refuse = "refuse"
    missing = "missing"


BAD_SPANS = "What a span that does not fit costs: refuse its text, or leave its tokens undecided"
Bad: TypeAlias = Annotated[BadSpans, Option("--bad-spans", help=BAD_SPANS)]


class EngineName(str, Enum):
    """Where the work on a pool is done."""

    local = "local"
    ray = "ray"


ENGINE = "local: in this process and those of --n-process; ray: on a cluster, that of RAY_ADDRESS or one of this machine"
Engine: TypeAlias = Annotated[EngineName, Option("--engine", help=ENGINE)]
WORKERS = "Workers of --engine ray, each of one core and with a pipeline of its own (default: 2)"
Workers: TypeAlias = Annotated[int | None, Option("--workers", help=WORKERS)]
MASK = (
    "Hide this in the texts, each character replaced by X: email, phone, date, id, a label of the run, or a JSONL file of patterns "
    "(name, pattern); may be given several times"
)
Masks: TypeAlias = Annotated[list[str] | None, Option("--mask", help=MASK)]
Quiet: TypeAlias = Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")]

# Of a pretrained encoder

POOL = "The pool: a folder of shards, or one .spacy file, or the URL of either"
MODEL = "Pipeline whose tokeniser is used (default: the rules of --lang)"
ENCODER = "Folder of a transformers model or a pipeline, or an installed package that holds one"
LAYERS = "Layers whose mean is a token's vector, e.g. 2,3,4,5,6 (default: the upper two thirds)"
STRIDE = "Pieces from window to window (default: 3/4 of one)"
N_PROCESS = "Processes, each with an encoder of its own and one thread"

EncodedPool: TypeAlias = Annotated[Path, Argument(help=POOL, parser=pool_path)]
Encoder: TypeAlias = Annotated[str, Option("--encoder", "-e", help=ENCODER)]
Tokeniser: TypeAlias = Annotated[str | None, Option("--model", "-m", help=MODEL)]
Layers: TypeAlias = Annotated[str | None, Option("--layers", help=LAYERS)]
Window: TypeAlias = Annotated[int, Option("--window", help="Most pieces at once")]
Stride: TypeAlias = Annotated[int | None, Option("--stride", help=STRIDE)]
Encoders: TypeAlias = Annotated[int, Option("--n-process", help=N_PROCESS)]


def check_processes(n_process: int, gpu_id: int) -> None:
    """RAISES (UsageError): AL087 for several processes on one GPU."""
    if gpu_id >= 0 and n_process > 1:
        must = "1 with --gpu-id, as one process fills a GPU"
        raise UsageError(Errors.AL087.format(name="--n-process", value=n_process, must=must))
