"""Sharing the lineage through a real remote: fetched before planning, pushed by apply, made again after a lost race."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mlspec.commands.push import push
from mlspec.core.problem import MlspecError
from mlspec.lineage import share
from tests.worlds import LINEAGE, World

DESCRIBED = ("specs/questions.yaml", "specs/gate.yaml", "specs/answer.yaml")


class Team:
    """A bare repository, and clones of it."""

    def __init__(self, folder: Path, first: World) -> None:
        self.folder, self.hub = folder, folder / "hub.git"
        first.git("init", "-q", "--bare", "-b", "main", str(self.hub))
        self.git("config", "uploadpack.allowFilter", "true")
        first.git("remote", "add", "origin", str(self.hub))
        first.git("push", "-q", "origin", "main")
        first.git("fetch", "-q")
        self.first = first

    def git(self, *argv: str) -> str:
        """Run git in the bare repository."""
        return World(self.hub).git(*argv)

    def clone(self, name: str, *options: str) -> World:
        """Clone, with the same store at hand: the folder that a team shares."""
        url = f"file://{self.hub}"
        self.first.git("clone", "-q", *options, url, str(self.folder / name))
        clone = World(self.folder / name, self.first.env)
        store = self.first.root / ".mlspec" / "store"
        if store.exists():
            shutil.copytree(store, clone.root / ".mlspec" / "store")
        return clone

    @property
    def tip(self) -> str:
        """Return where the lineage is on the remote, "" where there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", LINEAGE)

    def records(self) -> list[str]:
        """Return the records on the remote, by path."""
        return self.git("ls-tree", "-r", "--name-only", self.tip, "log/").splitlines()


@pytest.fixture
def team(world: World, tmp_path: Path) -> Team:
    """A team whose first member applied before there was a remote."""
    return Team(tmp_path, world)


def describe(world: World, text: str, name: str = "specs/answer.yaml") -> str:
    """Commit a change of one record that costs nothing to apply."""
    with (world.root / name).open("a") as file:
        file.write(f"description: {text}\n")
    return world.commit(text)


def merge(world: World) -> None:
    """Push main, rebased on what others pushed."""
    world.git("pull", "-q", "--rebase", "origin", "main")
    world.git("push", "-q", "origin", "HEAD:main")
    world.git("fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")


def test_apply_pushes_what_was_recorded_before_too(team: Team) -> None:
    """What waited here goes along, even when there is nothing to do."""
    assert team.tip == ""
    waiting = team.first.mlspec("plan")
    assert "not at the remote `origin` yet: mlspec push" in waiting.out
    assert "Nothing to do." in team.first.apply().out
    assert team.tip == team.first.tip
    assert "No changes." in team.first.mlspec("plan").out


def test_a_plan_sees_what_others_recorded(team: Team) -> None:
    team.first.apply()
    other = team.clone("other")
    assert "No changes." in other.mlspec("plan").out
    describe(other, "Of the other")
    merge(other)
    other.apply()
    team.first.git("pull", "-q", "--rebase", "origin", "main")
    assert "No changes." in team.first.mlspec("plan").out
    assert team.first.tip == team.tip == other.tip


