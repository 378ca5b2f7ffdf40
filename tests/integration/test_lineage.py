"""Writing the lineage: the user's repository is left alone, writers side by side lose nothing, a kill needs no hand."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections import Counter
from io import RawIOBase
from pathlib import Path

import pytest

from tests.worlds import LINEAGE, MLSPEC, World

KINDS = ("dataset/questions", "gate/better-than-chance", "model/answer")
SPECS = ("specs/questions.yaml", "specs/gate.yaml", "specs/answer.yaml")


def describe(world: World, text: str = "New words") -> str:
    """Commit a change of three records that costs nothing to apply."""
    for name in SPECS:
        with (world.root / name).open("a") as file:
            file.write(f"description: {text}\n")
    return world.commit(text)


def files(folder: Path, without: tuple[str, ...] = ()) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, time and content of every file below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(without):
            status = path.stat()
            found[name] = (status.st_mode, status.st_mtime_ns, path.read_bytes())
    return found


def test_the_users_files_are_not_touched(world: World) -> None:
    """Staged, unstaged, untracked, ignored, stashed: all of it is as it was, to the byte and the nanosecond."""
    describe(world)
    (world.root / "notes.txt").write_text("stashed\n")
    world.git("stash", "push", "-q", "--include-untracked")
    (world.root / ".gitignore").write_text(".mlspec/\nignored\n")
    (world.root / "ignored").write_text("ignored\n")
    world.write({"notes.txt": "staged\n"})
    world.git("add", "notes.txt", ".gitignore")
    world.write({"notes.txt": "unstaged\n", "more.txt": "untracked\n"})
    world.edit("specs/gate.yaml", "0.5", "0.6")
    said = [world.git("status", "--porcelain=v2", "--branch", "--show-stash"), world.git("stash", "list")]
    before = files(world.root, (".mlspec/",))
    assert "evaluate v1" in world.apply().out
    after = files(world.root, (".mlspec/",))
    assert [world.git("status", "--porcelain=v2", "--branch", "--show-stash"), world.git("stash", "list")] == said
    new = {name for name in after if after[name] != before.get(name)}
    assert before.keys() - after.keys() == set()
    ours = {f".git/{LINEAGE}", f".git/logs/{LINEAGE}", ".git/mlspec.lock", ".git/refs/mlspec/seen/heads/mlspec/lineage"}
    assert {name for name in new if not name.startswith(".git/objects/")} <= ours
    assert f".git/{LINEAGE}" in new


TRAP = """\
#!/bin/sh
echo {name} >> '{ran}'
cat
"""
HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change"),
    *("post-rewrite", "pre-auto-gc", "pre-commit", "pre-push", "prepare-commit-msg", "reference-transaction"),
)


def trap(path: Path, name: str, ran: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TRAP.format(name=name, ran=ran))
    path.chmod(0o755)
    return str(path)


def set_traps(world: World, folder: Path) -> Path:
    """Configure every program that git may run on its own; each notes its name in the file that is returned."""
    ran, inside = folder / "ran", world.root / ".git"
    for name in HOOKS:
        trap(inside / "hooks" / name, f"hook {name}", ran)
    (inside / "info").mkdir(exist_ok=True)
    (inside / "info" / "attributes").write_text("* filter=trap diff=trap merge=trap\n")
    settings = {
        "core.fsmonitor": "fsmonitor",
        "filter.trap.clean": "clean",
        "filter.trap.smudge": "smudge",
        "filter.trap.required": "",
        "diff.trap.textconv": "textconv",
        "diff.trap.command": "diff",
        "diff.external": "external",
        "core.pager": "pager",
        "core.editor": "editor",
        "core.sshCommand": "ssh",
        "core.alternateRefsCommand": "alternates",
        "gpg.program": "gpg",
        "credential.helper": "credential",
    }
    for key, name in settings.items():
        world.git("config", key, trap(folder / name, name, ran) if name else "true")
    world.git("config", "commit.gpgSign", "true")
    world.git("config", "log.showSignature", "true")
    world.git("config", "pager.log", "true")
    ran.unlink(missing_ok=True)
    return ran


def test_nothing_that_the_repository_configures_is_run(world: World, tmp_path: Path) -> None:
    describe(world)
    ran = set_traps(world, tmp_path / "traps")
    world.edit("specs/gate.yaml", "0.5", "0.6")
    for command in (["validate"], ["plan"], ["plan", "--ref", "HEAD"], ["apply", "--yes"], ["verify"], ["show"]):
        done = world.mlspec(*command)
        assert (done.code, done.err) == (0, ""), command
    assert not ran.exists()
    world.git("-c", "commit.gpgSign=false", "commit", "-q", "-a", "-m", "By hand")
    world.git("diff", "HEAD~1", "--stat", "--textconv")
    world.git("diff", "HEAD~1", "--ext-diff")
    fired = set(ran.read_text().splitlines())
    assert fired >= {"hook pre-commit", "hook reference-transaction", "fsmonitor", "clean", "diff"}


APPEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mlspec.core.record import Record
from mlspec.io.git import open_repository
from mlspec.lineage.read import EMPTY
from mlspec.lineage.write import Branch, append

branch = Branch(open_repository(Path.cwd()), "mlspec/lineage", "answers", "main")
template = Record.model_validate_json(Path(sys.argv[1]).read_bytes())
state = EMPTY
for number in range(int(sys.argv[3])):
    facts = {"owner": "team", "writer": sys.argv[2], "number": number}
    for address in ("model/shared", "model/of-" + sys.argv[2]):
        draft = template.model_copy(update={"address": address, "apply": sys.argv[2], "n": number, "fields": facts})
        state = append(branch, state, [draft], lambda: datetime.now(UTC))
"""


