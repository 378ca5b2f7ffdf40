"""Problems: how a place is written, in which order problems are met, and what a mistyped word may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.problem import MlspecError, Place, Problem, StaleError, fail, in_order, suggest


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (Place("specs/income.yaml", 12, 3), "specs/income.yaml:12:3"),
        (Place("specs/income.yaml", 12), "specs/income.yaml:12"),
        (Place("specs/income.yaml"), "specs/income.yaml"),
    ],
)
def test_a_place_is_written_as_editors_read_it(place: Place, written: str) -> None:
    assert str(place) == written


def test_a_problem_takes_a_place_and_keeps_its_excerpt() -> None:
    problem = Problem("spec/unknown", "unknown field", excerpt="nmae: x")
    placed = problem.at(Place("a.yaml", 1))
    assert (placed.place, placed.excerpt, problem.place) == (Place("a.yaml", 1), "nmae: x", None)
    assert problem.at(Place("a.yaml", 1), "name: x").excerpt == "name: x"


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("estimater", ["estimator", "entrypoint"], "did you mean `estimator`?"),
        ("incom", ["model/income", "income"], "did you mean `income`?"),
        ("zzz", ["estimator"], None),
        ("estimator", [], None),
        ("", ["estimator"], None),
    ],
)
def test_suggestion(word: str, known: list[str], said: str | None) -> None:
    assert suggest(word, known) == said
    assert suggest(word, reversed(known)) == said


places = st.none() | st.builds(Place, st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 3))
problems = st.builds(Problem, st.sampled_from(["x/one", "x/two"]), st.sampled_from(["m", "n"]), places)


@given(st.lists(problems), st.randoms())
def test_problems_come_in_one_order_each_once(found: list[Problem], random: st.DataObject) -> None:
    shuffled = found * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    listed = in_order(shuffled)
    assert listed == in_order(found)
    assert set(listed) == set(found)
    assert len(listed) == len(set(found))
    assert listed == sorted(
        listed, key=lambda one: (one.place is not None, one.place or Place(""), one.code, one.message)
    )


def test_an_error_carries_its_problems_and_its_exit_code() -> None:
    error = fail("select/unknown", "no such thing", help="look again")
    assert error.problems == (Problem("select/unknown", "no such thing", help="look again"),)
    assert (error.exit_code, StaleError().exit_code, MlspecError().exit_code) == (1, 4, 1)
    assert str(MlspecError(*error.problems * 2)) == "no such thing; no such thing"
