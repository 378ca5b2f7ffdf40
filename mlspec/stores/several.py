"""Several requests at once, few enough to bound what is held in memory; the first that fails ends them all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

AT_ONCE = 4
_T = TypeVar("_T")


@contextmanager
def several() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Give a way to do things at once; it waits while all hands are full. At the end all is done, or one failed."""
    pool, running = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send"), deque[Future[None]]()

    def submit(deed: Callable[[], None]) -> None:
        if len(running) == AT_ONCE:
            running.popleft().result()
        running.append(pool.submit(deed))

    try:
        yield submit
        while running:
            running.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_order(fetch: Callable[[str], _T], names: Iterable[str]) -> Iterator[_T]:
    """Yield what `fetch` returns of each name in order, the next few being fetched meanwhile."""
    pool, coming = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch"), deque[Future[_T]]()
    try:
        for name in names:
            if len(coming) == AT_ONCE:
                yield coming.popleft().result()
            coming.append(pool.submit(fetch, name))
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
