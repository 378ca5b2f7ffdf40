"""Keys of a bucket: there and back, an index as it was written, and nothing read into what is not ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core import digest
from mlspec.stores import keys

BYTES = digest.of_bytes(b"hello")
NAME = BYTES.removeprefix("sha256:")


@given(st.binary(max_size=9))
def test_there_and_back(content: bytes) -> None:
    name = digest.of_bytes(content)
    assert keys.object_at(keys.of_object(name)) == name
    assert keys.large_at(keys.of_index(name)) == name
    assert keys.large_at(f"{keys.of_large(name)}/{keys.part(3, content)}") == name
    assert keys.note_at(keys.of_note("run/a-1")) == "run/a-1"


def test_where_things_lie() -> None:
    """Buckets hold objects by these keys: they never change."""
    assert keys.of_object(BYTES) == f"sha256/{NAME[:2]}/{NAME[2:]}"
    assert keys.of_index(BYTES) == f"parts/{NAME[:2]}/{NAME[2:]}/index"
    assert keys.of_note("run/a") == "notes/run/a"
    assert keys.part(7, b"hello") == f"000007.{NAME}"
    assert keys.index(5, ["a"]) == b'{\n"format": "mlspec.parts/1",\n"size": 5,\n"parts": [\n"a"\n]\n}'


@pytest.mark.parametrize("key", ["sha256/ab", f"sha256/{NAME[:2]}/{NAME[2:]}.tmp", "sha256/ab/cd/ef", "README"])
def test_what_is_no_object_is_none(key: str) -> None:
    assert keys.object_at(key) is None
    assert keys.large_at(key) is None
    assert keys.note_at(key) is None


@given(st.integers(1, 2**40), st.lists(st.binary(max_size=3), min_size=1, max_size=5))
def test_an_index_says_what_was_written(size: int, blocks: list[bytes]) -> None:
    parts = [keys.part(number, block) for number, block in enumerate(blocks)]
    assert keys.listed(keys.index(size, parts)) == (size, parts)


PART = keys.part(0, b"")


@pytest.mark.parametrize(
    "index",
    [
        {"format": "mlspec.parts/2", "size": 1, "parts": [PART]},
        {"format": "mlspec.parts/1", "size": "much", "parts": [PART]},
        {"format": "mlspec.parts/1", "size": 1, "parts": []},
        {"format": "mlspec.parts/1", "size": 1, "parts": ["../../other"]},
        {"format": "mlspec.parts/1", "size": 1, "parts": [3]},
        {"size": 1},
        [],
        None,
    ],
)
def test_what_is_no_index_is_none(index: object) -> None:
    assert keys.listed(json.dumps(index).encode()) is None
    assert keys.listed(b"not json") is None
