"""Options that several verbs have, each with one meaning and one help."""

from pathlib import Path
from typing import Annotated, TypeAlias

from typer import Argument, Option

from spacy_al.errors import Errors, UsageError

# Of a command that takes spaCy's overrides of its config
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}

Config: TypeAlias = Annotated[Path, Argument(help="Training config with an [al] section")]
Code: TypeAlias = Annotated[
    Path | None, Option("--code", "-c", help="Python file with registered functions")
]
Gpu: TypeAlias = Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for none")]
Processes: TypeAlias = Annotated[int, Option("--n-process", min=1, help="Processes that score")]
Quiet: TypeAlias = Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")]


def check_processes(n_process: int, gpu_id: int) -> None:
    """RAISES (UsageError): AL087 for several processes on one GPU."""
    if gpu_id >= 0 and n_process > 1:
        must = "1 with --gpu-id, as one process fills a GPU"
        raise UsageError(Errors.AL087.format(name="--n-process", value=n_process, must=must))
