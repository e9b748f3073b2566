"""The questions of a recipe, from a process of its own: ranking a pool holds up nobody who answers, and the page is there
whatever a recipe does.

Both sides send lines of JSON. The page's ask for one question or hand on what was answered, in the order in which that came,
so that each question knows all answers before it.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from spacy_al.config.project import Project, open_project
from spacy_al.errors import AlError, Errors
from spacy_al.recipe import start_in
from spacy_al.store.desk import answered_tasks
from spacy_al.store.export import TASKS, export_tasks
from spacy_al.store.store import Store
from spacy_al.tasks.answer import check, task_kind
from spacy_al.tasks.task import Task, with_hashes

# Seconds that a page waits for a question; it asks again
PATIENCE = 2.0
# Requests that wait so at once; the server's other threads stay free for answers
WAITING = 8
# Seconds until a recipe that failed is started again: a model that it needs may be there then
AGAIN = 10.0


class Feed:
    """The recipe that the settings of a run name. `ended` is True once it has nothing left to ask.

    project (Project): The run.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.ended = False
        self._child: subprocess.Popen[str] | None = None
        self._ready: deque[Task] = deque()
        self._asked = False
        self._started, self._said, self._waiting = -AGAIN, "", 0
        self._changed = threading.Condition()

    def state(self) -> str:
        """ "asking" while a question is looked for or has just been found, "failed" if the recipe has, else ""."""
        return "asking" if self._asked or self._ready else "failed" if self._said else ""

    def next(self) -> Task | None:
        """The next question; None if there is none yet, or none any more."""
        with self._changed:
            if not self._ready and not self.ended and self._running() and not self._asked:
                self._asked = self._send({"ask": True})
            if self._waiting < WAITING:
                self._waiting += 1
                self._changed.wait_for(lambda: self._ready or not self._asked, PATIENCE)
                self._waiting -= 1
            return self._ready.popleft() if self._ready else None

    def update(self, task: Task, payload: Mapping[str, Any]) -> None:
        """Hand on what was answered."""
        with self._changed:
            if self._child is not None:
                self._send({"answered": [{**task, **payload}]})

    def stop(self) -> None:
        """End it; what it has given is in the store."""
        with self._changed:
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()

    def _running(self) -> bool:
        """Start the process if there is none, and not too often."""
        if self._child is None and time.monotonic() - self._started >= AGAIN:
            self._started = time.monotonic()
            project = self.project
            words = [project.config, json.dumps(dict(project.overrides)), project.code or ""]
            self._child = subprocess.Popen(
                [sys.executable, "-m", "spacy_al.web.recipe_feed", *map(str, words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf8",
            )
            threading.Thread(target=self._read, args=(self._child,), daemon=True).start()
            with Store(project.database) as store:
                # what it has been told before
                answered = [{**task, **said} for task, said in answered_tasks(store)]
            self._send({"answered": answered})
        return self._child is not None

    def _send(self, message: Any) -> bool:
        assert self._child is not None and self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()
        except OSError:
            # it has ended, and its thread finds that out
            return False
        return True

    def _read(self, child: subprocess.Popen[str]) -> None:
        assert child.stdin is not None and child.stdout is not None
        for line in child.stdout:
            found = json.loads(line)
            with self._changed:
                if "task" in found:
                    self._asked, self._said = False, ""
                    self._ready.extend([found["task"]] if found["task"] else [])
                    self.ended = not found["task"]
                elif found["error"] != self._said:
                    self._said = found["error"]
                    self.project.show(f"✘ {self._said}")
                self._changed.notify_all()
        with self._changed:
            if self._child is child:
                self._child = None
            self._asked = False
            self._changed.notify_all()
        child.wait()
        child.stdout.close()
        with suppress(OSError):
            child.stdin.close()


def check_task(task: Any, kind: str, view_id: str, name: str | None) -> Task:
    """A task of a recipe as it can be asked.

    RAISES (AlError): AL275 for one that cannot.
    """
    try:
        task = {"_view_id": view_id, "meta": {}, **task}
        texts = [task["text"], *(token["text"] for token in task["tokens"]), *task["labels"]]
        if not task["text"].strip() or not all(isinstance(text, str) for text in texts):
            raise ValueError("its text, its tokens or its labels are not what they should be")
        if not isinstance(task["meta"], dict):
            raise TypeError("its meta is no object")
        if task_kind(task) != kind:
            raise ValueError(f"it asks for {task_kind(task)}, and {kind} are what is taught")
        made = with_hashes(task)
        check(made, {"answer": "reject", "accept" if kind == "categories" else "spans": []})
        json.dumps(made, allow_nan=False)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, AlError) as error:
        why = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else error
        raise AlError(Errors.AL275.format(name=name, why=why)) from error
    return made


def feed(project: Project, lines: "queue.Queue[str]", out: TextIO) -> None:
    """Start the recipe, and do what the lines say until there are no more.

    RAISES (AlError): As `start_in`, and what the recipe raises; AL275 for a task that cannot be asked.
    """
    name = project.settings.recipe or ""
    with Store(project.database) as store:
        # what was asked so far is not asked again, by this round as by others
        if names := store.labels().names:
            # of the run, whatever the config says of its start
            project = replace(project, settings=replace(project.settings, labels=names))
        if current := store.round():
            export_tasks(store, current.number, project.folder(current.number) / TASKS)
    made = start_in(project, name)
    stream = iter(made["stream"])
    while True:
        message = json.loads(lines.get())
        if message.get("answered") and "update" in made:
            made["update"](message["answered"])
        if "ask" in message:
            task = next(stream, None)
            if task is not None:
                task = check_task(task, project.kind, made["view_id"], name)
            out.write(json.dumps({"task": task}) + "\n")
            out.flush()


def run_feed(words: Sequence[str]) -> None:
    """The work of the process."""
    # Ctrl-C reaches the parent as well, and its end is the end of this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_follow, args=(lines,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)
    # what a recipe prints, or what it starts, is for the terminal
    out = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    config, overrides, code = words
    try:
        how: dict[str, Any] = {"code": Path(code)} if code else {}
        # the page stands on this project already, with labels
        project = open_project(Path(config), json.loads(overrides), has_labels=True, **how)
        feed(project, lines, out)
    except Exception as error:
        # the file is the user's, and can raise anything
        why = str(error) if isinstance(error, AlError) else _blame(error)
        out.write(json.dumps({"error": why}) + "\n")
        out.flush()
    os._exit(1)


def _follow(lines: "queue.Queue[str]") -> None:
    """Take what the parent says, and end when it does."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(1)


def _blame(error: Exception) -> str:
    return Errors.AL276.format(why=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    run_feed(sys.argv[1:])
