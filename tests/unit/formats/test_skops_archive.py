"""Rewriting a skops archive: equal content gives equal bytes, and nothing is lost."""

from __future__ import annotations

import io
import json
import time
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from mlspec.formats.skops_archive import rewrite


def archive(schema: Any, members: dict[str, bytes], **how: Any) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", **how) as made:
        for name, content in members.items():
            made.writestr(name, content)
        made.writestr("schema.json", json.dumps(schema))
    return buffer.getvalue()


def rewritten(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as source, ZipFile(buffer, "w") as target:
        rewrite(source, target)
    return buffer.getvalue()


def test_addresses_names_order_and_compression_do_not_matter() -> None:
    one = archive(
        {"a": {"__id__": 977, "file": "977.npy"}, "b": [{"__id__": 12, "file": "x-y.bin"}, {"__id__": 977}]},
        {"977.npy": b"array", "x-y.bin": b"bytes"},
    )
    other = archive(
        {"a": {"__id__": 3, "file": "3.npy"}, "b": [{"__id__": 500, "file": "zz.bin"}, {"__id__": 3}]},
        {"zz.bin": b"bytes", "3.npy": b"array"},
        compression=ZIP_DEFLATED,
    )
    assert one != other
    assert rewritten(one) == rewritten(other)
    with ZipFile(io.BytesIO(rewritten(one))) as made:
        schema = json.loads(made.read("schema.json"))
        assert schema["b"][1] == {"__id__": schema["a"]["__id__"]}
        assert schema["a"]["__id__"] != schema["b"][0]["__id__"]
        assert made.read(schema["a"]["file"]) == b"array"
        assert made.read(schema["b"][0]["file"]) == b"bytes"


def test_different_content_gives_different_bytes() -> None:
    schema = {"__id__": 1, "file": "1.npy"}
    assert rewritten(archive(schema, {"1.npy": b"a"})) != rewritten(archive(schema, {"1.npy": b"b"}))
    assert rewritten(archive({"x": 1}, {})) != rewritten(archive({"x": 2}, {}))


def test_a_member_that_two_nodes_share_stays_shared() -> None:
    schema = [{"__id__": 1, "file": "1.npy"}, {"__id__": 1, "file": "1.npy"}]
    with ZipFile(io.BytesIO(rewritten(archive(schema, {"1.npy": b"a"})))) as made:
        assert sorted(made.namelist()) == ["000000.npy", "schema.json"]


def test_text_that_merely_looks_like_a_name_is_kept() -> None:
    with ZipFile(io.BytesIO(rewritten(archive({"file": "/etc/passwd", "__id__": "text"}, {})))) as made:
        assert json.loads(made.read("schema.json")) == {"file": "/etc/passwd", "__id__": "text"}


def test_no_time_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive({"__id__": 5}, {})
    before = rewritten(content)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 1e6)
    assert rewritten(content) == before
