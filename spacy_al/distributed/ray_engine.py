"""Shards scored by the workers of Ray Data: one pipeline a worker, a shard a batch.

Only what costs is done there. What comes back are the numbers that a process of this machine would have given, and the code that
ranks them and takes the batch is the same, so that the batch is. A worker that is lost is started again, and its shard with it;
what does not fit into the object store is spilled to disk: both are Ray's own doing.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy

from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.processes.pool import one_thread_each
from spacy_al.query.pool_scores import PoolScores
from spacy_al.query.score_pool import Work
from spacy_al.query.scorer import Job, Scorer

# Names the cluster, as Ray has it
ADDRESS = "RAY_ADDRESS"
# Reports of its use would go over the net; what goes on inside is in its own logs
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
# Into which the work is divided: what is done again where a worker is lost
MOST_BLOCKS = 4096
# A cluster that is there answers at once
SECONDS = 10


class RayEngine:
    """Scores shards on a cluster: that of RAY_ADDRESS, else that which this process is connected to, else one of its own on this machine.

    workers (int): Actors, each of one core, with a pipeline each.
    RAISES (UsageError): AL087 for fewer than one.
    RAISES (AlError): AL393 if Ray is not installed.
    """

    def __init__(self, workers: int = 2) -> None:
        check_workers(workers)
        self.workers = workers

    def __call__(self, job: Job, work: Sequence[Work]) -> Iterator[PoolScores | AlError]:
        """What `Scorer.score_shard` gives for each piece of work, in their order.

        RAISES (AlError): AL394 if Ray gives up; as `Scorer`.
        """
        return map_on_ray(ShardScorer, (job,), work, self.workers)


class ShardScorer:
    """What an actor holds: the scorer of a job."""

    def __init__(self, job: Job) -> None:
        self._scorer = Scorer(job)

    def __call__(self, item: Work) -> PoolScores | AlError:
        return self._scorer.score_shard(*item)


def check_workers(workers: int) -> None:
    """RAISES (AlError): AL087 for fewer than one, AL393 if Ray is not installed."""
    if workers < 1:
        raise UsageError(Errors.AL087.format(name="--workers", value=workers, must="1 or more"))
    import_ray()


def map_on_ray(
    worker: type, given: tuple[Any, ...], work: Sequence[Any], workers: int
) -> Iterator[Any]:
    """What a worker makes of each piece of work, in their order.

    worker (type): Made with `given` once in each actor, and called with one piece of work.
    workers (int): Actors.
    RAISES (AlError): AL394 if Ray gives up, and what the worker raises.
    """
    ray = import_ray()
    with connected(workers):
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        # a row a piece of work, whose number is all that travels with it
        rows = [{"number": i} for i in range(len(work))]
        numbers = ray.data.from_items(rows, override_num_blocks=min(len(work), MOST_BLOCKS))
        results = numbers.map_batches(
            _Actor,
            fn_constructor_args=(worker, given, list(work)),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(work))),
            num_cpus=1,
        )
        waiting, following = dict[int, Any](), 0
        try:
            for row in results.iter_rows():
                error, waiting[int(row["number"])] = row["result"]
                if error is not None:
                    raise error
                while following in waiting:
                    yield waiting.pop(following)
                    following += 1
        except (ray.exceptions.RayError, OSError) as error:
            why = str(error).strip().splitlines()[-1]
            raise AlError(Errors.AL394.format(why=why)) from error


class _Actor:
    """A worker in an actor. What is wrong with the input travels as a value: an exception would be taken for a fault of Ray's own."""

    def __init__(self, worker: Callable[..., Any], given: tuple[Any, ...], work: list[Any]) -> None:
        one_thread_each()
        self._work, self._call, self._error = work, None, None
        try:
            self._call = worker(*given)
        except AlError as error:
            self._error = error

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        results = numpy.empty(len(batch["number"]), dtype=object)
        for row, number in enumerate(batch["number"].tolist()):
            results[row] = self._run(self._work[number])
        return {"number": batch["number"], "result": results}

    def _run(self, item: Any) -> tuple[AlError | None, Any]:
        if self._call is None:
            return self._error, None
        try:
            return None, self._call(item)
        except AlError as error:
            return error, None


@contextmanager
def connected(workers: int) -> Iterator[None]:
    """A cluster to work on; one that was started for this is stopped at the end."""
    ray = import_ray()
    if ray.is_initialized():
        yield
        return
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if ADDRESS not in os.environ:
        # one more for what Ray Data does beside
        how |= {"num_cpus": workers + 1, "include_dashboard": False}
    try:
        _answers(os.environ.get(ADDRESS, ""))
        ray.init(**how)
    except Exception as error:
        # what it raises where no cluster answers is of many kinds
        raise AlError(Errors.AL394.format(why=error)) from error
    try:
        yield
    finally:
        ray.shutdown()


def _answers(address: str) -> None:
    """Whether a cluster answers, as HOST:PORT: Ray itself waits for minutes. RAISES (OSError): None does."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), SECONDS).close()


def import_ray() -> Any:
    """The package. RAISES (AlError): AL393 if it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray.data
    except ImportError as error:
        raise AlError(Errors.AL393) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray
