"""`mlspec export`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("export")
@click.argument("model", metavar="MODEL[@vN|@STAGE]", shell_complete=complete.models)
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_obj
def command(start: Path, model: str, target: Path) -> None:
    """Write a recorded model to a new folder: the model, its schema, its story, a script that runs it."""
    from mlspec.cli.console import write
    from mlspec.cli.report import warn
    from mlspec.commands.export import export
    from mlspec.render.text import line

    write(line(("wrote  ", "add"), str(path)) for path in export(start, model, start / target, warn))
