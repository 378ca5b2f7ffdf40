"""Rows that break a contract, placed in the files they lie in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.record import to_json
from mlspec.core.verdict import Place, Violation
from mlspec.steps.places import placed, recordable


def violation(*rows: int) -> Violation:
    return Violation(rule="max", column="age", count=len(rows), rows=rows, message="above 99")


def test_rows_are_numbered_in_their_files() -> None:
    (found,) = placed([violation(1, 130, 131, 151)], {"a.csv": 130, "none.csv": 0, "b.csv": 48})
    assert found.places == (Place(file="a.csv", rows=(1, 130)), Place(file="b.csv", rows=(1, 21)))
    assert found.rows == (1, 130, 131, 151), "what older versions read stays"


def test_what_has_no_rows_has_no_place() -> None:
    (found,) = placed([violation()], {"a.csv": 3, "b.csv": 4})
    assert "places" not in to_json(found)


@given(st.data())
def test_no_row_is_lost(data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any))
    rows = data.draw(st.lists(st.integers(1, sum(lengths)), unique=True, max_size=5).map(sorted))
    (found,) = placed([violation(*rows)], {str(n): length for n, length in enumerate(lengths)})
    again = [sum(lengths[: int(place.file)]) + row for place in found.places for row in place.rows]
    assert again == rows
    assert all(1 <= row <= lengths[int(place.file)] for place in found.places for row in place.rows)


def test_long_names_leave_room_in_a_record() -> None:
    many = [violation(1).model_copy(update={"places": (Place(file="a" * 900, rows=(1,)),)}) for _ in range(20)]
    kept = recordable(many)
    assert [bool(one.places) for one in kept] == [True] * 4 + [False] * 16
    assert all(one.rows == (1,) for one in kept)
