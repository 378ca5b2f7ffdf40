"""A plan for a person: what would be done and why, resource by resource, in the order it would run."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from mlspec.core import digest
from mlspec.render.text import Line, counted, duration, line, neutralise, value

if TYPE_CHECKING:
    from mlspec.core.plan import Action, Plan, Reason

_SYMBOLS = {
    "+": ("create", "add"),
    "~": ("change", "change"),
    "-/+": ("train a new version", "train"),
    ">": ("promote", "promote"),
    "<": ("roll back", "rollback"),
    "-": ("retire", "remove"),
    "!": ("blocked", "blocked"),
}
_MOST_REASONS = 12
_NUMBERING = ("snapshot ", "check ", "train ", "update ")
"""What comes before a version has its number: until then a number is only expected."""


def plan_lines(plan: Plan) -> Iterator[Line]:
    """Yield the lines of a plan."""
    yield from _header(plan)
    for warning in plan.warnings:
        yield line(("warning: ", "warn"), neutralise(warning))
    for note in (seen for seen in plan.observations if seen.note):
        yield line(("note: ", "warn"), f"{note.source}: {neutralise(note.note or '')}")
    if not plan.actions:
        yield line(("No changes.", "bold"), " What the specs ask for is what is recorded.")
        yield from _outside(plan)
        return
    used: set[str] = set()
    for address, actions in groupby(plan.actions, key=lambda action: action.address):
        yield line("")
        yield line((address, "bold"))
        for action in actions:
            used.add(symbol(action))
            yield from _action(action)
    yield line("")
    yield from _footer(plan, used)


def symbol(action: Action) -> str:
    """Return the symbol of an action; it is always printed with the word."""
    if action.blocked is not None:
        return "!"
    if action.verb == "train":
        return "-/+" if action.change == "update" else "+"
    if action.verb in ("promote", "rollback"):
        return ">" if action.verb == "promote" else "<"
    if action.verb in ("demote", "retire"):
        return "-"
    return "+" if action.change == "create" else "~"


def phrase(action: Action, *, done: bool = False) -> str:
    """Say what an action does, in words: `promote v4 (expected) to staging if gate/quality passes`.

    Once it is done, nothing of it is expected, and what it depended on is past.
    """
    conditional = action.conditions and not action.blocked and not done
    return deed(action, done=done) + (f" if {' and '.join(action.conditions)}" if conditional else "")


def deed(action: Action, *, done: bool = False) -> str:
    """Say what an action does whatever it depends on: `promote v4 (expected) to staging`."""
    waits = any(need.startswith(_NUMBERING) for need in action.needs)
    expected = " (expected)" if waits and not done else ""
    version = f" v{action.version}" if action.version else ""
    run = f" run {digest.short(action.run, 8)}" if action.run else ""
    return {
        "snapshot": "snapshot the source",
        "check": "check the contract",
        "train": f"train{version + expected if version else run}",
        "evaluate": f"evaluate{version or run}",
        "promote": f"promote{version}{expected} to {action.stage}",
        "rollback": f"put{version} back into {action.stage}"
        if _forward(action)
        else f"roll back {action.stage} to{version}",
        "demote": f"demote{version} from {action.stage}",
        "move": "move",
        "retire": "retire",
        "update": _recorded(action),
    }[action.verb]


def _forward(action: Action) -> bool:
    """Say whether a stage gets back a version newer than it holds: one that was rolled back from."""
    before = next(
        (reason.before for reason in action.reasons if reason.field == f"stages.{action.stage}.version"), None
    )
    held = str(before or "").removeprefix("v")
    return held.isdecimal() and int(held) < (action.version or 0)


def _recorded(action: Action) -> str:
    """Say which facts an update records: `register v2, mark production nonconforming, record owner`."""
    words, fields = [], []
    for reason in action.reasons:
        if reason.field == "new":
            return "record owner and description"
        if reason.field == "version":
            words.append(f"register {reason.after}")
        elif reason.field.startswith("stages.") and reason.field.endswith(".conforming"):
            stage = reason.field.split(".")[1]
            words.append(f"mark {stage} " + ("conforming again" if reason.after else "nonconforming"))
        elif reason.field.startswith("stages.") and reason.field.endswith(".waived"):
            stage = reason.field.split(".")[1]
            words.append(f"record what is waived in {stage}" if reason.after else f"end the waiver in {stage}")
        elif reason.field.startswith("stages.") and reason.field.endswith(".override"):
            words.append(f"end the override of {reason.field.split('.')[1]}")
        elif reason.field == "retired":
            words.append("record that it is declared again")
        elif (field := neutralise(reason.field.partition(".")[0])) not in fields:
            fields.append(field)
    if fields:
        more = f" and {len(fields) - 3} more" if len(fields) > 3 else ""
        words.append("record " + ", ".join(fields[:3]) + more)
    return ", ".join(words)


def _header(plan: Plan) -> Iterator[Line]:
    where = f"commit {plan.commit[:8]}" if plan.commit else "no commit yet"
    if plan.branch:
        where += f" on {plan.branch}"
    if plan.dirty:
        where += " with uncommitted changes"
    lineage = f"lineage {plan.lineage[:8]}" if plan.lineage else "nothing recorded yet"
    yield line((f"Plan for {plan.project}", "bold"), f": {neutralise(where)}, {lineage}")


def _action(action: Action) -> Iterator[Line]:
    sign = symbol(action)
    word = _SYMBOLS[sign][1]
    tail = "" if action.estimate_s is None or action.blocked else f"  about {duration(action.estimate_s)}"
    new = "  new" if any(reason.field == "new" for reason in action.reasons) and not action.blocked else ""
    yield line("  ", (f"{sign:>3} {phrase(action)}", word), (new + tail, "dim"))
    if action.blocked is not None:
        yield line("        ", ("blocked: ", "blocked"), neutralise(action.blocked))
    for note in action.notes:
        yield line("        ", (neutralise(note), "warn"))
    shown = [reason for reason in action.reasons if reason.field not in ("new", "run")]
    for reason in shown[:_MOST_REASONS]:
        yield _reason(reason)
    if len(shown) > _MOST_REASONS:
        yield line("        ", (f"and {len(shown) - _MOST_REASONS} more fields", "dim"))


def _reason(reason: Reason) -> Line:
    place = ""
    if reason.file:
        place = f"  {neutralise(reason.file)}" + (f":{reason.line}" if reason.line else "")
    via = f"  via {reason.via}" if reason.via else ""
    return line("        ", change(reason), (via + place, "dim"))


def change(reason: Reason) -> str:
    """Write a reason: its field, with the value before and after where there are such."""
    field = neutralise(reason.field)
    if reason.before is None and reason.after is None:
        return field
    if reason.after is None:
        return f"{field}: {value(reason.before)} -> removed"
    if reason.before is None:
        return f"{field}: {value(reason.after)}"
    return f"{field}: {value(reason.before)} -> {value(reason.after)}"


def summary_lines(plan: Plan) -> Iterator[Line]:
    """Yield a plan in two lines, for whoever has seen it."""
    yield from _header(plan)
    yield _counts(plan)
    yield from _outside(plan)


def _footer(plan: Plan, used: set[str]) -> Iterator[Line]:
    yield _counts(plan)
    yield from _outside(plan)
    signs = [f"{sign} {words}" for sign, (words, _) in _SYMBOLS.items() if sign in used]
    yield line((", ".join(signs), "dim"))


def _counts(plan: Plan) -> Line:
    blocked = plan.counts.get("blocked", 0)
    return line(("Plan: ", "bold"), _to_do(plan), (f", {blocked} blocked", "blocked") if blocked else "", _about(plan))


def summary_text(plan: Plan) -> str:
    """Write how much would be done of what, how much is blocked, and how long it takes."""
    blocked = plan.counts.get("blocked", 0)
    return _to_do(plan) + (f", {blocked} blocked" if blocked else "") + _about(plan)


def _to_do(plan: Plan) -> str:
    runnable = {verb: number for verb, number in plan.counts.items() if verb != "blocked"}
    order = ("snapshot", "check", "train", "evaluate", "promote", "rollback", "demote", "move", "update", "retire")
    return counted({verb: runnable[verb] for verb in order if verb in runnable}, "to ") or "nothing to do"


def _about(plan: Plan) -> str:
    estimates = [action.estimate_s for action in plan.runnable if action.estimate_s is not None]
    return f". About {duration(sum(estimates))}." if estimates else "."


def _outside(plan: Plan) -> Iterator[Line]:
    if not plan.complete:
        yield line(f"{plan.outside} change{'' if plan.outside == 1 else 's'} outside this selection.")
