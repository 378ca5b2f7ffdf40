"""`mlspec explain`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("explain")
@click.argument("address", metavar="ADDRESS", shell_complete=complete.addresses)
@click.option("--offline", is_flag=True, help="Do not ask the remote: explain from the lineage as it was last seen.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_obj
def command(start: Path, address: str, offline: bool, form: str) -> None:
    """Say why a resource is, or is not, up to date: what is recorded, what is asked for, and what follows."""
    from mlspec.cli.console import write, write_text
    from mlspec.commands.catch_up import Ask
    from mlspec.commands.explain import run
    from mlspec.render.explain_text import explanation_lines
    from mlspec.render.json_text import document

    found = run(start, address, Ask.NEVER if offline else Ask.MUST)
    write_text(document(found)) if form == "json" else write(explanation_lines(found))
