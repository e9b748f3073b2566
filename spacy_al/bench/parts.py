"""Which part of a round the processor's time goes to, seen from inside its processes, whatever version of the package they run.

`round_cost` copies this file beside them as `sitecustomize.py`, which Python runs before anything else. It imports nothing
but the standard library and changes nothing: 200 times in a second of the processor it looks at what runs.
"""

import atexit
import json
import os
import signal
import sys
import time
from collections import Counter
from types import FrameType
from typing import Any

FOLDER = "SPACY_AL_PARTS"
EVERY = 0.005
REST = "the rest: reading, writing"
# End of a file's name, function or None for any, part; of the functions that are under way the innermost counts
PARTS: tuple[tuple[str, str | None, str], ...] = (
    ("importlib._bootstrap>", None, "imports"),
    ("spacy/training/loop.py", "evaluate", "training: looks at dev"),
    ("spacy/training/loop.py", "save_checkpoint", "training: saving models"),
    ("spacy/training/loop.py", "train_while_improving", "training: updates"),
    ("spacy/training/initialize.py", "init_nlp", "training: initialising"),
    ("spacy_al/evaluation/calibrate.py", "calibrate_on_dev", "calibration"),
    ("spacy_al/evaluation/evaluate.py", "evaluate", "evaluation"),
    ("spacy_al/loop/examine.py", "measure_round", "evaluation"),
    ("spacy_al/query/select.py", "select", "selection"),
)

_known: dict[tuple[str, str], str | None] = {}


def part_of(frame: FrameType | None) -> str:
    """The part that a frame belongs to, by itself or by what called it."""
    while frame is not None:
        # by names, since codes of two files may be equal
        key = frame.f_code.co_filename, frame.f_code.co_name
        if key not in _known:
            _known[key] = _part_of_function(*key)
        found = _known[key]
        if found:
            return found
        frame = frame.f_back
    return REST


def _part_of_function(file: str, name: str) -> str | None:
    file = file.replace(os.sep, "/")
    for ending, function, part in PARTS:
        if file.endswith(ending) and function in (None, name):
            return part
    return None


def begin(folder: str) -> None:
    """Count from now on, and write seconds by part to a file of this process when it ends.

    folder (str): For the files, `PID.json` each.
    """
    spent: Counter[str] = Counter()
    # what the interpreter took to start falls to the first part
    last = 0.0

    def credit(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        spent[part_of(frame)] += now - last  # type: ignore[assignment]
        last = now

    def write(*_: Any) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        credit(0, None)
        with open(os.path.join(folder, f"{os.getpid()}.json"), "w", encoding="utf8") as file:
            json.dump({"argv": sys.orig_argv, "seconds": dict(spent)}, file)

    signal.signal(signal.SIGPROF, credit)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    atexit.register(write)


# The tracker of multiprocessing outlives the process that it was started by, whose time does not hold its own
if __name__ == "sitecustomize" and "resource_tracker" not in " ".join(sys.orig_argv):
    begin(os.environ[FOLDER])
