"""Heads are read when they are asked for, and once: what somebody else did not change is not read again."""

from __future__ import annotations

import pytest

from mlspec.core.problem import MlspecError
from mlspec.io.git import Repository, open_repository
from mlspec.lineage.read import read_at
from tests.worlds import World


@pytest.fixture
def repository(world: World) -> Repository:
    return open_repository(world.root)


def lose(world: World, *names: str) -> None:
    """Take objects of the lineage branch out of the repository, as a disk may."""
    for name in names:
        oid = world.git("rev-parse", f"{world.tip}:{name}")
        (world.root / ".git" / "objects" / oid[:2] / oid[2:]).unlink()


def after_another_apply(world: World) -> str:
    """Let somebody else record a fact of the gate; return the new tip."""
    world.edit("specs/gate.yaml", "owner: team", "owner: team\ndescription: Better than a coin.")
    world.commit()
    world.apply()
    return world.tip


def test_what_another_apply_left_alone_is_not_read_again(world: World, repository: Repository) -> None:
    before = read_at(repository, world.tip)
    heads = dict(before.heads.items())
    tip = after_another_apply(world)
    unchanged = [path for path in world.recorded() if path.startswith(("heads/model/", "heads/dataset/"))]
    lose(world, *unchanged, *{path.rpartition("/")[0] for path in unchanged}, "heads/model", "heads/dataset")
    after = read_at(repository, tip, before)
    assert after.heads["model/answer"] == heads["model/answer"]
    assert after.heads["dataset/questions"] == heads["dataset/questions"]
    assert after.heads["gate/better-than-chance"].facts["description"] == "Better than a coin."
    with pytest.raises(MlspecError, match="damaged"):
        read_at(repository, tip)


def test_a_lost_head_is_found_out_when_it_is_asked_for(world: World, repository: Repository) -> None:
    state = read_at(repository, world.tip)
    lose(world, *(path for path in world.recorded() if path.startswith("heads/")))
    assert sorted(state.heads) == ["dataset/questions", "gate/better-than-chance", "model/answer"]
    with pytest.raises(MlspecError, match="heads/model/"):
        state.heads["model/answer"]
    with pytest.raises(MlspecError) as raised:
        state.heads.values()
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize("folder", ["heads", "heads/model"])
def test_a_lost_folder_of_heads_is_no_empty_one(world: World, repository: Repository, folder: str) -> None:
    lose(world, folder)
    with pytest.raises(MlspecError, match=folder):
        read_at(repository, world.tip)
