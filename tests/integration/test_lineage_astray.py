"""A lineage branch that others did something to: refused by plan, told by verify, and mended by what that says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mlspec.core.record import Record, sealed, to_bytes
from tests.worlds import LINEAGE, World

HEAD = "heads/model/0d/answer.json"
OLD_LAYOUT = {"format", "project", "deploy", "commit"}
"""What format.json held before there were seals."""
BRANCH = LINEAGE.removeprefix("refs/heads/")


def merged(world: World, *how: str) -> None:
    """Merge main into the lineage, as somebody would who was told that a branch is behind."""
    beside = world.root.parent / "beside"
    world.git("worktree", "add", "-q", str(beside), BRANCH)
    world.git("-C", str(beside), "merge", "-q", "--allow-unrelated-histories", "-m", "Update", *how, "main")
    world.git("worktree", "remove", str(beside))


def merged_by_name_only(world: World) -> None:
    merged(world, "-s", "ours")


def merged_with_another_root(world: World) -> None:
    """Join a history that has nothing to do with it."""
    other = world.git("commit-tree", "-m", "Elsewhere", f"{world.tip}^{{tree}}")
    commit = world.git("commit-tree", "-m", "Join", "-p", world.tip, "-p", other, f"{world.tip}^{{tree}}")
    world.git("update-ref", LINEAGE, commit)


def committed_to(world: World) -> None:
    world.tamper({"README.md": b"What is this branch?\n"}, onto=True)


def recorded_by_hand(world: World) -> None:
    """Chain a record of one's own, every digest right."""
    last = Record.model_validate_json(world.content(world.record("promote-model.answer")))
    update = {"apply": "by-hand", "generation": last.generation + 1, "previous": last.digest, "verb": "demote"}
    record = sealed(last.model_copy(update=update))
    world.tamper({record.path: to_bytes(record)}, onto=True)


def edited_twice(world: World) -> None:
    path = world.record("train-model.answer")
    world.tamper({path: world.content(path).replace(b"LogisticRegression", b"RidgeClassifier")}, onto=True)
    world.tamper({path: world.content(path).replace(b"RidgeClassifier", b"SVC")}, onto=True)


def of_another_mode(world: World) -> None:
    """Let a head be a program."""
    index = World(world.root, {**world.env, "GIT_INDEX_FILE": str(world.root / ".git" / "other")})
    index.git("read-tree", world.tip)
    path = "heads/model/0d/answer.json"
    index.git("update-index", "--cacheinfo", f"100755,{world.recorded()[path]},{path}")
    commit = world.git("commit-tree", "-m", "Mode", "-p", world.tip, index.git("write-tree"))
    world.git("update-ref", LINEAGE, commit)


def somebodys_own(world: World) -> None:
    world.git("update-ref", LINEAGE, "main")
    world.forget()


def seals_taken_off(world: World) -> None:
    kept = {name: value for name, value in json.loads(world.content("format.json")).items() if name in OLD_LAYOUT}
    world.tamper({"format.json": json.dumps(kept, indent=2, sort_keys=True).encode() + b"\n"}, onto=True)


@dataclass(frozen=True)
class Astray:
    """What was done, what plan says, and what verify does."""

    do: Callable[[World], None]
    planned: str
    verified: str


