"""Intents as refs, one for each fingerprint: at the remote where there is one, else here; moved by compare-and-swap.

They lie beside the lineage branch, not on it: taking one waits for nobody who records something else, and a heartbeat
is no history.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from mlspec.core.digest import PREFIX
from mlspec.core.intent import Intent
from mlspec.core.record import to_bytes
from mlspec.io.remote import is_race, refusal
from mlspec.lineage.home import Home

FOLDER = "refs/mlspec/intents/"


@dataclass(frozen=True, slots=True)
class Claim:
    """An intent as it was seen: `oid` is another after each heartbeat; None for the content of a newer mlspec's."""

    ref: str
    oid: str
    intent: Intent | None


def look(home: Home, fingerprint: str) -> Claim | None:
    """Return the intent of a fingerprint, if anyone has one.

    Raises:
        RemoteError: the remote cannot be asked.
    """
    ref = _ref(fingerprint)
    oid = (home.remote.tips(ref) if home.remote else home.repository.refs(ref)).get(ref)
    return None if oid is None else Claim(ref, oid, _read(home, oid))


def left(home: Home) -> dict[str, Claim]:
    """Return all intents by fingerprint, their contents unread.

    Raises:
        RemoteError: the remote cannot be asked.
    """
    pattern = f"{FOLDER}*"
    refs = home.remote.tips(pattern) if home.remote else home.repository.refs(FOLDER.rstrip("/"))
    return {PREFIX + ref.removeprefix(FOLDER): Claim(ref, oid, None) for ref, oid in refs.items()}


def claim(home: Home, intent: Intent, instead_of: Claim | None) -> Claim | None:
    """Put an intent in the place of a claim (None: of nothing); return it, or None when something else was there.

    Raises:
        RemoteError: what came of it is not known, or the remote takes no such refs (`remote/refused`).
        MlspecError: git cannot write.
    """
    ref, old = _ref(intent.fingerprint), instead_of.oid if instead_of else None
    oid = home.repository.write_objects("blob", [to_bytes(intent)])[0]
    if home.remote is not None:
        why = home.remote.push(f"{oid}:{ref}", expected={ref: old}).get(ref)
        if why is not None and not is_race(why):
            raise refusal(home.remote, f"the ref {ref}", why)
        taken = why is None
    else:
        taken = home.repository.swap_ref(ref, oid, old)
    return Claim(ref, oid, intent) if taken else None


def drop(home: Home, held: Claim) -> None:
    """Give up a claim, if it is still ours.

    Raises:
        RemoteError: what came of it is not known.
    """
    if home.remote is not None:
        home.remote.push(f":{held.ref}", expected={held.ref: held.oid})
    else:
        home.repository.delete_ref(held.ref, held.oid)


def _ref(fingerprint: str) -> str:
    return FOLDER + fingerprint.removeprefix(PREFIX)


def _read(home: Home, oid: str) -> Intent | None:
    content = home.repository.content(oid)
    if content is None and home.remote is not None:
        home.remote.fetch(oid)
        content = home.repository.content(oid)
    try:
        return Intent.model_validate_json(content or b"")
    except ValidationError:
        return None
