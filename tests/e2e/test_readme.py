"""The README's commands run, in order, in a new folder, and print what is shown (`--update-golden` writes it)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "<time>"),
    (re.compile(r"(\s+about)?\s+\d+(\.\d)? (s|min)\b"), " <duration>"),
    (re.compile(r"About <duration>\."), "About <duration>."),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
    (re.compile(r"^running  .*\n", re.MULTILINE), ""),  # a slow machine says every ten seconds that a step goes on
)


def steady(text: str) -> str:
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def steps(block: str) -> list[tuple[str, str]]:
    """Split a block into commands and the output shown below each; a command may go on after a backslash."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0] + "\n" + line, "")
        else:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def test_readme(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    update = request.config.getoption("--update-golden")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "CI", "FORCE_COLOR"))}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "HOME": str(tmp_path), "NO_COLOR": "1"}
    env |= {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
    }
    text, folder = README.read_text(encoding="utf-8"), tmp_path
    for block in BLOCK.findall(text):
        shown = []
        for command, expected in steps(block):
            script = f'{command}\nresult=$?\npwd > "{tmp_path}/.where"\nexit $result'
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            folder = Path((tmp_path / ".where").read_text().strip())
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"$ {command}\n{said}"
            if not update:
                assert steady(said) == steady(expected), command
            shown.append(f"$ {command}\n{said}")
        text = text.replace(block, "".join(shown))
    if update:
        README.write_text(text, encoding="utf-8")
