"""Running git: hardened options, argv lists only, its answers in words; what is asked is the business of others."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlspec.core.problem import MlspecError, fail
from mlspec.io.drain import write_all
from mlspec.io.files import FULL, in_words, told
from mlspec.io.git.library import Git
from mlspec.io.git.values import Said

_HARDENED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.pager=cat",
    "core.fsync=all",
    "core.fsyncMethod=fsync",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
)


@dataclass(frozen=True)
class Program:
    """Git, as it runs for one repository."""

    root: Path
    git_dir: Path
    common_dir: Path
    _git: Git = field(repr=False, compare=False)
    _options: tuple[str, ...] = field(repr=False, compare=False, default=())

    def run(self, *argv: str, stdin: bytes | None = None) -> bytes:
        """Run git and return its standard output.

        Raises:
            MlspecError: git ended with an error, in git's own words.
        """
        code, out, err = self._execute(argv, stdin)
        if code != 0:
            raise self._failed(f"git {argv[0]}", in_a_line(err) or f"exit code {code}")
        return out

    def ask(self, *argv: str) -> str | None:
        """Return the stripped output of a git command, or None when git says no."""
        code, out, _ = self._execute(argv, None)
        return out.decode("utf-8", "surrogateescape").strip() if code == 0 else None

    def says(self, *argv: str) -> bool:
        """Return whether a git command ends with exit code 0."""
        return self._execute(argv, None)[0] == 0

    def talk(self, argv: Sequence[str], stdin: bytes, env: Mapping[str, str], timeout_s: float) -> Said:
        """Run a git command that speaks with a remote, at most so many seconds; then it is killed, its children too.

        It has no terminal, so nothing can prompt on one, and a Ctrl-C meant for mlspec does not cut it off.
        """
        with _spooled(stdin) as spool:
            started: Any = self._git.execute(
                self._command(argv),
                istream=spool,
                as_process=True,
                env=dict(env),
                start_new_session=True,
            )
            child = started.proc
            try:
                out, err = child.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                return Said(None, b"", f"no answer within {timeout_s:.0f} s")
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        return Said(child.returncode, out, err.decode("utf-8", "replace"))

    def _command(self, argv: Sequence[str]) -> list[str]:
        command = ["git", "--no-optional-locks", "--literal-pathspecs"]
        for option in (*_HARDENED, *self._options):
            command += ["-c", option]
        return [*command, *argv]

    def _execute(self, argv: Sequence[str], stdin: bytes | None) -> tuple[int, bytes, bytes]:
        with _spooled(stdin) if stdin is not None else nullcontext() as spool:
            result: Any = self._git.execute(
                self._command(argv),
                istream=spool,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                start_new_session=True,  # a Ctrl-C is for mlspec, which lets git finish what it writes
            )
        code, out, err = result
        return int(code), _bytes(out), _bytes(err)

    def _failed(self, what: str, words: str) -> MlspecError:
        """Tell an error in git's own words; a full disk as everywhere else."""
        full = next((number for number in FULL if os.strerror(number) in words), None)
        if full:
            return told(OSError(full, words), self.common_dir)
        unsaid = _NO_REASON.search(words) is not None
        hint = "git does not say why: look whether the disk is full, the quota used up, or the disk broken"
        return fail("git/failed", f"{what}: {words}", help=hint if unsaid else None)


_NO_REASON = re.compile(r"couldn't (?:write|set|close) '[^']*'\n?$")
"""How git ends what it says of a ref that the system did not let it move, whatever the reason was."""


@contextmanager
def _spooled(content: bytes) -> Iterator[Any]:
    """Lend a file without a name that holds what git is to read."""
    with ExitStack() as stack:
        with in_words(Path(tempfile.gettempdir(), "stdin"), len(content)):
            spool = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            write_all(spool.fileno(), memoryview(content))
            spool.seek(0)
        yield spool


def in_a_line(err: bytes) -> str:
    """Return what git said on its standard error."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    return "; ".join(line.removeprefix("fatal: ").removeprefix("error: ") for line in lines)[:500]


def _bytes(out: Any) -> bytes:
    return out if isinstance(out, bytes) else str(out).encode("utf-8", "surrogateescape")