ASTRAY = {
    "merged with main": Astray(
        merged,
        r"commit [0-9a-f]{12}: error\[lineage/merged\]: Example merged [0-9a-f]{12} into",
        r"specs/gate.yaml: .*stray",
    ),
    "merged with main by name only": Astray(merged_by_name_only, r"lineage/merged", r"error\[lineage/merged\]"),
    "merged with another root": Astray(merged_with_another_root, r"lineage/merged", r"error\[lineage/merged\]"),
    "a file committed to it": Astray(
        committed_to,
        r"README.md: error\[lineage/stray\]: .* lie there: README.md",
        r"README.md: error\[lineage/stray\]",
    ),
    "a record by hand": Astray(
        recorded_by_hand,
        r"log: error\[lineage/damaged\]: commit [0-9a-f]{12} by Example is not mlspec's: log/ is not what format.json",
        r"/by-hand/.*: error\[lineage/altered\]: other hands wrote it, after commit [0-9a-f]{12}",
    ),
    "a record edited twice": Astray(
        edited_twice,
        r"log/ is not what format.json seals",
        r"a later commit .* changed or removed it: commit [0-9a-f]{12}",
    ),
    "a head of another mode": Astray(
        of_another_mode,
        r"heads/ is not what format.json seals",
        r"answer.json: error\[lineage/head\]: .* no plain file",
    ),
    "its seals taken off": Astray(
        seals_taken_off,
        r"format.json: error\[lineage/damaged\]: .* its seals were taken off",
        r"its seals were taken off",
    ),
}


@pytest.mark.parametrize("astray", ASTRAY.values(), ids=ASTRAY.keys())
def test_refused_told_and_mended(world: World, astray: Astray) -> None:
    before = world.recorded()
    astray.do(world)
    for command in (["plan"], ["apply", "--yes"], ["show"]):
        refused = world.mlspec(*command)
        assert (refused.code, refused.out) == (1, ""), command
        assert re.search(astray.planned, refused.err), refused.err
        assert "mlspec verify" in refused.err
    found = world.mlspec("verify")
    assert (found.code, found.err) == (3, "")
    assert re.search(astray.verified, found.out), found.out
    way_back = re.search(r"help: .* to go on from there: (git update-ref .*\))$", found.out, re.MULTILINE)
    if way_back:
        world.run("sh", "-c", way_back[1])
    else:
        assert "mlspec verify --repair" in found.out
        assert world.mlspec("verify", "--repair").code == 0
    assert world.mlspec("verify").out == "Whole: 9 records, 3 heads.\n"
    assert "No changes." in world.mlspec("plan").out
    assert {**world.recorded(), "format.json": ""} == {**before, "format.json": ""}


def test_a_branch_of_somebody_else_is_left_alone(world: World) -> None:
    somebodys_own(world)
    tip = world.tip
    for command, code in ((["plan"], 1), (["apply", "--yes"], 1), (["verify"], 3), (["verify", "--repair"], 3)):
        done = world.mlspec(*command)
        assert done.code == code
        assert "error[lineage/foreign]: the branch of the lineage is somebody's own: commit" in done.out + done.err
        assert "rename that branch (git branch -m OLD NEW)" in done.out + done.err
    assert world.tip == tip


@pytest.mark.parametrize("how", ["deleted", "pushed back"])
def test_a_branch_that_lost_something(world: World, how: str) -> None:
    tip = world.tip
    world.git("update-ref", *(["-d", LINEAGE] if how == "deleted" else [LINEAGE, f"{tip}~2"]))
    code = "gone" if how == "deleted" else "went-backwards"
    for command, exit_code in ((["plan"], 1), (["apply", "--yes"], 1), (["verify"], 3)):
        done = world.mlspec(*command)
        assert done.code == exit_code, done
        assert f"error[lineage/{code}]: the branch {BRANCH} " in done.out + done.err
        assert "bring it back: mlspec verify --repair" in done.out + done.err
    assert world.mlspec("verify", "--repair").code == 0
    assert world.tip == tip


@pytest.fixture
def shared(world: World) -> World:
    """The world, its branches at a remote."""
    world.git("init", "-q", "--bare", "-b", "main", str(world.root.parent / "remote.git"))
    world.git("remote", "add", "origin", f"file://{world.root.parent / 'remote.git'}")
    world.git("push", "-q", "origin", "main")
    assert world.mlspec("push").code == 0
    return world


def clone_of(world: World, name: str, *how: str) -> World:
    world.git("clone", "-q", *how, f"file://{world.root.parent / 'remote.git'}", str(world.root.parent / name))
    return World(world.root.parent / name, world.env)


