"""A pseudo-terminal of a size, and what a person sees on it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from mlspec.render.text import cells

_SEEN = re.compile(r"\x1b\[(\d*)A|\x1b\[[\d;]*m|(\x1b\[J)|(\r?\n)|(\r)|([^\x1b\r\n]+)")


class Terminal:
    """A terminal whose output is kept as it comes."""

    def __init__(self, columns: int, rows: int = 24) -> None:
        self.columns = columns
        self._master, self.fd = pty.openpty()
        termios.tcsetwinsize(self.fd, (rows, columns))
        self._bytes = b""
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Terminal:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)
        self._reader.join(10)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                got = os.read(self._master, 65536)
            except OSError:
                return
            if not got:
                return
            self._bytes += got

    @property
    def text(self) -> str:
        """Return all that was written, as UTF-8; to be asked for when the terminal was left."""
        return self._bytes.decode()

    def rows(self) -> list[str]:
        """Return the rows that are seen, those longer than the terminal as one; of what was drawn over the last."""
        rows, at = [""], 0  # of the terminal: one that goes on from the row above begins with \0
        for up, erase, down, back, text in _SEEN.findall(self.text):
            if up:
                at -= int(up)
            elif erase:
                rows[at:] = [""]
            elif down:
                at += 1
                rows += [""] * (at == len(rows))
            elif text and not back:
                for sign in text:
                    if cells(rows[at]) - rows[at].count("\0") + cells(sign) > self.columns:
                        at += 1
                        rows[at:] = ["\0"]
                    rows[at] += sign
        return "\n".join(rows).replace("\n\0", "").split("\n")


def shown(command: Sequence[str], folder: Path, env: dict[str, str], columns: int) -> Terminal:
    """Run a program on a terminal, and return the terminal it left."""
    with Terminal(columns) as terminal:
        fd = terminal.fd
        subprocess.run(command, cwd=folder, env=env, stdin=fd, stdout=fd, stderr=fd, check=False, timeout=60)
    return terminal


def overflowing(rows: Sequence[str], columns: int) -> list[str]:
    """Return the rows wider than a terminal, but for those of one word, which no row holds."""
    return [row for row in rows if cells(row.rstrip()) > columns and " " in row.strip()]
