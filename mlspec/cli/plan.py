"""`mlspec plan`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("plan")
@click.argument("addresses", metavar="[ADDRESS…]", nargs=-1, shell_complete=complete.addresses)
@click.option("--ref", metavar="COMMIT", help="Plan a commit from git's objects; nothing is checked out.")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan for `mlspec apply FILE`.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to print the plan.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when something would be done.")
@click.option("--offline", is_flag=True, help="Do not ask the remote: plan from the lineage as it was last seen.")
@click.option("--retry-failed", is_flag=True, help="Plan failed steps again.")
@click.option("--allow-retire", is_flag=True, help="Lift the guard against retiring much at once.")
@click.pass_obj
def command(
    start: Path,
    addresses: tuple[str, ...],
    ref: str | None,
    out: Path | None,
    form: str,
    detailed_exitcode: bool,
    offline: bool,
    retry_failed: bool,
    allow_retire: bool,
) -> int:
    """Say what apply would do, and why; runs nothing and changes nothing."""
    from mlspec.cli.console import write, write_text
    from mlspec.commands import quiet

    if not (addresses or ref or out or retry_failed or allow_retire) and form == "text":
        known = quiet.recall(start, offline=offline)
        if known is not None:
            write(known)
            return 0
    from mlspec.commands.catch_up import Ask
    from mlspec.commands.plan import PlanRequest, run, run_with_evidence
    from mlspec.io.files import write_file
    from mlspec.planner.world import Options
    from mlspec.render.json_text import document
    from mlspec.render.plan_markdown import plan_markdown
    from mlspec.render.plan_text import plan_lines

    ask = Ask.NEVER if offline else Ask.MUST
    request = PlanRequest(addresses, ref, Options(retry_failed, allow_retire), ask)
    plan, evidence = run_with_evidence(start, request) if form == "markdown" else (run(start, request), ())
    if out is not None:
        write_file(out, document(plan).encode())
    if form == "text":
        write(plan_lines(plan))
    else:
        write_text(document(plan) if form == "json" else plan_markdown(plan, evidence))
    return 2 if detailed_exitcode and plan.runnable else 0
