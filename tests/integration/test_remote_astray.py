"""A remote that lost its place, belongs to others, or takes branches only; and what two clones did twice."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.samples import sampled
from tests.worlds import LINEAGE, MLSPEC, World, declare

ONLY_BRANCHES = """\
#!/bin/sh
case $1 in refs/heads/*) exit 0 ;; esac
echo only branches here >&2
exit 1
"""


@pytest.fixture
def hub(world: World, tmp_path: Path) -> World:
    """The bare repository that the project and its lineage were pushed to."""
    hub = World(tmp_path / "hub.git", world.env)
    world.git("init", "-q", "--bare", "-b", "main", str(hub.root))
    hub.git("config", "uploadpack.allowFilter", "true")
    world.git("remote", "add", "origin", f"file://{hub.root}")
    world.git("push", "-q", "origin", "main", LINEAGE)
    world.git("fetch", "-q")
    return hub


def clone(hub: World, name: str, *options: str) -> World:
    root = hub.root.parent / name
    hub.git("clone", "-q", *options, f"file://{hub.root}", str(root))
    return World(root, hub.env)


def within(world: World, seconds: float, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run mlspec, which must end in time."""
    return subprocess.run(
        [str(MLSPEC), *argv],
        cwd=world.root,
        env=world.env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def test_a_rename_that_two_made_is_recorded_once(world: World, hub: World) -> None:
    """The second is not the rename of nothing, which would empty the head of what has the name already."""
    world.edit("specs/answer.yaml", "name: answer", "name: reply")
    world.edit("mlspec.yaml", "deploy:", "moved: [{from: model/answer, to: model/reply}]\ndeploy:")
    world.commit("Rename")
    world.git("push", "-q", "origin", "main")
    other = clone(hub, "other")
    other.apply("--no-push")
    world.apply()
    pushed = other.mlspec("push")
    assert (pushed.code, other.tip) == (0, world.tip), pushed
    assert "staging     v1" in other.mlspec("show").out
    assert "No changes." in other.mlspec("plan").out
    assert other.mlspec("verify").code == 0


def test_records_are_never_pushed_into_the_lineage_of_another_project(world: World, hub: World) -> None:
    tip = hub.git("rev-parse", LINEAGE)
    other = clone(hub, "other")
    other.git("remote", "remove", "origin")
    other.edit("mlspec.yaml", "project: answers", "project: others")
    other.commit("Another project")
    other.apply("dataset/questions")
    own = other.tip
    other.git("remote", "add", "origin", f"file://{hub.root}")
    for command in ("push", "pull", "plan"):
        refused = other.mlspec(command)
        assert refused.code == 1
        assert "lineage/other-project" in refused.err
    assert (hub.git("rev-parse", LINEAGE), other.tip) == (tip, own)


def test_an_incomplete_clone_whose_remote_was_removed_plans_nothing(hub: World) -> None:
    """What is kept apart is not forgotten: never "nothing recorded, train everything"."""
    shallow = clone(hub, "shallow", "--depth=1")
    assert "No changes." in shallow.mlspec("plan").out
    shallow.git("remote", "remove", "origin")
    refused = shallow.mlspec("plan")
    assert refused.code == 1
    assert "remote/gone" in refused.err
    shallow.git("remote", "add", "origin", f"file://{hub.root}")
    assert "No changes." in shallow.mlspec("plan").out


def test_records_are_made_again_in_a_clone_whose_history_was_cut_meanwhile(world: World, hub: World) -> None:
    """Which commit came first is asked of the remote while the lock of the repository is held: by the same process."""
    other = clone(hub, "other")
    with (other.root / "specs/gate.yaml").open("a") as file:
        file.write("description: One\n")
    other.commit("One")
    other.git("push", "-q", "origin", "main")
    other.apply("--no-push")
    world.git("pull", "-q", "origin", "main")
    with (world.root / "specs/answer.yaml").open("a") as file:
        file.write("description: Two\n")
    world.commit("Two")
    world.git("push", "-q", "origin", "main")
    world.apply()
    other.git("fetch", "-q", "--depth=1", "origin", "main")
    other.git("reset", "-q", "--hard", "FETCH_HEAD")
    planned = within(other, 60, "plan")
    assert planned.returncode == 0, planned
    assert "was superseded" in planned.stdout + planned.stderr
    assert other.tip == world.tip


def test_a_remote_that_takes_branches_only_lends_no_lease_and_stops_nobody(world: World, hub: World) -> None:
    hook = hub.root / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(ONLY_BRANCHES)
    hook.chmod(0o755)
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Train anew")
    done = within(world, 120, "apply", "--yes")
    assert done.returncode == 0, done
    assert hub.git("rev-parse", LINEAGE) == world.tip
    assert not hub.git("for-each-ref", "refs/mlspec")


def test_a_remote_that_hands_out_branches_only_is_asked_for_those(world: World, hub: World) -> None:
    """Whether this commit came before the last one deployed: "not handed out" is no answer to that."""
    for what in ("allowAnySHA1InWant", "allowReachableSHA1InWant", "allowTipSHA1InWant", "allowFilter"):
        hub.git("config", f"uploadpack.{what}", "false")
    stale = World(hub.root.parent / "stale", hub.env)
    hub.git("-c", "protocol.version=0", "clone", "-q", f"file://{hub.root}", str(stale.root))
    stale.git("config", "protocol.version", "0")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Another model")
    world.git("push", "-q", "origin", "main")
    world.apply()
    done = stale.mlspec("apply", "--yes")
    assert (done.code, "plan/superseded" in done.err) == (4, True), done


def refusing_pushes(world: World, said: str) -> None:
    """Have pushes fail as they do over ssh; fetches go on as before."""
    script = world.root.parent / "ssh"
    script.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 255\n")
    script.chmod(0o755)
    world.git("config", "core.sshCommand", str(script))
    world.git("config", "remote.origin.pushurl", "ssh://forge.invalid/answers.git")


@pytest.mark.parametrize("said", sampled(["Permission denied (publickey).", "quota of this forge"], 1))
def test_a_remote_that_may_only_be_read_makes_no_training_fail(world: World, hub: World, said: str) -> None:
    """No lease can be had there: the model is trained all the same, recorded here, and the push tells why not there."""
    refusing_pushes(world, said)
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Another model")
    done = world.mlspec("apply", "--yes", "--no-push")
    assert done.code == 0, done
    assert not any("failed" in world.content(path).decode() for path in world.recorded() if path.startswith("log/"))
    pushed = world.mlspec("push")
    assert (pushed.code, said.rstrip(".") in pushed.err) == (1, True), pushed
    world.git("config", "--unset", "remote.origin.pushurl")
    assert world.mlspec("push").code == 0
    assert world.tip == hub.git("rev-parse", LINEAGE)


ADDRESSES = [
    "http://bot:s3cr3t/TOKEN@127.0.0.1:1/r.git",
    "http://bot:s3cr3t%2FTOKEN@127.0.0.1:1/r.git",
    "http://127.0.0.1:1/r.git?private_token=s3cr3tTOKEN",
    "git://bot:s3cr3tTOKEN@127.0.0.1:1/r",
    "http://s3cr3tTOKEN0123456789@127.0.0.1:1/r.git",
    "/nowhere/bot:s3cr3tTOKEN@x",
]


@pytest.mark.parametrize(
    ("key", "address"),
    [
        *(("url", address) for address in ADDRESSES),
        ("pushurl", ADDRESSES[0]),  # a push is tried again for a while
        *(pytest.param("pushurl", address, marks=pytest.mark.torture) for address in ADDRESSES[1:]),
    ],
)
def test_no_part_of_a_password_is_told_or_recorded(world: World, hub: World, address: str, key: str) -> None:
    world.git("config", f"remote.origin.{key}", address)
    world.edit("specs/questions.yaml", "owner: team\n", "owner: team\ndescription: Another\n")
    world.commit("Describe")
    ended = [world.mlspec(*argv) for argv in (("apply", "--yes"), ("push",), ("plan",))]
    assert [done.code for done in ended][:2] == [1, 1], ended
    told = "".join(done.out + done.err for done in ended)
    recorded = b"".join(world.content(path) for path in world.recorded() if path.startswith(("log/", "heads/")))
    for secret in ("s3cr3t", "TOKEN"):
        assert secret not in told
        assert secret.encode() not in recorded


def test_a_stop_is_heeded_while_a_push_is_tried_again(world: World, hub: World) -> None:
    """Looks are answered, pushes are not: that is no race that others win, and nobody waits ten minutes for it."""
    world.git("config", "remote.origin.pushurl", "http://127.0.0.1:1/r.git")
    world.edit("specs/questions.yaml", "owner: team\n", "owner: team\ndescription: Another\n")
    world.commit("Describe")
    with subprocess.Popen(
        [str(MLSPEC), "apply", "--yes"], cwd=world.root, env=world.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.read(1)
        time.sleep(2)
        began = time.monotonic()
        running.terminate()
        _, err = running.communicate(timeout=60)
    assert time.monotonic() - began < 15
    assert running.returncode == 130
    assert b"everything is recorded here: mlspec push" in err or b"remote/unreachable" in err


@pytest.fixture
def strange(hub: World) -> World:
    """The repository of another project, whose lineage is on a branch of the same name."""
    folder = hub.root.parent / "strange"
    other = declare(folder / "first")
    other.edit("mlspec.yaml", "project: answers", "project: others")
    other.commit("Another project")
    other.apply("dataset/questions")
    bare = World(folder / "hub.git", hub.env)
    other.git("clone", "-q", "--bare", str(other.root), str(bare.root))
    return bare


@pytest.mark.parametrize("options", [(), ("--depth=1",)], ids=["full", "shallow"])
def test_a_wrong_address_leaves_nothing_behind(hub: World, strange: World, options: tuple[str, ...]) -> None:
    """The lineage of another project is refused before it is remembered: with the right address all is as before."""
    own = clone(hub, "own", *options)
    own.git("remote", "set-url", "origin", f"file://{strange.root}")
    before = hub.git("for-each-ref")
    for argv in (("plan",), ("pull",), ("push",), ("verify", "--repair"), ("apply", "--yes")):
        done = own.mlspec(*argv)
        assert (done.code, "lineage/other-project" in done.err + done.out) in ((1, True), (3, True)), done
    own.git("remote", "set-url", "origin", f"file://{hub.root}")
    assert own.mlspec("verify", "--repair").code == 0
    assert "No changes." in own.mlspec("plan").out
    assert hub.git("for-each-ref") == before


def test_another_project_accepts_nothing(world: World, hub: World) -> None:
    tip = hub.git("rev-parse", LINEAGE)
    other = clone(hub, "other")
    other.edit("mlspec.yaml", "project: answers", "project: others")
    for argv in (("verify", "--accept", tip, "--reason", "Mine"), ("push",), ("pull",)):
        done = other.mlspec(*argv)
        assert (done.code, "lineage/other-project" in done.err) == (1, True), done
    assert hub.git("rev-parse", LINEAGE) == tip


def test_a_push_asks_what_the_remote_has(world: World, hub: World) -> None:
    assert "Nothing to push" in world.mlspec("push").out
    hub.git("update-ref", "-d", LINEAGE)
    done = world.mlspec("push")
    assert (done.code, "lineage/gone" in done.err) == (1, True), done


def test_the_lineages_of_two_repositories_are_not_mixed(world: World, hub: World, tmp_path: Path) -> None:
    """Equal projects in two repositories: what was shared with one remote is not made again on top of the other's."""
    second = declare(tmp_path / "second" / "work")
    second.apply("dataset/questions")
    bare = World(tmp_path / "second" / "hub.git", hub.env)
    second.git("clone", "-q", "--bare", str(second.root), str(bare.root))
    mixed = clone(hub, "mixed")
    assert "No changes." in mixed.mlspec("plan").out
    mixed.git("remote", "rename", "origin", "upstream")
    mixed.git("remote", "set-url", "upstream", f"file://{bare.root}")
    before = mixed.tip
    done = mixed.mlspec("plan")
    assert (done.code, "lineage/unrelated" in done.err) == (1, True), done
    assert mixed.tip == before
    mixed.git("remote", "set-url", "upstream", f"file://{hub.root}")
    assert "No changes." in mixed.mlspec("plan").out


def test_a_remote_that_is_suddenly_empty_is_no_new_project(hub: World, tmp_path: Path) -> None:
    fresh = clone(hub, "fresh")
    empty = World(tmp_path / "empty.git", hub.env)
    fresh.git("init", "-q", "--bare", str(empty.root))
    fresh.git("remote", "set-url", "origin", f"file://{empty.root}")
    done = fresh.mlspec("plan")
    assert (done.code, done.out) == (1, "")
    assert "has no branches at all" in done.err


def test_a_deployed_commit_that_was_never_pushed_is_told(world: World, hub: World) -> None:
    """Only whoever made it knows whether this one is older."""
    world.edit("specs/answer.yaml", "owner: team\n", "owner: team\ndescription: Not pushed\n")
    last = world.commit("Deployed from a machine, and not pushed")
    world.apply()
    other = clone(hub, "other")
    warned = f"the commit deployed last, {last[:8]}, is neither here nor at the remote"
    assert warned in other.mlspec("plan").out
    world.git("push", "-q", "origin", "main")
    assert warned not in other.mlspec("plan").out
    assert other.mlspec("apply", "--yes").code == 4
