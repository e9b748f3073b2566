"""`python -m spacy_al` for scripts that call it often: each call is a process forked from one that has imported everything already."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Stands for `python`; what is no command of ours gets the real one
SHIM = """#!{python} -SI
import json, os, socket, sys
if sys.argv[1:3] != ["-m", "spacy_al"]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([os.getcwd(), dict(os.environ), sys.argv[3:]]).encode()
    socket.send_fds(server, [asked[:1]], [0, 1, 2])
    server.sendall(asked[1:])
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(8) or b"70"))
"""


class Forked:
    """A folder with a `python` for the front of PATH, while the block lasts.

    folder (Path): Where it is made; a path that is short enough for the name of a socket.
    """

    def __init__(self, folder):
        self.folder, self.address = folder, str(folder / "socket")

    def __enter__(self):
        self.folder.mkdir(parents=True)
        shim = self.folder / "python"
        shim.write_text(SHIM.format(python=sys.executable, address=self.address))
        shim.chmod(0o755)
        code = f"from tests.helpers.forked import serve; serve({self.address!r})"
        paths = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
        self.server = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}
        )
        while not Path(self.address).exists():
            assert self.server.poll() is None
            time.sleep(0.05)
        return self.folder

    def __exit__(self, *error):
        self.server.kill()
        self.server.wait()


def serve(address):
    """Fork a process for each call, one after the other, until killed."""
    import spacy_al.__main__  # noqa: F401

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{address}.new")
        server.listen()
        os.replace(f"{address}.new", address)
        while True:
            with server.accept()[0] as call:
                _answer(call)


def _answer(call):
    asked, files, _, _ = socket.recv_fds(call, 1, 3)
    while part := call.recv(1 << 16):
        asked += part
    child = os.fork()
    if not child:
        _run(files, *json.loads(asked))
    for file in files:
        os.close(file)
    call.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _run(files, folder, environment, words):
    from spacy_al.cli import main

    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["spacy-al", *words]
        sys.path.insert(0, folder)
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
