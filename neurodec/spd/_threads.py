"""Chunks of matrices over a thread pool, with one BLAS thread in each."""

import contextlib
import functools
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

# Handing a chunk to a thread costs about 0.1 ms: less work than this stays in place.
_WORTH_A_THREAD = 2_000_000
_here = threading.local()


def n_threads():
    """How many chunks may run at once here.

    One in a worker process or in a thread that is not the main one: its caller already
    spreads work over the cores.
    """
    if multiprocessing.parent_process() is not None:
        return 1
    if threading.current_thread() is not threading.main_thread():
        return 1
    return getattr(_here, "limit", None) or len(os.sched_getaffinity(0))


@contextlib.contextmanager
def limit_threads(number):
    """Run the functions of this room on at most ``number`` cores.

    Examples
    --------
    >>> with limit_threads(1):
    ...     n_threads()
    1
    """
    before = getattr(_here, "limit", None)
    _here.limit = number
    try:
        yield
    finally:
        _here.limit = before


def split(n_items, work):
    """Slices of ``n_items`` for the threads at hand.

    Parameters
    ----------
    n_items : int
    work : int
        About how many floating-point operations one item takes.
    """
    n_chunks = min(n_threads(), n_items, int(n_items * work // _WORTH_A_THREAD))
    edges = np.linspace(0, n_items, max(1, n_chunks) + 1).astype(int)
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]


def run(function, chunks):
    """``[function(chunk) for chunk in chunks]``, at once where there are several."""
    chunks = list(chunks)
    with _blas().limit(limits=1, user_api="blas"):
        if len(chunks) < 2:
            return [function(chunk) for chunk in chunks]
        # The last chunk runs here: one thread fewer to wake.
        others = [_pool().submit(function, chunk) for chunk in chunks[:-1]]
        last = function(chunks[-1])
        return [*(future.result() for future in others), last]


@functools.cache
def _blas():
    # Looking up the loaded libraries takes milliseconds, setting a limit does not.
    return ThreadpoolController()


@functools.cache
def _pool():
    return ThreadPoolExecutor(max(1, len(os.sched_getaffinity(0)) - 1), "neurodec-spd")


# A forked child has the pool but not its threads.
os.register_at_fork(after_in_child=_pool.cache_clear)
