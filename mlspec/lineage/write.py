"""The write transaction: records made on the tip as it is under the lock, then one compare-and-swap of the branch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlspec.core import digest
from mlspec.core.fold import fold
from mlspec.core.head import Head, contract_key, verdict_key
from mlspec.core.heads import Overlay, overlay
from mlspec.core.moment import moment
from mlspec.core.plan import DEPLOYING
from mlspec.core.problem import Problem, StaleError, fail
from mlspec.core.record import MAX_BYTES, Actor, Record, sealed, to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.layout import FORMAT_PATH, LOG, Layout, head_path, ref
from mlspec.lineage.read import EMPTY, State, read_at, tip_of
from mlspec.lineage.trees import graft, regrow, write

REPAIR = "Repair heads from the log"
"""What a repair says in its commit: what was merged into the branch before it does no harm any more."""
_PATIENCE_S = 120.0


def _no_order(_: str, __: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Branch:
    """Where the lineage of a project is kept, and who writes to it; `precedes` orders commits of the project."""

    repository: Repository
    name: str
    project: str
    deploy: str
    precedes: Callable[[str, str], bool] = _no_order


def append(
    branch: Branch, known: State, drafts: Sequence[Record], now: Callable[[], datetime], *, exact: bool = False
) -> State:
    """Record drafts in one commit and return the state after it.

    The chain fields of a draft (generation, previous, version of a registration, digest) are filled in here, on
    the tip as it is. A draft whose fact is recorded by now is dropped: someone else did the same work.

    Raises:
        StaleError: a stage was moved by someone else meanwhile; or, with `exact`, anything was recorded.
        MlspecError: the branch cannot be written.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with branch.repository.lock():
            state = fresh(branch, known)
            if exact and state.tip != known.tip:
                raise overtaken(drafts[0])
            refuse_superseded(branch, state.layout, drafts)
            records, heads = chain(state.heads, drafts)
            if not records:
                return state
            after = commit_records(branch, state, records, heads, now())
            if branch.repository.swap_ref(ref(branch.name), after.tip or "", state.tip):
                return after
        if time.monotonic() > deadline:
            raise fail(
                "lineage/busy", f"the branch {branch.name} kept moving for {_PATIENCE_S:.0f} s", help="apply again"
            )


def overtaken(draft: Record) -> StaleError:
    """Say that a draft which rests on everything recorded was overtaken: something else is by now."""
    why = f"{draft.verb} {draft.address}: others recorded something meanwhile, which may need what would go"
    return StaleError(Problem("plan/stale", why, help="run: mlspec gc"))


def commit_records(
    branch: Branch, state: State, records: Sequence[Record], heads: Mapping[str, Head | None], now: datetime
) -> State:
    """Write chained records and the heads they make onto the tip of a state, as one commit that no ref names yet."""
    commit, layout = _commit(branch, state, records, heads, now)
    return State(commit, layout, overlay(state.heads, heads))


def refuse_superseded(branch: Branch, layout: Layout | None, drafts: Sequence[Record]) -> None:
    """Refuse to move anything by a commit that came before the last one deployed.

    Raises:
        StaleError: a draft would.
    """
    last = layout.commit if layout else None
    moving = {draft.origin.commit: draft for draft in drafts if draft.origin.deploys and draft.verb in DEPLOYING}
    for commit, draft in moving.items():
        if last is not None and last != commit and branch.precedes(commit, last):
            why = f"{draft.verb} {draft.address}: commit {commit[:8]} was superseded: {last[:8]} was deployed meanwhile"
            raise StaleError(Problem("plan/superseded", why, help="plan again, from the newest commit"))


@dataclass(frozen=True, slots=True)
class Mended:
    """What follows from a whole log: the layout, every head by its path, and what lies in the log and is none of it."""

    layout: Layout
    heads: Mapping[str, bytes]
    stray: tuple[str, ...] = ()


