"""Writing while the disk takes what was written: all bytes in order, and what the disk refuses is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlspec.io import drain
from mlspec.io.drain import Drain


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_DRAIN_BYTES", 1000)


def test_all_bytes_arrive_in_order(tmp_path: Path) -> None:
    content = os.urandom(50_123)
    with (tmp_path / "out").open("wb", buffering=0) as target, Drain(target.fileno()) as out:
        for start in range(0, len(content), 700):
            out.write(memoryview(content)[start : start + 700])
    assert (tmp_path / "out").read_bytes() == content


def test_what_the_disk_refuses_last_is_raised_on_leaving() -> None:
    """The system tells a failed sync once: swallowed here, a later one would pass. A pipe refuses every sync."""
    reader, writer = os.pipe()
    try:
        with pytest.raises(OSError), Drain(writer) as out:
            out.write(memoryview(bytes(2000)))
        with pytest.raises(ValueError, match="first"), Drain(writer) as out:
            out.write(memoryview(bytes(2000)))
            raise ValueError("first")
    finally:
        os.close(reader)
        os.close(writer)
