"""Bodies of requests, and replies."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response


class Strict(BaseModel):
    """Bodies have what they are to have and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


def as_json(value: Any, status: int = 200) -> Response:
    """A reply. With escapes: labels from outside may hold half a character, which UTF-8 has no bytes for."""
    return Response(json.dumps(value, allow_nan=False), status, media_type="application/json")
