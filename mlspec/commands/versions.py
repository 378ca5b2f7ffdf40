"""Finding a recorded version in the words of the command line: `income`, `v3`, `3`, `production`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlspec.core.head import Head, Version
from mlspec.core.moment import moment
from mlspec.core.problem import fail, suggest

_NUMBER = re.compile(r"v?([1-9]\d{0,8})")


def find_model(heads: Mapping[str, Head], name: str) -> Head:
    """Return the head of a model, named `income` or `model/income`.

    Raises:
        MlspecError: none of that name is recorded.
    """
    bare = name.removeprefix("model/")
    if (address := f"model/{bare}") in heads:
        return heads[address]
    known = [address.partition("/")[2] for address in heads if address.startswith("model/")]
    raise fail("select/unknown", f"no model `{bare}` is recorded", help=suggest(bare, known))


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
