"""A Label Studio server, by its own API, and what a run keeps of it. Nothing but the standard library: what is needed of the API is a
dozen requests, and its SDK would bring OpenCV, pandas and NLTK with it.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.util import replacing, why_not

URL, KEY = "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"
# Below the output of a run, with the lock of those who push
FOLDER, FILE = "label-studio", "project.json"
TIMEOUT = 60.0
PAGE = 100
# Tasks may come and go while pages of them are read
TRIES = 5
FOREIGN = "it answers with something else than Label Studio does"


@dataclass
class Pushed:
    """Where a run was pushed to. The file of it is for nobody but its owner to read.

    url (str): The server, without a slash at the end.
    mark (str): Stands in the description of the project, which is found by it if its number was never written down.
    secret (str): What the server shows when it calls us.
    project (int | None): Its number.
    config (str): The labelling interface that was pushed last.
    """

    url: str
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    project: int | None = None
    config: str = ""


def read_pushed(output: Path) -> Pushed | None:
    """The record of a run's project; None if it was never pushed.

    output (Path): Of the run.
    RAISES (AlError): AL297 if its file is damaged.
    """
    path = output / FOLDER / FILE
    try:
        found = Pushed(**json.loads(path.read_text("utf8")))
        if not isinstance(found.url, str) or not isinstance(found.project, int | None):
            raise ValueError("it holds something else")
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise AlError(Errors.AL297.format(path=path, why=error)) from error


def write_pushed(output: Path, pushed: Pushed) -> None:
    """RAISES (AlError): AL047 if it cannot be written."""
    path = output / FOLDER / FILE
    try:
        with replacing(path, private=True) as file:
            json.dump(asdict(pushed), file, indent=2)
    except OSError as error:
        raise AlError(Errors.AL047.format(path=path, why=why_not(error))) from error


def open_server(output: Path, url: str | None = None) -> "Server":
    """The server of a run.

    output (Path): Of the run.
    url (str | None): By default the one it was pushed to, or that of the environment.
    RAISES (AlError): AL290 (UsageError) where something is not said, AL298 (UsageError) for another server than the run
        was pushed to, AL297.
    """
    pushed = read_pushed(output)
    wanted = url or os.environ.get(URL)
    wanted = (wanted or (pushed.url if pushed else "")).rstrip("/")
    if urlsplit(wanted).scheme not in ("http", "https") or not os.environ.get(KEY):
        raise UsageError(Errors.AL290)
    if pushed and wanted != pushed.url:
        path = output / FOLDER / FILE
        raise UsageError(Errors.AL298.format(wanted=wanted, url=pushed.url, path=path))
    return Server(wanted, os.environ[KEY])


class _NoRedirect(HTTPRedirectHandler):
    """The token is meant for this server alone."""

    def redirect_request(self, *args: Any) -> None:
        return None


class Server:
    """A Label Studio server.

    url (str): http or https.
    key (str): A legacy token, or a personal access token, which is exchanged for one of five minutes again and again.
    RAISES (AlError): In every method AL291 if it cannot be reached or is something else, AL292 if it refuses.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url, self._key = url, key.strip()
        self._access: str | None = None
        self._opener = build_opener(_NoRedirect)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a request; what comes back.

        method, path (str): As its documentation has them.
        body (Any): Sent as JSON.
        query: Added to the path.
        """
        path += f"?{urlencode(query)}" if query else ""
        personal = self._key.count(".") == 2
        if not personal:
            return self._send(method, path, body, f"Token {self._key}")
        if self._access:
            try:
                return self._send(method, path, body, f"Bearer {self._access}")
            except AlError as error:
                if not isinstance(error.__cause__, HTTPError) or error.__cause__.code != 401:
                    raise
        refreshed = self._send("POST", "/api/token/refresh/", {"refresh": self._key})
        self._access = _get(refreshed, "access", self.url)
        return self._send(method, path, body, f"Bearer {self._access}")

    def tasks(
        self, project: int, filters: Sequence[Mapping[str, Any]], *, whole: bool = False
    ) -> tuple[list[dict[str, Any]], bool]:
        """The tasks of a project that pass some filters.

        project (int): Its number.
        filters (Sequence): As its data manager has them.
        whole (bool): With their annotations and predictions.
        RETURNS (tuple): The tasks, and whether they are all: False if they came and went too fast to be sure.
        """
        query: dict[str, Any] = {"project": project, "page_size": PAGE, "resolve_uri": "false"}
        query["query"] = json.dumps({"filters": {"conjunction": "and", "items": [*filters]}})
        if whole:
            query["fields"] = "all"
        for _ in range(TRIES):
            found, total = dict[int, dict[str, Any]](), 0
            for tasks, total in self._pages(query):  # noqa: B007 - the last one counts
                found.update((task["id"], task) for task in tasks)
            if len(found) == total:
                return [*found.values()], True
        return [*found.values()], False

    def _pages(self, query: dict[str, Any]) -> Iterator[tuple[list[dict[str, Any]], int]]:
        number, left, seen = 0, True, set[int]()
        while left:
            number += 1
            page = self.call("GET", "/api/tasks", **query, page=number)
            tasks, total = (_get(page, key, self.url) for key in ("tasks", "total"))
            known = isinstance(tasks, list) and type(total) is int and total >= 0
            if not known or not all(_is_task(task) for task in tasks):
                self.refuse_reply()
            # a total that is wrong is not believed for ever
            new = {task["id"] for task in tasks} - seen
            seen |= new
            left = bool(new) and total > number * PAGE
            yield tasks, total

    def refuse_reply(self) -> NoReturn:
        """RAISES (AlError): AL291, as what came back is not what Label Studio says."""
        raise AlError(Errors.AL291.format(url=self.url, why=FOREIGN))

    def _send(self, method: str, path: str, body: Any, auth: str | None = None) -> Any:
        headers = {"Content-Type": "application/json", **({"Authorization": auth} if auth else {})}
        data = None if body is None else json.dumps(body).encode("ascii")
        request = Request(self.url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                text = answer.read()
            return json.loads(text) if text else None
        except HTTPError as error:
            why = _detail(error)
            place = f"{method} {path.split('?')[0]}"
            message = Errors.AL292.format(url=self.url, place=place, status=error.code, why=why)
            raise AlError(message) from error
        except ValueError as error:
            self._unreachable("it answers with something else than JSON", error)
        except RecursionError as error:
            self._unreachable(FOREIGN, error)
        except HTTPException as error:
            self._unreachable(f"its answer is cut, or is not HTTP ({error!r:.200})", error)
        except (OSError, URLError) as error:
            self._unreachable(getattr(error, "reason", None) or error, error)

    def _unreachable(self, why: Any, error: Exception) -> NoReturn:
        raise AlError(Errors.AL291.format(url=self.url, why=why)) from error


@contextmanager
def known_replies(server: Server) -> Iterator[None]:
    """Around what reads replies: what is not as Label Studio says it, is not from one. RAISES (AlError): AL291."""
    try:
        yield
    except AlError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        server.refuse_reply()


def is_missing(error: AlError) -> bool:
    """Whether the server says that there is no such thing."""
    return isinstance(error.__cause__, HTTPError) and error.__cause__.code == 404


def _get(found: Any, key: str, url: str) -> Any:
    if not isinstance(found, dict) or key not in found:
        raise AlError(Errors.AL291.format(url=url, why=FOREIGN))
    return found[key]


def _is_task(task: Any) -> bool:
    return isinstance(task, dict) and type(task.get("id")) is int


def _detail(error: HTTPError) -> str:
    """The server's words on its refusal, in one line."""
    with error:
        try:
            text = error.read(2000).decode("utf8", "replace")
        except (OSError, HTTPException):
            text = "the rest of its answer is missing"
    try:
        found = json.loads(text)
        text = str(found.get("validation_errors") or found.get("detail") or text)
    except (ValueError, AttributeError, RecursionError):
        # a page for people
        text = re.sub(r"<[^>]*>|\s+", " ", text)
    return " ".join(text.split())[:300]
