"""Tables cut anywhere, or on disk: the same contract, profile and split as of the whole in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.sources.file import read_pieces, scan
from mlspec.sources.piece import Piece
from mlspec.specs.dataset import Dataset
from mlspec.steps import columns
from mlspec.steps.columns import InMemory, distinct, order_statistics, quantiles, repeated
from mlspec.steps.contract import check, check_table
from mlspec.steps.profile import profile, profile_table
from mlspec.steps.sides import masks, sides
from mlspec.steps.split import split
from mlspec.steps.spool import spool
from tests.tables import declare

SIZES = ["S", "M", "L"]


@dataclass(frozen=True)
class Cut:
    """A frame, some rows at a time."""

    frame: pd.DataFrame
    step: int

    folder: Path | None = None

    @property
    def rows(self) -> int:
        return len(self.frame)

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self.frame), self.step):
            yield self.frame[list(names)].iloc[start : start + self.step].reset_index(drop=True)


NUMBERS = st.lists(st.none() | st.floats(-1e300, 1e300), min_size=1, max_size=40).filter(any)


@given(NUMBERS, st.integers(1, 41))
@settings(deadline=None)
def test_quantiles_are_numpys_wherever_the_table_is_cut(values: list[float | None], step: int) -> None:
    frame = pd.DataFrame({"c": pd.Series(values, dtype="float64")})
    there = frame["c"].dropna().to_numpy() + 0.0
    shares = [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0]
    assert quantiles(Cut(frame, step), "c", shares) == np.quantile(there, shares).tolist()


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60), st.integers(1, 9))
def test_order_statistics(keys: list[int], step: int) -> None:
    blocks = lambda: (np.array(keys[n : n + step], dtype=np.uint64) for n in range(0, len(keys), step))  # noqa: E731
    assert order_statistics(blocks, set(range(len(keys)))) == dict(enumerate(sorted(keys)))


@given(
    st.lists(st.none() | st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=30),
    st.integers(1, 31),
    st.integers(1, 9),
)
@settings(deadline=None, max_examples=40)
def test_repeats_and_distinct_values(values: list[str | None], step: int, most: int) -> None:
    frame = pd.DataFrame({"c": pd.Series(values, dtype=object), "n": 1})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(columns, "_MOST_VALUES", most)
        patched.setattr(columns, "_MOST_HASHES", 4)
        cut = Cut(frame, step)
        found = repeated(cut, ["c"])
        expected = frame["c"].duplicated(keep=False) & frame["c"].notna()
        assert (found.count, found.rows) == (expected.sum(), tuple(np.flatnonzero(expected)[:5] + 1))
        assert distinct(cut, "c") == frame["c"].nunique()


def rows(count: int) -> str:
    lines = ["id,g,day,at,x,n,size,body,side,y"]
    for n in range(count):
        day = f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}"
        x = "" if n % 7 == 0 else f"{(n * 37 % 101) / 8 - 3}"
        whole = "" if n % 11 == 0 else str(2**53 + n if n % 5 == 0 else n)
        side = "train" if n % 5 else "test"
        cells = [n, f"g{n % 9}", day, f"{day}T0{n % 9}:00Z", x, whole, SIZES[n % 3], f"text {n}", side, n % 2]
        lines.append(",".join(map(str, cells)))
    return "\n".join(lines) + "\n"


SCHEMA: list[Any] = [
    "id:integer:id",
    "g:string:group",
    "day:date",
    "at:datetime:time",
    "x:number",
    {"name": "n", "type": "integer", "sensitive": True},
    {"name": "size", "type": "category", "values": SIZES},
    "body:text",
    "side:string:ignore",
    "y:boolean:target",
]
SPLITS = [
    {},
    {"by": "group", "seed": 3},
    {"by": "time"},
    {"by": "random", "seed": 5},
    {"by": "random", "stratify": "size"},
    {"by": "column", "column": "side"},
]


def table(path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> tuple[pd.DataFrame, Any]:
    """Read the same file into memory, and onto disk in chunks of seven rows."""
    (path / "d.csv").write_text(rows(150))
    pieces = [Piece.whole(path / "d.csv", "data/d.csv")]
    frame = read_pieces(pieces, dataset).frame
    monkeypatch.setattr("mlspec.sources.csv_table._CHUNK", 7)
    monkeypatch.setattr(columns, "_MOST_VALUES", 60)
    monkeypatch.setattr(columns, "_MOST_HASHES", 60)
    return frame, spool(scan(pieces, dataset).chunks, dataset, path / "spool")


@pytest.mark.parametrize("how", SPLITS, ids=lambda how: "-".join(map(str, how.values())) or "hash")
def test_on_disk_as_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]) -> None:
    dataset = declare(*SCHEMA, split=how)
    frame, spooled = table(tmp_path, dataset, monkeypatch)
    assert spooled.rows == 150
    assert check(frame, dataset) == check_table(spooled, dataset) == ()
    test = split(frame, dataset)
    assert np.concatenate(list(masks(spooled, dataset))).tolist() == test.tolist()
    assert sides(spooled, dataset) == sides(InMemory(frame), dataset)
    assert sides(spooled, dataset).tests == test.sum()
    assert profile_table(spooled, dataset, int(test.sum())) == profile(frame, dataset, test)


def test_what_is_broken_on_disk_is_what_is_broken_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strict: list[Any] = [
        {"name": "id", "type": "integer", "role": "id", "max": 140},
        {"name": "g", "type": "string", "pattern": "g[0-7]"},
        {"name": "day", "type": "date", "min": "2026-02-01"},
        {"name": "at", "type": "datetime", "max": "2026-11-01"},
        {"name": "x", "type": "number", "max_missing": 0.01},
        "n:integer",
        {"name": "size", "type": "category", "values": ["S", "M"]},
        *SCHEMA[7:],
    ]
    references = [{"column": "n", "dataset": "d", "to": "id"}]
    checks = {"unique": ["day", ["g", "size"]], "max_rows": 149, "references": references}
    dataset = declare(*strict, checks=checks)
    frame, spooled = table(tmp_path, dataset, monkeypatch)
    found = check(frame, dataset)
    assert found == check_table(spooled, dataset)
    assert len(found) == 10
