"""A step that failed: what went wrong, whether trying again may help, and the last lines of its log."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mlspec.core.problem import MlspecError, Place, Problem
from mlspec.io.files import FULL, reason_of

TAIL_LINES = 50
_LINE_LENGTH = 500
_TAIL_BYTES = 64 << 10
_SHORTEST_SECRET = 4
_AT = re.compile(r'^  File "(.+)", line (\d+),? in ', re.MULTILINE)
_ASKED = re.compile(r'/steps/(asking|kept)\.py", line \d+ in (ask|<lambda>)$', re.MULTILINE)
_FROM_OUTSIDE = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class StepFailed(MlspecError):
    """A step did not get its result; `retryable` only where nothing of the user's needs to change first."""

    def __init__(self, problem: Problem, *, retryable: bool = False, tail: str = "") -> None:
        """Carry the problem and the end of the log, control characters escaped."""
        super().__init__(problem)
        self.retryable = retryable
        self.tail = tail

    def of(self, what: str) -> StepFailed:
        """Return the same failure with what it is of in front of its message."""
        problem = replace(self.problems[0], message=f"{what}: {self.problems[0].message}")
        return StepFailed(problem, retryable=self.retryable, tail=self.tail)


def of_disk(error: OSError, what: str) -> StepFailed:
    """Make the failure of a step that could not read or write its own folder."""
    return StepFailed(Problem(disk_code(error), f"{what}: {reason_of(error)}"), retryable=is_disk(error))


def disk_code(error: OSError) -> str:
    """Return the code of a problem for an error of the disk's."""
    return "env/disk-full" if error.errno in FULL else "env/disk"


def is_disk(error: OSError) -> bool:
    """Say whether an error is one of the disk's, which may be gone the next time."""
    return error.errno in _DISK


def tail_of(log: Path, secrets: Iterable[str]) -> str:
    """Return the last lines of a log, secrets starred out, control characters escaped, long lines cut."""
    lines = redact(_end_of(log), secrets).splitlines()[-TAIL_LINES:]
    return "\n".join(escape(line)[:_LINE_LENGTH] for line in lines)


def killed(what: str, verb: str, number: int) -> tuple[Problem, bool]:
    """Return what a deadly signal means, and whether trying again may help."""
    known = number in set(signal.Signals)
    name = signal.Signals(number).name if known else f"signal {number}"
    if number in _FROM_OUTSIDE:
        return Problem(f"{verb}/interrupted", f"{what} was ended from outside by {name}"), True
    if number == signal.SIGKILL:
        hint = "give it more memory, or less data"
        return Problem(f"{verb}/killed", f"{what} was killed by {name}, likely out of memory", help=hint), False
    return Problem(f"{verb}/crashed", f"{what} crashed: {name}", help="the log's last lines say where"), False


def crash_place(log: Path, code: Path) -> Place | None:
    """Return the innermost place in the staged code of a crash that Python's fault handler logged."""
    return next(_places(_fatal(log), code), None)


def crashed_asked(log: Path) -> bool:
    """Say whether a crash that Python's fault handler logged came while a model was asked for predictions."""
    return _ASKED.search(_fatal(log)) is not None


def _fatal(log: Path) -> str:
    return _end_of(log).rpartition("Fatal Python error")[2]


def raised_place(log: Path, code: Path) -> Place | None:
    """Return the innermost place in the staged code of the last traceback that a program of Python's logged."""
    places = list(_places(_end_of(log).rpartition("Traceback (most recent call last)")[2], code))
    return places[-1] if places else None


def _places(text: str, code: Path) -> Iterator[Place]:
    for file, line in _AT.findall(text):
        if Path(file).is_relative_to(code):
            yield Place(Path(file).relative_to(code).as_posix(), int(line))


def escape(text: str) -> str:
    """Spell out the characters that a terminal would obey or not show; a tab stays."""
    return "".join(
        character if character.isprintable() or character == "\t" else character.encode("unicode_escape").decode()
        for character in text
    )


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace the values of secrets, longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def redact_file(path: Path, secrets: Iterable[str]) -> None:
    """Replace the values of secrets in a log, which is kept."""
    content = path.read_bytes()
    cleaned = content
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            cleaned = cleaned.replace(secret.encode(), b"***")
    if cleaned != content:
        path.write_bytes(cleaned)


def _end_of(log: Path) -> str:
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
