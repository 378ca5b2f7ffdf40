"""`plan --format markdown` on a branch whose run is trained: the comment a reviewer reads."""

from __future__ import annotations

from tests.worlds import World


def test_a_reviewer_sees_the_run_beside_the_champion_and_why_it_waits(world: World) -> None:
    world.git("switch", "-q", "-c", "idea|`@octocat`")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    world.commit()
    world.apply()
    done = world.mlspec("plan", "--format", "markdown")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "**Plan for <code>answers</code>:** nothing to do, 2 blocked."
    assert "**blocked:** <code>branch idea&#124;&#96;&#64;octocat&#96; is not merged into main" in done.out
    assert "| metric | <code>v1 in staging</code> | <code>run " in done.out
    assert (
        "\n<code>gate/better-than-chance</code>: pass\n\n| outcome | check | value | interval | bound | margin | n |"
        in done.out
    )
    assert "| pass | <code>accuracy</code> | " in done.out and "</code> | +0." in done.out
    assert "<details><summary>Why: <code>model/answer</code></summary>" in lines
    assert lines[-1] == "<!-- mlspec plan -->"
    assert world.mlspec("plan", "--format", "markdown", "--detailed-exitcode").code == 0


def test_a_plan_with_changes_has_the_exit_code_of_any_plan(fresh: World) -> None:
    done = fresh.mlspec("plan", "--format", "markdown", "--detailed-exitcode")
    assert done.code == 2
    assert "| <code>+</code> | <code>model/answer</code> | <code>train v1 (expected)</code>, new |" in done.out
