"""`gc` removes what nothing rests on, says so in the lineage before, and takes nothing that anything may still need."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlspec.commands.gc import GcRequest, run
from mlspec.core.garbage import Sweep
from mlspec.core.problem import MlspecError
from mlspec.render.garbage_text import sweep_lines, swept_lines
from mlspec.render.text import plain
from tests.samples import sampled
from tests.worlds import World, declare

SPEC = "specs/answer.yaml"
KEEP = "keep: {newest: 1}"


class InSixtyDays:
    """A clock."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=60)

    def monotonic(self) -> float:
        return time.monotonic()


Later = Callable[..., str]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Collect the garbage of a project sixty days from now; return what was said."""

    def collect(world: World, *, forget: tuple[str, ...] = (), yes: bool = True) -> str:
        for name, value in world.env.items():
            monkeypatch.setenv(name, value)
        said = list[str]()

        def confirm(sweep: Sweep) -> bool:
            said.append(plain(sweep_lines(sweep)))
            return yes

        done = run(world.root, GcRequest(forget=forget), confirm, clock=InSixtyDays())
        return "".join((*said, plain(swept_lines(done)) if done else ""))

    return collect


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(MlspecError) as caught:
        attempt()
    (problem,) = caught.value.problems
    return f"{problem.code}: {problem.message}"


def objects(world: World) -> set[str]:
    """Return the objects in the store."""
    folder = world.root / ".mlspec" / "store" / "sha256"
    return {f"sha256:{path.parent.name}{path.name}" for path in folder.glob("??/*")}


def named(world: World) -> dict[str, set[str]]:
    """Return the objects that records of each version's run, and of each dataset version, name as `what`."""
    found: dict[str, set[str]] = {}
    for path in world.recorded():
        if path.startswith("log/"):
            record = json.loads(world.content(path))
            for output in record.get("outputs", ()):
                found.setdefault(output["name"], set()).add(output["digest"])
    return found


