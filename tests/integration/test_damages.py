"""A thousand damages: each is named, nothing is planned or used from it, and what can be mended is by what is told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlspec.commands import export, plan, verify
from mlspec.commands.choose import choose
from mlspec.commands.plan import PlanRequest
from mlspec.commands.verify import VerifyReport, VerifyRequest
from mlspec.core.digest import of_bytes
from mlspec.core.plan import Action
from mlspec.core.problem import MlspecError
from tests.damages import Damage, Target
from tests.worlds import World

ALL, PARTS, QUICK = 1000, 20, 40
CLEAN = 100
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def storied(applied: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two versions, a rollback to the first, and a stricter gate that was not applied yet: the plan has work to do."""
    world = applied.copy(tmp_path_factory.mktemp("storied") / "repository")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.1")
    world.commit("Regularise more")
    world.apply()
    world.git("revert", "--no-edit", "HEAD")
    world.apply()
    world.edit("specs/gate.yaml", "0.5", "0.6")
    world.commit("A stricter gate")
    return world


@pytest.fixture
def target(storied: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    world = storied.copy(tmp_path / "world")
    monkeypatch.delenv("CI", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in world.env.items():
        monkeypatch.setenv(name, value)
    yield Target.of(world)


def verified(world: World, *, repair: bool = False) -> VerifyReport:
    return verify.run(world.root, VerifyRequest(store=True, repair=repair))


def planned(world: World) -> tuple[Action, ...]:
    """Plan as if for the first time."""
    shutil.rmtree(world.root / ".mlspec/cache", ignore_errors=True)
    return plan.run(world.root, PlanRequest()).actions


def told(report: VerifyReport) -> str:
    return "\n".join(f"{problem.place}: {problem.message}" for problem in report.damage)


def try_out(target: Target, damage: Damage, truth: tuple[Action, ...]) -> None:
    """Do a damage, and see that it is named, that no plan believes it, and that the way back leads back."""
    world = target.world
    with target.done(damage) as is_one:
        if not is_one:
            return
        report = verified(world)
        assert report.damage, damage
        assert is_named(target, damage, told(report)), (damage, told(report))
        believed = plan_or_refusal(world)
        match damage.where:
            case "branch":
                assert believed is None, f"planned from: {damage}"
                mend(world, report)
                assert verified(world).damage == (), damage
                assert planned(world) == truth, damage
                kept = world.recorded()
                assert {path: kept[path] for path in kept if path != "format.json"} == target.files, damage
            case "git":
                assert believed in (None, truth), damage
            case "store":
                assert believed == truth or (believed and damage.way == "removed"), damage
                refuse(world, report)


def plan_or_refusal(world: World) -> tuple[Action, ...] | None:
    try:
        return planned(world)
    except MlspecError as error:
        assert error.exit_code == 1
        assert {problem.code.partition("/")[0] for problem in error.problems} <= {"lineage", "git"}, error
        return None


def is_named(target: Target, damage: Damage, said: str) -> bool:
    if damage.where == "git":
        if damage.name.startswith("commit") or damage.name == "root":
            return target.tip in said or "git cannot read the history of the branch" in said
        return f"{damage.name}: git cannot read" in said
    if damage.way in ("stray", "copied"):
        return ("stray-" if damage.way == "stray" else ".json.json") in said or "1999" in said or "heads/a/" in said
    return damage.name in said


def mend(world: World, report: VerifyReport) -> None:
    """Do what verify tells: repair, where that is what it says, else its git command."""
    hints = " ".join(problem.help or "" for problem in report.damage)
    command = re.search(r"to go on from there: (git update-ref .*\))", hints)
    if command:
        world.run("sh", "-c", command[1])
    elif "--repair" in hints:
        assert verified(world, repair=True).repaired


def refuse(world: World, report: VerifyReport) -> None:
    """A damaged object is never handed out: an export that needs it fails, another is right."""
    wrong = {digest for problem in report.damage for digest in DIGEST.findall(problem.message)}
    for version in ("v1", "v2"):
        folder = world.root.parent / "exported"
        run = choose(world.root, f"answer@{version}").run
        try:
            export.export(world.root, f"answer@{version}", folder)
            assert not {run.artifact, run.manifest} & wrong
            assert of_bytes((folder / "model.skops").read_bytes()) == run.artifact
            shutil.rmtree(folder)
        except MlspecError as error:
            assert set(DIGEST.findall(str(error))) <= wrong, error
            assert not folder.exists()


def test_a_sample_of_damages(target: Target) -> None:
    truth, damages = planned(target.world), target.damages(ALL)
    assert truth
    for damage in damages[:: len(damages) // QUICK]:
        try_out(target, damage, truth)
    assert verified(target.world).damage == ()


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_damages(target: Target, part: int, record_property: pytest.RecordProperty) -> None:
    truth, damages = planned(target.world), target.damages(ALL)[part::PARTS]
    for damage in damages:
        try_out(target, damage, truth)
    for _ in range(CLEAN // PARTS):
        assert verified(target.world).damage == ()
        assert planned(target.world) == truth
    record_property("figure", f"damages, part {part}: {len(damages)} of {len(damages)} named, none planned from")


STORED_WAYS = ("truncated", "flipped", "removed", "replaced")


@pytest.mark.torture
@pytest.mark.parametrize("way", STORED_WAYS)
def test_apply_uses_no_damaged_object(target: Target, way: str) -> None:
    """What needs it fails and records nothing, or comes by the right bytes again; what does not need it is done."""
    world = target.world
    for number, name in enumerate(target.stored):
        copy = Target.of(world.copy(world.root.parent / f"{way}-{number}"))
        with copy.done(Damage("store", name, way, number)):
            done = copy.world.mlspec("apply", "--yes")
            assert done.code in (0, 1, 3), done
            assert "Traceback" not in done.out + done.err
            if copy.world.tip == copy.tip:
                continue
            said = copy.world.mlspec("verify", "--store")
            assert said.code == 0 or name in said.out, said
            assert said.out.count("error[") <= 1, said


def test_exit_codes_of_damage(target: Target) -> None:
    """As a user meets them: nothing on stdout but findings, no traceback, 3 of verify, 1 of plan and apply."""
    world = target.world
    for damage in (damage for damage in target.damages(ALL) if damage.where == "branch" and damage.seed % 40 == 0):
        with target.done(damage) as is_one:
            if is_one:
                found, refused = world.mlspec("verify", "--store"), world.mlspec("plan")
                assert (found.code, found.err) == (3, ""), damage
                assert (refused.code, refused.out) == (1, ""), damage
                assert refused.err.splitlines()[0].count("error[lineage/") == 1, damage
                assert "help: " in refused.err, damage
