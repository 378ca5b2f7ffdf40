"""Moments in the words of a person: the end of a day, or a time; never something else."""

from __future__ import annotations

import pytest

from mlspec.core.moment import parse_moment
from mlspec.io.clock import stamp

MOMENTS = {
    "2026-11-23": "2026-11-23T23:59:59Z",
    "2026-11-23T06:00:00Z": "2026-11-23T06:00:00Z",
    "2026-11-23T06:00Z": "2026-11-23T06:00:00Z",
    "2026-11-23 06:00": "2026-11-23T06:00:00Z",
    "2026-11-23T01:30+02:00": "2026-11-22T23:30:00Z",
    "2024-02-29": "2024-02-29T23:59:59Z",
}


@pytest.mark.parametrize(("text", "moment"), MOMENTS.items())
def test_a_date_is_the_end_of_its_day_and_a_time_is_in_utc(text: str, moment: str) -> None:
    assert stamp(parse_moment(text)) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-11-23T25:00", "23.11.2026", "1763888400", "0001-01-01T00:00+14:00"]
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)