@pytest.mark.parametrize("how", [(), ("--depth=1",), ("--filter=blob:none", "--single-branch")], ids=str)
def test_any_clone_verifies_all_of_it(shared: World, how: tuple[str, ...]) -> None:
    clone = clone_of(shared, "clone", *how)
    assert clone.mlspec("verify").out == "Whole: 9 records, 3 heads.\n"


@pytest.mark.parametrize("how", [(), ("--depth=1",)], ids=str)
@pytest.mark.parametrize("what", ["a record", "a head"])
def test_what_was_pushed_beside_mlspec_is_mended_for_all(shared: World, how: tuple[str, ...], what: str) -> None:
    path = shared.record("train-model.answer") if what == "a record" else "heads/model/0d/answer.json"
    shared.tamper({path: shared.content(path).replace(b"LogisticRegression", b"RidgeClassifier")}, onto=True)
    shared.git("push", "-q", "origin", BRANCH)
    clone = clone_of(shared, "clone", *how)
    assert clone.mlspec("plan").code == 1
    found = clone.mlspec("verify", "--repair")
    way_back = re.search(r"help: .* to go on from there: (git .*\)), then mlspec push$", found.out, re.MULTILINE)
    if what == "a record":
        assert (found.code, way_back is not None) == (3, True), found
        clone.run("sh", "-c", way_back[1] if way_back else "")
    else:
        assert (found.code, "repaired  heads/model/0d/answer.json" in found.out) == (0, True), found
        assert "mlspec push shares it" in found.out
    assert clone.mlspec("push").code == 0
    assert shared.mlspec("verify").out == "Whole: 9 records, 3 heads.\n"
    assert "No changes." in shared.mlspec("plan").out


def test_files_of_a_newer_mlspec(world: World) -> None:
    """A record is refused by verify, and a head by whatever would plan from it; even where nobody sealed them."""
    path = world.record("train-model.answer")
    record = world.content(path).replace(b"mlspec.record/1", b"mlspec.record/2")
    world.tamper({path: record}, onto=True)
    done = world.mlspec("verify")
    assert (done.code, done.out) == (1, "")
    assert "error[lineage/newer]: " in done.err
    assert "has format mlspec.record/2; this mlspec reads up to mlspec.record/1" in done.err
    head = {HEAD: world.content(HEAD).replace(b"mlspec.head/1", b"mlspec.head/2")}
    layout = {name: value for name, value in json.loads(world.content("format.json")).items() if name in OLD_LAYOUT}
    world.tamper({**head, "format.json": json.dumps(layout).encode()})
    done = world.mlspec("plan")
    assert (done.code, done.out) == (1, "")
    assert f"error[lineage/newer]: {HEAD} has format mlspec.head/2" in done.err


@pytest.mark.parametrize(
    "names", [("heads/model/0d/answer.json", "heads/model", "format.json"), ("a record",), ("log",)]
)
def test_what_rots_is_mended(world: World, names: tuple[str, ...]) -> None:
    """A rotten head is written again; a rotten record is fetched from a clone that has it."""
    clone = world.root.parent / "clone"
    world.git("clone", "-q", "--no-hardlinks", "--mirror", str(world.root), str(clone))
    for name in names:
        rot(world, world.record("train-model.answer") if name == "a record" else name)
        found = world.mlspec("verify", "--repair")
        fetch = re.search(r"help: fetch it from a clone that has it: (rm -f .*)$", found.out, re.MULTILINE)
        if fetch:
            assert (found.code, world.mlspec("verify").code) == (3, 3)
            world.run("sh", "-c", fetch[1].replace("CLONE", str(clone)))
        else:
            assert (found.code, name in found.out) == (0, True)
        assert world.mlspec("verify").out == "Whole: 9 records, 3 heads.\n"


def rot(world: World, name: str) -> None:
    """Let git's object of a file or folder of the branch go bad."""
    oid = world.git("rev-parse", f"{world.tip}:{name}")
    path = world.root / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"rotten")
