"""Parquet files: their own types held against the declared ones, and one clear message for what is no table."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlspec.core.problem import MlspecError
from mlspec.core.verdict import Violation
from mlspec.sources import parquet_file, piece, sample
from mlspec.sources.file import read, scan
from mlspec.sources.piece import Piece
from mlspec.sources.reading import Reading
from mlspec.specs.dataset import Dataset
from tests.tables import declare

ALL_TYPES = declare("i:integer", "n:number", "s:string", "b:boolean", source="data/d.parquet")


def reading(path: Path, columns: dict[str, Any] | pa.Table, dataset: Dataset = ALL_TYPES) -> Reading:
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), path)
    return read(path, dataset)


def one(path: Path, kind: str, values: pa.Array) -> tuple[list[Any], str, list[Violation]]:
    """Read one column; return its values with None for missing, its pandas type, and what it breaks."""
    read_table = reading(path, {"c": values}, declare(f"c:{kind}", source="data/d.parquet"))
    column = read_table.frame["c"]
    plain = [None if pd.isna(value) else value for value in column.tolist()]
    return plain, str(column.dtype), list(read_table.violations)


def test_equal_to_the_same_table_as_csv(tmp_path: Path) -> None:
    columns = {"i": [1, None], "n": [0.5, None], "s": ["ü", None], "b": [True, None], "z": [0, 0]}
    dataset = declare(
        "i:integer", "n:number", "s:string", "b:boolean", source="data/d.parquet", checks={"extra_columns": "ignore"}
    )
    from_parquet = reading(tmp_path / "d.parquet", columns, dataset)
    csv = tmp_path / "d.csv"
    csv.write_text("z,b,i,n,s\n0,true,1,0.5,ü\n0,,,,\n")
    from_csv = read(csv, dataset.model_copy(update={"source": declare("i:integer").source}))
    assert from_parquet.violations == from_csv.violations == ()
    pd.testing.assert_frame_equal(from_parquet.frame, from_csv.frame)


@pytest.mark.parametrize(
    ("kind", "values", "expected", "dtype"),
    [
        ("integer", pa.array([1, 2], pa.int8()), [1, 2], "int64"),
        ("integer", pa.array([1, None], pa.uint64()), [1, None], "float64"),
        ("integer", pa.array([2**53 + 1, None]), [2**53 + 1, None], "Int64"),
        ("integer", pa.array([1.0, float("nan"), None]), [1, None, None], "float64"),
        ("integer", pa.array([Decimal("3.00")]), [3], "int64"),
        ("integer", pa.nulls(2), [None, None], "object"),
        ("number", pa.array([1, 2]), [1.0, 2.0], "float64"),
        ("number", pa.array([0.5, float("nan")], pa.float32()), [0.5, None], "float64"),
        ("number", pa.array([Decimal("0.1")]), [0.1], "float64"),
        ("string", pa.array(["a", None]).dictionary_encode(), ["a", None], "object"),
        ("string", pa.array(["a", "", None], pa.large_string()), ["a", "", None], "object"),
        ("boolean", pa.array([True, None]), [True, None], "object"),
    ],
    ids=str,
)
def test_types_that_fit(tmp_path: Path, kind: str, values: pa.Array, expected: list[Any], dtype: str) -> None:
    assert one(tmp_path / "d.parquet", kind, values) == (expected, dtype, [])


@pytest.mark.parametrize(
    ("kind", "values", "rows", "message"),
    [
        ("integer", pa.array(["1"]), (), "column `c` is string in the file, and integer in the schema"),
        ("integer", pa.array([True]), (), "column `c` is bool in the file, and integer in the schema"),
        ("string", pa.array([b"a"]), (), "column `c` is binary in the file, and string in the schema"),
        ("string", pa.array([1]), (), "column `c` is int64 in the file, and string in the schema"),
        ("boolean", pa.array([1]), (), "column `c` is int64 in the file, and boolean in the schema"),
        ("number", pa.array([["x"]]), (), "column `c` is list<element: string> in the file, and number in the schema"),
        ("integer", pa.array([1.0, 1.5, None, 2.5]), (2, 4), "column `c`: 2 values are no integer of 64 bits"),
        ("integer", pa.array([1, 2**64 - 1], pa.uint64()), (2,), "column `c`: 1 value is no integer of 64 bits"),
        ("integer", pa.array([1.0, float("inf"), 1e300]), (2, 3), "column `c`: 2 values are no integer of 64 bits"),
        ("integer", pa.array([Decimal("1.5")]), (1,), "column `c`: 1 value is no integer of 64 bits"),
        ("number", pa.array([1.0, float("-inf"), None]), (2,), "column `c`: 1 value is no finite number"),
    ],
    ids=[
        *("text for integer", "truth for integer", "bytes for text", "integer for text", "integer for truth", "lists"),
        *("fractions", "beyond 64 bits", "infinite integers", "decimal fraction", "infinite numbers"),
    ],
)
def test_types_that_do_not(tmp_path: Path, kind: str, values: pa.Array, rows: tuple[int, ...], message: str) -> None:
    _, _, (violation,) = one(tmp_path / "d.parquet", kind, values)
    assert (violation.rule, violation.column) == ("type", "c")
    assert (violation.rows, violation.message) == (rows, message)
    assert violation.count == (len(rows) or len(values))


def refused(path: Path, dataset: Dataset = ALL_TYPES) -> tuple[str, str, str | None]:
    with pytest.raises(MlspecError) as failed:
        read(path, dataset)
    (problem,) = failed.value.problems
    return problem.code, problem.message, problem.help


@pytest.mark.parametrize("kept", [-20, -4, 0.5, 3], ids=["no footer", "no magic", "half", "three bytes"])
def test_truncated(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "d.parquet"
    reading(path, {"i": [1], "n": [0.5], "s": ["a"], "b": [True]})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    code, message, hint = refused(path)
    assert code == "data/parquet"
    assert message.startswith("data/d.parquet cannot be read as parquet: ")
    assert str(tmp_path) not in message
    assert hint == "is it truncated, or another format?"


def test_damaged_inside(tmp_path: Path) -> None:
    """The footer is whole, the pages are not."""
    path = tmp_path / "d.parquet"
    columns = {"i": list(range(1000)), "n": [0.5] * 1000, "s": ["a"] * 1000, "b": [True] * 1000}
    reading(path, columns)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    assert refused(path)[0] == "data/parquet"


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    raw = pa.array([b"a", b"\xff\xfe"]).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"c": raw}), tmp_path / "d.parquet")
    code, message, _ = refused(tmp_path / "d.parquet", declare("c:string", source="data/d.parquet"))
    assert (code, message) == ("data/encoding", "data/d.parquet: column `c` holds text that is not UTF-8")


def test_a_csv_named_parquet(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").write_text("i,n,s,b\n1,1,a,true\n")
    assert refused(tmp_path / "d.parquet")[0] == "data/parquet"


def test_no_rows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"i": pa.array([], pa.int64())}), tmp_path / "d.parquet")
    expected = ("data/empty", "dataset `d` has no rows: data/d.parquet is empty", None)
    assert refused(tmp_path / "d.parquet") == expected
    (tmp_path / "d.parquet").write_bytes(b"")
    assert refused(tmp_path / "d.parquet") == expected


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "MOST_BYTES", 1 << 20)
    pq.write_table(pa.table({"s": ["\0" * (2 << 20)] * 2}), tmp_path / "d.parquet", compression="zstd")
    assert (tmp_path / "d.parquet").stat().st_size < 10_000
    code, message, _ = refused(tmp_path / "d.parquet", declare("s:string", source="data/d.parquet"))
    assert code == "data/too-large"
    assert message.endswith("bytes when unpacked; the limit is 1,048,576")


def bomb(path: Path, rows: int, length: int, **how: Any) -> None:
    """Write a small file of two long texts, each again and again."""
    texts = ["x" * length, "x" * (length - 1) + "y"]
    kept = pa.DictionaryArray.from_arrays(pa.array([n % 2 for n in range(rows)], pa.int32()), texts)
    pq.write_table(pa.table({"s": kept.cast(pa.string()) if how else kept}), path, **how)


TEXT = declare("s:string", source="data/d.parquet")
NUMBER = declare("s:integer", source="data/d.parquet")
DELTA = {"use_dictionary": False, "column_encoding": {"s": "DELTA_BYTE_ARRAY"}}


@pytest.mark.parametrize("how", [{}, DELTA], ids=["dictionary", "delta"])
def test_long_texts_are_unpacked_a_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    monkeypatch.setattr(parquet_file, "MOST_TEXT", 10_000)
    bomb(tmp_path / "d.parquet", 101, 1000, **how)
    chunks = list(scan([Piece.whole(tmp_path / "d.parquet", "data/d.parquet")], TEXT).chunks)
    assert [len(chunk) for chunk in chunks] == [10] * 10 + [1]
    assert [text[-1] for chunk in chunks for text in chunk["s"]] == ["x", "y"] * 50 + ["x"]
    assert all(len(text) == 1000 for chunk in chunks for text in chunk["s"])
    assert len(set(map(id, chunks[0]["s"]))) == 2


def test_small_row_groups_are_read_together(tmp_path: Path) -> None:
    cells = pa.table({"s": [str(n) for n in range(100)]})
    pq.write_table(cells, tmp_path / "d.parquet", row_group_size=7)
    (chunk,) = scan([Piece.whole(tmp_path / "d.parquet", "data/d.parquet")], TEXT).chunks
    assert chunk["s"].tolist() == cells["s"].to_pylist()
    (chunk,) = scan([Piece.whole(tmp_path / "d.parquet", "data/d.parquet")], NUMBER).chunks
    assert len(chunk) == 100, "also where no column is read"


@pytest.mark.parametrize("how", [{}, DELTA], ids=["dictionary", "delta"])
def test_text_out_of_proportion_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    monkeypatch.setattr(piece, "BOMB_BYTES", 1 << 20)
    bomb(tmp_path / "d.parquet", 5000, 2000, **how)
    code, message, hint = refused(tmp_path / "d.parquet", TEXT)
    assert code == "data/bomb"
    assert message.startswith("data/d.parquet unpacks to more than ")
    assert hint == "unpack it yourself if you trust it"


def test_a_bomb_of_dictionaries_takes_little_memory(tmp_path: Path) -> None:
    bomb(tmp_path / "d.parquet", 50_000, 1 << 20)
    before = pa.total_allocated_bytes()
    assert refused(tmp_path / "d.parquet", TEXT)[0] == "data/bomb"
    assert pa.default_memory_pool().max_memory() - before < 1 << 28


def test_a_column_of_another_type_is_not_read(tmp_path: Path) -> None:
    """It may be a bomb, too, of a kind that is not looked for: here of lists."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), ["x" * (1 << 20)])
    lists = pa.ListArray.from_arrays(pa.array(range(5001), pa.int32()), texts)
    read_table = reading(tmp_path / "d.parquet", pa.table({"s": lists}), TEXT)
    (violation,) = read_table.violations
    assert (violation.rule, violation.count) == ("type", 5000)
    assert pa.default_memory_pool().max_memory() < 1 << 30


