"""Rules for a request before anything looks at it: it is from this page, of this size, by somebody who is known.

A server on 127.0.0.1 is not out of reach: any page in the same browser can send to it, and a name that its owner points
at 127.0.0.1 makes that page's requests look local (DNS rebinding). Host and Origin tell them apart.
"""

import asyncio
import hashlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from spacy_al.errors import AlError
from spacy_al.tasks.answer import check_name

LOCAL = ("127.0.0.1", "localhost", "::1")
# The whole of a body, in bytes: some ten thousand spans, and from Label Studio a hundred documents with their annotations
LIMIT, MACHINE_LIMIT = 1 << 20, 1 << 24
# Where Label Studio calls, see `backend`
MACHINES = "/label-studio/"
# Where any other tool says that something was answered
HOOK = "/webhook"
NAME = 100
# Seconds for a body to arrive
PATIENCE = 20.0
# So many wrong tokens a minute from one address are told that they are wrong
TRIES, WINDOW, ADDRESSES = 10, 60.0, 10_000
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # answers are kept by the page itself, and texts are nobody else's business
    "cache-control": "no-store",
}

App = Callable[[Any, Any, Any], Awaitable[None]]


class Refused(Exception):
    """status (int): For the client, with a sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def guarded(
    app: App,
    *,
    hosts: Collection[str],
    tokens: Mapping[str, str] | None,
    nobody: str,
    machine: str | None = None,
    hook: str | None = None,
) -> App:
    """An ASGI application that answers only to those it is meant for.

    app (App): What gets the requests that pass, with the annotator's name in `scope["state"]["annotator"]`.
    hosts (Collection[str]): Names by which this server is reached, without ports: tunnels and proxies have their own.
    tokens (Mapping | None): Token -> annotator. None: whoever is on this machine is who they say.
    nobody (str): Who does not say.
    machine (str | None): What Label Studio shows in place of a token, on this machine as well.
    hook (str | None): The token of whoever calls the webhook.
    """
    machines = {} if machine is None else {_digest(machine): MACHINES}
    hooks = {} if hook is None else {_digest(hook): HOOK}
    known = None if tokens is None else {_digest(token): name for token, name in tokens.items()}
    failed: dict[str, deque[float]] = {}

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await app(scope, receive, send)
            return

        async def send_safely(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        try:
            headers = _headers(scope)
            _check_source(headers, hosts, opened=scope["method"] == "GET" and scope["path"] == "/")
            if scope["method"] not in ("GET", "HEAD", "POST"):
                raise Refused(405, "Only GET and POST are understood.")
            if scope["path"].startswith("/api/"):
                who = _annotator(headers, scope, known, failed, nobody)
                scope.setdefault("state", {})["annotator"] = who
            limit = LIMIT
            if scope["path"].startswith(MACHINES):
                _check_token("basic", machines, headers, scope, failed)
                limit = MACHINE_LIMIT
            if scope["path"] == HOOK:
                _check_token("bearer", hooks, headers, scope, failed)
            body = await asyncio.wait_for(_body(scope, headers, receive, limit), PATIENCE)
        except asyncio.TimeoutError:
            await _refuse(send_safely, Refused(408, "The request took too long."))
            return
        except Refused as error:
            await _refuse(send_safely, error)
            return
        sent = False

        async def replay() -> Any:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await app(scope, replay, send_safely)

    return guard


def _headers(scope: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        name = name.decode("latin1").lower()
        if name in found and name in ("host", "origin", "authorization", "content-type"):
            raise Refused(400, f"The header {name} is there twice.")
        found[name] = value.decode("latin1")
    return found


def _check_source(headers: Mapping[str, str], hosts: Collection[str], *, opened: bool) -> None:
    host = headers.get("host", "")
    try:
        name = urlsplit(f"//{host}").hostname or ""
        origin = urlsplit(headers["origin"]).netloc if "origin" in headers else host
    except ValueError:
        raise Refused(400, "These headers cannot be read.") from None
    if name.lower() not in hosts:
        raise Refused(403, "This server is not reached by that name: start it with --name.")
    # a link in a mail opens the page, in which there is nothing of the run yet
    to = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    linked = opened and to == ("navigate", "document")
    foreign = headers.get("sec-fetch-site") == "cross-site" and not linked
    if origin.lower() != host.lower() or foreign:
        raise Refused(403, "This request comes from another page.")


def _annotator(
    headers: Mapping[str, str],
    scope: Any,
    known: Mapping[str, str] | None,
    failed: dict[str, deque[float]],
    nobody: str,
) -> str:
    if known is None:
        name = unquote(headers.get("x-annotator", "")) or nobody
        try:
            return check_name("annotator", name if len(name) <= NAME else "")
        except AlError:
            raise Refused(422, f"Give the annotator a name of 1 to {NAME} characters.") from None
    return _check_token("bearer", known, headers, scope, failed)


def _check_token(
    wanted: str,
    known: Mapping[str, str],
    headers: Mapping[str, str],
    scope: Any,
    failed: dict[str, deque[float]],
) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    who = known.get(_digest(token)) if kind.lower() == wanted else None
    if who is not None:
        # whatever others at the same address do: twenty annotators may come through one proxy
        return who
    address, now = str((scope.get("client") or ("",))[0]), time.monotonic()
    if len(failed) >= ADDRESSES:
        failed.clear()
    tries = failed.setdefault(address, deque(maxlen=TRIES))
    if len(tries) == TRIES and now - tries[0] < WINDOW:
        raise Refused(429, "Too many wrong tokens. Wait a minute.")
    tries.append(now)
    raise Refused(401, "The link to this page is not complete, or is an old one. Ask for yours.")


def _digest(token: str) -> str:
    """The hash that is looked up, so that the time this takes tells nothing of the tokens."""
    return hashlib.sha256(token.encode("utf8", "surrogatepass")).hexdigest()


async def _body(scope: Any, headers: Mapping[str, str], receive: Any, limit: int) -> bytes:
    if scope["method"] == "POST":
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refused(415, "Send JSON, with the content type application/json.")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 12 or int(length) > limit:
        raise Refused(413, f"A request has at most {limit} bytes.")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The request ended too early.")
        body += message.get("body", b"")
        if len(body) > limit:
            raise Refused(413, f"A request has at most {limit} bytes.")
        if not message.get("more_body"):
            return bytes(body)


async def _refuse(send: Any, error: Refused) -> None:
    body = json.dumps({"error": str(error)}).encode("ascii")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # what was not read cannot be followed by another request
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
