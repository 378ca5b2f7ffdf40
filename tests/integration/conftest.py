"""Repositories made once by the real command line, and copied for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worlds import ROWS, World, declare, environment


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project that was never applied; tests copy it."""
    return declare(tmp_path_factory.mktemp("declared") / "repository")


@pytest.fixture(scope="session")
def applied(declared: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same project after its first apply: v1 is in staging; tests copy it."""
    world = declared.copy(tmp_path_factory.mktemp("applied") / "repository")
    world.apply()
    return world


@pytest.fixture(scope="session")
def applied_twice(applied: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same project with v2, of more data and another C, in staging; tests copy it or only look."""
    world = applied.copy(tmp_path_factory.mktemp("twice") / "repository")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    rows = [f"{n},{n % 3},{'yes' if n % 2 else 'no'}\n" for n in range(ROWS, ROWS + 80)]
    world.write({"data/questions.csv": (world.root / "data/questions.csv").read_text() + "".join(rows)})
    world.commit("More data, C = 0.5")
    world.apply()
    return world


@pytest.fixture
def fresh(declared: World, tmp_path: Path) -> World:
    """A project of the test's own, never applied."""
    return declared.copy(tmp_path / "fresh")


@pytest.fixture
def world(applied: World, tmp_path: Path) -> World:
    """A project of the test's own, with v1 in staging."""
    return applied.copy(tmp_path / "world")


@pytest.fixture
def in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run mlspec in this process as the command line does in a world's environment."""
    wanted = environment()
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
