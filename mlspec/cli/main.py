"""The command line: parses, calls one command, prints, and turns its outcome into an exit code; nothing else does."""

from __future__ import annotations

import codecs
import gc
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import rich_click as click
from click.exceptions import Exit

from mlspec.version import __version__

ERROR, DEFECT, INTERRUPTED = 1, 70, 130
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NAME, COMPLETE = "mlspec", "_MLSPEC_COMPLETE"
"""The program, and the variable by which a shell asks it for completions."""
_COMMANDS = (
    "init",
    "validate",
    "fmt",
    "plan",
    "explain",
    "apply",
    "promote",
    "rollback",
    "show",
    "log",
    "lineage",
    "diff",
    "export",
    "reproduce",
    "push",
    "pull",
    "verify",
    "gc",
    "schema",
    "completion",
    "version",
)

click.rich_click.THEME = "mono-box"  # bold and dim, which are read on white and on black


class LazyGroup(click.RichGroup):
    """Commands by name; the module of one is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a first use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"mlspec.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find a command; suggest the nearest name for one that is not there."""
        name = args[0]
        if name not in _COMMANDS and ctx.resilient_parsing:
            return None, None, []  # a shell asks what may come next: nothing
        if name not in _COMMANDS:
            from mlspec.core.problem import suggest

            hint = suggest(name, _COMMANDS)
            raise click.UsageError(f"there is no command `{name}`" + (f"; {hint}" if hint else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-C", "folder", metavar="DIR", default=".", help="Work as if started in this folder.")
@click.version_option(__version__, message="mlspec %(version)s")
@click.pass_context
def cli(ctx: click.Context, folder: str) -> None:
    """Config-as-code for machine learning in production: declare, plan, apply, record."""
    ctx.obj = Path(folder)


def run() -> NoReturn:
    """Run the command line and exit. The console entry point."""
    gc.set_threshold(50_000, 20, 50)  # commands make many values that stay and next to no cycles
    _encode()
    code = _outcome(lambda: cli.main(prog_name=NAME, complete_var=COMPLETE, standalone_mode=False))
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)  # all is done and said: the code is what there is to tell
    sys.exit(code)


def _outcome(call: Callable[[], Any]) -> int:
    try:
        result = call()
    except Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("\ninterrupted\n" if sys.stderr.isatty() else "interrupted\n")  # after ^C
        return INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:  # noqa: BLE001 -- the outer handler: no traceback ever reaches a user
        from mlspec.cli.report import report

        known = report(error)
        return known if known is not None else _defect()
    return _flushed(result if isinstance(result, int) else 0)


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed_pipe()
    return code


def _usage(error: click.ClickException) -> int:
    """Tell bad usage, with exit code 1: click's own 2 means that a plan has changes."""
    from mlspec.cli.report import usage

    usage(error)
    return ERROR


def _closed_pipe() -> int:
    """Whoever read our output has seen enough (`| head`): end quietly."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _defect() -> int:
    text = f"mlspec {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n\n{traceback.format_exc()}"
    with tempfile.NamedTemporaryFile(prefix="mlspec-defect-", suffix=".txt", delete=False) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    sys.stderr.write(f"error[defect]: this is a defect of mlspec's own; please report it with {file.name}\n")
    return DEFECT


def _encode() -> None:
    """Write UTF-8 whatever the locale says, but to a terminal of one that cannot show it; no character stops us."""
    codecs.register_error("spelt", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
            shown = "ascii" if named in ("C", "POSIX") else stream.encoding
            stream.reconfigure(encoding=shown if stream.isatty() else "utf-8", errors="spelt")
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _spelt(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding lacks: an ellipsis as three dots, a lone surrogate as `?`, all else by its code."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    if error.encoding.startswith("utf"):
        return "?" * len(wrong), error.end
    return "".join("..." if sign == "…" else ascii(sign)[1:-1] for sign in wrong), error.end


if __name__ == "__main__":
    run()
