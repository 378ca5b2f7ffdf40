"""`mlspec verify`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("verify")
@click.option("--store", is_flag=True, help="Read every object that a record names, too.")
@click.option("--repair", is_flag=True, help="Rebuild the heads from the log, where the log is whole.")
@click.pass_obj
def command(start: Path, store: bool, repair: bool) -> int:
    """Check that records, heads and objects are what was recorded; name the first that is not."""
    from mlspec.cli.console import write
    from mlspec.commands.verify import run
    from mlspec.render.problems import problem_lines
    from mlspec.render.text import line

    report = run(start, store=store, mend=repair)
    write(problem_lines(report.damage))
    write(line(("repaired  ", "ok"), name) for name in report.repaired)
    objects = f", {report.objects} objects" if store else ""
    checked = f"{report.records} records, {report.heads} heads{objects}"
    if report.damage:
        write([line((f"{len(report.damage)} damaged", "error"), f" of {checked}.")])
        return 3
    write([line(("Whole: ", "ok"), checked, ".")])
    return 0
