"""Plays a page: its files are written and its commands run, in order, and print what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(console|python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\w+/\S+)\n")
_BEATS = re.compile(r"^running  .*\n", re.MULTILINE)  # a slow machine says every ten seconds that a step goes on
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d( UTC)?"), "<time>"),
    (re.compile(r"(\s+about)?\s+\d+(\.\d)? (s|min)\b"), " <duration>"),
    (re.compile(r"About <duration>\."), "About <duration>."),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
    (_BEATS, ""),
)
WHO = {"NAME": "octocat", "EMAIL": "octocat@example.org"}


def steady(text: str) -> str:
    """Return a text without what differs from run to run: ids, times, durations."""
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def code(text: str) -> str:
    """Return a text as code in a cell of a table, where a bar would begin the next cell."""
    return f"<code>{text.replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


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


def play(page: Path, folder: Path, *, update: bool) -> Path:
    """Run a page's commands from a folder on, and return the folder that the last one ended in.

    Each must succeed (a page tells an exit code with `; echo $?`) and print what the page shows, or what it printed
    is written into the page. A block of Python or YAML that begins with a comment such as `# src/train.py` is written
    there.
    """
    env = _environment(folder)
    text = page.read_text(encoding="utf-8")
    for language, block in BLOCK.findall(text):
        if language != "console":
            if named := _NAMED.match(block):
                (folder / named[1]).parent.mkdir(parents=True, exist_ok=True)
                (folder / named[1]).write_text(block, encoding="utf-8")
            continue
        shown = []
        for command, expected in steps(block):
            said, folder = _run(command, folder, env)
            if not update:
                assert f"{page.name}: $ {command}\n{steady(said)}" == f"{page.name}: $ {command}\n{steady(expected)}"
            shown.append(f"$ {command}\n{_BEATS.sub('', said)}")
        text = text.replace(block, "".join(shown))
    if update:
        page.write_text(text, encoding="utf-8")
    return folder


def _run(command: str, folder: Path, env: dict[str, str]) -> tuple[str, Path]:
    where = Path(env["HOME"]) / ".where"
    script = f'{command}\nresult=$?\npwd > "{where}"\nexit $result'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    return done.stdout, Path(where.read_text().strip())


def _environment(home: Path) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "CI", "FORCE_COLOR"))}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}", "HOME": str(home), "NO_COLOR": "1"}
    env |= {"PYTHONUNBUFFERED": "1"}  # what goes to stdout and what to stderr is in the order of a terminal
    return env | {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in WHO.items()}
