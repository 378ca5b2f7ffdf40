"""What would be removed from the store, and what was."""

from __future__ import annotations

from collections.abc import Iterator

from mlspec.core.garbage import Gone, Sweep, Swept
from mlspec.core.moment import moment
from mlspec.render.text import Line, line, neutralise, volume

_MOST = 12
"""So many facts of one address are named."""


def sweep_lines(sweep: Sweep) -> Iterator[Line]:
    """List what would be removed, by address, and why."""
    for gone in sweep.gone:
        yield line((gone.address, "bold"), ("  " + _of(sweep, gone), "dim"))
        labels = list(gone.facts.values()) or ["objects of steps and runs that are not kept"]
        if sweep.since is None and not gone.facts:
            labels = ["predictions made from these rows"]
        more = [f"and {len(labels) - _MOST} more"] if len(labels) > _MOST else []
        for label in (*labels[:_MOST], *more):
            yield line("    ", ("- ", "remove"), label)
    if sweep.unnamed:
        size = volume(sum(lying.size for lying in sweep.unnamed))
        yield line(("store", "bold"), (f"  {_counted(len(sweep.unnamed), 'object')}, {size}", "dim"))
        yield line("    ", ("- ", "remove"), "what no record names, or no longer does; notes of runs that go")
    yield line("")
    if sweep.since is not None:
        yield line(
            "Kept whatever its age: what is in a stage or was there before, pinned, protected, or under `keep:`."
        )
        yield line(f"Kept for its age: all since {moment(sweep.since)}. Records stay; only bytes go.")
        return
    yield line(f"Erased for good: {neutralise(sweep.reason)}. The same bytes are refused from now on.")
    for version in sweep.trained:
        yield line(("! ", "warn"), f"learned from these rows, and stays: {version}")


def swept_lines(done: Swept) -> Iterator[Line]:
    """Say what was removed, and what is left of it."""
    if done.sweep.is_empty:
        yield line(("Nothing to remove: ", "ok"), "all that lies in the store is kept.")
        return
    size = volume(done.sweep.size(done.removed))
    where = f" Recorded at lineage {done.lineage[:8]}." if done.lineage and done.sweep.gone else ""
    yield line(("Removed: ", "ok"), f"{_counted(len(done.removed), 'object')}, {size}.{where}")
    left = len(done.sweep.objects - done.removed)
    if left and not done.problems:
        yield line(("note: ", "dim"), f"{_counted(left, 'object')} had gone before, or came back into use meanwhile")


def _of(sweep: Sweep, gone: Gone) -> str:
    return f"{_counted(len(gone.objects), 'object')}, {volume(sweep.size(gone.objects))}"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
