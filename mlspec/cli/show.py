"""`mlspec show`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("show")
@click.argument("what", metavar="[ADDRESS | PLAN]", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_obj
def command(start: Path, what: str | None, form: str) -> None:
    """Say what is in each stage, trained on what, put there by whom, since when; or show a saved plan."""
    from mlspec.cli.console import write, write_text
    from mlspec.cli.report import warn
    from mlspec.commands.show import run, saved_plan
    from mlspec.render.json_text import document
    from mlspec.render.plan_text import plan_lines
    from mlspec.render.recorded_text import overview_lines

    if what is not None and what.endswith(".json"):
        plan = saved_plan(start / what)
        write_text(document(plan)) if form == "json" else write(plan_lines(plan))
        return
    overview = run(start, what, warn)
    write_text(document(overview)) if form == "json" else write(overview_lines(overview))
