"""Work beside people's answers: the next step of the loop, in a process of its own and at a lower priority.

The page never waits for it. While a model trains, texts that the newest model ranks first, or without one those that
represent the pool, are at hand to be asked.
"""

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spacy_al.config.project import Project
from spacy_al.errors import AlError
from spacy_al.oracle.gold_texts import gold_labels
from spacy_al.processes.child import start_child
from spacy_al.store.desk import BESIDE, n_left, n_missing
from spacy_al.store.store import Store
from spacy_al.tasks.task import Task, read_tasks
from spacy_al.util import arguments
from spacy_al.web.wait import Wait, Watch

WAITS = 3
# Seconds until it is looked again whether a step is due, and one that failed is tried again, unless somebody answers before
AGAIN = 60.0
# In the output: texts to be asked while a model trains
FILE = ".beside.jsonl"
# Tells the steps where the page is, so that they name it to whoever reads the terminal, and no files
PAGE = "SPACY_AL_PAGE"


class Steps:
    """A thread that starts the next step whenever it is due. `state` is "", "working", "stopped" or "failed".

    `after`, if it is set, is called when a step has ended.

    project (Project): The run.
    quiet (bool): Whether steps print nothing but errors.
    page (str): The address of the page, which steps then name in place of files.
    """

    def __init__(self, project: Project, quiet: bool = False, page: str = "") -> None:
        self.project, self.quiet, self.page = project, quiet, page
        self.after: Callable[[], None] | None = None
        self._woken, self._ended = threading.Event(), threading.Event()
        self._state = ""
        self._watch = Watch()
        self._beside: deque[Task] = deque()
        self._children: list[subprocess.Popen[bytes]] = []
        self._encoding: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin; and have the pool encoded meanwhile, where there is an encoder."""
        if words := encode_words(self.project):
            # steps encode what they need themselves, and this gives way to them
            self._encoding = start_child(words, package="spacy_al", niceness=15)
        self._thread.start()

    def stop(self) -> None:
        """End, and with it what was started; the same command goes on where it was."""
        self._ended.set()
        self._woken.set()
        for child in [*self._children, *([self._encoding] if self._encoding else [])]:
            child.kill()
        if self._encoding:
            # and closes the pipe
            self._encoding.communicate()
        self._thread.join(timeout=10)

    def wake(self) -> None:
        """Something was answered."""
        self._woken.set()

    def state(self) -> str:
        return self._state

    def wait(self, store: Store) -> Wait | None:
        """How far the step is that goes on, if any. store (Store): Of the run."""
        return self._watch.wait(store.metrics()) if self._state == "working" else None

    def beside(self) -> Task | None:
        """A text to be asked while a model trains."""
        try:
            return self._beside.popleft()
        except IndexError:
            return None

    def _run(self) -> None:
        first = True
        while not self._ended.is_set():
            self._woken.clear()
            try:
                if self._due(first):
                    self._step()
                    if self.after:
                        self.after()
                elif self._state == "failed":
                    # what failed here, another server or a command has done
                    self._state = ""
            except Exception as error:
                # such as no memory for a process: without this thread nothing would go on any more
                self._state = "failed"
                self.project.show(f"✘ {error}")
            first = False
            # answers come from elsewhere as well, such as `import`
            self._woken.wait(AGAIN)

    def _due(self, first: bool) -> bool:
        project = self.project
        with Store(self.project.database) as store:
            current = store.round()
            if current is None or current.state not in ("wait", "stopped"):
                return True
            # a config that was changed since can make a run go on that has stopped
            left = n_left(store, project.settings.overlap) + n_missing(store, project.at_least)
            return first if current.state == "stopped" else not left

    def _step(self) -> None:
        self._watch.begin()
        self._state = "working"
        words = [*self.project.argv, "--once"]
        words += ["--quiet"] if self.quiet else []
        # at the very first start this is what people wait for
        choosing: Any = self._start(chosen) if (chosen := self._choose()) else None
        step = self._start([*words, *self._how()])
        try:
            while (status := _wait(step)) is None and not self._ended.is_set():
                self._watch.see(self._round_state())
                if choosing is None and (chosen := self._choose()):
                    choosing = self._start(chosen)
                elif choosing and choosing.poll() == 0 and self._round_state() in BESIDE:
                    self._take()
                    choosing = False
        finally:
            # whatever has gone wrong here, two steps never go on at once
            for child in self._children:
                child.kill()
                # and closes the pipe
                child.communicate()
            self._children.clear()
            self._beside.clear()
            self._watch.end()
        self._state = {0: "stopped", WAITS: ""}.get(status if status is not None else -1, "failed")

    def _how(self) -> list[str]:
        return ["--gpu-id", str(self.project.gpu_id), "--n-process", str(self.project.n_process)]

    def _choose(self) -> list[str] | None:
        """The command that chooses texts to ask while the round trains; None if it does not."""
        project, settings = self.project, self.project.settings
        with Store(project.database) as store:
            current, models = store.round(), store.models()
        # before there is a round the step has not yet found out that it trains
        begins = current is None and (settings.train or settings.weak)
        if settings.recipe or (not begins and (current is None or current.state not in BESIDE)):
            return None
        words: list[Any] = [settings.pool, "--config", project.config, "--quiet"]
        words += ["--output", project.output / FILE]
        found = [model["path"] for model in models.values() if Path(model["path"]).is_dir()]
        words += ["--model", found[-1]] if found else ["--cold"]
        words += ["--code", project.code] if project.code else []
        overrides = dict(project.overrides)
        if settings.train and not settings.labels:
            # a question without labels could not be answered
            labels = gold_labels(settings.train, kind=project.kind, spans_key=settings.spans_key)
            overrides["al.labels"] = [*labels]
        return arguments("select", words, overrides)

    def _round_state(self) -> str | None:
        with Store(self.project.database) as store:
            current = store.round()
        return None if current is None else current.state

    def _take(self) -> None:
        try:
            self._beside.extend(read_tasks(self.project.output / FILE))
        except AlError as error:
            self.project.show(f"⚠ Nothing to ask meanwhile: {error}")

    def _start(self, words: list[str]) -> subprocess.Popen[bytes]:
        # somebody may wait for texts to answer, and nobody for a model
        niceness = 5 if words[0] == "run" else 0
        environment = {**os.environ, PAGE: self.page} if self.page else None
        child = start_child(words, package="spacy_al", niceness=niceness, env=environment)
        self._children.append(child)
        return child


def encode_words(project: Project) -> list[str] | None:
    """The command that encodes what the cache of a run lacks of its pool; None without an encoder."""
    settings = project.settings
    encoder, cache = settings.encoder, settings.encodings
    if encoder is None or settings.learner == "scratch":
        return None
    words: list[Any] = [settings.pool, "--encoder", encoder.name, "--output", cache]
    words += ["--config", project.config, "--window", encoder.window, "--quiet"]
    words += ["--code", project.code] if project.code else []
    words += ["--layers", ",".join(map(str, encoder.layers))] if encoder.layers else []
    words += ["--texts-only"] if project.kind == "categories" else []
    return arguments("encode", words, {})


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """The exit status, if it comes within a second."""
    try:
        return child.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None
