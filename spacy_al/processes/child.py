"""Commands, spaCy's and ours, in a process that ends with its parent, however that ends.

A training that outlived a killed loop would go on writing beside the next one. The child reads its standard input, a pipe
that its parent holds open: at its end the parent is gone. This works on every system.
"""

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy_al.errors import AlError, Errors
from spacy_al.processes.codecs import look_for_codecs_once
from spacy_al.processes.corpora import read_dev_once
from spacy_al.processes.factories import import_factories_late
from spacy_al.processes.listeners import tell_batches_fast
from spacy_al.util import why_not

ATTEMPT = ".attempt-"
TRACEBACK = "Traceback (most recent call last):"
# Lines of a message that are shown; the log has all of them
SHOWN = 8
# Starts this file as -m does, with a thinc that takes torch for not installed; whoever needs it besides can import it
WITHOUT_TORCH = (
    "import sys; sys.modules['torch'] = None; import thinc.api; del sys.modules['torch']; "
    "from runpy import run_module; run_module('spacy_al.processes.child', run_name='__main__', alter_sys=True)"
)
# Colours and moves of the cursor: a log is no terminal
ESCAPES = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def start_child(
    words: Sequence[str],
    *,
    package: str = "spacy",
    niceness: int = 0,
    torch: bool = True,
    **how: Any,
) -> subprocess.Popen[Any]:
    """Start a command in a process that ends with this one.

    words (Sequence[str]): What comes after `python -m spacy`.
    package (str): In whose place another package's command is run, `spacy_al` for one of ours.
    niceness (int): By how much it gives way to others, where the system knows that.
    torch (bool): False if thinc is to do without it.
    how: As for `Popen`.
    """
    start = ["-m", "spacy_al.processes.child"] if torch else ["-c", WITHOUT_TORCH]
    command = [sys.executable, *start, str(niceness), package, *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, **how)


def run_spacy(
    words: Sequence[str],
    log: Path,
    show: Callable[[str], None] | None = None,
    *,
    torch: bool = True,
) -> int:
    """Run one command of spaCy's and wait for it.

    words (Sequence[str]): As after `python -m spacy`, e.g. ["train", "config.cfg"].
    log (Path): Gets all that is printed, line by line, in place of what it held.
    show (Callable | None): Takes the same lines, without the frames of a traceback, which are for the log.
    torch (bool): As for `start_child`.
    RETURNS (int): The exit status, 0 if all went well, below 0 for a signal.
    RAISES (AlError): AL047 if the log cannot be written.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf8"}
    # spaCy keeps scores by label in the order of a set, which would differ from run to run
    environment["PYTHONHASHSEED"] = "0"
    # a training multiplies small matrices, which threads only wait for each other with
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    process = start_child(
        words,
        torch=torch,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf8",
        errors="replace",
        env=environment,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        with _unwritable(log):
            log.write_text("", "utf8")
        in_frames = False
        for printed in process.stdout:
            line = ESCAPES.sub("", printed)
            with _unwritable(log), log.open("a", encoding="utf8") as file:
                file.write(line)
            # what this raises is its own
            in_frames = line.strip() == TRACEBACK or (in_frames and line[0].isspace())
            if show is not None and not in_frames:
                show(line.rstrip("\n"))
        return process.wait()
    finally:
        # nothing to do for it unless this is left by an exception, such as Ctrl-C
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@contextmanager
def attempt(folder: Path) -> Iterator[Path]:
    """A folder in which a command may leave half of its work; what is whole is to be moved out of it.

    folder (Path): Where it is made. Attempts that were cut off are swept away.
    RAISES (AlError): AL047 if the folder cannot be written.
    """
    sweep(folder)
    with _unwritable(folder):
        path = Path(tempfile.mkdtemp(prefix=ATTEMPT, dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Delete what attempts left that were cut off."""
    for stale in folder.glob(f"{ATTEMPT}*"):
        shutil.rmtree(stale, ignore_errors=True)


@contextmanager
def _unwritable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AlError(Errors.AL047.format(path=path, why=why_not(error))) from error


def reason(log: Path, status: int) -> str:
    """Why a command failed: spaCy's own error, out of what it printed.

    log (Path): Of `run_spacy`.
    status (int): What that returned.
    RETURNS (str): A message of a few lines.
    """
    if status < 0:
        return f"it was ended by signal {-status}, perhaps for want of memory."
    lines = [line.rstrip() for line in log.read_text("utf8").splitlines() if line.strip()]
    starts = [number for number, line in enumerate(lines) if line.strip() == TRACEBACK]
    if starts:
        # after the frames, which are indented, comes the message, which may have several lines
        after = lines[starts[-1] + 1 :]
        message = next((n for n, line in enumerate(after) if not line[0].isspace()), 0)
        found = after[message:]
    else:
        # what spaCy explains itself starts with a cross
        fails = [number for number, line in enumerate(lines) if line.startswith("✘")]
        found = lines[fails[-1] :] if fails else lines[-SHOWN:]
    # the class of an error of spaCy's says less than its code
    return re.sub(r"^\w*Error: (?=\[E)", "", "\n".join(found[:SHOWN])) or "it printed nothing."


def run_child(niceness: str, package: str, *words: str) -> None:
    """The work of the child: a command of ours, or spaCy's without the commands that other packages add to it."""
    # Ctrl-C reaches the parent as well, and its end is the end of this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=follow_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(int(niceness))
    look_for_codecs_once()
    import_factories_late()
    read_dev_once()
    tell_batches_fast()
    if package != "spacy":
        sys.argv = [package, *words]
        runpy.run_module(package, run_name="__main__")
        return
    from spacy.cli import app
    from typer.main import get_command

    get_command(app)(args=list(words), prog_name="spacy")


def follow_parent() -> None:
    """End when standard input does, a pipe that the parent holds open."""
    # the descriptor itself: Python could not end while a thread holds the lock of sys.stdin
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    run_child(*sys.argv[1:])
