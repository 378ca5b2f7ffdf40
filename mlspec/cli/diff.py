"""`mlspec diff`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("diff")
@click.argument("model", shell_complete=complete.models)
@click.argument("before", metavar="v2")
@click.argument("after", metavar="v3")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_obj
def command(start: Path, model: str, before: str, after: str, form: str) -> None:
    """Say how two recorded versions of MODEL differ: parameters, data, code, environment, metrics."""
    from mlspec.cli.console import write, write_text
    from mlspec.cli.report import warn
    from mlspec.commands.diff import run
    from mlspec.render.diff_text import diff_lines
    from mlspec.render.json_text import document

    found = run(start, model, before, after, warn)
    write_text(document(found)) if form == "json" else write(diff_lines(found))
