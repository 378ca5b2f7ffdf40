"""A command as it is written in a spec: split into words as a shell would, and run without one."""

from __future__ import annotations

import re
import shlex

PYTHONS = ("python", "python3")
"""Programs that are the Python that mlspec runs on."""
_OPERATORS = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", "<<"}


def words(command: str) -> tuple[str, ...]:
    """Split a command at blanks, quotes and backslashes taken as a shell takes them; everything else is plain text."""
    return tuple(shlex.split(command))


def normal(command: str) -> str:
    """Return a command in one form, whatever blanks and quotes it was written with.

    Raises:
        ValueError: it has no words, a quote is never closed, or it needs a shell.
    """
    if "\0" in command:
        raise ValueError("must not hold control characters")
    try:
        found = words(command)
    except ValueError as error:
        raise ValueError("must close every quote it opens") from error
    if not found or not found[0]:
        raise ValueError("must be a program and its arguments, as python train.py")
    if re.match(r"[A-Za-z_]\w*=", found[0]):
        raise ValueError("must start with a program: there is no shell to set variables; `params` hands values on")
    operator = next((word for word in _as_written(command) if word in _OPERATORS), None)
    if operator is not None:
        raise ValueError(f"must do without `{operator}`: there is no shell; put it into a script, or quote it")
    return shlex.join(found)


def _as_written(command: str) -> list[str]:
    """Split a command, leaving quotes where they are: a quoted `|` is an argument."""
    try:
        return shlex.split(command, posix=False)
    except ValueError:  # a quote inside a word, which reads otherwise in this mode
        return []
