"""Processes that outlive a call, never their parent: each with one thread for sums, since together they fill the cores."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from spacy_al.processes.codecs import look_for_codecs_once
from spacy_al.processes.corpora import read_dev_once
from spacy_al.processes.factories import import_factories_late
from spacy_al.processes.listeners import tell_batches_fast


@contextmanager
def processes(
    n: int, set_up: Callable[..., None] | None = None, *given: Any
) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that were not forked, so they have none of this one's threads and locks to trip over.

    n (int): How many.
    set_up (Callable | None): Called once in each with `given`, before its first work. Both travel, so it is importable.
    YIELDS (ProcessPoolExecutor): Where the block ends by an exception nobody waits for what is under way.
    """
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n, context, _begin, (set_up, given))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False)
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown()


def _begin(set_up: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    # Ctrl-C reaches every process: this one has nothing to say about it
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, daemon=True).start()
    one_thread_each()
    if set_up is not None:
        set_up(*given)


def one_thread_each() -> None:
    """Make a process that others stand beside, each on a core, work as fast as it can; it changes settings of spaCy's and srsly's."""
    # what is loaded already, and what is loaded later
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    look_for_codecs_once()
    import_factories_late()
    read_dev_once()
    tell_batches_fast()


def _follow_parent() -> None:
    """End with the parent, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
