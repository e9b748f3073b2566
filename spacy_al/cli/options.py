"""Options that several verbs have, each with one meaning and one help."""

from pathlib import Path
from typing import Annotated, TypeAlias

from typer import Argument, Option

# Of a command that takes spaCy's overrides of its config
WITH_OVERRIDES = {"allow_extra_args": True, "ignore_unknown_options": True}

Config: TypeAlias = Annotated[Path, Argument(help="Training config with an [al] section")]
Code: TypeAlias = Annotated[
    Path | None, Option("--code", "-c", help="Python file with registered functions")
]
Gpu: TypeAlias = Annotated[int, Option("--gpu-id", "-g", help="GPU, -1 for none")]
Processes: TypeAlias = Annotated[int, Option("--n-process", min=1, help="Processes that score")]
Quiet: TypeAlias = Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors")]
