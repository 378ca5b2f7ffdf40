"""A log of bounded size: the first and the last bytes of a stream, with a line that says how much lies between."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import TracebackType

KEEP = 1 << 20


class CappedLog:
    """Writes the first `keep` bytes as they come, holds the last `keep` in memory, and writes those on close."""

    def __init__(self, path: Path, keep: int = KEEP) -> None:
        """Open a new, empty log."""
        self._file = path.open("wb", buffering=0)
        self._keep = keep
        self._written = 0
        self._tail: deque[bytes] = deque()
        self._held = 0
        self._dropped = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes of the stream.

        Raises:
            OSError: the disk is full, for one.
        """
        room = self._keep - self._written
        if room > 0:
            self._file.write(chunk[:room])
            self._written += len(chunk[:room])
            chunk = chunk[room:]
        if chunk:
            self._hold(chunk)

    def _hold(self, chunk: bytes) -> None:
        self._tail.append(chunk)
        self._held += len(chunk)
        while self._held - len(self._tail[0]) >= self._keep:
            gone = self._tail.popleft()
            self._held -= len(gone)
            self._dropped += len(gone)

    def close(self) -> None:
        """Write the end of the stream, cut to size, and close the file."""
        with self._file:
            end = b"".join(self._tail)
            excess = max(0, len(end) - self._keep)
            if self._dropped + excess:
                self._file.write(b"\n... %d bytes left out ...\n" % (self._dropped + excess))
            self._file.write(end[excess:])
        self._tail.clear()

    def __enter__(self) -> CappedLog:
        """Return the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the log."""
        self.close()
