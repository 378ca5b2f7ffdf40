"""An explanation for a person: fields that differ first, then those that do not, then what follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlspec.core import digest
from mlspec.core.explanation import Explanation, Row, Section, Step
from mlspec.core.plan import Action, Reason
from mlspec.render.plan_text import change, deed
from mlspec.render.text import Line, cells, line, neutralise, pad, value

_TITLES = {
    "version": "Version",
    "contract": "Contract",
    "run": "Run",
    "stages": "Stages",
    "facts": "Recorded facts",
}
_STATES = {"planned": "change", "blocked": "blocked", "not needed": "dim"}
_WIDEST = 34
_WORDS = {
    "new": "nothing is recorded of it yet",
    "run": "the run is new",
    "spec": "no spec declares it any more",
    "store": "the store does not hold its bytes",
    "retired": "it was retired",
}


def step(action: Action) -> Step:
    """Return an action as a step, named as the plan names it."""
    return Step(
        action=deed(action),
        state="planned" if action.blocked is None else "blocked",
        why=action.blocked or ", ".join(dict.fromkeys(map(_word, action.reasons))),
        needs=action.needs,
        conditions=action.conditions,
    )


def _word(reason: Reason) -> str:
    """Say a reason: of a field that stands above with both its values, only that they differ."""
    if reason.field in _WORDS:
        said = _WORDS[reason.field]
    elif reason.field == "version" and reason.before is None:
        said = f"the run is to become {reason.after}"
    else:
        said = change(reason) if None in (reason.before, reason.after) else f"{reason.field} differs"
    return f"{said}, via {reason.via}" if reason.via else said


def explanation_lines(found: Explanation) -> Iterator[Line]:
    """Yield the lines of an explanation."""
    yield line((found.address, "bold"), "  ", _verdict(found))
    for section in found.sections:
        if section.rows:
            yield line("")
            yield from _section(section)
    if found.steps:
        yield line("")
        yield line(("What follows", "bold"))
    for step in found.steps:
        yield from _step(step)
    if found.used_by:
        yield line("")
        yield line(("Used by ", "bold"), ", ".join(found.used_by))


def _verdict(found: Explanation) -> tuple[str, str]:
    if found.up_to_date:
        return ("up to date" if found.declared else "recorded, and no spec declares it", "ok")
    counts = {state: sum(step.state == state for step in found.steps) for state in ("planned", "blocked")}
    return ("not up to date: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n), "warn")


def _section(section: Section) -> Iterator[Line]:
    wanted = f" {digest.short(section.wanted, 8)}" if section.wanted else ""
    yield line((_TITLES[section.about] + wanted, "bold"), (f"  {_beside(section)}".rstrip(), "dim"))
    width = min(_WIDEST, max(cells(neutralise(row.field)) for row in section.rows))
    for row in sorted(section.rows, key=lambda row: row.same):
        yield _row(row, width, new=section.basis is None and section.about != "stages")


def _beside(section: Section) -> str:
    """Say what the fields are compared with."""
    same = all(row.same for row in section.rows)
    if section.about == "stages":
        return "as the spec asks" if same else ""
    if section.basis is None:
        return "nothing is recorded yet"
    if section.about == "facts":
        return "as recorded" if same else "beside what is recorded"
    return f"{'is' if same else 'beside'} {neutralise(section.basis)}"


def _row(row: Row, width: int, *, new: bool) -> Line:
    place = f"  {neutralise(row.file)}{f':{row.line}' if row.line else ''}" if row.file else ""
    field = f"{pad(neutralise(row.field), width)}  "
    if row.same:
        return line(("  = ", "dim"), field, value(row.recorded if row.asked is None else row.asked), (place, "dim"))
    if new:
        return line(("  + ", "add"), field, value(row.asked), (place, "dim"))
    return line(("  ~ ", "change"), field, f"{value(row.recorded)} -> {value(row.asked)}", (place, "dim"))


def _step(found: Step) -> Iterator[Line]:
    sign = {"planned": "*", "blocked": "!", "not needed": "="}[found.state]
    yield line((f"  {sign} ", _STATES[found.state]), (found.action, "bold"), "  ", (found.state, _STATES[found.state]))
    yield line(" " * 6, neutralise(found.why))
    for text in (_after(found.needs), _if(found.conditions)):
        if text:
            yield line(" " * 6, text)


def _after(needs: Sequence[str]) -> str:
    return f"after {', '.join(needs)}" if needs else ""


def _if(conditions: Sequence[str]) -> str:
    return f"if {' and '.join(conditions)}" if conditions else ""
