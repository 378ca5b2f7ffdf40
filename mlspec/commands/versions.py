"""Finding what is recorded in the words of the command line: `dataset/adult`, `income`, `v3`, `3`, `production`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlspec.commands.recorded import Recorded
from mlspec.core.head import Head, Version
from mlspec.core.moment import moment
from mlspec.core.problem import fail, suggest
from mlspec.lineage.journal import renamed

_NUMBER = re.compile(r"v?([1-9]\d{0,8})")


def address_of(recorded: Recorded, name: str) -> str | None:
    """Return the recorded address that a name such as `dataset/adult`, `model/income` or `income` means, or None."""
    return next((known for known in _addresses(name) if known in recorded.state.heads), None)


def find_head(recorded: Recorded, name: str) -> Head:
    """Return the head of a resource.

    Raises:
        MlspecError: nothing of that name is recorded.
    """
    address = address_of(recorded, name)
    if address is None:
        raise fail("select/unknown", f"nothing is recorded of `{name}`", help=instead(recorded, name))
    return recorded.state.heads[address]


def find_model(recorded: Recorded, name: str) -> Head:
    """Return the head of a model.

    Raises:
        MlspecError: nothing of that name is recorded, or it is no model.
    """
    head = find_head(recorded, name)
    if not head.address.startswith("model/"):
        raise fail("select/version", f"{head.address} has no versions to compare; a model has")
    return head


def instead(recorded: Recorded, name: str) -> str | None:
    """Say what to name instead of what is not recorded: the new name of what was moved, or a name that is near."""
    heads, tip = recorded.state.heads, recorded.state.tip
    moved = renamed(recorded.repository, tip) if tip else {}
    before = now = next((known for known in _addresses(name) if known in moved), name)
    while now in moved and now not in heads:
        now = moved.pop(now)
    return f"{before} is {now} now" if now in heads else suggest(name, _names_of(heads))


def _addresses(name: str) -> tuple[str, str]:
    """Return the addresses that a name may mean: its own, or that of a model."""
    return name, f"model/{name}"


def _names_of(heads: Iterable[str]) -> list[str]:
    """Return all words for resources: addresses, and models by their bare names."""
    known = list(heads)
    return [*known, *(address.removeprefix("model/") for address in known)]


def find_version(head: Head, wanted: str) -> Version:
    """Return the version that `v3`, `3`, or the name of the stage it is in means.

    Raises:
        MlspecError: there is no such version or stage, or nothing is in the stage.
    """
    listed = ", ".join(f"v{version.n}" for version in head.versions) or "none"
    match = _NUMBER.fullmatch(wanted)
    if match is None:
        return _in_stage(head, wanted, listed)
    found = head.version(int(match[1]))
    if found is None:
        raise fail("select/version", f"{head.address} has no v{match[1]}; versions: {listed}")
    return found


def refuse_expired(head: Head, version: Version) -> None:
    """Refuse a version whose model is no longer kept.

    Raises:
        MlspecError: `select/expired`.
    """
    expired = head.runs[version.fingerprint].expired
    if expired:
        why = f"the model of {head.address} v{version.n} is no longer kept: it expired {moment(expired)}"
        raise fail("select/expired", why, help="a spec that asks for the same again trains it anew")


def _in_stage(head: Head, stage: str, listed: str) -> Version:
    state = head.stages.get(stage)
    held = ", ".join(name for name, known in head.stages.items() if known.version) or "none"
    if state is None:
        why = f"`{stage}` is no version or stage of {head.address}; versions: {listed}; stages held: {held}"
        raise fail("select/version", why, help=suggest(stage, head.stages))
    found = head.version(state.version) if state.version else None
    if found is None:
        raise fail("select/version", f"nothing is in {stage} of {head.address}; stages held: {held}")
    return found
