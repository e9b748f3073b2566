"""Messages of a run to whoever waits for it: a batch is ready, or complete; recent texts differ; a model is in use.

A message is JSON without any text of the corpus. It is sent beside the work, which goes on whatever becomes of it.
"""

import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
import warnings
from typing import Any
from uuid import uuid4

from spacy_al.config.notify import Notify
from spacy_al.config.project import Project
from spacy_al.errors import AlWarning, Warnings

# Seconds before the second try; each further one waits twice as long
PAUSE = 0.5
# What may be another time
AGAIN = (408, 425, 429)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address that sends on to another is told, and not followed: what was signed for one is nothing for the other."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def notify(project: Project, event: str, **facts: Any) -> bool:
    """Tell what has happened, if the config has somebody to be told.

    project (Project): With `[al.notify]`, or without.
    event (str): One of `EVENTS`.
    facts: What else is said; no texts.
    RETURNS (bool): Whether it was taken. What was not is a warning (ALW400), and never an error.
    """
    told = project.settings.notify
    if told is None or event not in told.on:
        return False
    message = {
        "event": event,
        "id": uuid4().hex,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "config": project.config.name,
        **facts,
    }
    why = send(told, message)
    if why:
        warnings.warn(Warnings.W400.format(event=event, why=why), AlWarning, stacklevel=2)
    return not why


def send(told: Notify, message: dict[str, Any]) -> str:
    """Send a message. RETURNS (str): Why it was not taken, or nothing."""
    body = json.dumps(message).encode("ascii")
    secret = os.environ.get(told.secret, "") if told.secret else ""
    if told.secret and not secret:
        return f"the environment variable {told.secret} is not set, and nothing is sent unsigned"
    headers = {"Content-Type": "application/json", "User-Agent": "spacy-al"}
    headers |= {"X-Spacy-AL-Event": message["event"], "X-Spacy-AL-Id": message["id"]}
    if secret:
        headers["X-Spacy-AL-Signature"] = sign_body(secret, body)
    opener = urllib.request.build_opener(_NoRedirect)
    why = ""
    for number in range(told.tries):
        if number:
            time.sleep(PAUSE * 2 ** (number - 1))
        request = urllib.request.Request(told.url, body, headers, method="POST")
        try:
            with opener.open(request, timeout=told.timeout):
                return ""
        except urllib.error.HTTPError as error:
            error.close()
            why = f"it answers {error.code}"
            if error.code < 500 and error.code not in AGAIN:
                return why
        except Exception as error:
            # whatever a network does; the address stays unsaid, as it may hold a token
            why = f"it cannot be reached: {type(getattr(error, 'reason', error)).__name__}"
    return f"{why} ({told.tries} tries)"


def sign_body(secret: str, body: bytes) -> str:
    """The signature of a message: HMAC-SHA256 of its bytes (RFC 2104), as `sha256=` and hex digits."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
