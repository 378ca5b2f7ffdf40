"""Dates and times as text: what is one, what is none, and one value for one instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.calendar import parse_date, parse_datetime

NO_DATES = ["", "2026", "20261123", "2026-W48-1", "2026-11-31", "2026-1-1", "0000-01-01", "2026-11-23T00:00"]


@pytest.mark.parametrize("text", [*NO_DATES, "\u0662\u0660\u0662\u0666-11-23"])
def test_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23", (2026, 11, 23)),
        ("2026-11-23 06:00", (2026, 11, 23, 6)),
        ("2026-11-23T06:00:01", (2026, 11, 23, 6, 0, 1)),
        ("2026-11-23T06:00:01.5Z", (2026, 11, 23, 6, 0, 1, 500_000)),
        ("2026-11-23T06:00:01.123456789", (2026, 11, 23, 6, 0, 1, 123_456)),
        ("2026-11-23T06:00:00+02:00", (2026, 11, 23, 4)),
        ("2026-11-23T06:00:00-0530", (2026, 11, 23, 11, 30)),
    ],
)
def test_a_time(text: str, moment: tuple[int, ...]) -> None:
    year, month, day, *rest = moment
    assert parse_datetime(text) == datetime(year, month, day, *rest, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "6:00", "2026-11-23T", "2026-11-23T25:00", "2026-11-23T06:00:00+25:00", "0001-01-01T00:00+05:00", "now"],
)
def test_no_time(text: str) -> None:
    assert parse_datetime(text) is None


@given(st.dates())
def test_every_date_is_read_back(value: date) -> None:
    assert parse_date(value.isoformat()) == value


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES).filter(lambda value: 1 < value.year < 9999))
def test_every_time_is_read_back_as_the_same_instant(value: datetime) -> None:
    assert parse_datetime(value.isoformat()) == value


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    assert parse_date(text) is None or len(text) == 10
    parse_datetime(text)