def repair(branch: Branch, tip: str, mended: Mended, now: datetime) -> str:
    """Write what follows from the log anew on the tip, and nothing else beside the log; return the new tip.

    Raises:
        MlspecError: the branch moved or cannot be written.
    """
    changes: dict[str, bytes | None] = {**mended.heads, **dict.fromkeys(mended.stray)}
    with branch.repository.lock():
        grafted = regrow(branch.repository, tip, LOG, changes)
        files = {FORMAT_PATH: to_bytes(mended.layout.sealed(grafted.folders))}
        tree = write(branch.repository, grafted, files, anew=True)
        who = Actor(**dict(zip(("name", "email"), branch.repository.identity(), strict=True)))
        commit = _commit_object(branch.repository, tree, tip, REPAIR, who, now)
        if not branch.repository.swap_ref(ref(branch.name), commit, tip):
            raise fail("lineage/busy", f"the branch {branch.name} moved meanwhile", help="run mlspec verify again")
    return commit


def fresh(branch: Branch, known: State) -> State:
    """Return the state as it is now."""
    tip = tip_of(branch.repository, branch.name)
    if tip == known.tip:
        return known
    return read_at(branch.repository, tip, known) if tip else EMPTY


def chain(heads: Mapping[str, Head], drafts: Sequence[Record]) -> tuple[list[Record], dict[str, Head | None]]:
    """Chain drafts onto heads, those left out that record what is recorded; return records and the heads they change.

    Raises:
        StaleError: a stage was moved by someone else meanwhile, or a resource cannot be renamed any more.
    """
    records: list[Record] = []
    changed: dict[str, Head | None] = {}
    current = Overlay(heads, changed)
    for draft in drafts:
        address = draft.moved_from or draft.address
        head = current.get(address) or Head(address=address)
        if _is_moved(current, draft) if draft.verb == "move" else _already(head, draft):
            continue
        record = _sealed(head, draft)
        records.append(record)
        changed |= fold({address: head}, record)
    return records, changed


def _sealed(head: Head, draft: Record) -> Record:
    update: dict[str, object] = {"generation": head.generation + 1, "previous": head.record}
    if draft.verb == "register":
        update["version"] = max((version.n for version in head.versions), default=0) + 1
    elif draft.verb in ("promote", "rollback", "demote"):
        update |= _stage_facts(head, draft)
    record = sealed(draft.model_copy(update=update))
    size = len(to_bytes(record))
    if size > MAX_BYTES:
        raise fail(
            "lineage/record-too-large",
            f"the record of {record.verb} {record.address} is {size} bytes; the limit is {MAX_BYTES}",
        )
    return record


def _stage_facts(head: Head, draft: Record) -> dict[str, object]:
    _refuse_held(head, draft)
    holds = _holds(head, draft)
    if holds != draft.replaces:
        was, now = (f"v{n}" if n else "empty" for n in (draft.replaces, holds))
        raise StaleError(
            Problem("plan/stale", f"{draft.address}: stage {draft.stage} was {was} and is {now} now", help="plan again")
        )
    run, version = head.runs.get(draft.fingerprint or ""), head.version_of(draft.fingerprint)
    if run is not None and run.expired and draft.verb != "demote":
        why = f"{draft.address}: the model for {draft.stage} expired {moment(run.expired)} meanwhile"
        raise StaleError(Problem("plan/stale", why, help="plan again"))
    return {"version": version.n if version else draft.version} if draft.verb != "demote" else {}


def _refuse_held(head: Head, draft: Record) -> None:
    """Refuse to end an override that whoever made the draft did not know of."""
    state = head.stages.get(draft.stage or "")
    if state is None or state.override is None:
        return
    if draft.released.get(draft.stage or "") != state.override.until:
        why = f"stage {draft.stage} is held by override until {moment(state.override.until)} meanwhile"
        raise StaleError(Problem("plan/stale", f"{draft.address}: {why}", help="plan again"))


def _holds(head: Head, draft: Record) -> int | None:
    state = head.stages.get(draft.stage or "")
    return state.version if state else None


def _already(head: Head, draft: Record) -> bool:
    """Say whether a draft would record what is recorded."""
    is_there = _RECORDED.get(draft.verb)
    return draft.status != "failed" and is_there is not None and is_there(head, draft)


def _is_in_stage(head: Head, draft: Record) -> bool:
    version = head.version_of(draft.fingerprint)
    return version is not None and version.n == _holds(head, draft) and draft.override is None


