"""CSV files as the world writes them: what is read, and one clear message for each thing that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlspec.core.problem import MlspecError, Problem
from mlspec.sources import csv_table, piece
from mlspec.sources.file import read
from mlspec.sources.reading import Reading
from mlspec.specs.dataset import Dataset
from tests.tables import declare

COLUMNS = ("id:integer:id", "word:string", "x:number")


def reading(path: Path, content: bytes, dataset: Dataset | None = None) -> Reading:
    path.write_bytes(content)
    return read(path, dataset or declare(*COLUMNS))


def refused(path: Path, content: bytes) -> Problem:
    with pytest.raises(MlspecError) as failed:
        reading(path, content)
    (problem,) = failed.value.problems
    return problem


@pytest.mark.parametrize(
    "content",
    [
        b"id,word,x\n1,a,0.5\n2,b,1e3\n",
        b"id,word,x\n1,a,0.5\n2,b,1e3",
        b"id,word,x\r\n1,a,0.5\r\n2,b,1e3\r\n",
        b"id,word,x\r1,a,0.5\r2,b,1e3\r",
        b"id,word,x\n1,a,0.5\r\n2,b,1e3\n",
        b"\xef\xbb\xbfid,word,x\n1,a,0.5\n2,b,1e3\n",
        b"id,word,x\n\n1,a,0.5\n\n2,b,1e3\n\n",
        b'"id","word","x"\n"1","a","0.5"\n"2","b","1e3"\n',
        b"x,word,id\n0.5,a,1\n1e3,b,2\n",
        b"id,word,x\n 1 ,a, 0.5\n2.0,b,1000\n",
    ],
    ids=[
        *("plain", "no last line break", "windows", "old mac", "mixed", "byte order mark", "empty lines", "quoted"),
        *("another order", "spaces around numbers"),
    ],
)
def test_the_same_table_however_it_is_written(tmp_path: Path, content: bytes) -> None:
    read_table = reading(tmp_path / "d.csv", content)
    assert read_table.violations == ()
    assert read_table.frame.to_dict("list") == {"id": [1, 2], "word": ["a", "b"], "x": [0.5, 1000.0]}
    assert [str(kind) for kind in read_table.frame.dtypes] == ["int64", "object", "float64"]
    assert read_table.frame.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        ('"a,b"', "a,b"),
        ('"a ""b"""', 'a "b"'),
        ('"two\nlines"', "two\nlines"),
        ("Köln", "Köln"),
        (" a ", " a "),
        ("", None),
        ('""', None),
        (" ", " "),
        ("NA", "NA"),
        ("nan", "nan"),
    ],
)
def test_text_stays_as_it_is(tmp_path: Path, cell: str, word: str | None) -> None:
    frame = reading(tmp_path / "d.csv", f"id,word,x\n1,{cell},0.5\n2,b,1\n".encode()).frame
    assert frame["word"].tolist() == [word, "b"]


def test_delimiter_and_words_for_missing_as_declared(tmp_path: Path) -> None:
    source = {"path": "data/d.csv", "delimiter": ";", "missing": ["?", "NA"]}
    frame = reading(tmp_path / "d.csv", b"id;word;x\n1;?;NA\n2;a,b;\n", declare(*COLUMNS, source=source)).frame
    assert frame["word"].tolist() == [None, "a,b"]
    assert frame["x"].isna().all()


