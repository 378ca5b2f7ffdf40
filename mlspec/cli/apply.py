"""`mlspec apply`: parses, asks, calls, prints, and handles interruption."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mlspec.cli import complete
from mlspec.cli.ask import can_ask
from mlspec.cli.stop import stoppable

if TYPE_CHECKING:
    from mlspec.core.plan import Plan
    from mlspec.planner.world import Options


@click.command("apply")
@click.argument("arguments", metavar="[PLAN | ADDRESS…]", nargs=-1, shell_complete=complete.addresses_or_files)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--approved",
    metavar="PLAN",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Carry out only what this plan holds; block the rest.",
)
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(1, 256),
    default=lambda: min(4, os.cpu_count() or 1),
    help="Steps side by side. [default: the processors, at most 4]",
)
@click.option("--no-push", is_flag=True, help="Record here only; `mlspec push` shares it later.")
@click.option(
    "--wait",
    metavar="S",
    type=click.FloatRange(0, 86_400),
    default=120.0,
    show_default="120",
    help="Seconds to wait for another apply that trains the same.",
)
@click.option("--retry-failed", is_flag=True, help="Try failed steps again.")
@click.option("--allow-retire", is_flag=True, help="Lift the guard against retiring much at once.")
@click.option("--scratch", is_flag=True, help="Train and evaluate beside the champion, and record nothing.")
@click.pass_obj
def command(
    start: Path,
    arguments: tuple[str, ...],
    yes: bool,
    approved: Path | None,
    jobs: int,
    no_push: bool,
    wait: float,
    retry_failed: bool,
    allow_retire: bool,
    scratch: bool,
) -> int:
    """Carry out the plan and record every step: a fresh plan, or exactly a saved one."""
    from mlspec.cli.progress import Progress
    from mlspec.commands.apply import ApplyRequest, run
    from mlspec.core.events import Closed
    from mlspec.planner.world import Options

    plan_file, addresses = _split(start, arguments)
    if scratch:
        if plan_file is not None or approved is not None:
            raise click.UsageError("--scratch tries what the specs ask for now, not a plan")
        return _scratch(start, addresses, jobs, Options(retry_failed, allow_retire))
    if not yes and plan_file is None and approved is None and not can_ask():
        raise click.UsageError("there is no terminal to ask on: give --yes, or a saved plan")
    options = Options(retry_failed, allow_retire)
    request = ApplyRequest(addresses, plan_file, approved and start / approved, jobs, not no_push, wait, options)
    cancel, code = threading.Event(), 0
    with stoppable(cancel), Progress(cancel) as progress:
        settled = yes or plan_file is not None or approved is not None
        confirm = partial(_confirmed, settled=settled, short=plan_file is not None)
        for event in run(start, request, confirm, cancel, progress.show):
            progress.show(event)
            if isinstance(event, Closed):
                code = event.exit_code
    return code


def _scratch(start: Path, addresses: tuple[str, ...], jobs: int, options: Options) -> int:
    """Try what the specs ask for; nothing is asked, for nothing is recorded."""
    from mlspec.cli.progress import Progress
    from mlspec.commands.scratch import ScratchRequest, run
    from mlspec.core.events import Closed

    cancel, code = threading.Event(), 0
    show = partial(_confirmed, settled=True, short=False)
    with stoppable(cancel), Progress(cancel) as progress:
        for event in run(start, ScratchRequest(addresses, jobs, options), show, cancel, progress.show):
            progress.show(event)
            if isinstance(event, Closed):
                code = event.exit_code
    return code


def _split(start: Path, arguments: tuple[str, ...]) -> tuple[Path | None, tuple[str, ...]]:
    """An argument is a plan when it is an existing .json file."""
    named = [name for name in arguments if name.endswith(".json")]
    files = [name for name in named if (start / name).is_file()]
    if named and not files:
        raise click.UsageError(f"there is no file `{named[0]}`; a plan is saved by: mlspec plan -o FILE")
    if not files:
        return None, arguments
    if len(arguments) > 1:
        raise click.UsageError("give one saved plan, or addresses, not both")
    return start / files[0], ()


def _confirmed(plan: Plan, settled: bool, *, short: bool) -> bool:
    """Show what will be done, in short what is done as it was read, and ask unless that was settled before."""
    from mlspec.cli.console import write_on
    from mlspec.render.plan_text import plan_lines, summary_lines
    from mlspec.render.text import line

    write_on([*(summary_lines(plan) if short else plan_lines(plan)), line("")], sys.stdout)
    return settled or not plan.runnable or _asked("Apply this?")


def _asked(question: str) -> bool:
    """Ask; to interrupt here is to say no, for nothing runs that would have to be ended."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question, default=False)
    finally:
        signal.signal(signal.SIGINT, before)
