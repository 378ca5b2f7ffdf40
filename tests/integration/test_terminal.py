"""The commands on a terminal, narrow and wide, and one that shows nothing but ASCII."""

from __future__ import annotations

import pytest

from tests.terminals import overflowing, shown
from tests.worlds import DATASET, MLSPEC, MODEL, World

LONG = "a-name-that-takes-all-of-the-sixty-three-characters-there-may-b"
BAD = MODEL.replace("name: answer", "name: bad").replace(
    "seed: 7", "sed: 7  # " + "\u6570\u636e \U0001f3b2 and much more to be said of it " * 4
)


@pytest.fixture(scope="module")
def wide(declared: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project whose names are long and wide, not yet applied; a branch `wrong` of it has an invalid spec."""
    world = declared.copy(tmp_path_factory.mktemp("wide") / "world")
    said = "description: \u7b54\u3048\u304c\u306f\u3044\u304b\u3069\u3046 \U0001f3b2, said in \u6570\u636e\n"
    world.write({f"specs/{LONG}/\u6570\u636e.yaml": MODEL.replace("name: answer", f"name: {LONG}") + said})
    world.write({"specs/more.yaml": DATASET.replace("questions\n", "more\n", 1) + said})
    world.commit("Wide")
    world.git("switch", "-q", "-c", "wrong")
    world.write({"specs/bad.yaml": BAD})
    world.commit("Wrong")
    return world


def on_terminal(world: World, *argv: str, columns: int = 80, **env: str) -> str:
    """Run mlspec on a terminal; nothing of it is wider, and nothing is a defect. Return all that was written."""
    env = {**world.env, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **env}
    terminal = shown([str(MLSPEC), *argv], world.root, env, columns)
    assert not overflowing(terminal.rows(), columns)
    assert "defect" not in terminal.text
    return terminal.text


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_nothing_is_wider_than_the_terminal(wide: World, columns: int) -> None:
    wide.git("switch", "-q", "main")
    plan = on_terminal(wide, "plan", columns=columns)
    assert LONG in plan, "a name is never cut"
    on_terminal(wide, "explain", f"model/{LONG}", columns=columns)
    wide.git("switch", "-q", "wrong")
    assert "\x1b[" in on_terminal(wide, "validate", columns=columns)


def test_a_terminal_of_the_locale_c_is_sent_ascii(wide: World) -> None:
    wide.git("switch", "-q", "wrong")
    for argv in (["validate"], ["validate", "--help"], ["apply", "--help"]):
        assert on_terminal(wide, *argv, LC_ALL="C").isascii()
    assert "\\u6570" in on_terminal(wide, "validate", LC_ALL="C")
    assert "\u6570" in wide.mlspec("validate", LC_ALL="C").out, "a file has UTF-8 whatever the locale"


def test_colour_is_only_where_it_is_wanted(wide: World) -> None:
    wide.git("switch", "-q", "main")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(wide, "plan", **env)
