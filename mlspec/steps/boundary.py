"""The line between mlspec's code and the user's inside a child process: what crosses it is a `Failure`."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import PicklingError
from typing import TypeVar

from mlspec.core.problem import MlspecError
from mlspec.io.files import reason_of
from mlspec.steps.failures import disk_code, is_disk
from mlspec.steps.wire import Failure

Result = TypeVar("Result")
RETURNING = "return the predictions instead"
"""What a model does in place of `sys.exit` when it predicts."""
_OWN = Path(__file__).parents[1]
_MESSAGE_LENGTH = 600
_MOST_WARNINGS = 20
_WARNING_LENGTH = 300


class ChildFailed(Exception):
    """Something the user can understand went wrong."""

    def __init__(self, failure: Failure) -> None:
        """Carry the failure to the child's main."""
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True, slots=True)
class Boundary:
    """Whose code is called, where it lies, and how its failures are named."""

    code: Path
    """The folder of the staged code."""
    what: str
    """Who is to blame in a message, such as `` `train` ``."""
    on_error: str
    """The code of a problem for anything it raises."""
    instead: str = "raise an exception instead"
    """What to do in place of `sys.exit`."""

    def call(self, function: Callable[[], Result]) -> Result:
        """Call code that may do anything.

        A copy of this process that the code forked off and let return ends here: only one of them answers.

        Raises:
            ChildFailed: the code raised something, `SystemExit` and the like included.
        """
        own = os.getpid()
        try:
            return function()
        except ChildFailed:
            raise
        except MlspecError as error:
            raise ChildFailed(known(error)) from error
        except BaseException as error:  # the user's code may raise anything, and each is one clear error
            if os.getpid() == own and not self._is_ours(error):
                sys.stderr.write(self._trace(error))
            raise ChildFailed(self._failure(error)) from error
        finally:
            if os.getpid() != own:
                os._exit(0)

    def _is_ours(self, error: BaseException) -> bool:
        """Say whether the disk let our own code down: no traceback tells more than the reason does."""
        return isinstance(error, OSError) and is_disk(error) and place_of(error, self.code)[0] is None

    def _trace(self, error: BaseException) -> str:
        """Write the traceback as the user knows it: without mlspec's own frames, by the paths of the repository."""
        frames = error.__traceback__
        while frames is not None and Path(frames.tb_frame.f_code.co_filename).is_relative_to(_OWN):
            frames = frames.tb_next
        text = "".join(traceback.format_exception(type(error), error, frames))
        return text.replace(f"{self.code}/", "")

    def _failure(self, error: BaseException) -> Failure:
        file, line = place_of(error, self.code)
        if isinstance(error, SystemExit):
            message = f"{self.what} called sys.exit({_cut(repr(error.code))})"
            verb = self.on_error.partition("/")[0]
            code = f"{verb}/exited" if verb in ("predict", "judge") else "train/exited"
            return Failure(code, message, file, line, self.instead)
        if self._is_ours(error) and isinstance(error, OSError):
            return Failure(disk_code(error), f"{self.what}: {reason_of(error)}", retryable=True)
        if isinstance(error, OSError) and is_disk(error):
            return Failure(disk_code(error), f"{self.what}: {error}", file, line, retryable=True)
        # Where the code was staged is of no interest, and would be recorded.
        message = f"{self.what} raised {summary(error)}".replace(f"{self.code}/", "")
        return Failure(self.on_error, message, file, line, _hint(error))


def known(error: MlspecError) -> Failure:
    """Return an error of our own as a failure."""
    problem = error.problems[0]
    place = problem.place
    return Failure(
        problem.code, problem.message, place.file if place else None, place.line if place else 0, problem.help
    )


def summary(error: BaseException) -> str:
    """Return the type and message of an exception on one line."""
    message = _cut(" ".join(str(error).split()))
    return f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE_LENGTH else text[:_MESSAGE_LENGTH].rstrip() + "…"


def place_of(error: BaseException, code: Path) -> tuple[str | None, int]:
    """Return the innermost place in the staged code that an exception passed, as path in the repository and line."""
    found: tuple[str | None, int] = (None, 0)
    if isinstance(error, SyntaxError) and error.filename:
        found = (_inside(error.filename, code), error.lineno or 0)
    if found[0] is None:
        for frame, line in traceback.walk_tb(error.__traceback__):
            inside = _inside(frame.f_code.co_filename, code)
            found = (inside, line) if inside else found
    return found if found[0] else (None, 0)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect what is warned of inside, each once, beside showing it as usual."""
    seen: list[str] = []
    show = warnings.showwarning

    def note(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        text = f"{category.__name__}: {' '.join(str(message).split())}"[:_WARNING_LENGTH]
        if text not in seen and len(seen) < _MOST_WARNINGS:
            seen.append(text)
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))

    warnings.showwarning = note  # type: ignore[assignment]  # the stub names the optional arguments one by one
    try:
        yield seen
    finally:
        warnings.showwarning = show


def _inside(file: str, code: Path) -> str | None:
    path = Path(file)
    return path.relative_to(code).as_posix() if path.is_absolute() and path.is_relative_to(code) else None


def _hint(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"if `{error.name}` is a file of this repository, add it to `code:`; "
            "if it is a package, install it where mlspec is installed"
        )
    if isinstance(error, FileNotFoundError):
        return "it runs in a copy of the files that its own imports reach: add others to `code:`"
    if type(error).__name__ == "NotFittedError":
        return "fit the model before returning it"
    if isinstance(error, AttributeError | PicklingError) and "Can't pickle" in str(error):
        return "a lambda, or what a function defines, can't be kept: use `def` or `class` at the top level of a module"
    if isinstance(error, TypeError) and "cannot pickle" in str(error):
        return "a model can't hold open files, locks or connections: drop them before returning it"
    return "it needs more memory than there is" if isinstance(error, MemoryError) else None
