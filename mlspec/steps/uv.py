"""The door to uv, which makes environments from lock files: where it is, what it may see, and what its errors mean.

Only wheels are installed: building a package runs code, with whatever the machine has, and no lock pins that.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlspec.core.ports import Cancel, Executor, Job
from mlspec.core.problem import Problem, fail
from mlspec.planner.lock import Lock
from mlspec.steps.failures import StepFailed, tail_of

_LONGEST_S = 3600.0
_SYSTEM = frozenset(
    {"PATH", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
)
_FETCHING = (
    *("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE"),
    *("UV_CACHE_DIR", "UV_NO_CACHE", "UV_CONFIG_FILE", "UV_NO_CONFIG", "UV_HTTP_", "UV_REQUEST_", "UV_CONCURRENT_"),
    *("UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER", "UV_CREDENTIALS_", "UV_LINK_MODE"),
    "XDG_",
)
"""How the names begin of variables that say where and how to fetch. What would change what is installed is left out."""
_SECRET = re.compile(r"PASSWORD|TOKEN|SECRET")
_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+@")
_TOLD = re.compile(r"^\s*(?:error:|cause:|Caused by:|\u00d7|\u2570\u2500\u25b6)\s*(.+)", re.MULTILINE)
_OF_THE_LOCK = {
    "environment/hash-mismatch": re.compile(r"hash mismatch", re.IGNORECASE),
    "environment/form": re.compile(r"couldn't parse|not a valid `|TOML parse error|failed to parse `", re.IGNORECASE),
}
"""What uv says where the lock is at fault, so that trying again would not help."""
_UNSATISFIED = re.compile(r"No solution found|no binary distribution|doesn't have a source distribution or wheel")
_OUT_OF_REACH = re.compile(r"network was disabled|[Ff]ailed to (?:fetch|download)|error sending request|authentication")
"""An index that cannot be asked holds nothing, says uv, as one that was asked."""


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file as it was when it was planned with."""

    name: str
    """Its file name, which says its form."""
    content: bytes
    lock: Lock


@dataclass(frozen=True, slots=True)
class Means:
    """What it takes to run uv, and to keep what it makes."""

    cache: Path
    """The folder that environments are kept in."""
    environ: Mapping[str, str]
    """The variables to pick from."""
    executor: Executor
    cancel: Cancel


@dataclass(frozen=True, slots=True)
class Uv:
    """uv, in a folder of its own, where it finds no configuration but the user's."""

    program: Path
    folder: Path
    means: Means

    def run(self, of: LockFile, *arguments: str) -> None:
        """Run uv to its end.

        Raises:
            StepFailed: it did not get there; `environment/…` where the lock is at fault, else `env/…`; with its last
                lines.
        """
        log, environ = self.folder / "uv.log", self.means.environ
        job = Job((str(self.program), *arguments), self.folder, _variables(environ), log, _LONGEST_S)
        result = self.means.executor.run(job, self.means.cancel)
        if result.interrupted:
            raise interrupted()
        if result.code != 0 or result.timed_out:
            secrets = [value for name, value in environ.items() if _SECRET.search(name)]
            tail = _IN_ADDRESS.sub("***@", tail_of(log, secrets))
            raise StepFailed(_problem(of, tail, timed_out=result.timed_out), tail=tail)

    def exported(self, of: LockFile) -> bytes:
        """Return what a uv.lock holds as a pylock.toml, with the markers that say what is meant for which machine.

        Raises:
            StepFailed: as `run`.
        """
        project, target = self.folder / "project", self.folder / "pylock.toml"
        project.mkdir()
        (project / "uv.lock").write_bytes(of.content)
        python = f"requires-python = {json.dumps(of.lock.python)}\n" if of.lock.python else ""
        named = f'[project]\nname = {json.dumps(of.lock.project)}\nversion = "0"\n{python}[tool.uv.workspace]\n'
        (project / "pyproject.toml").write_text(named, encoding="utf-8")
        what = ("--frozen", "--no-dev", "--no-emit-project", "--format", "pylock.toml", "--output-file", str(target))
        self.run(of, "export", "--quiet", "--project", str(project), "--python", sys.executable, *what)
        return target.read_bytes()


def uv_in(folder: Path, means: Means) -> Uv:
    """Return uv, to be run in an empty folder.

    Raises:
        MlspecError: there is none (`env/no-uv`).
        OSError: the disk is full, for one.
    """
    (folder / "uv.toml").touch()  # where uv finds one, it looks no further up
    return Uv(_program(means.environ), folder, means)


def interrupted() -> StepFailed:
    """Make the failure of a step whose environment was not ready when the user asked to stop."""
    return StepFailed(Problem("step/interrupted", "making its environment was interrupted"), retryable=True)


def _program(environ: Mapping[str, str]) -> Path:
    """Return where uv is: on PATH, or beside the Python that runs this."""
    beside = Path(sys.executable).with_name("uv")
    found = shutil.which("uv", path=environ.get("PATH", "")) or (beside if beside.is_file() else None)
    if found is None:
        message = "uv, which makes the environment that a lock describes, is not on PATH"
        raise fail("env/no-uv", message, help="run: pip install uv; or train with {lock: ..., use: current}")
    return Path(found)


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    passed = {name: value for name, value in environ.items() if name.upper() in _SYSTEM or name.startswith(_FETCHING)}
    return {**passed, "LANG": "C.UTF-8", "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def _problem(of: LockFile, tail: str, *, timed_out: bool) -> Problem:
    told = _TOLD.findall(tail)
    why = "uv took more than an hour" if timed_out else told[-1] if told else "see what uv says"
    message = f"the environment of `{of.name}` can't be made: {why}"
    code = next((code for code, said in _OF_THE_LOCK.items() if said.search(tail)), None)
    if code is not None:
        return Problem(code, message, help="lock again")
    if _UNSATISFIED.search(tail) and not _OUT_OF_REACH.search(tail):
        advice = "lock again: this version is not in the index, or has no wheel for this Python and platform"
        return Problem("environment/unsatisfied", message, help=advice)
    advice = "is the package index within reach? variables such as UV_INDEX and UV_FIND_LINKS say where it is"
    return Problem("env/uv-failed", message, help=advice)
