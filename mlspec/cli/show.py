"""`mlspec show`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("show")
@click.argument("what", metavar="[ADDRESS | PLAN]", required=False, shell_complete=complete.addresses_or_files)
@click.option(
    "--at", metavar="DATE", help="Show what was recorded by the end of a day (UTC), or by a time: 2026-11-23T06:00Z."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.pass_obj
def command(start: Path, what: str | None, at: str | None, form: str) -> None:
    """Say what is in each stage, trained on what, put there by whom, since when, now or on a date; or show a plan."""
    from mlspec.cli.console import write, write_text
    from mlspec.cli.report import warn
    from mlspec.commands.show import run, saved_plan
    from mlspec.commands.show_at import run as run_at
    from mlspec.render.json_text import document
    from mlspec.render.plan_text import plan_lines
    from mlspec.render.recorded_text import overview_lines

    if what is not None and what.endswith(".json"):
        if at is not None:
            raise click.UsageError("--at is about what was recorded, and a plan is not")
        plan = saved_plan(start / what)
        write_text(document(plan)) if form == "json" else write(plan_lines(plan))
        return
    overview = run(start, what, warn) if at is None else run_at(start, at, what, warn)
    write_text(document(overview)) if form == "json" else write(overview_lines(overview))