@pytest.mark.parametrize(
    ("content", "code", "message", "hint"),
    [
        (b"", "data/empty", "dataset `d` has no rows: data/d.csv is empty", None),
        (b"\xef\xbb\xbf", "data/empty", "dataset `d` has no rows: data/d.csv is empty", None),
        (b"\n\n\n", "data/empty", "dataset `d` has no rows: data/d.csv is empty", None),
        (b"id,word,x\n", "data/empty", "dataset `d` has no rows: data/d.csv holds a header only", None),
        (b"id,word,x\n\n\n", "data/empty", "dataset `d` has no rows: data/d.csv holds a header only", None),
        (b"id,word,x\n1,a,2\n2,b\n", "data/ragged", "data/d.csv: line 3 has 2 fields; the header has 3", None),
        (b"id,word,x\n1,a,2,3\n", "data/ragged", "data/d.csv: line 2 has 4 fields; the header has 3", None),
        (
            b'id,word,x\n1,"a\nb",2\n2,b\n',
            "data/ragged",
            "data/d.csv: line 4 has 2 fields; the header has 3",
            None,
        ),
        (
            b'id,word,x\n1,a,2\n2,"b,3\n3,c,4\n',
            "data/quote",
            "data/d.csv: a quote opens and is never closed; the file ends at line 4 inside it",
            "is the file truncated?",
        ),
        (
            b'id,word,x\n1,"a"b,2\n',
            "data/csv",
            "data/d.csv: line 2: ',' expected after '\"'",
            "write a quote inside quotes twice",
        ),
        (b"id,word,x\n1,a\0,2\n", "data/nul", "data/d.csv: line 2 holds a NUL byte, which no text does", None),
        (
            "id,word,x\n1,a,2\n".encode("utf-16"),
            "data/encoding",
            "data/d.csv is UTF-16, and must be UTF-8",
            "save it as UTF-8",
        ),
        (
            b"\xfe\xff\x4e\x2d",
            "data/encoding",
            "data/d.csv is UTF-16, and must be UTF-8",
            "save it as UTF-8",
        ),
        (
            b"PK\x03\x04\x14\x00\x08\x08",
            "data/zip",
            "data/d.csv is no text but a zip archive, as an Excel workbook (.xlsx) is one",
            "unpack it, or save the sheet as CSV in UTF-8",
        ),
        (
            "id,word,x\n1,a,2\n2,ö,3\n".encode("latin-1"),
            "data/encoding",
            "data/d.csv: line 3 is not UTF-8",
            "save it as UTF-8",
        ),
        (
            "id,word,x\n1,a,2\n2,ö".encode()[:-1],
            "data/encoding",
            "data/d.csv: line 3 is not UTF-8: it ends inside a character",
            "is the file truncated?",
        ),
        (
            b"id,word,x\n1," + b"a" * (1 << 20) + b"b,2\n",
            "data/field",
            "data/d.csv: line 2 has a field of more than 1,048,576 characters",
            "is a quote left open before it?",
        ),
        (
            b",".join(b"c%d" % n for n in range(10_001)),
            "data/columns",
            "data/d.csv has 10,001 columns; the limit is 10,000",
            None,
        ),
        (
            b"id;word;x\n1;a;2\n",
            "data/delimiter",
            'data/d.csv: the header is one field, with ";" in it',
            'is that the delimiter? set source: {path: data/d.csv, delimiter: ";"}',
        ),
        (
            b"id\tword\tx\n1\ta\t2\n",
            "data/delimiter",
            'data/d.csv: the header is one field, with "\\t" in it',
            'is that the delimiter? set source: {path: data/d.csv, delimiter: "\\t"}',
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "data/lfs-pointer",
            "data/d.csv is a Git LFS pointer, not the data",
            "run: git lfs pull",
        ),
    ],
    ids=[
        *("empty", "only a mark", "only line breaks", "header only", "header and line breaks", "short row", "long row"),
        *(
            "lines in quotes count",
            "cut inside quotes",
            "quote inside a field",
            "NUL",
            "UTF-16",
            "UTF-16 without NUL",
            "zip",
            "Latin 1",
        ),
        *("cut inside a character", "huge field", "many columns", "semicolons", "tabs", "LFS pointer"),
    ],
)
def test_refused(tmp_path: Path, content: bytes, code: str, message: str, hint: str | None) -> None:
    problem = refused(tmp_path / "d.csv", content)
    assert (problem.code, problem.message, problem.help) == (code, message, hint)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,word", [("columns/missing", "x", "column `x` is missing")]),
        ("id,word,X", [("columns/missing", "x", "column `x` is missing; did you mean `X`?")]),
        ("id,word,x,x", [("columns/duplicate", "x", "column `x` is in the header 2 times")]),
        (
            "id,word,x,y,",
            [
                (
                    "columns/extra",
                    None,
                    "columns that the schema does not name: `y`, an unnamed one "
                    "(declare them, or set checks.extra_columns: ignore)",
                )
            ],
        ),
        (
            "id,word,x," + ",".join("abcdefg"),
            [
                (
                    "columns/extra",
                    None,
                    "columns that the schema does not name: `a`, `b`, `c`, `d`, `e` and 2 more "
                    "(declare them, or set checks.extra_columns: ignore)",
                )
            ],
        ),
    ],
    ids=["missing", "another case", "twice", "extra", "many extra"],
)
def test_header_against_the_schema(tmp_path: Path, header: str, expected: list[tuple[str, str | None, str]]) -> None:
    cells = ",".join("1" for _ in header.split(","))
    read_table = reading(tmp_path / "d.csv", f"{header}\n{cells}\n".encode())
    found = [(violation.rule, violation.column, violation.message) for violation in read_table.violations]
    if header.endswith(",X"):
        assert found.pop()[0] == "columns/extra"
    assert found == expected
    assert list(read_table.frame.columns) == ["id", "word", "x"]


def test_extra_columns_may_be_ignored(tmp_path: Path) -> None:
    lenient = declare(*COLUMNS, checks={"extra_columns": "ignore"})
    assert reading(tmp_path / "d.csv", b"z,id,word,x\n9,1,a,2\n", lenient).violations == ()


def test_a_column_of_one_name_is_no_wrong_delimiter(tmp_path: Path) -> None:
    frame = reading(tmp_path / "d.csv", b"a;b\n1\n", declare("a;b:integer")).frame
    assert frame.to_dict("list") == {"a;b": [1]}


def test_a_table_longer_than_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "_CHUNK", 3)
    rows = [[str(n), f"w{n}", "" if n == 4 else str(n / 2)] for n in range(10)]
    rows[8][2] = "eight"
    content = "id,word,x\n" + "".join(",".join(row) + "\n" for row in rows)
    read_table = reading(tmp_path / "d.csv", content.encode())
    expected: dict[str, Any] = {"id": list(range(10)), "word": [f"w{n}" for n in range(10)]}
    assert read_table.frame[["id", "word"]].to_dict("list") == expected
    assert read_table.frame["x"].isna().to_numpy().nonzero()[0].tolist() == [4, 8]
    assert [(violation.rule, violation.rows) for violation in read_table.violations] == [("type", (9,))]


def test_a_bad_byte_after_many_blocks_is_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piece, "BLOCK", 7)
    content = "id,word,x\n" + "".join(f"{n},ö{n},1\n" for n in range(50))
    assert len(reading(tmp_path / "good.csv", content.encode()).frame) == 50
    for broken, line in ((b"\xff", 42), (b"\0", 42)):
        bad = content.encode().replace("ö40".encode(), "ö4".encode() + broken)
        assert f"line {line} " in refused(tmp_path / "d.csv", bad).message