def _is_known(head: Head, draft: Record) -> bool:
    after = fold({head.address: head}, draft)[draft.address]
    return after == head.model_copy(update={"generation": head.generation + 1, "record": draft.digest})


def _is_judged(head: Head, draft: Record) -> bool:
    """Say whether an evaluation found what is recorded of its run: another apply may have judged it meanwhile."""
    run, test = head.runs.get(draft.fingerprint or ""), draft.inputs.get("test", "")
    predictions = draft.output("predictions")
    return (
        run is not None
        and bool(draft.metrics or draft.verdicts or predictions is not None)
        and draft.metrics.items() <= run.metrics.items()
        and (predictions is None or test in run.predictions)
        and all(
            (fact := head.verdicts.get(verdict_key(draft.fingerprint or "", one.digest, test, one.champion)))
            and fact.failing == one.failing
            for one in draft.verdicts
        )
        and all(head.stages[name].conforming is conforms for name, conforms in draft.conforming.items())
    )


_RECORDED: Mapping[str, Callable[[Head, Record], bool]] = {
    "snapshot": lambda head, draft: head.taken(draft.fingerprint),
    "check": lambda head, draft: contract_key(draft.fingerprint or "", digest.of(draft.fields)) in head.contracts,
    "train": lambda head, draft: head.trained(draft.fingerprint),
    "evaluate": _is_judged,
    "register": lambda head, draft: head.version_of(draft.fingerprint) is not None,
    "promote": _is_in_stage,
    "rollback": _is_in_stage,
    "demote": lambda head, draft: _holds(head, draft) is None,
    "retire": lambda head, _: head.retired,
    "update": _is_known,
}
"""Of each verb, whether what a draft says is recorded; what is not here is recorded as often as it is said."""


def _is_moved(heads: Mapping[str, Head], draft: Record) -> bool:
    """Say whether a resource has the name already that a draft gives it.

    Raises:
        StaleError: nothing is recorded of it, or something else has that name.
    """
    source, target = draft.moved_from or "", draft.address
    is_there = heads.get(target) is not None
    if (heads.get(source) is None) is not is_there:
        why = f"{target} is recorded meanwhile too" if is_there else "nothing is recorded of it any more"
        raise StaleError(Problem("plan/stale", f"move {source} to {target}: {why}", help="plan again"))
    return is_there


def _layout(branch: Branch, state: State, records: Sequence[Record]) -> Layout:
    layout = state.layout or Layout(project=branch.project, deploy=branch.deploy)
    deploying = [record.origin.commit for record in records if record.origin.deploys]
    if not deploying:
        return layout
    last = layout.commit
    if last is not None and last != deploying[-1] and branch.precedes(deploying[-1], last):
        return layout
    return layout.model_copy(update={"commit": deploying[-1]})


def _commit(
    branch: Branch, state: State, records: Sequence[Record], heads: Mapping[str, Head | None], now: datetime
) -> tuple[str, Layout]:
    """Write the commit of a transaction; return it and the layout as it sealed it."""
    changes: dict[str, bytes | None] = {record.path: to_bytes(record) for record in records}
    for address, head in heads.items():
        changes[head_path(address)] = to_bytes(head) if head is not None else None
    grafted = graft(branch.repository, state.tip, changes)
    layout = _layout(branch, state, records).sealed(grafted.folders)
    tree = write(branch.repository, grafted, {FORMAT_PATH: to_bytes(layout)})
    return _commit_object(branch.repository, tree, state.tip, _message(records), records[0].actor, now), layout


def _message(records: Sequence[Record]) -> str:
    first = records[0]
    status = "" if first.status == "done" else f" ({first.status})"
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    return f"{first.verb} {first.address}{status}{more}\n\nApply: {first.apply}\nSpec: {first.origin.commit}"


def _commit_object(
    repository: Repository, tree: str, parent: str | None, message: str, who: Actor, now: datetime
) -> str:
    stamp = f"{who.name} <{who.email}> {int(now.timestamp())} +0000"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {stamp}", f"committer {stamp}"]
    content = ("\n".join(lines) + f"\n\n{message}\n").encode()
    return repository.write_objects("commit", [content])[0]
