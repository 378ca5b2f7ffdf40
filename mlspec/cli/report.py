"""Telling errors: problems on stderr, and the exit code they mean."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import rich_click as click

from mlspec.cli.console import write, write_problems
from mlspec.core.problem import MlspecError, Problem, in_order
from mlspec.io.files import told as told_by_system
from mlspec.render.text import Line

_LINES = re.compile(r"\s*\n\s*")
"""click lists choices in lines of their own."""
_EXTRA = {"pandas", "pyarrow", "sklearn", "scipy", "skops", "numpy"}


def report(error: Exception) -> int | None:
    """Tell what went wrong and return its exit code; None when it is a defect of our own."""
    if isinstance(error, MlspecError):
        write_problems(in_order(error.problems), sys.stderr)
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRA:
        message = f"this needs the extra `run` ({error.name} is not installed)"
        write_problems([Problem("env/no-extra", message, help='run: pip install "mlspec[run]"')], sys.stderr)
        return 1
    if isinstance(error, OSError):
        write_problems(told_by_system(error, Path(error.filename or "a file")).problems, sys.stderr)
        return 1
    return None


def warn(problem: Problem) -> None:
    """Tell what a user should know beside the result."""
    write_problems([problem], sys.stderr)


def told(done: Line, refused: tuple[Problem, ...]) -> int:
    """Say what was done, and which records no longer hold; return the exit code that means."""
    write([done])
    write_problems(in_order(refused), sys.stderr)
    return 4 if refused else 0


def usage(error: click.ClickException) -> None:
    """Tell bad usage, with the nearest option when one was misspelt."""
    near = _nearest(error) if isinstance(error, click.NoSuchOption) else None
    hint = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else None
    context = getattr(error, "ctx", None)
    helped = f"see: {context.command_path} --help" if context is not None else "see: mlspec --help"
    text = error.message if isinstance(error, click.NoSuchOption) else error.format_message()
    text = _LINES.sub(" ", text[:1].lower() + text[1:]).rstrip(".")
    write_problems([Problem("usage", text, help=hint or helped)], sys.stderr)


def _nearest(error: click.NoSuchOption) -> list[str]:
    """Return the options that a misspelt one begins, else those that look like it."""
    params = error.ctx.command.params if error.ctx else []
    begun = [param.opts[-1] for param in params if param.opts[-1].startswith(error.option_name)]
    return begun or sorted(error.possibilities or ())
