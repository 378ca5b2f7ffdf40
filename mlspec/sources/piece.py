"""A source as pieces, each a file or a stretch of one, opened as the bytes and the text they hold once unpacked."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from mlspec.core.problem import MlspecError, fail

BLOCK = 1 << 22
MOST_LINE = 1 << 26
"""Characters of one line; a longer one is refused before it fills the memory."""
BOMB_BYTES = 1 << 30
"""A compressed file may unpack to this much, whatever its own size."""
BOMB_RATIO = 250
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_UTF_16, _ZIP = (b"\xff\xfe", b"\xfe\xff"), b"PK\x03\x04"
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a local file from an offset on, under the name that the user knows."""

    path: Path
    name: str
    size: int
    offset: int = 0

    @classmethod
    def whole(cls, path: Path, name: str) -> Piece:
        """Return all of a file."""
        return cls(path, name, path.stat().st_size)

    @property
    def unpacked(self) -> int:
        """Return about how many bytes it holds when unpacked, at most; parquet and packed text as much as ten times."""
        with open_bytes(self) as handle:
            packed = handle.peek(4).startswith((_GZIP, _ZSTD, b"PAR1"))
        return self.size * 10 if packed else self.size


def open_bytes(piece: Piece) -> io.BufferedReader[Any]:
    """Open a piece as the bytes in it, not unpacked.

    Raises:
        MlspecError: `data/lfs-pointer`, where it is a Git LFS pointer.
    """
    window = io.BufferedReader(_Window(piece), BLOCK)
    if window.peek(len(_POINTER)).startswith(_POINTER):
        window.close()
        raise fail("data/lfs-pointer", f"{piece.name} is a Git LFS pointer, not the data", help="run: git lfs pull")
    return window


def open_text(piece: Piece) -> io.TextIOWrapper:
    """Open a piece as text in UTF-8, unpacked if it is gzip or zstd; a byte order mark is passed over.

    Raises (also while reading):
        MlspecError: `data/nul`, `data/encoding`, `data/zip`, `data/damaged`, `data/bomb`, `data/lfs-pointer`.
    """
    text = _Text(_unpacked(open_bytes(piece), piece), piece.name)
    return io.TextIOWrapper(io.BufferedReader(text, BLOCK), encoding="utf-8-sig", newline="")


def lines(text: IO[str], name: str) -> Iterator[str]:
    """Yield lines with their ends; one that is too long is refused before it fills the memory.

    Raises:
        MlspecError: `data/line`.
    """
    number = 0
    while line := text.readline(MOST_LINE):
        number += 1
        if len(line) == MOST_LINE:
            raise fail("data/line", f"{name}: line {number} has more than {MOST_LINE:,} characters")
        yield line


def refuse_bomb(piece: Piece, unpacked: int) -> None:
    """Refuse a piece that has unpacked to so many bytes, where that is out of all proportion to it.

    Raises:
        MlspecError: `data/bomb`.
    """
    most = max(BOMB_BYTES, piece.size * BOMB_RATIO)
    if unpacked > most:
        message = f"{piece.name} unpacks to more than {most:,} bytes, from {piece.size:,}"
        raise fail("data/bomb", message, help="unpack it yourself if you trust it")


class _Window(io.RawIOBase):
    """The stretch of a file that is a piece, as a file of its own."""

    def __init__(self, piece: Piece) -> None:
        self._file = piece.path.open("rb", buffering=0)
        self._start, self._size, self._at = piece.offset, piece.size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = max(0, min(len(buffer), self._size - self._at))
        count = os.preadv(self._file.fileno(), [memoryview(buffer)[:wanted]], self._start + self._at)
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _unpacked(packed: io.BufferedReader[Any], piece: Piece) -> io.RawIOBase:
    start = packed.peek(len(_ZSTD))
    if start.startswith(_GZIP):
        return _Unpacked(gzip.GzipFile(fileobj=packed), piece, "gzip")
    if start.startswith(_ZSTD):
        return _Unpacked(pa.CompressedInputStream(pa.PythonFile(packed, "r"), "zstd"), piece, "zstd")
    return cast(io.RawIOBase, packed)


class _Unpacked(io.RawIOBase):
    """What compressed bytes hold, as long as it stays in proportion to them."""

    def __init__(self, stream: Any, piece: Piece, how: str) -> None:
        self._stream, self._piece, self._how = stream, piece, how
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            block = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
            message = f"{self._piece.name} cannot be unpacked as {self._how}"
            raise fail("data/damaged", message, help="is it truncated?") from error
        self._count += len(block)
        refuse_bomb(self._piece, self._count)
        buffer[: len(block)] = block
        return len(block)


class _Text(io.RawIOBase):
    """Bytes that are text: what no text holds is refused before anything is parsed."""

    def __init__(self, stream: io.RawIOBase, name: str) -> None:
        self._stream, self._name, self._rows = stream, name, 1
        self._begun = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: min(len(buffer), BLOCK)]
        count = self._stream.readinto(view) or 0
        self._look(bytes(view[:count]))
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _look(self, block: bytes) -> None:
        if not self._begun:
            _refuse_known(block, self._name)
            self._begun = True
        if b"\0" in block:
            row = self._rows + block.count(b"\n", 0, block.index(b"\0"))
            raise fail("data/nul", f"{self._name}: line {row} holds a NUL byte, which no text does")
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise _not_utf8(error, self._rows, self._name) from None
        self._rows += block.count(b"\n")


def _refuse_known(start: bytes, name: str) -> None:
    """Refuse what its first bytes tell to be something else than text in UTF-8."""
    if start.startswith(_UTF_16):
        raise fail("data/encoding", f"{name} is UTF-16, and must be UTF-8", help="save it as UTF-8")
    if start.startswith(_ZIP):
        message = f"{name} is no text but a zip archive, as an Excel workbook (.xlsx) is one"
        raise fail("data/zip", message, help="unpack it, or save the sheet as CSV in UTF-8")


def _not_utf8(error: UnicodeDecodeError, rows: int, name: str) -> MlspecError:
    line = rows + error.object.count(b"\n", 0, error.start)
    message = f"{name}: line {line} is not UTF-8"
    if "unexpected end" in error.reason:
        return fail("data/encoding", f"{message}: it ends inside a character", help="is the file truncated?")
    return fail("data/encoding", message, help="save it as UTF-8")
