"""`mlspec promote`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("promote")
@click.argument("model", metavar="MODEL", shell_complete=complete.models)
@click.option(
    "--to",
    "stage",
    metavar="STAGE",
    required=True,
    help="The stage that should hold the version.",
    shell_complete=complete.stages,
)
@click.option(
    "--version",
    "wanted",
    metavar="VERSION",
    help="Such as v4, or a stage, for the version in it. [default: the newest registered]",
)
@click.pass_obj
def command(start: Path, model: str, stage: str, wanted: str | None) -> None:
    """Write into the spec which version a stage should hold, for you to commit and apply; nothing moves before."""
    from mlspec.cli.console import write
    from mlspec.commands.promote import run
    from mlspec.render.promote_text import promotion_lines

    write(promotion_lines(run(start, model, stage, wanted)))
