"""Every example and template, whole, through the command line: as a user meets it, in a repository of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlspec.commands.init import templates
from tests.samples import everything

ROOT = Path(__file__).resolve().parents[2]
MLSPEC = Path(sys.executable).with_name("mlspec")
WHOLE = sorted(path.parent for path in ROOT.glob("examples/*/mlspec.yaml"))
EXAMPLES = [path for path in WHOLE if not (path / "story.md").exists()]  # test_walkthroughs plays those


def run(*argv: str, cwd: Path, expect: int = 0) -> str:
    done = subprocess.run([*argv], cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == expect, f"{argv}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def committed(folder: Path) -> Path:
    for argv in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "Example"],
        ["config", "user.email", "example@example.org"],
        ["add", "-A"],
        ["commit", "-q", "-m", "Declare"],
    ):
        run("git", *argv, cwd=folder)
    return folder


def whole(folder: Path) -> None:
    run(str(MLSPEC), "validate", cwd=folder)
    assert "nothing recorded yet" in run(str(MLSPEC), "plan", cwd=folder)
    run(str(MLSPEC), "plan", "--detailed-exitcode", cwd=folder, expect=2)
    run(str(MLSPEC), "apply", "--yes", cwd=folder)
    assert "No changes." in run(str(MLSPEC), "plan", "--detailed-exitcode", cwd=folder)
    assert "v1" in run(str(MLSPEC), "show", cwd=folder)
    assert "Whole" in run(str(MLSPEC), "verify", "--store", cwd=folder)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / example.name
    shutil.copytree(example, folder, ignore=shutil.ignore_patterns(".mlspec", "__pycache__"))
    whole(committed(folder))
    if example == EXAMPLES[0] or everything(request.config):
        assert "v1: identical" in run(str(MLSPEC), "reproduce", "--stage", "staging", cwd=folder)


@pytest.mark.parametrize("template", [name for name in templates() if name != "classifier"])  # the README plays that
def test_template(tmp_path: Path, template: str) -> None:
    run(str(MLSPEC), "init", "project", "--template", template, cwd=tmp_path)
    whole(committed(tmp_path / "project"))
