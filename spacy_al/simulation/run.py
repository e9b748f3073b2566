"""Rounds of all strategies and seeds, sent to processes; what they return is written by this process alone.

A strategy's rounds follow each other; strategies and seeds do not wait for each other. What is kept is a line for each
round that ended, so a simulation that was stopped, however that happened, goes on where it was.
"""

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.vocab import Vocab

from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import write_shard
from spacy_al.embeddings.shared import use_cache
from spacy_al.errors import AlError, AlWarning, Errors
from spacy_al.measures.simulated import ResultRow, RoundNumbers
from spacy_al.processes.lock import locked
from spacy_al.processes.pool import processes
from spacy_al.simulation.corpus import Corpus, read_corpus
from spacy_al.simulation.history import HISTORY
from spacy_al.simulation.learner import POOL
from spacy_al.simulation.plan import SimulationPlan, check_plan, check_simulated
from spacy_al.simulation.results import CORPUS, FULL, RESULTS, read_full, read_results
from spacy_al.simulation.round import WORK, do, set_up
from spacy_al.simulation.step import Step, followed
from spacy_al.util import replacing

# Times in a row that a process may die before nobody believes in chance any more
MOST_DEATHS = 3


def simulate(
    plan: SimulationPlan, output: Path, *, n_process: int = 1, full: dict[str, Any] | None = None
) -> Iterator[ResultRow]:
    """Run what is not yet in the results, and yield every round's row, old ones first, then as they end.

    plan (Plan): What is compared.
    output (Path): A folder for the results, and for the files of rounds that are running.
    n_process (int): Processes. The numbers do not depend on it.
    full (dict | None): Overrides of the config to train on the whole corpus with, for `full.json`; None to leave that out.
    YIELDS (ResultRow): strategy, seed, round; texts, words, entities (or labels given), seconds (modelled): costs so far; score; labels
        (how often each was found); seconds_train, seconds_evaluate, seconds_select; batch (ids).
    RAISES (AlError): AL100 if the corpus holds fewer texts than the plan needs, AL101 if the folder holds the results of
        another plan, AL083, AL105, AL106, AL220, AL280 for strategies, AL108 if processes keep dying, AL155 if another simulation uses the folder, and
        what fails in a round, once the rounds that run beside it have ended.
    """
    check_simulated(plan)
    if plan.settings.encoder:
        use_cache(plan.settings.encodings)
    for path in (plan.dev, plan.test):
        shards(path)
    with locked(output):
        check_plan(plan, output)
        corpus = read_corpus(plan, Vocab())
        rows = read_results(output)
        # without a line that was cut off, or the next would be written behind it
        write_results(rows, output)
        write_shard(corpus.bare(), output / POOL)
        _write(output / CORPUS, corpus.describe())
        shutil.rmtree(output / WORK, ignore_errors=True)
        wanted = {(s, seed) for s in plan.strategies for seed in plan.seeds}
        yield from (row for row in rows if (row["strategy"], row["seed"]) in wanted)
        state = _State(plan, output, corpus, {_key(row): row for row in rows})
        before = read_full(output)
        if full is not None and (before is None or before.get("overrides") != full):
            # the longest work of all starts first
            state.todo.append(Step(None, plan.seeds[0], overrides=tuple(full.items())))
        state.plan_ahead()
        yield from _work(state, n_process)
        write_results(sorted(state.rows.values(), key=_key), output)
        for name in (WORK, HISTORY):
            shutil.rmtree(output / name, ignore_errors=True)


def write_results(rows: list[ResultRow], output: Path) -> None:
    """Replace the results."""
    with replacing(output / RESULTS) as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@dataclass
class _State:
    """Where all strategies are.

    rows (dict): What is known, by strategy, seed and round.
    todo (list[Step]): What can be run now.
    failures (list[AlError]): After the first no more is begun.
    """

    plan: SimulationPlan
    output: Path
    corpus: Corpus
    rows: dict[tuple[str, int, int], ResultRow]
    todo: list[Step] = field(default_factory=list)
    failures: list[AlError] = field(default_factory=list)

    def plan_ahead(self) -> None:
        """The next step for every strategy and seed, at the beginning."""
        for seed in self.plan.seeds:
            if any((s, seed, 0) not in self.rows for s in self.plan.strategies):
                start = (tuple(self.corpus.draw(seed)),)
                self.todo.append(Step(None, seed, 0, start))
            for strategy in self.plan.strategies:
                if (strategy, seed, 0) in self.rows:
                    self.follow(strategy, seed)

    def follow(self, strategy: str, seed: int) -> None:
        """Add the first round of a strategy that is not known."""
        step = Step(strategy, seed, 0, (tuple(self.corpus.draw(seed)),))
        while step.number <= self.plan.rounds_of(strategy):
            row = self.rows.get((strategy, seed, step.number))
            if row is None:
                self.todo.append(step)
                return
            step = followed(step, row)

    def next(self) -> Step:
        """Strategies stay abreast of each other, so that none is left alone at the end."""
        self.todo.sort(key=lambda step: (step.overrides is None, step.number))
        return self.todo.pop(0)

    def take(self, step: Step, numbers: RoundNumbers) -> Iterator[ResultRow]:
        """Write down what a step found, and add what can be run now."""
        if step.overrides is not None:
            _write(self.output / FULL, {**numbers, "overrides": dict(step.overrides)})
        elif step.strategy is None:
            for strategy in self.plan.strategies:
                if (strategy, step.seed, 0) not in self.rows:
                    self.todo.append(Step(strategy, step.seed, 0, step.batches))
        else:
            row: ResultRow = {
                "strategy": step.strategy,
                "seed": step.seed,
                "round": step.number,
                **numbers,
            }
            with (self.output / RESULTS).open("a", encoding="utf8") as file:
                file.write(json.dumps(row) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.rows[_key(row)] = row
            self.follow(step.strategy, step.seed)
            yield row


def _work(state: _State, n_process: int) -> Iterator[ResultRow]:
    deaths = 0
    said = set[str]()
    running: dict[Future[Any], Step] = {}
    while state.todo or running:
        with processes(n_process, set_up, state.plan, state.output) as pool:
            try:
                while state.todo or running:
                    while state.todo and len(running) < n_process and not state.failures:
                        step = state.next()
                        running[_submit(pool, step, state)] = step
                    if not running:
                        break
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    # those that ended well first: a process that died takes the others with it
                    for future in sorted(done, key=lambda f: f.exception() is not None):
                        try:
                            numbers, messages = future.result()
                        except AlError as error:
                            state.failures.append(error)
                            del running[future]
                            continue
                        step, deaths = running.pop(future), 0
                        for message in (m for m in messages if m not in said):
                            said.add(message)
                            warnings.warn(message, AlWarning, stacklevel=2)
                        yield from state.take(step, numbers)
            except BrokenProcessPool:
                deaths += 1
                state.todo += running.values()
                running.clear()
        if state.failures:
            raise state.failures[0]
        if deaths > MOST_DEATHS:
            raise AlError(Errors.AL108.format(count=n_process))


def _submit(pool: Any, step: Step, state: _State) -> Future[Any]:
    try:
        future: Future[Any] = pool.submit(do, step)
        return future
    except BrokenProcessPool:
        state.todo.append(step)
        raise


def _write(path: Path, value: Mapping[str, Any]) -> None:
    with replacing(path) as file:
        file.write(json.dumps(value, indent=2) + "\n")


def _key(row: ResultRow) -> tuple[str, int, int]:
    return row["strategy"], row["seed"], row["round"]
