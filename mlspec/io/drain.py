"""Writing large files: the disk takes what is written while the rest is still coming."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor

_DRAIN_BYTES = 64 << 20


class Drain:
    """Writes to a file, and has the disk take what is written meanwhile.

    Left to the end, a large file would be held up by the system's limit of bytes that wait for the disk. What the disk
    refuses is raised by the next `write`, or on leaving: the system tells it once, and no later sync would.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._waiting = descriptor, 0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="drain")
        self._taken: Future[None] | None = None

    def __enter__(self) -> Drain:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown()
        if kind is None and self._taken is not None:
            self._taken.result()

    def write(self, block: memoryview) -> None:
        """Write all of a block.

        Raises:
            OSError: the disk refuses it, or what came before it.
        """
        write_all(self._descriptor, block)
        self._waiting += len(block)
        if self._waiting >= _DRAIN_BYTES and (self._taken is None or self._taken.done()):
            if self._taken is not None:
                self._taken.result()
            self._taken = self._pool.submit(os.fdatasync, self._descriptor)
            self._waiting = 0


def write_all(descriptor: int, block: memoryview) -> None:
    """Write all of a block, in as many calls as that takes."""
    while block:
        block = block[os.write(descriptor, block) :]
