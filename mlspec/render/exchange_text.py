"""What `push` and `pull` did, a line each."""

from __future__ import annotations

from mlspec.core.exchange import Exchange
from mlspec.render.text import Line, line, neutralise


def push_line(done: Exchange) -> Line:
    """Say what was pushed."""
    if not done.records:
        return line(("Nothing to push: ", "bold"), f"{neutralise(done.remote)} has {_tip(done)}.")
    return line(("Pushed ", "ok"), f"{_records(done.records)} to {neutralise(done.remote)}; it has {_tip(done)} now.")


def pull_line(done: Exchange) -> Line:
    """Say what was fetched, and what waits to be pushed."""
    waiting = f" {_records(done.waiting)} here wait for: mlspec push." if done.waiting else ""
    if done.is_first:
        return line(("Fetched ", "ok"), f"{_tip(done)} from {neutralise(done.remote)}.{waiting}")
    if not done.records:
        return line(("Up to date: ", "bold"), f"{neutralise(done.remote)} has nothing newer.{waiting}")
    return line(("Fetched ", "ok"), f"{_records(done.records)} from {neutralise(done.remote)}: {_tip(done)}.{waiting}")


def _records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def _tip(done: Exchange) -> str:
    return f"lineage {done.tip[:8]}" if done.tip else "no lineage yet"
