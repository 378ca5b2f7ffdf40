"""`mlspec rollback`: parses, asks, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlspec.cli import complete

if TYPE_CHECKING:
    from mlspec.core.rollback import Rollback


@click.command("rollback")
@click.argument("model", metavar="MODEL", shell_complete=complete.models)
@click.option("--stage", metavar="STAGE", required=True, help="The stage to roll back.", shell_complete=complete.stages)
@click.option("--to", metavar="VERSION", help="Such as v4. [default: the version that held the stage before]")
@click.option("--reason", metavar="TEXT", required=True, help="Why, in a line that others will read.")
@click.option("--expires", metavar="DURATION", required=True, help="Decide by then: 90m, 48h or 7d; at most 90d.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-push", is_flag=True, help="Record here only; `mlspec push` shares it later.")
@click.pass_obj
def command(
    start: Path, model: str, stage: str, to: str | None, reason: str, expires: str, yes: bool, no_push: bool
) -> int:
    """Put a version back into a stage at once, and hold it there until the spec is edited."""
    import sys

    from mlspec.cli.ask import can_ask
    from mlspec.cli.console import write, write_problems
    from mlspec.commands.rollback import RollbackRequest, run
    from mlspec.render.rollback_text import outcome_lines
    from mlspec.render.text import line

    if not yes and not can_ask():
        raise click.UsageError("there is no terminal to ask on: give --yes")
    request = RollbackRequest(model, stage, reason, expires, to, push=not no_push)
    done = run(start, request, lambda found: _confirmed(found, yes))
    if done is None:
        write([line(("Cancelled.", "bold"), " Nothing was moved.")])
        return 1
    write(outcome_lines(done))
    write_problems(done.problems, sys.stderr)
    return done.exit_code


def _confirmed(found: Rollback, yes: bool) -> bool:
    from mlspec.cli.console import write
    from mlspec.render.rollback_text import proposal_lines
    from mlspec.render.text import line

    write([*proposal_lines(found), line("")])
    return yes or click.confirm("Roll back?", default=False)
