"""Commands as on a terminal of a person's, whose browser is sent to an address."""

import contextlib
import os
import re
import subprocess
import threading
import time

import pytest


@pytest.fixture
def terminals(tmp_path):
    """Opens a terminal: terminals(words, folder, environment) -> its process, and what it says."""
    pty = pytest.importorskip("pty")
    # what stands in for the person's browser notes where it was sent
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" >> "{tmp_path}/opened"\n')
    opener.chmod(0o755)
    started = []

    def start(words, folder, environment):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**environment, "BROWSER": f"{opener} %s"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        started.append(process)
        said = []
        # a terminal that nobody reads from would hold up whoever writes
        threading.Thread(target=read, args=(ours, said), daemon=True).start()
        return process, said

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def read(terminal, said):
    with os.fdopen(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while data := file.read(4096):
            said.append(data.decode("utf8", "replace"))


def wait_for(said, pattern):
    """Until a terminal shows this."""
    deadline = time.monotonic() + 300
    while not (found := re.search(pattern, "".join(said))):
        assert time.monotonic() < deadline, "".join(said)
        time.sleep(0.05)
    return found


def address(said):
    """Where the page is, which a terminal may break across two lines."""
    return re.sub(r"[\r\n]", "", wait_for(said, r"http://127\.0\.0\.1:\d+/")[0])


def end(process):
    process.terminate()
    process.wait(60)
