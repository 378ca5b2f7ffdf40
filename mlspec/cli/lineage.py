"""`mlspec lineage`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("lineage")
@click.argument("address", metavar="ADDRESS[@vN|@STAGE]", shell_complete=complete.addresses)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "mermaid"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@click.pass_obj
def command(start: Path, address: str, form: str) -> None:
    """Say what ADDRESS was made from and what was made from it: data, runs, versions, verdicts, stages."""
    from mlspec.cli.console import write, write_text
    from mlspec.cli.report import warn
    from mlspec.commands.lineage import run
    from mlspec.render.json_text import document
    from mlspec.render.lineage_text import lineage_lines, mermaid

    graph = run(start, address, warn)
    if form == "text":
        write(lineage_lines(graph))
    else:
        write_text(document(graph) if form == "json" else mermaid(graph))