@pytest.fixture(scope="module")
def _aged(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with four versions, the newest in staging; only that and the one before it are kept."""
    world = declare(tmp_path_factory.mktemp("gc") / "project")
    (world.root / SPEC).write_text((world.root / SPEC).read_text() + f"{KEEP}\n")
    world.commit("Keep little")
    world.apply()
    for number in (1, 2, 3):
        world.edit(SPEC, f"C: {number}.0", f"C: {number + 1}.0")
        world.commit("Another strength")
        world.apply()
    return world


@pytest.fixture
def aged(_aged: World, tmp_path: Path) -> World:
    return _aged.copy(tmp_path / "project")


def test_the_command_line_lists_first(aged: World) -> None:
    left = aged.root / ".mlspec" / "store" / "sha256" / "ab" / ("cd" * 31)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left")
    os.utime(left, (1, 1))
    done = aged.mlspec("gc")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("store  1 object, 4 bytes\n    - what no record names")
    assert done.out.endswith("Nothing was removed. To remove it: mlspec gc --yes\n")
    assert left.exists()
    done = aged.mlspec("gc", "--older-than", "2d", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("\nRemoved: 1 object, 4 bytes.\n")
    assert not left.exists()


def test_what_is_young_stays(aged: World) -> None:
    before = objects(aged)
    done = aged.mlspec("gc", "--yes")
    assert (done.code, done.out) == (0, "Nothing to remove: all that lies in the store is kept.\n")
    assert objects(aged) == before


def test_it_lists_first(aged: World, later: Later) -> None:
    before, tip = objects(aged), aged.tip
    assert re.match(r"model/answer  4 objects, [\d.]+ kB\n    - v1\n    - v2\n", later(aged, yes=False))
    assert (objects(aged), aged.tip) == (before, tip)


def test_versions_that_are_not_needed_go(aged: World, later: Later) -> None:
    before = objects(aged)
    assert re.search(r"\nRemoved: 6 objects, [\d.]+ kB\. Recorded at lineage [0-9a-f]{8}\.\n", later(aged))
    gone = before - objects(aged)
    assert len(gone) == 4
    assert gone <= named(aged)["model"] | named(aged)["predictions"]
    assert aged.mlspec("verify", "--store").code == 0
    assert "No changes." in aged.mlspec("plan").out
    assert "v2          run" in (shown := aged.mlspec("show", "answer").out)
    assert shown.count("no longer kept since") == 2
    assert later(aged) == "Nothing to remove: all that lies in the store is kept.\n"
    for argv in (
        ("export", "answer@v1", "out"),
        ("promote", "answer", "--to", "staging", "--version", "1"),
        ("rollback", "answer", "--stage", "staging", "--to", "v1", "--reason", "x", "--expires", "1d", "--yes"),
    ):
        done = aged.mlspec(*argv)
        assert done.code == 1
        assert "error[select/expired]: the model of model/answer v1 is no longer kept: it expired" in done.err
    diff = aged.mlspec("diff", "answer", "v1", "v4")
    assert diff.code == 0, diff
    assert "C  1.0 -> 4.0" in diff.out
    assert aged.mlspec("export", "answer@v3", "out").code == 0, "what was in the stage before can be gone back to"


def test_what_is_asked_for_again_is_trained_again(aged: World, later: Later) -> None:
    later(aged)
    aged.edit(SPEC, "C: 4.0", "C: 1.0")
    aged.commit("Back to the first")
    planned = aged.mlspec("plan").out
    assert "train" in planned
    assert "needed again" in planned
    done = aged.apply()
    assert "v1 is in staging (was v4)" in done.out
    assert aged.mlspec("verify", "--store").code == 0
    assert "No changes." in aged.mlspec("plan").out
    assert aged.mlspec("export", "answer@v1", "out").code == 0
    heads = json.loads(aged.content(next(p for p in aged.recorded() if p.startswith("heads/model/"))))
    assert len(heads["versions"]) == 4, "a number is of a run, and stays its own"
    copied = aged.tip
    assert aged.mlspec("verify", "--repair").code == 0
    assert aged.tip == copied, "heads are what the log folds to"


def test_a_pin_to_what_is_gone_is_blocked(aged: World, later: Later) -> None:
    later(aged)
    aged.edit(SPEC, "version: latest", "version: 1")
    aged.commit("Pin v1")
    planned = aged.mlspec("plan").out
    assert "its model is no longer kept: it expired" in planned
    assert aged.mlspec("apply", "--yes").code == 0


@pytest.mark.parametrize(
    "edit", sampled(["keep: {newest: 1, versions: [1, 2]}", "keep: {newest: 4}", f"{KEEP}\nprotect: true"], 1)
)
def test_what_the_spec_keeps_stays(aged: World, edit: str, later: Later) -> None:
    aged.edit(SPEC, KEEP, edit)
    aged.commit("Keep more")
    if "protect" in edit:
        aged.apply()
    assert later(aged).startswith("Nothing to remove")


@pytest.mark.torture
def test_the_data_of_a_kept_version_stays(aged: World, later: Later) -> None:
    """Data that nothing kept was trained on goes, with its profile; that of the version in a stage stays."""
    aged.edit("specs/questions.yaml", "owner: team\n", "owner: team\nkeep: {newest: 1}\n")
    aged.edit(SPEC, "version: latest", "version: 4")
    rows = (aged.root / "data/questions.csv").read_text()
    for number in (1, 2):
        (aged.root / "data/questions.csv").write_text(rows + f"{1000 + number},0.5,no\n")
        aged.commit("More rows")
        aged.apply()
    contents = named(aged)["content"]
    assert len(contents) == 3
    assert re.search(r"dataset/questions  2 objects, [\d.]+ kB\n    - version [0-9a-f]{8}\n", later(aged))
    assert len(contents & objects(aged)) == 2
    assert aged.mlspec("verify", "--store").code == 0
    assert "No changes." in aged.mlspec("plan").out


def test_rows_are_erased(aged: World) -> None:
    """What was made of them goes too, whatever its age; they are refused when they come again."""
    version = re.search(r"version ([0-9a-f]{8})", aged.mlspec("show", "dataset/questions").out)
    assert version is not None
    content, predictions = named(aged)["content"], named(aged)["predictions"]
    done = aged.mlspec("gc", "--erase", f"questions@{version[1]}", "--reason", "Art. 17 request 12", "--yes")
    assert (done.code, done.err) == (0, ""), done
    assert "! learned from these rows, and stays: model/answer v4 (in staging), v3, v2, v1\n" in done.out
    assert not objects(aged) & (content | predictions | named(aged)["profile"])
    assert aged.mlspec("verify", "--store").code == 0
    assert "erased" in aged.mlspec("log", "dataset/questions").out
    again = aged.mlspec("gc", "--erase", f"questions@{version[1]}", "--reason", "Once more", "--yes")
    assert again.out.startswith("Nothing to remove")
    assert "Art. 17 request 12" in aged.mlspec("log", "dataset/questions").out
    planned = aged.mlspec("plan")
    assert "these bytes were erased on" in planned.out
    aged.edit("specs/gate.yaml", "0.5", "0.6")
    aged.commit("A stricter gate")
    planned = aged.mlspec("plan")
    assert "the data it was tested on was erased on" in planned.out
    rows = (aged.root / "data/questions.csv").read_text().splitlines(keepends=True)
    (aged.root / "data/questions.csv").write_text("".join(rows[:-1]))
    aged.commit("Without the last row")
    done = aged.mlspec("apply", "--yes")
    assert "v5 is in staging" in done.out, done
    assert aged.mlspec("verify", "--store").code == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    sampled(
        [
            (["--erase", "questions@0123456789", "--reason", "x"], "gc/unknown-version"),
            (["--erase", "nothing@0123456789", "--reason", "x"], "gc/unknown-version"),
            (["--erase", "questions", "--reason", "x"], "gc/unknown-version"),
            (["--erase", "questions@0123456789"], "usage"),
            (["--reason", "x"], "usage"),
            (["--older-than", "23h"], "gc/older-than"),
            (["--older-than", "99999999999d"], "gc/older-than"),
            (["--older-than", "soon"], "gc/older-than"),
            (["--forget", "nobody"], "gc/unknown-project"),
        ],
        4,
    ),
)
def test_bad_wishes(aged: World, argv: list[str], said: str) -> None:
    before, tip = objects(aged), aged.tip
    done = aged.mlspec("gc", "--yes", *argv)
    assert done.code == 1
    assert f"error[{said}]: " in done.err
    assert (objects(aged), aged.tip) == (before, tip)


def test_a_branch_decides_nothing(aged: World, later: Later) -> None:
    aged.git("checkout", "-q", "-b", "feature")
    aged.edit(SPEC, "newest: 1", "newest: 2")
    aged.commit("Keep another number")
    said = refused(lambda: later(aged))
    assert said.startswith("gc/not-deployed: gc removes what deployed specs do not keep, and branch feature is not")


def test_what_another_project_needs_is_not_ours_to_remove(aged: World, tmp_path: Path, later: Later) -> None:
    other = declare(tmp_path / "other")
    other.edit("mlspec.yaml", "project: answers", f"project: others\nstore: {{path: {tmp_path}/both, shared: true}}")
    aged.edit("mlspec.yaml", "project: answers", f"project: answers\nstore: {{path: {tmp_path}/both, shared: true}}")
    shutil.copytree(aged.root / ".mlspec" / "store", tmp_path / "both")
    other.commit("Share a store")
    aged.commit("Share a store")
    other.apply()
    said = refused(lambda: later(aged))
    assert said == "gc/shared-store: the store is also used by others, and what they need is recorded elsewhere"
    assert other.mlspec("verify", "--store").code == 0
    later(aged, forget=("others",), yes=False)
    assert refused(lambda: later(aged)) == said, "nothing is forgotten that nobody agreed to"
    assert "Removed: 6 objects" in later(aged, forget=("others",))


def test_what_nothing_names_goes_when_it_is_old(aged: World, later: Later) -> None:
    """What an apply that was killed left behind; and what was recorded as gone, when gc was killed before it went."""
    before = objects(aged)
    copied = shutil.copytree(aged.root / ".mlspec" / "store", aged.root / ".mlspec" / "copy")
    later(aged)
    shutil.rmtree(aged.root / ".mlspec" / "store")
    copied.rename(aged.root / ".mlspec" / "store")
    assert re.search(r"Removed: 6 objects, [\d.]+ kB\.\n", later(aged)), "they were said to be gone"
    left = aged.root / ".mlspec" / "store" / "sha256" / "ab" / ("cd" * 31)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"left")
    assert aged.mlspec("gc", "--yes").out.startswith("Nothing to remove"), "an apply may be about to name it"
    old = left.stat().st_mtime - 40 * 86400
    os.utime(left, (old, old))
    assert re.search(r"Removed: 1 object, 4 bytes\.\n", aged.mlspec("gc", "--yes").out)
    assert len(before - objects(aged)) == 4
    assert aged.mlspec("verify", "--store").code == 0


def test_who_records_meanwhile_is_not_overtaken(aged: World, tmp_path: Path, later: Later) -> None:
    """An expiry that could not be pushed before others recorded something is given up; nothing of it was removed."""
    remote = tmp_path / "hub"
    aged.git("init", "-q", "--bare", str(remote))
    aged.git("remote", "add", "origin", str(remote))
    aged.git("push", "-q", "origin", "main")
    assert aged.mlspec("push").code == 0
    colleague = aged.copy(tmp_path / "colleague")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho closed for now >&2\nexit 1\n")
    hook.chmod(0o755)
    before = objects(aged)
    assert "closed for now" in refused(lambda: later(aged))
    assert objects(aged) == before
    hook.unlink()
    colleague.edit("specs/gate.yaml", "0.5", "0.6")
    colleague.commit("A stricter gate")
    colleague.apply()
    done = aged.mlspec("push")
    assert done.code == 4
    assert "expire model/answer: others recorded something meanwhile, which may need what would go" in done.err
    assert "no longer kept" not in aged.mlspec("show", "answer").out
    assert objects(aged) == before


@pytest.mark.torture
def test_a_store_in_git(tmp_path: Path, later: Later) -> None:
    """The refs go here and at the remote; another clone then has what is kept, and nothing else."""
    world = declare(tmp_path / "project")
    world.edit("mlspec.yaml", "deploy: main", "deploy: main\nstore: git")
    (world.root / SPEC).write_text((world.root / SPEC).read_text() + f"{KEEP}\n")
    world.commit("Store in git")
    world.git("init", "-q", "--bare", str(tmp_path / "hub"))
    world.git("remote", "add", "origin", str(tmp_path / "hub"))
    world.git("push", "-q", "origin", "main")
    world.apply()
    for number in (1, 2):
        world.edit(SPEC, f"C: {number}.0", f"C: {number + 1}.0")
        world.commit("Another strength")
        world.git("push", "-q", "origin", "main")
        world.apply()
    hub = World(tmp_path / "hub", world.env)
    before = hub.git("for-each-ref", "--format=%(refname)", "refs/mlspec/store").splitlines()
    assert "Removed: 2 objects" in later(world)
    after = hub.git("for-each-ref", "--format=%(refname)", "refs/mlspec/store").splitlines()
    assert len(before) - len(after) == 2
    assert world.git("for-each-ref", "--format=%(refname)", "refs/mlspec/store").splitlines() == after
    world.git("clone", "-q", "-b", "main", str(tmp_path / "hub"), str(tmp_path / "clone"))
    clone = World(tmp_path / "clone", world.env)
    assert clone.mlspec("verify", "--store").code == 0
