"""A store that cannot be one, and one store for two repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds import declare

SHARED = "deploy: main\nstore: {{path: {}, shared: true}}\n"


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("show",)])
def test_a_file_in_place_of_the_store(tmp_path: Path, command: tuple[str, ...]) -> None:
    world = declare(tmp_path / "repository")
    world.edit("mlspec.yaml", "deploy: main\n", "deploy: main\nstore: models\n")
    world.write({"models": ""})
    done = world.mlspec(*command)
    assert (done.code, done.out, world.tip) == (1, "", "")
    assert "error[store/not-a-folder]" in done.err and "name another folder as `store:`" in done.err


@pytest.mark.torture
def test_two_repositories_with_one_store(tmp_path: Path) -> None:
    """Each finds what it recorded; what is equal is kept once, and neither minds what the other adds or moves."""
    (tmp_path / "store").mkdir()
    worlds = [declare(tmp_path / name) for name in ("one", "two")]
    for world, seed in zip(worlds, ("7", "8"), strict=True):
        world.edit("mlspec.yaml", "deploy: main\n", SHARED.format(tmp_path / "store"))
        world.edit("specs/answer.yaml", "seed: 7", f"seed: {seed}")
        world.commit()
        world.apply()
    kept = len(list((tmp_path / "store" / "sha256").rglob("*")))
    worlds[1].edit("specs/answer.yaml", "seed: 8", "seed: 7")
    worlds[1].commit("What the other trained")
    assert "v2 is in staging" in worlds[1].apply().out
    assert len(list((tmp_path / "store" / "sha256").rglob("*"))) <= kept + 4, "the model and the data are there already"
    for world in worlds:
        assert world.mlspec("verify", "--store").code == 0
        assert "No changes." in world.mlspec("plan").out
