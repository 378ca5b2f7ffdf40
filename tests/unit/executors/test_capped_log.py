"""A log keeps both ends of a stream, and says exactly how much it left out."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mlspec.executors.capped_log import CappedLog


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=30), st.integers(1, 50))
def test_both_ends_are_kept_and_the_rest_is_counted(chunks: list[bytes], keep: int) -> None:
    stream = b"".join(chunks)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with CappedLog(path, keep) as log:
            for chunk in chunks:
                log.write(chunk)
        written = path.read_bytes()
    if len(stream) <= 2 * keep:
        assert written == stream
        return
    said = b"\n... %d bytes left out ...\n" % (len(stream) - 2 * keep)
    assert written == stream[:keep] + said + stream[-keep:]


def test_memory_held_is_bounded(tmp_path: Path) -> None:
    with CappedLog(tmp_path / "log", keep=1000) as log:
        for _ in range(10_000):
            log.write(b"x" * 100)
    written = (tmp_path / "log").read_bytes()
    assert re.search(rb"\.\.\. 998000 bytes left out \.\.\.", written)
    assert len(written) < 2100