SHAPES = {
    "shallow": ("--depth=1",),
    "single-branch": ("--single-branch", "--branch=main"),
    "blobless": ("--filter=blob:none",),
    "shallow-blobless": ("--depth=1", "--filter=blob:none"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_incomplete_clone_plans_and_applies(team: Team, shape: str) -> None:
    """Nothing of the lineage shows in the user's repository, and git finds that as whole as before."""
    team.first.apply()
    clone = team.clone("clone", *SHAPES[shape])
    config = (clone.root / ".git/config").read_bytes()
    refs = clone.git("for-each-ref")
    assert "No changes." in clone.mlspec("plan").out
    assert "v1" in clone.mlspec("show").out
    describe(clone, "From little history")
    merge(clone)
    done = clone.apply()
    assert "Apply: 1 done." in done.out
    assert "From little history" in team.git("cat-file", "-p", f"{team.tip}:{head_of(team, 'model/answer')}")
    assert (clone.root / ".git/config").read_bytes() == config
    after = {line.split()[2] for line in clone.git("for-each-ref").splitlines()}
    assert after == {line.split()[2] for line in refs.splitlines()}
    assert clone.mlspec("verify").code == 0
    assert len(clone.mlspec("log").out.splitlines()) == len(team.records())
    team.first.git("pull", "-q", "--rebase", "origin", "main")
    assert "No changes." in team.first.mlspec("plan").out


def head_of(team: Team, address: str) -> str:
    name = address.partition("/")[2]
    return next(
        path
        for path in team.git("ls-tree", "-r", "--name-only", team.tip).splitlines()
        if path.endswith(f"/{name}.json") and path.startswith("heads/")
    )


def test_a_clone_that_cannot_ask_is_refused(team: Team) -> None:
    """Never "nothing recorded, train everything"."""
    team.first.apply()
    clone = team.clone("clone", "--depth=1")
    moved = team.hub.rename(team.folder / "away.git")
    for argv in (("plan",), ("apply", "--yes"), ("apply", "--yes", "--no-push"), ("show",)):
        done = clone.mlspec(*argv)
        assert done.code == 1 and "error[remote/unreachable]" in done.err and "hub.git" in done.err, done
    done = clone.mlspec("plan", "--offline")
    assert done.code == 1 and "error[lineage/never-asked]" in done.err
    moved.rename(team.hub)
    assert "No changes." in clone.mlspec("plan").out


def test_a_remote_that_is_away(team: Team) -> None:
    """What was last seen is enough for those who say so; what is recorded waits, and goes later."""
    team.first.apply()
    describe(team.first, "Alone")
    moved = team.hub.rename(team.folder / "away.git")
    plan = team.first.mlspec("plan")
    assert plan.code == 1 and "--offline" in plan.err
    assert "description" in team.first.mlspec("plan", "--offline").out
    shown = team.first.mlspec("show")
    assert shown.code == 0 and "warning[remote/unreachable]" in shown.err and "v1" in shown.out
    assert team.first.apply("--no-push").code == 0
    failed = team.first.mlspec("push")
    assert failed.code == 1 and "error[remote/unreachable]" in failed.err
    before = moved.rename(team.hub) and team.tip
    pushed = team.first.mlspec("push")
    assert pushed.out.startswith("Pushed 1 record to origin")
    assert team.tip == team.first.tip != before
    assert team.first.mlspec("push").out.startswith("Nothing to push")


REFUSES = "#!/bin/sh\necho 'GH013: nobody pushes here' >&2\nexit 1\n"


def test_a_remote_that_refuses_is_quoted(team: Team) -> None:
    team.first.apply()
    tip = team.tip
    hook = team.hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(REFUSES)
    hook.chmod(0o755)
    describe(team.first, "Refused")
    done = team.first.mlspec("apply", "--yes")
    assert done.code == 1 and "error[remote/refused]" in done.err and "GH013: nobody pushes here" in done.err
    assert "mlspec push" in done.err and "1 done" in done.out
    assert team.tip == tip != team.first.tip
    assert "mlspec push" in team.first.mlspec("plan").out
    hook.unlink()
    assert team.first.mlspec("push").code == 0
    assert team.tip == team.first.tip


def test_records_are_made_again_after_a_lost_race(team: Team) -> None:
    """Two record apart, each on the same tip: both are there in the end, on one line of history."""
    team.first.apply()
    other = team.clone("other")
    describe(other, "Of the other", "specs/gate.yaml")
    merge(other)
    describe(team.first, "Of the first")
    merge(team.first)
    team.first.apply("--no-push")
    other.git("pull", "-q", "--rebase", "origin", "main")
    other.apply()
    mine = team.first.tip
    assert "1 done" in team.first.apply().out or team.tip == team.first.tip
    assert team.first.mlspec("push").code == 0
    assert team.tip == team.first.tip != mine
    assert team.git("rev-list", "--merges", team.tip) == ""
    assert team.first.mlspec("verify").code == other.mlspec("pull").code == other.mlspec("verify").code == 0
    assert len(team.records()) == len(set(team.records()))


def test_numbers_are_given_in_the_winning_transaction(team: Team) -> None:
    """Two train different runs apart: each called its own v2, one of them is v3 in the end."""
    team.first.apply()
    other = team.clone("other")
    for world, value in ((team.first, "2.0"), (other, "3.0")):
        world.edit("specs/answer.yaml", "C: 1.0", f"C: {value}")
        world.commit(value)
        assert "train v2" in world.apply("--no-push").out
    assert team.first.mlspec("show").out.count("provisional: not pushed yet") == 1
    assert other.mlspec("push").code == 0
    lost = team.first.mlspec("push")
    assert lost.code == 4 and "stage staging was v1 and is v2 now" in lost.err
    head = json.loads(team.git("cat-file", "-p", f"{team.tip}:{head_of(team, 'model/answer')}"))
    assert [version["n"] for version in head["versions"]] == [1, 2, 3]
    assert head["stages"]["staging"]["version"] == 2
    assert team.first.git("for-each-ref", "refs/mlspec/refused") != ""
    assert team.first.mlspec("verify").code == 0


def test_a_superseded_commit_moves_nothing(team: Team) -> None:
    """A job that was overtaken by one of a newer commit loses its promotions, not its training."""
    team.first.apply()
    other = team.clone("other")
    describe(team.first, "Older")
    merge(team.first)
    other.git("pull", "-q", "--rebase", "origin", "main")
    describe(other, "Newer", "specs/gate.yaml")
    merge(other)
    team.first.apply("--no-push")
    other.apply()
    lost = team.first.mlspec("push")
    assert lost.code == 4 and "was superseded" in lost.err
    assert team.first.mlspec("apply", "--yes").code == 4
    assert "Older" in team.git("cat-file", "-p", f"{team.tip}:{head_of(team, 'model/answer')}")


def test_an_old_job_in_a_shallow_clone_is_superseded(team: Team) -> None:
    """The clone has one commit, the older one; what was deployed since is looked up at the remote."""
    team.first.apply()
    old = team.clone("old", "--depth=1")
    describe(team.first, "Newer")
    merge(team.first)
    team.first.apply()
    done = old.mlspec("apply", "--yes")
    assert done.code == 4 and "superseded" in done.err


def test_the_remote_went_back(team: Team) -> None:
    team.first.apply()
    before = team.tip
    describe(team.first, "Lost")
    merge(team.first)
    team.first.apply()
    after = team.tip
    team.git("update-ref", LINEAGE, before)
    for command in (("plan",), ("apply", "--yes"), ("show",), ("pull",)):
        done = team.first.mlspec(*command)
        assert done.code == 1 and "error[lineage/went-backwards]" in done.err, done
        assert "update-model.answer.json" in done.err and "mlspec verify --repair" in done.err
    team.git("update-ref", "-d", LINEAGE)
    done = team.first.mlspec("plan")
    assert done.code == 1 and "error[lineage/gone]" in done.err
    team.git("update-ref", LINEAGE, after)
    assert "No changes." in team.first.mlspec("plan").out


def test_a_lineage_here_that_went_back(world: World) -> None:
    """Without a remote the newest tip of this repository is remembered."""
    before = world.tip
    describe(world, "Lost")
    world.apply()
    after = world.tip
    world.git("update-ref", LINEAGE, before)
    done = world.mlspec("plan")
    assert done.code == 1 and "error[lineage/went-backwards]" in done.err
    assert "mlspec verify --repair" in done.err
    world.git("update-ref", "-d", LINEAGE)
    assert "error[lineage/gone]" in world.mlspec("plan").err
    world.git("update-ref", LINEAGE, after)
    assert "No changes." in world.mlspec("plan").out


@pytest.mark.torture
def test_two_started_apart(declared: World, tmp_path: Path) -> None:
    """Both recorded before there was a remote: the second's records are made again on the first's."""
    one, two = declared.copy(tmp_path / "one"), declared.copy(tmp_path / "two")
    one.apply()
    two.apply()
    team = Team(tmp_path, one)
    one.apply()
    two.git("remote", "add", "origin", str(team.hub))
    two.git("fetch", "-q")
    assert two.mlspec("push").code == 0
    assert team.tip == two.tip
    assert two.mlspec("verify").code == 0
    assert len([path for path in team.records() if "-train-" in path]) == 1


def test_no_hook_and_no_prompt(team: Team) -> None:
    """A hook of the user's does not run, and a remote that asks for a password is an error, not a wait."""
    team.first.apply()
    ran = team.folder / "ran"
    hook = team.first.root / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    hook.chmod(0o755)
    describe(team.first, "Quietly")
    team.first.apply()
    assert not ran.exists() and team.tip == team.first.tip


def test_the_remote_is_named(team: Team) -> None:
    """One that is called otherwise is found; of several without an origin one must be named."""
    first = team.first
    first.git("remote", "rename", "origin", "upstream")
    first.apply()
    assert team.tip == first.tip
    first.git("remote", "add", "second", str(team.hub))
    done = first.mlspec("plan")
    assert done.code == 1 and "error[remote/ambiguous]" in done.err and "second, upstream" in done.err
    with (first.root / "mlspec.yaml").open("a") as file:
        file.write("lineage: {remote: upstraem}\n")
    done = first.mlspec("plan")
    assert done.code == 1 and "did you mean `upstream`?" in done.err
    first.edit("mlspec.yaml", "upstraem", "upstream")
    assert first.mlspec("plan").code == 0


def test_linked_work_trees_share(team: Team) -> None:
    team.first.apply()
    team.first.git("worktree", "add", "-q", str(team.folder / "linked"), "-b", "linked")
    linked = World(team.folder / "linked", team.first.env)
    assert "No changes." in linked.mlspec("plan").out


def test_what_the_remote_lost_is_brought_back(team: Team) -> None:
    """By a plain fast-forward, and only when it is asked for."""
    team.first.apply()
    before = team.tip
    describe(team.first, "Lost")
    merge(team.first)
    team.first.apply()
    after = team.tip
    for damage in (("update-ref", LINEAGE, before), ("update-ref", "-d", LINEAGE)):
        team.git(*damage)
        found = team.first.mlspec("verify")
        assert found.code == 3 and "error[lineage/" in found.err + found.out
        repaired = team.first.mlspec("verify", "--repair")
        assert repaired.code == 0 and f"the branch is at {after[:12]} again" in repaired.out
        assert team.tip == after
    assert "No changes." in team.first.mlspec("plan").out


def test_a_lineage_here_is_brought_back(world: World) -> None:
    before = world.tip
    describe(world, "Lost")
    world.apply()
    after = world.tip
    for damage in (("update-ref", LINEAGE, before), ("update-ref", "-d", LINEAGE)):
        world.git(*damage)
        assert world.mlspec("verify").code == 3
        assert world.mlspec("verify", "--repair").code == 0
        assert world.tip == after


def test_a_tip_that_went_back_is_accepted_by_name(team: Team) -> None:
    """Who accepted it, and why, is recorded and shared; what was given up is kept aside."""
    team.first.apply()
    before = team.tip
    describe(team.first, "Lost")
    merge(team.first)
    team.first.apply()
    given_up = team.tip
    team.git("update-ref", LINEAGE, before)
    assert team.first.mlspec("verify", "--accept", before).code == 1
    wrong = team.first.mlspec("verify", "--accept", given_up, "--reason", "Restored")
    assert wrong.code == 1 and f"is at {before[:12]}" in wrong.err
    done = team.first.mlspec("verify", "--accept", before[:12], "--reason", "Restored from a backup")
    assert done.code == 0 and "Whole:" in done.out, done
    assert team.tip == team.first.tip and team.git("merge-base", before, team.tip) == before
    assert given_up in team.first.git("for-each-ref", "refs/mlspec/refused")
    log = team.first.mlspec("log").out
    assert "accept   project/answers  Restored from a backup" in log
    assert "Lost" in team.first.mlspec("plan").out
    assert team.first.apply().code == 0
    assert "project/answers" not in team.first.mlspec("show").out
    other = team.clone("other")
    assert "No changes." in other.mlspec("plan").out


def test_a_lineage_that_was_forced_aside(team: Team) -> None:
    """Another history in its place: nobody plans from it, and whoever saw the first says so."""
    team.first.apply()
    seen = team.tip
    orphan = World(team.hub, team.first.env).git("commit-tree", "-m", "Other", f"{seen}^{{tree}}")
    team.git("update-ref", LINEAGE, orphan)
    done = team.first.mlspec("apply", "--yes")
    assert done.code == 1 and "error[lineage/went-backwards]" in done.err
    assert team.first.mlspec("verify", "--repair").code == 3
    assert team.tip == orphan
    assert team.first.mlspec("verify", "--accept", orphan, "--reason", "Moved to a new forge").code == 0
    assert "No changes." in team.first.mlspec("plan").out


def test_credentials_of_an_address_are_not_told(team: Team) -> None:
    team.first.git("remote", "set-url", "origin", "http://someone:hunter2@127.0.0.1:1/hub.git")
    for argv in (("plan",), ("apply", "--yes"), ("pull",)):
        done = team.first.mlspec(*argv)
        assert done.code == 1 and "error[remote/unreachable]" in done.err and "127.0.0.1:1" in done.err
        assert "hunter2" not in done.err + done.out
    head = b"".join(path.read_bytes() for path in (team.first.root / ".mlspec").rglob("*") if path.is_file())
    assert b"hunter2" not in head


def test_a_remote_that_takes_and_loses(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was pushed is shared when the remote is seen to have it; here pushes go elsewhere than looks."""
    team.first.apply()
    describe(team.first, "Elsewhere")
    merge(team.first)
    team.first.apply("--no-push")
    fork = team.folder / "fork.git"
    team.first.git("clone", "-q", "--bare", str(team.hub), str(fork))
    team.first.git("remote", "set-url", "--push", "origin", str(fork))
    monkeypatch.setattr(share, "OUTAGE_S", 0.5)
    for name, value in team.first.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MlspecError, match="took the lineage and does not have it"):
        push(team.first.root)
    team.first.git("config", "--unset", "remote.origin.pushurl")
    assert push(team.first.root).records == 1
    assert team.tip == team.first.tip
