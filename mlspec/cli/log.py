"""`mlspec log`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("log")
@click.argument("address", required=False, shell_complete=complete.addresses)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_obj
def command(start: Path, address: str | None, form: str) -> None:
    """List the records, of everything or of ADDRESS, newest first."""
    from mlspec.cli.console import write, write_text
    from mlspec.cli.report import warn
    from mlspec.commands.log import run
    from mlspec.core.record import to_json
    from mlspec.render.json_text import document
    from mlspec.render.recorded_text import log_lines

    records = run(start, address, warn)
    if form == "json":
        write_text(document({"format": "mlspec.log/1", "records": [to_json(record) for record in records]}))
    else:
        write(log_lines(records))