def test_texts_of_rows_that_are_missing_in_part(tmp_path: Path) -> None:
    cells = [None, "é", None, "", "é" * 5]
    assert one(tmp_path / "d.parquet", "string", pa.array(cells)) == (cells, "object", [])


def test_a_first_look_takes_some_text_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (parquet_file, sample):
        monkeypatch.setattr(module, "MOST_TEXT", 10_000)
    bomb(tmp_path / "d.parquet", 101, 1000)
    found, _ = sample.parquet_sample(Piece.whole(tmp_path / "d.parquet", "d.parquet"), 1000)
    assert (len(found.cells["s"]), found.whole) == (10, False)
    found, _ = sample.parquet_sample(Piece.whole(tmp_path / "d.parquet", "d.parquet"), 5)
    assert (len(found.cells["s"]), found.whole) == (5, False)


@pytest.mark.parametrize(
    ("names", "rules"),
    [
        (["i", "n", "s"], [("columns/missing", "b")]),
        (["i", "n", "s", "b", "b"], [("columns/duplicate", "b")]),
        (["i", "n", "s", "b", "z"], [("columns/extra", None)]),
    ],
    ids=["missing", "twice", "extra"],
)
def test_header_against_the_schema(tmp_path: Path, names: list[str], rules: list[tuple[str, str | None]]) -> None:
    cells = {"i": pa.array([1]), "n": pa.array([0.5]), "s": pa.array(["a"]), "b": pa.array([True]), "z": pa.array([0])}
    read_table = reading(tmp_path / "d.parquet", pa.Table.from_arrays([cells[name] for name in names], names=names))
    assert [(violation.rule, violation.column) for violation in read_table.violations] == rules
    assert list(read_table.frame.columns) == ["i", "n", "s", "b"]
