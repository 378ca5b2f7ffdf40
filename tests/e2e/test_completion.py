"""Completion as real shells do it, from the script that `completion` prints."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlspec.commands.offered import addresses, stages
from tests.worlds import MLSPEC, World, project_files

ASK = r"""
source <("$MLSPEC_COMMAND" completion bash)
compopt() { COMPREPLY=("a file"); }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_mlspec_completion "$MLSPEC_COMMAND"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("project"))
    world.write(project_files())
    world.edit("mlspec.yaml", "[staging]", "[staging, production]")
    (world.root / "below").mkdir()
    return world


def offered(world: World, *words: str, below: str = ".") -> list[str]:
    env = {**world.env, "MLSPEC_COMMAND": str(MLSPEC)}
    argv = ["bash", "--norc", "-c", ASK, "bash", *words]
    done = subprocess.run(argv, cwd=world.root / below, env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


ASKED = {
    "commands": (["pro"], ["promote"]),
    "options": (["fmt", "--c"], ["--check"]),
    "choices": (["completion", ""], ["bash", "zsh", "fish"]),
    "addresses": (["explain", ""], ["dataset/questions", "gate/better-than-chance", "model/answer"]),
    "a begun address": (["plan", "gate/better-than-chance", "mod"], ["model/answer"]),
    "a bare name of a model": (["explain", "an"], ["answer"]),
    "models": (["promote", ""], ["answer"]),
    "stages": (["promote", "answer", "--to", ""], ["staging", "production"]),
    "a begun stage": (["rollback", "answer", "--stage", "pro"], ["production"]),
    "files": (["fmt", "sp"], ["a file"]),
    "a saved plan": (["apply", "plan.j"], ["a file"]),
    "nothing": (["promote", "zzz"], [""]),
}


@pytest.mark.parametrize(("words", "found"), ASKED.values(), ids=ASKED.keys())
def test_bash_offers(project: World, words: list[str], found: list[str]) -> None:
    assert offered(project, "mlspec", *words) == found


def test_the_folder_to_work_in_is_heeded(project: World, tmp_path: Path) -> None:
    assert offered(project, "mlspec", "explain", "m", below="below") == ["model/answer"]
    outside = World(tmp_path, project.env)
    assert offered(outside, "mlspec", "explain", "m") == [""]
    assert offered(outside, "mlspec", "-C", str(project.root), "explain", "m") == ["model/answer"]


def test_a_key_press_in_a_terminal(project: World) -> None:
    """An interactive bash, a line begun, and the tab key."""
    path = f"{MLSPEC.parent}{os.pathsep}{project.env['PATH']}"
    env = {**project.env, "PATH": path, "PS1": "$ ", "TERM": "dumb", "INPUTRC": os.devnull}
    terminal, end = pty.openpty()
    bash = ["bash", "--norc", "--noprofile", "-i"]
    child = subprocess.Popen(bash, cwd=project.root, env=env, stdin=end, stdout=end, stderr=end, start_new_session=True)
    os.close(end)
    try:
        os.write(terminal, b"source <(mlspec completion bash); echo re''ady\n")
        assert "ready" in seen(terminal, "ready\r\n")
        os.write(terminal, b"mlspec promote an\t--to prod\t")
        assert "mlspec promote answer --to production" in seen(terminal, "production")
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


def seen(terminal: int, until: str) -> str:
    """Return what a terminal shows, up to a text, for at most half a minute."""
    text, end = "", time.monotonic() + 30
    while until not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            text += os.read(terminal, 4096).decode()
    return text


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(project: World, shell: str) -> None:
    script = project.mlspec("completion", shell).out
    assert "_MLSPEC_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_no_shell_of_that_name_and_no_command(project: World) -> None:
    assert project.mlspec("completion", "tcsh").code == 1
    assert "init" in offered(project, "mlspec", "no-such-command", "")


def test_nothing_heavy_is_imported(project: World) -> None:
    code = (
        "import sys; sys.argv = ['mlspec']\n"
        "from mlspec.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    env = {**project.env, "_MLSPEC_COMPLETE": "bash_complete", "COMP_WORDS": "mlspec explain ", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=env, capture_output=True, text=True, check=True
    )
    assert "model/answer" in done.stdout
    for heavy in ("pydantic", "ruamel", "git", "pandas", "sklearn"):
        assert f"'{heavy}'" not in done.stdout


def test_names_are_read_as_people_write_them(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write(
        {
            "mlspec.yaml": "stages:   # trust\n- staging\n  - canary-10   # few\n\n- production\nteams: {a: b}\n",
            "specs/a.yaml": "name: \"b\"\nowner: x\nkind:   Model # c\n---\nkind: 'Gate'\nname: g\n  name: inner\n",
            "specs/b.yaml": "kind: Dataset\r\nname: d\r\n",
            "specs/c.yaml": "kind: Dataset\nname: $(rm -rf)\n---\nname: alone\n--- \n\xff: [\n",
        }
    )
    assert addresses(tmp_path) == ["dataset/d", "gate/g", "model/b"]
    assert stages(tmp_path) == ["staging", "canary-10", "production"]
    assert (addresses(tmp_path.parent), stages(tmp_path.parent)) == ([], [])
    world.write({"mlspec.yaml": "stages: [a, b]"})
    assert stages(tmp_path) == ["a", "b"]
