"""`init dataset FILE`: the spec it writes validates and plans, says what it guessed, and never writes over another."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.worlds import World, declare


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> World:
    return declare(tmp_path_factory.mktemp("infer") / "repository")


@pytest.fixture
def world(base: World, tmp_path: Path) -> World:
    return base.copy(tmp_path / "copy")


HEADER = "# yaml-language-server: $schema=../schemas/spec.schema.json\n# Guessed from all "
REVIEW = "Review every line: types, roles, ranges; then remove these comments.\n"


def test_a_csv(world: World) -> None:
    rows = "".join(f"{n};{'NA' if n % 9 == 0 else n / 8};0{n:04};{'ja' if n % 2 else 'nein'}\n" for n in range(60))
    world.write({"data/Umsatz 2026.csv": "Kunden-ID;Wert: netto;plz;y\n" + rows})
    done = world.mlspec("init", "dataset", "Umsatz 2026.csv", below="data")
    assert done.code == 0, done
    assert "  target y" in done.out
    assert re.sub(" +#", "  #", (world.root / "specs/umsatz-2026.yaml").read_text()) == (
        f"{HEADER}60 rows of data/Umsatz 2026.csv. {REVIEW}"
        """kind: Dataset
name: umsatz-2026
owner: team
source: {path: "data/Umsatz 2026.csv", delimiter: ";", missing: [NA]}
schema:
  - {name: Kunden-ID, type: integer, role: id}  # no value twice
  - {name: "Wert: netto", type: number, min: 0.1, max: 10}  # 11.7% missing; seen 0.125 to 7.375
  - {name: plz, type: string, role: ignore}  # a code: zeros lead; nearly all values differ
  - {name: y, type: string, role: target, values: [ja, nein]}  # the target by its name
checks: {unique: [Kunden-ID], min_rows: 30}
"""
    )
    assert world.mlspec("fmt", "--check", "specs/umsatz-2026.yaml").code == 0
    world.commit()
    assert "60 rows keep the contract" in world.apply("dataset/umsatz-2026").out


def test_a_column_with_nothing_in_it_is_ignored_and_breaks_no_contract(world: World) -> None:
    world.write({"data/sparse.csv": "a,empty,y\n" + "".join(f"{n},,{n % 2}\n" for n in range(60))})
    assert world.mlspec("init", "dataset", "data/sparse.csv").code == 0
    written = re.sub(" +#", "  #", (world.root / "specs/sparse.yaml").read_text())
    assert "{name: empty, type: string, role: ignore}  # 100.0% missing; nothing in it\n" in written
    world.commit()
    assert "60 rows keep the contract" in world.apply("dataset/sparse").out


def test_the_reason_of_a_long_line_stands_above_it(world: World) -> None:
    rows = "".join(f"{n},{'a' * 40 if n % 2 else 'b' * 40}\n" for n in range(60))
    world.write({"data/long.csv": "x,y\n" + rows})
    assert world.mlspec("init", "dataset", "data/long.csv").code == 0
    assert "  # the target by its name\n  - {name: y, " in (world.root / "specs/long.yaml").read_text()
    assert world.mlspec("fmt", "--check").code == 0


def test_json_lines_and_parquet(world: World) -> None:
    rows = [{"zip": "123", "n": n, "x": n / 2, "ok": n % 2 == 0, "at": "2026-01-01T06:00:00Z"} for n in range(60)]
    world.write({"data/lines.jsonl": "\n".join(map(json.dumps, rows))})
    days = pa.array([0] * 60, pa.date32())
    table = pa.table({"n": range(60), "list": [[1]] * 60, "day": days, "label": ["a", "b"] * 30})
    pq.write_table(table, world.root / "data/table.parquet")
    assert world.mlspec("init", "dataset", "data/lines.jsonl").code == 0
    done = world.mlspec("init", "dataset", "data/table.parquet")
    assert "left out, for no dataset has such a type: list" in done.out
    lines = (world.root / "specs/lines.yaml").read_text()
    columns = ("zip, type: string", "n, type: integer", "ok, type: boolean", "at, type: datetime, role: time}")
    assert all(f"{{name: {column}" in lines for column in columns), "text of JSON is no number"
    assert "extra_columns: ignore" in (world.root / "specs/table.yaml").read_text()
    world.commit()
    assert world.apply("dataset/lines", "dataset/table").out.count("60 rows keep the contract") == 2


def test_a_glob(world: World) -> None:
    world.write({f"data/events/2026-0{n}.csv": f"x,y\n{n},a\n{n + 1},b\n" for n in (1, 2)})
    assert world.mlspec("init", "dataset", "data/events/*.csv").code == 0
    assert 'source: "data/events/*.csv"' in (world.root / "specs/events.yaml").read_text()
    assert world.mlspec("validate").code == 0


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("data/questions.csv", None, "specs/questions.yaml is there already, and init overwrites nothing"),
        ("data/none.csv", None, "there is no file or folder `data/none.csv`"),
        ("data/notes.txt", "x\n", "can't tell how to read `data/notes.txt`"),
        ("data/empty.csv", "", "data/empty.csv is empty"),
        ("data/header.csv", "a,b\n", "dataset `header` has no rows: data/header.csv holds a header only"),
        ("data/twice.csv", "a,a\n1,2\n", "data/twice.csv has the column `a` twice"),
        ("data/unnamed.csv", "a,\n1,2\n", "data/unnamed.csv has no name for column 2"),
        ("data/index.csv", ",a\n0,2\n", "write it without: `to_csv(…, index=False)`"),
        ("data/ragged.csv", "a,b\n1\n", "data/ragged.csv: line 2 has 1 fields; the header has 2"),
        ("data/no/*.csv", None, "there is no file or folder `data/no`"),
        ("../out.csv", "a\n1\n", "is not in the project"),
    ],
)
def test_refused(world: World, path: str, content: str | None, said: str) -> None:
    if content is not None:
        (world.root / path).write_text(content)
    before = sorted((world.root / "specs").iterdir())
    done = world.mlspec("init", "dataset", path)
    assert done.code == 1
    assert said in " ".join((done.out + done.err).split())
    assert sorted((world.root / "specs").iterdir()) == before


def test_a_file_goes_with_its_kind(world: World) -> None:
    done = world.mlspec("init", "model", "data/questions.csv")
    assert done.code == 1
    assert "init dataset FILE" in done.err
