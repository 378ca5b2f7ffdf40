"""`mlspec verify`: parses, calls, prints."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rich_click as click

HEARTBEAT_S = 10.0


@click.command("verify")
@click.option("--store", is_flag=True, help="Read every object that a record names, too.")
@click.option(
    "--repair", is_flag=True, help="Write heads and format.json anew from a whole log; bring back what the branch lost."
)
@click.option("--accept", metavar="TIP", help="Go on from this tip, although it does not build on what was seen.")
@click.option("--reason", metavar="TEXT", default="", help="Why that is right; it is recorded.")
@click.pass_obj
def command(start: Path, store: bool, repair: bool, accept: str | None, reason: str) -> int:
    """Check that records, heads and objects are what was recorded; name the first that is not."""
    from mlspec.cli.console import write, write_problems
    from mlspec.cli.report import warn
    from mlspec.commands.verify import VerifyRequest, run
    from mlspec.render.text import line

    if accept is not None:
        from mlspec.commands.accept import run as take

        write(
            [
                line(
                    ("Accepted: ", "ok"),
                    f"the lineage goes on from {accept}; recorded at {take(start, accept, reason)[:8]}.",
                )
            ]
        )
    report = run(start, VerifyRequest(store=store, repair=repair), Heartbeat())
    for warning in report.warnings:
        warn(warning)
    write_problems(report.damage)
    if report.back is not None:
        write([line(("brought back  ", "ok"), f"the branch is at {report.back[:12]} again, by a fast-forward")])
    write(line(("repaired  ", "ok"), name) for name in report.repaired)
    if report.repaired and report.is_shared:
        write([line(("next      ", "help"), "mlspec push shares it")])
    objects = f", {report.objects} objects" if store else ""
    checked = f"{report.records} records, {report.heads} heads{objects}"
    if report.damage:
        write([line((f"{len(report.damage)} damaged", "error"), f" of {checked}.")])
        return 3
    write([line(("Whole: ", "ok"), checked, ".")])
    return 0


class Heartbeat:
    """Tells on stderr, every ten seconds, how far it is."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Take how many were read, and of how many."""
        from mlspec.cli.console import write
        from mlspec.render.text import line

        now = time.monotonic()
        if now - self._last >= HEARTBEAT_S:
            self._last = now
            write([line(("reading   ", "train"), f"{done:,}{f' of {total:,}' if total else ''} {what}")], sys.stderr)
