"""`mlspec init` in folders that are not empty, in repositories, and where a person is asked."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

from tests.worlds import MLSPEC, World


@pytest.fixture
def empty(tmp_path: Path) -> World:
    (tmp_path / "here").mkdir()
    return World(tmp_path / "here")


def files(world: World) -> list[str]:
    return sorted(path.name for path in world.root.iterdir() if path.name != ".git")


def answer(world: World, said: str) -> tuple[int, str]:
    """Run init on a terminal and type a line; return the exit code and what was on the screen."""
    outer, inner = pty.openpty()
    env = {**world.env, "TERM": "dumb"}
    with subprocess.Popen(
        [str(MLSPEC), "init"], cwd=world.root, env=env, stdin=inner, stdout=inner, stderr=inner
    ) as on:
        os.close(inner)
        os.write(outer, said.encode())
        screen = b""
        try:
            while block := os.read(outer, 4096):
                screen += block
        except OSError:  # the other end of a terminal closes with an error
            pass
    os.close(outer)
    return on.returncode, screen.decode()


def test_a_file_is_never_overwritten(empty: World) -> None:
    empty.write({"README.md": "mine"})
    done = empty.mlspec("init", "--yes")
    assert done.code == 1
    assert "README.md is there already, and init overwrites nothing" in done.err
    assert files(empty) == ["README.md"]


def test_beside_other_files_it_must_be_allowed(empty: World) -> None:
    empty.write({"notes.txt": "mine"})
    done = empty.mlspec("init")
    assert done.code == 1
    assert "holds 1 file already" in done.err and "--yes" in done.err
    assert files(empty) == ["notes.txt"]
    assert empty.mlspec("init", "--yes").code == 0
    assert (empty.root / "notes.txt").read_text() == "mine"
    assert empty.mlspec("validate").code == 0


@pytest.mark.parametrize(("said", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked(empty: World, said: str, code: int) -> None:
    empty.write({"notes.txt": "mine"})
    ended, screen = answer(empty, said)
    assert (ended, "Write the project beside them? [y/N]" in screen) == (code, True)
    assert ("mlspec.yaml" in files(empty)) is (code == 0)


def test_a_file_in_place_of_the_folder(empty: World) -> None:
    empty.write({"notes.txt": "mine"})
    done = empty.mlspec("init", "notes.txt")
    assert (done.code, "notes.txt is not a folder" in done.err) == (1, True)


@pytest.mark.parametrize("branch", ["main", "trunk"])
def test_the_branch_of_a_repository_deploys(empty: World, branch: str) -> None:
    empty.git("init", "-q", "-b", branch)
    done = empty.mlspec("init")
    assert done.code == 0
    assert f"\ndeploy: {branch} " in (empty.root / "mlspec.yaml").read_text()
    assert "Next: git add -A && git commit" in done.out


def test_the_branch_that_the_remote_names_deploys(empty: World, tmp_path: Path) -> None:
    empty.git("init", "-q", "-b", "trunk")
    empty.git("commit", "-q", "--allow-empty", "-m", "Begin")
    clone = World(tmp_path / "clone")
    empty.git("clone", "-q", str(empty.root), str(clone.root))
    clone.git("switch", "-q", "-c", "mine")
    assert clone.mlspec("init").code == 0
    assert "\ndeploy: trunk " in (clone.root / "mlspec.yaml").read_text()


def test_an_unknown_template(empty: World) -> None:
    done = empty.mlspec("init", "--template", "clasifier")
    assert (done.code, "did you mean `classifier`?" in done.err, files(empty)) == (1, True, [])


def test_schemas_are_written_anew(empty: World) -> None:
    assert empty.mlspec("init").code == 0
    written = {path.name: path.read_bytes() for path in (empty.root / "schemas").iterdir()}
    for path in (empty.root / "schemas").iterdir():
        path.write_text("old")
    done = empty.mlspec("schema", "--out", "schemas")
    assert (done.code, done.out) == (0, "written  schemas/project.schema.json\nwritten  schemas/spec.schema.json\n")
    assert {path.name: path.read_bytes() for path in (empty.root / "schemas").iterdir()} == written
    assert empty.mlspec("schema", "model", "--out", "schemas").code == 1
