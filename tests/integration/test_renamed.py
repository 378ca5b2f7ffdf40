"""The old name of what was renamed: every command that looks it up says where it is now."""

from __future__ import annotations

import pytest

from tests.worlds import World


@pytest.fixture
def renamed(world: World) -> World:
    """A world whose model was renamed twice; the `moved:` lines are gone again."""
    for before, after in (("answer", "reply"), ("reply", "verdict")):
        world.edit("specs/answer.yaml", f"name: {before}", f"name: {after}")
        world.edit("mlspec.yaml", "teams:", f"moved: [{{from: model/{before}, to: model/{after}}}]\nteams:")
        world.commit(f"Rename {before}")
        world.apply()
        world.edit("mlspec.yaml", f"moved: [{{from: model/{before}, to: model/{after}}}]\n", "")
    return world


def test_the_old_name_leads_to_the_new_one(renamed: World) -> None:
    for argv in (
        ("show", "answer"),
        ("log", "model/answer"),
        ("lineage", "answer@v1"),
        ("diff", "model/answer", "v1", "v1"),
        ("export", "answer", "exported"),
        ("show", "answer", "--at", "2001-01-01"),
    ):
        done = renamed.mlspec(*argv)
        assert done.code == 1, argv
        assert "help: model/answer is model/verdict now\n" in done.err, argv
    assert "help: model/reply is model/verdict now\n" in renamed.mlspec("show", "reply").err


def test_a_name_that_nothing_ever_had_is_only_guessed_at(renamed: World) -> None:
    assert "help: did you mean `verdict`?\n" in renamed.mlspec("diff", "verdit", "v1", "v1").err
    assert "dataset/questions has no versions" in renamed.mlspec("diff", "dataset/questions", "v1", "v1").err
