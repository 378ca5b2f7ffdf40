"""JSON Lines, and files packed with gzip or zstd: the same tables, the same errors, with file and line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from mlspec.core.problem import MlspecError, Problem
from mlspec.sources import jsonl_table, piece
from mlspec.sources.file import read
from mlspec.sources.reading import Reading
from mlspec.specs.dataset import Dataset
from tests.tables import declare

COLUMNS = ("id:integer:id", "word:string", "x:number", "ok:boolean", "day:date")
CSV = "id,word,x,ok,day\n1,ü,0.5,true,2026-01-01\n9007199254740993,,1e3,,\n"
JSONL = """{"id": 1, "word": "ü", "x": 0.5, "ok": true, "day": "2026-01-01"}
{"x": 1000, "id": 9007199254740993, "word": null}
"""
OBJECT = 'write one object a line: {"name": value, …}'
GZIP, ZSTD = (f"data/d.jsonl cannot be unpacked as {how}" for how in ("gzip", "zstd"))
CUT = "is it truncated?"
HALF = "half of a surrogate pair, which is no character"
LINES = declare(*COLUMNS, source="data/d.jsonl")


def reading(path: Path, content: bytes, dataset: Dataset = LINES) -> Reading:
    path.write_bytes(content)
    return read(path, dataset)


def refused(path: Path, content: bytes, dataset: Dataset = LINES) -> Problem:
    with pytest.raises(MlspecError) as failed:
        reading(path, content, dataset)
    (problem,) = failed.value.problems
    return problem


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("text", [JSONL, JSONL.strip(), "\ufeff" + JSONL, JSONL.replace("\n", "\r\n\r\n")])
def test_equal_to_the_same_table_as_csv(tmp_path: Path, pack: Any, text: str) -> None:
    csv = reading(tmp_path / "csv", pack(CSV.encode()), declare(*COLUMNS, source="data/d.csv.gz"))
    lines = reading(tmp_path / "jsonl", pack(text.encode()), declare(*COLUMNS, source="data/d.ndjson.zst"))
    assert csv.violations == lines.violations == ()
    pd.testing.assert_frame_equal(csv.frame, lines.frame)


def test_types_are_those_of_json(tmp_path: Path) -> None:
    bad = {"id": "1", "word": 3, "x": "0.5", "ok": 1, "day": 20260101}
    good = {"id": 2.0, "word": "", "x": 1, "ok": False, "day": "2026-01-01"}
    read_table = reading(tmp_path / "d", "\n".join(map(json.dumps, [good, bad, {**good, "word": ["a"]}])).encode())
    assert [(one.column, one.rows, one.message.partition(": ")[2]) for one in read_table.violations] == [
        ("id", (2,), "1 value is not an integer"),
        ("word", (2, 3), "2 values are not text, as '3'"),
        ("x", (2,), "1 value is not a number, as '0.5'"),
        ("ok", (2,), "1 value is not true or false, as '1'"),
        ("day", (2,), "1 value is not a date (2026-11-23), as '20260101'"),
    ]
    assert read_table.frame["word"][0] == ""
    assert read_table.frame["id"][0] == 2


def test_keys_are_columns(tmp_path: Path) -> None:
    found = reading(tmp_path / "d", b'{"id": 1, "word": "a", "y": 1}\n{"id": 2, "z": {}}\n').violations
    assert [(one.rule, one.column or one.message[:54]) for one in found] == [
        ("columns/missing", "x"),
        ("columns/missing", "ok"),
        ("columns/missing", "day"),
        ("columns/extra", "columns that the schema does not name: `y`, `z` (declar"[:54]),
    ]


def test_words_for_missing(tmp_path: Path) -> None:
    dataset = declare("x:number", source={"path": "data/d.jsonl", "missing": ["?"]})
    assert reading(tmp_path / "d", b'{"x": "?"}\n{"x": 1}\n', dataset).frame["x"].tolist()[1:] == [1.0]


def test_a_table_longer_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_table, "_CHUNK", 3)
    lines = [json.dumps({"x": n if n != 8 else "eight"}) for n in range(10)]
    read_table = reading(tmp_path / "d", "\n".join(lines).encode(), declare("x:number", source="data/d.jsonl"))
    assert read_table.frame["x"].tolist()[:8] == list(range(8))
    assert [one.rows for one in read_table.violations] == [(9,)]


@pytest.mark.parametrize(
    ("content", "code", "message", "hint"),
    [
        (b"", "data/empty", "dataset `d` has no rows: data/d.jsonl is empty", None),
        (b"\n\n", "data/empty", "dataset `d` has no rows: data/d.jsonl is empty", None),
        (b'{"id": 1}\n{"id": }\n', "data/jsonl", "data/d.jsonl: line 2, column 8: Expecting value", None),
        (b'{"id": 1}\n[1]\n', "data/jsonl", "data/d.jsonl: line 2 is no JSON object", OBJECT),
        (b'{"id": 1, "id": 2}', "data/jsonl", "data/d.jsonl: line 1 has the key `id` twice", None),
        (b'{"x": NaN}', "data/jsonl", "data/d.jsonl: line 1: NaN is no value of JSON", None),
        (b'{"x": ' + b"9" * 5000 + b"}", "data/jsonl", "data/d.jsonl: line 1: a number has too many digits", None),
        (b'{"x": ' + b"[" * 100_000, "data/jsonl", "data/d.jsonl: line 1: it is nested too deep", None),
        (b'{"id": 1}\n{"word": "a\\ud83d"}', "data/jsonl", f"data/d.jsonl: line 2: \\ud83d is {HALF}", None),
        (b'{"\\uDC00": 1}', "data/jsonl", f"data/d.jsonl: line 1: \\udc00 is {HALF}", None),
        (
            b'[\n {"id": 1}\n]\n',
            "data/jsonl",
            "data/d.jsonl: line 1, column 1: Expecting value",
            "is it one JSON document over several lines? write one object a line",
        ),
        (b'{"id": 1}\n{"id": "\0"}', "data/nul", "data/d.jsonl: line 2 holds a NUL byte, which no text does", None),
        (b'{"id": 1}\n{"word": "\xff"}', "data/encoding", "data/d.jsonl: line 2 is not UTF-8", "save it as UTF-8"),
        (gzip.compress(JSONL.encode() * 99, mtime=0)[:-30], "data/damaged", GZIP, CUT),
        (zstd(JSONL.encode() * 9)[:-10], "data/damaged", ZSTD, CUT),
        (b"\x1f\x8bnonsense", "data/damaged", GZIP, CUT),
        (gzip.compress(b"", mtime=0), "data/empty", "dataset `d` has no rows: data/d.jsonl is empty", None),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, content: bytes, code: str, message: str, hint: str | None) -> None:
    problem = refused(tmp_path / "d", content)
    assert (problem.code, problem.message, problem.help) == (code, message, hint)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_bomb_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
    monkeypatch.setattr(piece, "BOMB_BYTES", 1 << 20)
    monkeypatch.setattr(piece, "BLOCK", 1 << 16)
    monkeypatch.setattr(piece, "BOMB_RATIO", 10)
    problem = refused(tmp_path / "d", pack(b'{"id": 1}\n' * 150_000))
    assert problem.code == "data/bomb"
    assert "unpacks to more than" in problem.message


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece, "MOST_LINE", 1000)
    for dataset in (LINES, declare(*COLUMNS)):
        assert refused(tmp_path / "d", b"id,word,x,ok,day\n" + b" " * 2000, dataset).code in ("data/line", "data/jsonl")
    told = refused(tmp_path / "d", b'{"id": 1}\n' + b" " * 2000).message
    assert told.endswith("line 2 has more than 1,000 characters")
