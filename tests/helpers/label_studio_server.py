"""A real Label Studio in a process of its own, on SQLite, for the tests of push and pull.

LABEL_STUDIO names its executable, in a virtual environment where nothing else is: `pip install label-studio`.
"""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

from spacy_al.adapters.label_studio.server import Server

ADMIN, PASSWORD, TOKEN = "ann@example.org", "secret 1234", "0123456789abcdef" * 2 + "01234567"
# Nobody outside is told of it, and it may call this machine
QUIET = {
    "SSRF_PROTECTION_ENABLED": "false",
    "ML_BLOCK_LOCAL_IP": "false",
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}


class LabelStudio:
    """folder (Path): Of its data."""

    def __init__(self, folder):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.url, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.process, self.tokens = None, {ADMIN: TOKEN}

    def start(self):
        who = ["--username", ADMIN, "--password", PASSWORD, "--user-token", TOKEN]
        where = ["--port", str(self.port), "--internal-host", "127.0.0.1", "--no-browser"]
        environment = {**os.environ, **QUIET, "LABEL_STUDIO_BASE_DATA_DIR": str(self.folder)}
        with open(f"{self.folder}.log", "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["LABEL_STUDIO"], "start", *who, *where, "--enable-legacy-api-token"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        # its first start makes a database by hundreds of migrations
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.2)
        self.kill()
        said = Path(f"{self.folder}.log").read_text("utf8", "replace")[-2000:]
        raise RuntimeError(f"Label Studio does not start: {said}")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def client(self, who=ADMIN):
        """Requests as this person, who signs up if need be."""
        if who not in self.tokens:
            with httpx.Client(base_url=self.url, follow_redirects=True, timeout=60) as page:
                page.get("/user/signup/")
                form = {"email": who, "password": PASSWORD, "allow_newsletters": ""}
                form["csrfmiddlewaretoken"] = page.cookies["csrftoken"]
                page.post("/user/signup/", data=form, headers={"Referer": self.url})
                self.tokens[who] = page.get("/api/current-user/token").json()["token"]
        return Server(self.url, self.tokens[who])
