"""`mlspec show --at`: what was in production on a day, folded from the log."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from mlspec.commands.recorded import Recorded, Tell, open_recorded, unheard
from mlspec.commands.show import every, overview
from mlspec.commands.versions import address_of, instead
from mlspec.core.moment import moment as told
from mlspec.core.moment import parse_moment
from mlspec.core.overview import Overview
from mlspec.core.ports import Clock
from mlspec.core.problem import fail
from mlspec.io.clock import SystemClock, stamp
from mlspec.lineage.journal import records_of
from mlspec.lineage.then import state_at


def run(start: Path, at: str, address: str | None = None, tell: Tell = unheard, clock: Clock | None = None) -> Overview:
    """Return what was recorded at a moment: the end of a day (`2026-11-23`), or a time (`2026-11-23T06:00Z`).

    Raises:
        MlspecError: as `show`; or it is no such moment, lies in the future, or before the first record.
    """
    moment = _moment(at, (clock or SystemClock()).now())
    recorded = open_recorded(start, tell)
    tip = recorded.state.tip
    if tip is None:
        raise fail("show/before-record", f"nothing was recorded by {told(moment)}, and nothing is now")
    names = _names(recorded, tip, address) if address else set[str]()
    then = state_at(recorded.repository, tip, moment, lambda found: not address or _concerns(found, names))
    chosen = [head for head in then.heads.values() if head.address in names] if address else every(then.heads)
    if not then.heads or (address and not chosen):
        since = f"; recording began {told(then.began)}" if then.began else ""
        what = f" of `{address}`" if address else ""
        hint = instead(recorded, address) if address and address_of(recorded, address) is None else None
        raise fail("show/before-record", f"nothing{what} was recorded by {told(moment)}{since}", help=hint)
    return overview(recorded, then.heads, chosen, then.deployed).model_copy(update={"at": moment})


def _moment(at: str, now: datetime) -> str:
    try:
        moment = parse_moment(at)
    except ValueError:
        why = f"--at is `{at}`, no date such as 2026-11-23 and no time such as 2026-11-23T06:00Z"
        raise fail("show/at", why) from None
    if moment.date() > now.date():
        raise fail("show/at", f"--at is {told(stamp(moment))}, which is still to come")
    return stamp(moment)


def _names(recorded: Recorded, tip: str, address: str) -> set[str]:
    """Return the addresses that a resource has had, by which its records go."""
    now = address_of(recorded, address)
    if now is None:
        return {address, f"model/{address}"}
    return {record.address for record in records_of(recorded.repository, tip, {now})}


def _concerns(found: str, names: Collection[str]) -> bool:
    """Say whether the records of an address are needed to show a resource: its own, and those it is shown with."""
    kind = found.partition("/")[0]
    by_kind = "model" if any(name.startswith("dataset/") for name in names) else "dataset"
    return found in names or kind in (by_kind, "dataset", "gate")
