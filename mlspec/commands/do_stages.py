"""The steps that only move something: they write a record and run nothing."""

from __future__ import annotations

from datetime import datetime

from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.core.head import Head
from mlspec.core.plan import Action
from mlspec.core.record import Record
from mlspec.io.clock import stamp
from mlspec.planner import conformity, fingerprint, models, overrides
from mlspec.planner.standing import Conformity, numbers, shown
from mlspec.planner.view import ModelView


def enter(session: Session, action: Action, started: datetime) -> Result:
    """Put a version into a stage, as a promotion (its gates passed) or a rollback (it was there before).

    Raises:
        MlspecError: `store/…`: the artifact is gone, or its bytes are not those that were judged.
    """
    view, head = _model(session, action, started), session.head(action.address)
    stage = action.stage or ""
    version = head.version_of(action.run)
    if version is None:
        return _skip("its version is not registered", negative=False)
    held = overrides.hold(view, stage, view.at)
    if held is not None:
        return _skip(held.why, negative=held.expired)
    asked = view.model.stages[stage].version
    if asked not in ("latest", version.n):
        return _skip(f"it became v{version.n}, and {stage} is pinned to v{asked}", negative=False)
    every = view.asked(version.fingerprint, stage)
    found = [(asked, view.standing(version.fingerprint, asked)) for asked in every]
    if action.verb == "promote":
        for asked, one in found:
            if one is None or not one.passes:
                said = f"{one.outcome.value}: {one.why}" if one else "not judged"
                return _skip(f"v{version.n} stays out of {stage}: {view.shown(asked)} {said}", negative=True)
    session.workspace.store.check(head.runs[version.fingerprint].artifact)
    state = head.stages.get(stage)
    conforms = all(one is not None and one.passes for _, one in found)
    waived = tuple(dict.fromkeys(waiver for _, one in found if one for waiver in one.waived)) if conforms else ()
    draft = session.author.draft(
        action.verb,
        action,
        started,
        fingerprint=action.run,
        stage=stage,
        version=version.n,
        replaces=state.version if state else None,
        gates=view.chain(stage),
        set_after=view.set_after(version.fingerprint, stage),
        champions=numbers(head, view.rivals(version.fingerprint, stage)),
        conforming={stage: conforms},
        waivers={stage: waived} if waived else {},
        released=_ended(head, stage),
    )
    before = f" (was v{state.version})" if state and state.version else ""
    by = f"; waived: {', '.join(map(shown, waived))}" if waived and action.verb == "promote" else ""
    return Result(f"v{version.n} is in {stage}{before}{by}", (draft,), version=version.n)


def demote(session: Session, action: Action, started: datetime) -> Result:
    """Empty a stage that the spec no longer declares."""
    draft = session.author.draft(
        "demote",
        action,
        started,
        stage=action.stage,
        fingerprint=action.run,
        replaces=action.version,
        released=_ended(session.head(action.address), action.stage or ""),
    )
    return Result(f"v{action.version} left {action.stage}", (draft,), version=action.version)


def update(session: Session, action: Action, started: datetime) -> Result:
    """Record facts, the registration of a run trained elsewhere, conformity that is known, overrides that are over."""
    kind = action.address.partition("/")[0]
    code = session.workspace.loaded.judges.get(action.address.partition("/")[2], ()) if kind == "gate" else ()
    compact = fingerprint.facts(session.workspace.spec(action.address), code)
    facts = compact.fields
    session.keep(compact.objects)
    drafts: list[Record] = []
    conforming: dict[str, Conformity] = {}
    released: dict[str, str] = {}
    if kind == "model":
        view = _model(session, action, started)
        conforming, released = conformity.conforming(view), models.released(view)
        if action.run is not None:
            drafts.append(session.author.draft("register", action, started, fingerprint=action.run))
    head = session.head(action.address)
    current = action.run if kind == "dataset" else None
    if head.facts != facts or conforming or released or current or head.retired or not drafts:
        draft = session.author.draft(
            "update",
            action,
            started,
            fields=facts,
            conforming={stage: found.conforms for stage, found in conforming.items()},
            waivers={stage: found.waivers for stage, found in conforming.items() if found.waivers},
            fingerprint=current,
            released=released,
        )
        drafts.append(draft)
    changed = ", ".join(reason.field for reason in action.reasons if reason.field != "new")
    return Result(f"recorded {changed}" if changed else "recorded", tuple(drafts))


def move(session: Session, action: Action, started: datetime) -> Result:
    """Give a resource its new address; its records stay its own."""
    before = str(action.reasons[0].before)
    draft = session.author.draft("move", action, started, moved_from=before)
    return Result(f"{before} is {action.address} now", (draft,))


def retire(session: Session, action: Action, started: datetime) -> Result:
    """Mark a resource whose spec is gone; its records and artifacts are kept."""
    return Result("retired; records and artifacts are kept", (session.author.draft("retire", action, started),))


def _ended(head: Head, stage: str) -> dict[str, str]:
    """Return the override that a change of a stage ends, as a record names it."""
    state = head.stages.get(stage)
    return {stage: state.override.until} if state is not None and state.override is not None else {}


def _skip(message: str, *, negative: bool) -> Result:
    return Result(message, (), "skipped", negative=negative)


def _model(session: Session, action: Action, started: datetime) -> ModelView:
    """Return the planner's view of a model, beside its head as it is now."""
    planned = session.seen.models[action.address.partition("/")[2]]
    return planned.beside(session.head(action.address), stamp(started))
