"""`mlspec gc`: parses, asks, calls, prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlspec.cli import complete

if TYPE_CHECKING:
    from mlspec.core.garbage import Sweep


@click.command("gc")
@click.option(
    "--older-than", metavar="DURATION", default="30d", show_default=True, help="Keep all that is younger; at least 1d."
)
@click.option(
    "--erase",
    metavar="DATASET@DIGEST",
    multiple=True,
    help="Erase the rows of this version for good, whatever its age; again for more.",
    shell_complete=complete.addresses,
)
@click.option("--reason", metavar="TEXT", default="", help="Why rows are erased; it is recorded.")
@click.option("--forget", metavar="PROJECT", multiple=True, help="This project no longer uses the same store.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def command(
    start: Path, older_than: str, erase: tuple[str, ...], reason: str, forget: tuple[str, ...], yes: bool
) -> int:
    """List what need no longer be kept, ask, record that it goes, and remove it from the store."""
    from mlspec.cli.ask import can_ask
    from mlspec.cli.console import write, write_problems
    from mlspec.cli.verify import Heartbeat
    from mlspec.commands.gc import GcRequest, run
    from mlspec.render.garbage_text import swept_lines
    from mlspec.render.text import line

    asks = not yes and can_ask()
    done = run(
        start, GcRequest(older_than, erase, reason, forget), lambda sweep: _confirmed(sweep, yes, asks), Heartbeat()
    )
    if done is None:
        hint = "" if asks else " To remove it: mlspec gc --yes"
        write([line(("Nothing was removed.", "bold"), hint)])
        return 1 if asks else 0
    write(swept_lines(done))
    write_problems(done.problems, sys.stderr)
    return done.exit_code


def _confirmed(sweep: Sweep, yes: bool, asks: bool) -> bool:
    from mlspec.cli.console import write
    from mlspec.render.garbage_text import sweep_lines
    from mlspec.render.text import line

    write([*sweep_lines(sweep), line("")])
    return yes or (asks and click.confirm("Remove this?", default=False))
