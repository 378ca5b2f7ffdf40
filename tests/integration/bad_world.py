"""A repository in which things go wrong: real git, the real command line, and what it leaves on the lineage branch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MLSPEC = Path(sys.executable).with_name("mlspec")
ROWS = [(n, n * 0.5, "yes" if n % 2 else "no") for n in range(40)]
CSV = "id,x,y\n" + "".join(f"{n},{x},{y}\n" for n, x, y in ROWS)
PROJECT = """\
version: 1
project: bad
deploy: main
stages: [production]
teams:
  team: {members: [ada]}
"""
DATASET = """\
kind: Dataset
name: NAME
owner: team
source: PATH
schema:
  - {name: id, type: integer, role: id}
  - {name: x, type: number}
  - {name: y, type: string, role: target}
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def about(self, address: str) -> list[str]:
        """Return the lines of an apply that tell how the actions of an address ended, with what is said below them."""
        found = re.findall(rf"^\w+ +{re.escape(address)}: .*\n(?:[ ]{{10}}.*\n)*", self.out, re.MULTILINE)
        return [line.strip() for part in found for line in part.splitlines()]

    def planned(self, address: str) -> str:
        """Return what a plan says of an address."""
        found = re.search(rf"^{re.escape(address)}\n((?: +.*\n)+)", self.out, re.MULTILINE)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class World:
    """A work tree."""

    root: Path

    def run(self, *argv: str, **env: str) -> Done:
        """Run a program here, git knowing only what the repository says."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        clean |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **env}
        done = subprocess.run(argv, cwd=self.root, env=clean, capture_output=True, text=True, timeout=300, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    def mlspec(self, *argv: str, **env: str) -> Done:
        """Run mlspec; no traceback of its own ever reaches a user."""
        done = self.run(str(MLSPEC), *argv, **env)
        assert done.code != 70, done
        assert "Traceback" not in done.err, done
        return done

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def dataset(self, name: str, path: str, more: str = "") -> None:
        """Declare a dataset with an id, a number and a target."""
        self.write(f"specs/{name}.yaml", DATASET.replace("NAME", name).replace("PATH", path) + more)

    def commit(self) -> None:
        """Commit every change."""
        for argv in (["add", "-A"], ["commit", "-q", "-m", "Change"]):
            assert self.run("git", *argv).code == 0

    def head(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the recorded head of an address, or None."""
        listed = self.run("git", "ls-tree", "-r", "--name-only", "mlspec/lineage").out.split()
        path = next((path for path in listed if re.fullmatch(rf"heads/{kind}/../{name}\.json", path)), None)
        if path is None:
            return None
        head: dict[str, Any] = json.loads(self.run("git", "show", f"mlspec/lineage:{path}").out)
        return head

    def lineage(self) -> str:
        """Return the tip of the lineage branch after a look at all of it: whatever happened, it is whole."""
        verified = self.mlspec("verify", "--store")
        assert verified.code == 0, verified
        return self.run("git", "rev-parse", "mlspec/lineage").out.strip()


def begin(root: Path) -> World:
    """Make a repository with a project and a good dataset in `data/good.csv`, nothing committed."""
    root.mkdir(parents=True)
    world = World(root)
    for argv in (
        ["init", "-q", "-b", "main"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@example.org"],
    ):
        assert world.run("git", *argv).code == 0
    world.write("mlspec.yaml", PROJECT)
    world.write("data/good.csv", CSV)
    world.dataset("good", "data/good.csv")
    return world
