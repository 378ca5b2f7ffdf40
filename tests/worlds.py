"""A repository with a small project, used as its user would use it: through git and the command line."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

MLSPEC = Path(sys.executable).with_name("mlspec")
LINEAGE = "refs/heads/mlspec/lineage"
ROWS = 400
IDENTITY = {"NAME": "Example", "EMAIL": "example@example.org"}

PROJECT = """\
version: 1
project: answers
deploy: main
stages: [staging]
teams:
  team: {members: [octocat]}
"""
DATASET = """\
kind: Dataset
name: questions
owner: team
source: data/questions.csv
schema:
  - {name: id, type: integer, role: id}
  - {name: hint, type: number}
  - {name: label, type: string, role: target, values: ["no", "yes"]}
"""
MODEL = """\
kind: Model
name: answer
owner: team
dataset: questions
task: classification
positive: "yes"
train:
  estimator: sklearn.linear_model.LogisticRegression
  params: {C: 1.0}
  seed: 7
metrics: [accuracy]
stages:
  staging: {version: latest, gates: [better-than-chance]}
"""
GATE = """\
kind: Gate
name: better-than-chance
owner: team
checks:
  - {check: metric, metric: accuracy, min: 0.5}
"""


def environment() -> dict[str, str]:
    """Return a person's environment, where git knows only what the repository says, and one identity."""
    kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in IDENTITY.items()}
    return {**kept, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class World:
    """A work tree with a project, and the environment its user works in."""

    root: Path
    env: Mapping[str, str] = field(default_factory=environment)

    def git(self, *argv: str, stdin: bytes | None = None) -> str:
        """Run git, which must succeed; return its output without the last line break."""
        done = subprocess.run(
            ["git", *argv], cwd=self.root, env=self.env, input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, f"git {argv}: {done.stderr.decode()}"
        return done.stdout.decode().removesuffix("\n")

    def run(self, *argv: str) -> None:
        """Run a program in the work tree, which must succeed."""
        done = subprocess.run(argv, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"

    def mlspec(self, *argv: str, below: str = ".", **env: str) -> Done:
        """Run mlspec in a folder of the repository, with variables of the environment changed."""
        command = [str(MLSPEC), *argv]
        done = subprocess.run(
            command, cwd=self.root / below, env={**self.env, **env}, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def apply(self, *argv: str) -> Done:
        """Apply, which must succeed."""
        done = self.mlspec("apply", "--yes", *argv)
        assert done.code == 0, done
        return done

    def commit(self, message: str = "Change") -> str:
        """Commit every change and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the work tree."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that is in a file of the work tree."""
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def copy(self, root: Path) -> World:
        """Return the same repository in another folder."""
        shutil.copytree(self.root, root, symlinks=True)
        return World(root, self.env)

    @property
    def tip(self) -> str:
        """Return the commit of the lineage branch, "" where there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", LINEAGE)

    def content(self, path: str) -> bytes:
        """Return a file of the lineage branch."""
        return self.git("cat-file", "blob", f"{self.tip}:{path}").encode() + b"\n"

    def tamper(self, files: Mapping[str, bytes | None], *, onto: bool = False) -> None:
        """Write over the lineage branch (None removes) behind mlspec's back: `onto` its tip, else as if always so."""
        tip = self.tip
        index = replace(self, env={**self.env, "GIT_INDEX_FILE": str(self.root / ".git" / "tampered")})
        index.git("read-tree", tip)
        for path, content in files.items():
            if content is None:
                index.git("update-index", "--force-remove", path)
            else:
                blob = index.git("hash-object", "-w", "--stdin", stdin=content)
                index.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        parents = ["-p", tip] if onto else []
        commit = self.git("commit-tree", "-m", "Tamper", *parents, index.git("write-tree"))
        self.git("update-ref", LINEAGE, commit)
        if not onto:
            self.forget()

    def forget(self) -> None:
        """Forget which tip of the lineage was seen, as a clone that never saw one."""
        for name in self.git("for-each-ref", "--format=%(refname)", "refs/mlspec/seen").splitlines():
            self.git("update-ref", "-d", name)

    def recorded(self) -> dict[str, str]:
        """Return every file of the lineage branch with its blob id."""
        rows = self.git("ls-tree", "-r", self.tip).splitlines()
        return {path: meta.split()[2] for meta, path in (row.split("\t") for row in rows)}

    def record(self, what: str) -> str:
        """Return the path of the record such as `train-model.answer`; there must be one."""
        (path,) = (path for path in self.recorded() if path.startswith("log/") and path.endswith(f"-{what}.json"))
        return path

    def stored(self, what: str, name: str) -> Path:
        """Return the file in the store of an output of the record such as `train-model.answer`."""
        outputs = json.loads(self.content(self.record(what)))["outputs"]
        digest = next(output["digest"] for output in outputs if output["name"] == name).removeprefix("sha256:")
        return self.root / ".mlspec" / "store" / "sha256" / digest[:2] / digest[2:]


def project_files() -> dict[str, str]:
    """Return the files of the small project; everything of it is trained and judged in about two seconds."""
    numbers = random.Random(1)
    rows = [f"{n},{numbers.gauss(n % 2, 0.5):.3f},{'yes' if n % 2 else 'no'}\n" for n in range(ROWS)]
    return {
        "mlspec.yaml": PROJECT,
        "specs/questions.yaml": DATASET,
        "specs/answer.yaml": MODEL,
        "specs/gate.yaml": GATE,
        "data/questions.csv": "id,hint,label\n" + "".join(rows),
        ".gitignore": ".mlspec/\n",
    }


def declare(root: Path, *init: str, below: str = "") -> World:
    """Make a repository with the small project, committed and not yet applied."""
    root.mkdir(parents=True, exist_ok=True)
    world = World(root)
    world.git("init", "-q", "-b", "main", *init)
    world.write({below + name: text for name, text in project_files().items()})
    world.commit("Declare")
    return world
