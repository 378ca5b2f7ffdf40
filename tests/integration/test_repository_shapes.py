"""Repositories of every shape: those that work, and one clear message, with nothing written, for those that cannot."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.worlds import LINEAGE, World, declare, project_files

Make = Callable[[World, Path], World]


def only_data(world: World) -> World:
    """Take the model away, so that an apply takes no time."""
    (world.root / "specs" / "answer.yaml").unlink()
    world.commit("Only data")
    return world


def whole(world: World, below: str = ".") -> None:
    """Apply, and hold the outcome: no change is left, the lineage is whole, the work tree is clean."""
    assert "Recorded at lineage" in world.mlspec("apply", "--yes", below=below).out
    assert "No changes." in world.mlspec("plan", below=below).out
    assert world.mlspec("verify", "--store", below=below).code == 0
    assert world.git("status", "--porcelain") == ""


def test_sub_directory(fresh: World) -> None:
    """The project is found upwards, and what is kept lies beside its mlspec.yaml."""
    whole(only_data(fresh), below="data")
    assert (fresh.root / ".mlspec" / "store").is_dir()
    assert not (fresh.root / "data" / ".mlspec").exists()


def test_option_c(fresh: World, tmp_path: Path) -> None:
    only_data(fresh)
    elsewhere = World(tmp_path, fresh.env)
    assert elsewhere.mlspec("-C", "fresh/specs", "apply", "--yes").code == 0
    assert "No changes." in fresh.mlspec("plan").out


def test_project_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    world = declare(tmp_path / "mono", below="teams/one/")
    project = only_data(World(world.root / "teams" / "one", world.env))
    whole(project)
    assert (project.root / ".mlspec" / "store").is_dir()
    assert not (world.root / ".mlspec").exists()
    assert "No changes." in project.mlspec("plan", "--ref", "HEAD").out


def test_sha256_repository(tmp_path: Path) -> None:
    world = only_data(declare(tmp_path / "sha256", "--object-format=sha256"))
    whole(world)
    assert len(world.tip) == 64
    assert world.git("fsck", "--strict", "--no-dangling") == ""
    assert "No changes." in world.mlspec("plan", "--ref", "HEAD").out


def test_packed_and_checked_by_git(world: World) -> None:
    """What is written is what git itself would write: it passes its strictest check, packs, and reads on."""
    world.git("fsck", "--strict", "--no-dangling")
    world.git("gc", "-q", "--prune=now")
    world.git("pack-refs", "--all")
    only_data(world)
    whole(world)
    assert world.git("fsck", "--strict", "--no-dangling") == ""


def test_detached_head(fresh: World) -> None:
    """At a commit of the deployed branch it deploys; at another it adds runs, moves nothing, and says so."""
    only_data(fresh).git("checkout", "-q", "--detach")
    whole(fresh)
    fresh.edit("specs/gate.yaml", "0.5", "0.6")
    commit = fresh.commit("On no branch")
    planned = fresh.mlspec("plan").out
    assert f"blocked: commit {commit[:8]} is not merged into main: commit and merge first" in planned
    tip = fresh.tip
    again = fresh.mlspec("apply", "--yes")
    assert again.out.endswith("Nothing to do. 1 blocked.\n")
    assert "commit and merge first" in again.out
    assert fresh.tip == tip
    fresh.git("branch", "-f", "main", "HEAD")
    whole(fresh)


def test_linked_work_tree(world: World, tmp_path: Path) -> None:
    """It shares the records, so it shares the store: nothing is lost when it is removed."""
    world.git("worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked"))
    linked = World(tmp_path / "linked", world.env)
    linked.edit("specs/gate.yaml", "0.5", "0.6")
    linked.commit("A stricter gate")
    before = world.git("status", "--porcelain", "--branch")
    assert "evaluate v1" in linked.apply().out
    with (linked.root / "data" / "questions.csv").open("a") as file:
        file.write("400,0.1,no\n")
    linked.commit("More data")
    linked.apply("dataset/questions")
    world.git("worktree", "remove", "--force", str(linked.root))
    assert world.git("status", "--porcelain", "--branch") == before
    found = world.mlspec("verify", "--store")
    assert found.code == 0, found
    assert "12 records" in found.out


def test_shallow_clone(world: World, tmp_path: Path) -> None:
    url = f"file://{world.root}"
    world.git("clone", "-q", "--depth", "1", "--no-single-branch", url, str(tmp_path / "shallow"))
    clone = World(tmp_path / "shallow", world.env)
    clone.git("branch", "-q", "--no-track", LINEAGE.removeprefix("refs/heads/"), "origin/mlspec/lineage")
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"
    assert "No changes." in clone.mlspec("plan").out
    assert clone.mlspec("verify").out == "Whole: 9 records, 3 heads.\n"
    with (clone.root / "specs" / "gate.yaml").open("a") as file:
        file.write("description: In other words\n")
    clone.commit()
    clone.apply()
    assert clone.mlspec("verify").out == "Whole: 10 records, 3 heads.\n"


def test_variables_that_a_hook_has(fresh: World) -> None:
    """mlspec runs in a hook too, where git points at an index and a folder of its own."""
    only_data(fresh)
    inside = {"GIT_INDEX_FILE": ".git/other-index", "GIT_PREFIX": "data/", "GIT_DIR": ".git"}
    assert fresh.mlspec("apply", "--yes", **inside).code == 0
    assert not (fresh.root / ".git" / "other-index").exists()
    assert "No changes." in fresh.mlspec("plan").out


def test_the_actor_is_who_git_says(fresh: World) -> None:
    only_data(fresh)
    fresh.git("config", "user.name", 'Zoë "Ada" O\'Neil')
    fresh.git("config", "user.email", "zoe@example.org")
    named = World(fresh.root, anonymous(fresh))
    assert named.mlspec("apply", "--yes").code == 0
    record = json.loads(named.content(named.record("snapshot-dataset.questions")))
    assert record["actor"] == {"name": 'Zoë "Ada" O\'Neil', "email": "zoe@example.org"}
    assert named.git("log", "-1", "--format=%an <%ae>", LINEAGE) == 'Zoë "Ada" O\'Neil <zoe@example.org>'


def anonymous(world: World) -> dict[str, str]:
    return {name: value for name, value in world.env.items() if not name.startswith(("GIT_AUTHOR_", "GIT_COMMITTER_"))}


def no_repository(world: World, _: Path) -> World:
    shutil.rmtree(world.root / ".git")
    return world


def bare(world: World, folder: Path) -> World:
    world.git("clone", "-q", "--bare", ".", str(folder / "bare.git"))
    inside = World(folder / "bare.git", world.env)
    inside.write(project_files())
    return inside


def no_commit(world: World, folder: Path) -> World:
    empty = World(folder / "empty", world.env)
    empty.root.mkdir()
    empty.git("init", "-q", "-b", "main")
    empty.write(project_files())
    return empty


def no_git(world: World, folder: Path) -> World:
    (folder / "bin").mkdir()
    return replace(world, env={**world.env, "PATH": str(folder / "bin")})


def no_identity(world: World, _: Path) -> World:
    world.git("config", "user.useConfigOnly", "true")
    return replace(world, env=anonymous(world))


def branch_in_the_way(world: World, _: Path) -> World:
    world.git("branch", "mlspec")
    return world


def branch_below(world: World, _: Path) -> World:
    world.git("branch", "mlspec/lineage/old")
    return world


def somebody_elses(world: World, _: Path) -> World:
    for path in (world.root, *world.root.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    return world


def other_project(world: World, _: Path) -> World:
    only_data(world).apply()
    world.edit("mlspec.yaml", "project: answers", "project: others")
    world.commit("Another project")
    return world


def not_a_lineage(world: World, _: Path) -> World:
    world.git("branch", "mlspec/lineage", "main")
    return world


def broken_configuration(world: World, _: Path) -> World:
    with (world.root / ".git" / "config").open("a") as file:
        file.write("[core\n")
    return world


def no_tip(world: World, _: Path) -> World:
    path = world.root / ".git" / LINEAGE
    path.parent.mkdir(parents=True)
    path.write_text("0123456789" * 4 + "\n")
    return world


ALL = ("plan", "apply --yes", "show", "verify")


@dataclass(frozen=True)
class Refused:
    """A repository, the commands that refuse it, and how."""

    make: Make
    says: str
    help: str
    commands: tuple[str, ...] = ALL


REFUSED = {
    "no repository": Refused(no_repository, r"git/no-repository\]: .* is not in a git repository", "run: git init"),
    "bare": Refused(bare, r"git/bare\]: this repository is bare", "work in a clone of it"),
    "no commit yet": Refused(
        no_commit, r"git/no-commit\]: nothing is committed yet", "commit the specs first", ("apply --yes",)
    ),
    "git is missing": Refused(no_git, r"git/not-installed\]: git is not installed or not on PATH", "install git"),
    "nobody": Refused(
        no_identity, r"git/no-identity\]: git does not know who you are", "git config user.name", ("apply --yes",)
    ),
    "a branch mlspec": Refused(
        branch_in_the_way,
        r"lineage/branch-in-the-way\]: git cannot keep a branch `mlspec/lineage`",
        "rename the branch",
    ),
    "a branch below": Refused(
        branch_below, r"lineage/branch-in-the-way\]: git cannot keep a branch `mlspec/lineage`", "rename the branch"
    ),
    "somebody else's": Refused(somebody_elses, r"git/refused\]: detected dubious ownership", "git refuses"),
    "another project's": Refused(
        other_project, r"lineage/other-project\]: .* records project `answers`, not `others`", "lineage: {branch:"
    ),
    "not a lineage": Refused(
        not_a_lineage, r"lineage/foreign\]: .* is somebody's own", "git branch -m", ("plan", "apply --yes", "show")
    ),
    "broken configuration": Refused(broken_configuration, r"git/", ""),
    "a tip that is not here": Refused(no_tip, r"lineage/damaged\]", "git fetch", ("plan", "apply --yes", "show")),
}


def written(world: World) -> dict[str, bytes]:
    """Return every file but caches."""
    files = (path for path in world.root.rglob("*") if path.is_file())
    named = {path.relative_to(world.root).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in named.items() if not name.startswith((".mlspec/cache/", ".mlspec/.git"))}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_one_message(fresh: World, tmp_path: Path, case: Refused) -> None:
    if case.make is somebody_elses and os.geteuid() != 0:
        pytest.skip("giving files away needs root")
    world = case.make(fresh, tmp_path)
    before = written(world)
    for command in case.commands:
        done = world.mlspec(*command.split())
        assert done.code == 1, (command, done)
        assert re.search(rf"error\[{case.says}", done.err), done.err
        assert case.help in done.err
        assert len(re.findall(r"error\[", done.err)) == 1
        assert "Traceback" not in done.err
    assert written(world) == before
