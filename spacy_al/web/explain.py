"""What the page is told where a request cannot be answered: a status, and a sentence that names nothing of the machine."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from spacy_al.errors import AlError
from spacy_al.web.reply import as_json

STATUS = {"AL114": 404, "AL115": 422, "AL116": 409, "AL124": 409, "AL117": 503}
STATUS |= {"AL125": 404, "AL126": 409, "AL128": 422}
# Messages of others name paths of the machine
EXPLAINED = ("AL115", "AL116", "AL124", "AL125", "AL126", "AL128")


def add_explanations(app: FastAPI) -> None:
    """Have errors answered. app (FastAPI): Of the page."""
    app.add_exception_handler(AlError, _explain)
    app.add_exception_handler(RequestValidationError, _explain_body)
    app.add_exception_handler(HTTPException, _explain_http)


async def _explain(request: Request, error: Any) -> Response:
    code = error.code
    if code in EXPLAINED:
        return as_json({"error": str(error)}, STATUS[code])
    return as_json({"error": "The database of this run cannot be used now."}, STATUS.get(code, 503))


async def _explain_body(request: Request, error: Any) -> Response:
    first: Mapping[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])[:80]
    return as_json({"error": f"The request cannot be used: {where}: {first['msg'][:200]}"}, 422)


async def _explain_http(request: Request, error: Any) -> Response:
    return as_json({"error": str(error.detail)}, error.status_code)