def test_writers_side_by_side_lose_nothing(world: World, tmp_path: Path) -> None:
    """Each works from the state it knows; what another wrote meanwhile is under it in the end."""
    template = tmp_path / "record.json"
    template.write_bytes(world.content(world.record("update-model.answer")))
    writers, count = ("one", "two", "three"), 6
    running = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(template), name, str(count)], cwd=world.root, env=world.env)
        for name in writers
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    written = Counter(path.split("/")[3] for path in world.recorded() if path.startswith("log/"))
    assert {name: written[name] for name in writers} == dict.fromkeys(writers, 2 * count)
    assert world.mlspec("verify").out == f"Whole: {9 + 3 * 2 * count} records, 7 heads.\n"
    assert int(world.git("rev-list", "--count", world.tip)) == 8 + 3 * 2 * count


def test_the_same_apply_twice_at_once(world: World) -> None:
    """Both come to the same end, and a fact that both wanted is recorded once."""
    before = world.recorded()
    describe(world)
    world.edit("specs/answer.yaml", "  staging: {version: latest, gates: [better-than-chance]}", "  {}")
    world.edit("specs/answer.yaml", "stages:\n", "stages:")
    world.commit("Leave staging")
    command = [str(MLSPEC), "apply", "--yes"]
    running = [
        subprocess.Popen(command, cwd=world.root, env=world.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    new = Counter(path.partition("-")[2].partition("-")[2] for path in world.recorded().keys() - before.keys())
    assert set(new.values()) == {1}, new
    assert world.mlspec("verify").code == 0
    assert "No changes." in world.mlspec("plan").out


FAKE_GIT = """\
#!/bin/sh
# git that kills whoever called it, before or after its call number {call} that writes
case " $* " in
*" unpack-objects "* | *" update-ref "*)
    echo >> '{count}'
    if test $(wc -l < '{count}') -eq {call}; then
        {before}
        '{git}' "$@"
        kill -9 $PPID
    fi ;;
esac
exec '{git}' "$@"
"""
WRITES = ["blobs", "trees", "commit", "ref"]
"""What a transaction writes with git, in order."""


KILLS = [(call, "before") for call in range(1, 9)] + [(4, "after"), (8, "after")]


@pytest.mark.parametrize(
    ("call", "when"), KILLS, ids=[f"{when}-{WRITES[(call - 1) % 4]}-{(call + 3) // 4}" for call, when in KILLS]
)
def test_killed_while_it_writes(world: World, tmp_path: Path, call: int, when: str) -> None:
    """Wherever in a transaction: the next apply ends where an apply that nobody killed would."""
    describe(world)
    before = "kill -9 $PPID; exit" if when == "before" else ":"
    fake, real = tmp_path / "bin" / "git", world.env["PATH"]
    git = subprocess.run(["which", "git"], env=world.env, capture_output=True, text=True, check=True).stdout.strip()
    fake.parent.mkdir()
    fake.write_text(FAKE_GIT.format(call=call, count=tmp_path / "count", before=before, git=git))
    fake.chmod(0o755)
    killed = world.mlspec("apply", "--yes", PATH=f"{fake.parent}:{real}")
    assert killed.code == -signal.SIGKILL
    assert world.mlspec("verify").code == 0
    world.apply()
    assert "No changes." in world.mlspec("plan").out
    assert world.mlspec("verify").out == "Whole: 12 records, 3 heads.\n"


@pytest.mark.parametrize("name", [f"{LINEAGE}.lock", "refs/mlspec/seen/heads/mlspec/lineage.lock", "packed-refs.lock"])
def test_a_lock_that_a_dead_git_left(world: World, name: str) -> None:
    describe(world)
    lock = world.root / ".git" / name
    lock.touch()
    os.utime(lock, (1, 1))
    world.apply()
    assert not lock.exists()


def test_locks_of_the_users_own(world: World) -> None:
    """They are not needed, and not touched, however old they are."""
    describe(world)
    locks = [world.root / ".git" / name for name in ("index.lock", "HEAD.lock", "config.lock", "refs/heads/main.lock")]
    for lock in locks:
        lock.touch()
        os.utime(lock, (1, 1))
    world.apply()
    assert all(lock.stat().st_mtime == 1 for lock in locks)


def test_locks_in_the_lineage_of_a_shallow_clone(world: World, tmp_path: Path) -> None:
    """It is kept in a repository of our own, where every lock is ours."""
    remote = tmp_path / "remote.git"
    world.git("clone", "-q", "--bare", str(world.root), str(remote))
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{remote}", tmp_path / "clone"], check=True)
    clone = World(tmp_path / "clone", world.env)
    assert clone.mlspec("plan").code == 0
    apart = clone.root / ".git" / "mlspec" / "lineage.git"
    describe(clone)
    clone.git("push", "-q", "origin", "main")
    names = ("shallow.lock", "packed-refs.lock", f"{LINEAGE}.lock")
    for name in names:
        (apart / name).touch()
        os.utime(apart / name, (1, 1))
    world.git("remote", "add", "origin", str(remote))
    world.git("fetch", "-q", "origin")
    world.git("reset", "-q", "--hard", "origin/main")
    world.apply()
    assert clone.mlspec("apply", "--yes").code == 0
    assert not [name for name in names if (apart / name).exists()]


ENTRYPOINT = """\
import os
import signal
from pathlib import Path
from sklearn.dummy import DummyClassifier

def train(data, params, seed):
    marks = Path(os.environ["MARKS"])
    with (marks / "trained").open("a") as file:
        file.write(params["name"] + "\\n")
    if params["name"] == "slow" and (marks / "reached").exists():
        reached = (marks / "reached").open("wb", buffering=0)
        reached.write(b"!")
        signal.pause()
    return DummyClassifier().fit(data.X, data.y)
"""


def next_of(pipe: RawIOBase) -> bytes | None:
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    assert poller.poll(60_000)
    return pipe.read(1)


@pytest.mark.torture
def test_killed_while_it_trains(fresh: World, tmp_path: Path) -> None:
    """What was trained stays trained, the child dies too, nothing is left behind, and nobody has to unlock anything."""
    marks = tmp_path / "marks"
    marks.mkdir()
    os.mkfifo(marks / "reached")
    (fresh.root / "specs" / "answer.yaml").unlink()
    for name in ("quick", "slow"):
        spec = {"kind": "Model", "name": name, "owner": "team", "dataset": "questions", "task": "classification"}
        train = {"entrypoint": "train.py:train", "params": {"name": name}, "env": ["MARKS"]}
        fresh.write({f"specs/{name}.yaml": json.dumps({**spec, "positive": "yes", "train": train})})
    fresh.write({"train.py": ENTRYPOINT})
    fresh.commit()
    command = [str(MLSPEC), "apply", "--yes", "--jobs", "1"]
    env = {**fresh.env, "MARKS": str(marks)}
    process = subprocess.Popen(command, cwd=fresh.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with os.fdopen(os.open(marks / "reached", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reached:
        assert next_of(reached) == b"!"
        process.kill()
        process.wait()
        assert next_of(reached) == b""  # the end of the child, which held the other end open
    assert fresh.record("train-model.quick")
    assert fresh.mlspec("verify", "--store").code == 0
    (marks / "reached").unlink()
    assert fresh.mlspec("apply", "--yes", MARKS=str(marks)).code == 0
    assert (marks / "trained").read_text().split() == ["quick", "slow", "slow"]
    assert fresh.mlspec("verify", "--store").code == 0
    assert "No changes." in fresh.mlspec("plan").out
    assert list((fresh.root / ".mlspec" / "tmp").iterdir()) == []
