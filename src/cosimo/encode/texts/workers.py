"""Workers: pieces of work done side by side, their results in the order of the pieces, and few of them waiting."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def ahead(work: Callable[[Piece], Result], pieces: Iterable[Piece], *, workers: int = 1) -> Iterator[Result]:
    """`work` of each piece, in order; threads work on the next ones while the caller uses the last.

    workers
        Threads; twice as many pieces are taken before the first result must be used.

    >>> list(ahead(abs, [-2, 1, -3], workers=2))
    [2, 1, 3]
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Result]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) == 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # also when the caller stops half-way
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
