"""What is odd and stops nothing: found however a table is cut, told without a value, and not where there is nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlspec.steps.columns import InMemory, Table
from mlspec.steps.remarks import remarks
from tests.tables import declare

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
ROWS = 40
LABELS = ["no", "yes", "yes", "no"] * 10


@dataclass(frozen=True, slots=True)
class Cut:
    """A table in parts of some rows."""

    frame: pd.DataFrame
    size: int

    folder: Path | None = None

    @property
    def rows(self) -> int:
        return len(self.frame)

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self.frame), self.size):
            yield self.frame[list(names)].iloc[start : start + self.size].reset_index(drop=True)


def told(cells: dict[str, list[Any]], *, size: int | None = None, target: str = "string", **types: str) -> list[str]:
    schema = [{"name": name, "type": types.get(name, "string")} for name in cells]
    dataset = declare(*schema, {"name": "y", "type": target, "role": "target"})
    labels: list[Any] = LABELS if target == "string" else [n % 7 / 2 for n in range(ROWS)]
    frame = pd.DataFrame({**cells, "y": labels})
    for name, kind in types.items():
        if kind in ("date", "datetime"):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[us]")
    table: Table = InMemory(frame) if size is None else Cut(frame, size)
    return list(remarks(table, dataset, NOW))


@pytest.mark.parametrize("size", [None, 7])
def test_what_gives_the_target_away(size: int | None) -> None:
    same = [label if n % 9 else None for n, label in enumerate(LABELS)]
    codes = [{"no": 3.0, "yes": 8.0}[label] for label in LABELS]
    close = ["yes", *LABELS[1:]]
    assert told({"copy": same, "code": codes, "close": close}, size=size, code="number") == [
        "column `copy` equals the target `y` in every row",
        "column `code` is the target `y` in other words: each value of one goes with one of the other",
    ]


def test_a_number_that_is_the_target() -> None:
    twice = [n % 7 for n in range(ROWS)]
    assert told({"copy": [n % 7 / 2 for n in range(ROWS)]}, target="number", copy="number") == [
        "column `copy` equals the target `y` in every row"
    ]
    assert len(told({"copy": twice}, target="number", copy="number")) == 1
    assert told({"own": list(range(ROWS))}, target="number", own="number") == []


@pytest.mark.parametrize("size", [None, 11])
def test_times_that_are_still_to_come(size: int | None) -> None:
    days = ["2026-11-24"] * 37 + ["2026-11-25", "2031-01-01", None]
    late = ["2026-11-24T05:59"] * 39 + ["2026-11-24T06:01"]
    assert told({"day": days, "at": late}, size=size, day="date", at="datetime") == [
        "column `day`: 2 values are later than now, 2026-11-23 (5.00% of the rows)",
        "column `at`: 1 value is later than now, 2026-11-23 (2.50% of the rows)",
    ]


def test_a_column_without_values_is_none() -> None:
    assert told({"gone": [None] * ROWS}) == []
