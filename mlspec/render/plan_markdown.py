"""A plan as the comment on a pull request: a summary, a table of actions, verdicts, and reasons to unfold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from mlspec.core.beside import Beside
from mlspec.core.comparison import MetricPair
from mlspec.core.digest import short
from mlspec.core.plan import Action, Plan, Reason
from mlspec.core.verdict import Outcome
from mlspec.render.diff_text import difference, estimate_cell
from mlspec.render.markdown import Page, code, row, table
from mlspec.render.plan_text import phrase, summary_text, symbol
from mlspec.render.text import duration, value
from mlspec.render.verdict_table import verdict_table

MARKER = "\n<!-- mlspec plan -->\n"
"""By this, whoever posts the comment finds the one of before."""
_MOST_REASONS = 30
_MOST_WARNINGS = 10


def plan_markdown(plan: Plan, evidence: Iterable[Beside] = ()) -> str:
    """Return the comment. What does not fit is left out from the end, and the last sentence says how much."""
    page = Page(MARKER)
    page.take(f"**Plan for {code(plan.project)}:** {summary_text(plan)}\n\n{_header(plan)}")
    for note in _notes(plan):
        page.take(f"\n> {note}\n")
    if not plan.actions:
        page.take("\nNo changes. What the specs ask for is what is recorded.\n")
        return page.finish()
    left = _actions(page, plan.actions)
    cut = sum(not page.take(text) for text in _evidence(evidence)) if not left else 0
    groups = [list(group) for _, group in groupby(plan.actions, key=lambda action: action.address)]
    unfolded = [text for group in groups if (text := _reasons(group))]
    untold = sum(not page.take(text) for text in unfolded) if not left else len(unfolded)
    return page.finish(_cut(left, cut, untold))


def _header(plan: Plan) -> str:
    where = f"Commit {code(plan.commit[:8])}" if plan.commit else "No commit yet"
    branch = f" on {code(plan.branch)}" if plan.branch else ""
    dirty = " with uncommitted changes" if plan.dirty else ""
    lineage = f"lineage {code(plan.lineage[:8])}" if plan.lineage else "nothing recorded yet"
    return f"{where}{branch}{dirty}, {lineage}, plan {code(short(plan.digest))}.\n"


def _notes(plan: Plan) -> Iterator[str]:
    """Yield what to beware of."""
    for warning in plan.warnings[:_MOST_WARNINGS]:
        yield f"**Warning:** {code(warning)}"
    if len(plan.warnings) > _MOST_WARNINGS:
        yield f"and {len(plan.warnings) - _MOST_WARNINGS} more warnings"
    for seen in [seen for seen in plan.observations if seen.note][:_MOST_WARNINGS]:
        yield f"{code(seen.source)}: {code(seen.note or '')}"
    if not plan.complete:
        yield f"{plan.outside} change{'' if plan.outside == 1 else 's'} outside this selection."


def _actions(page: Page, actions: tuple[Action, ...]) -> int:
    """Write the table of actions; return how many did not fit."""
    page.take("\n" + table(("", "resource", "action"), ()))
    for number, action in enumerate(actions):
        if not page.take(row(code(symbol(action)), code(action.address), _what(action))):
            return len(actions) - number
    return 0


def _what(action: Action) -> str:
    notes = "".join(f"<br>{code(note)}" for note in action.notes)
    if action.blocked is not None:
        return f"{code(phrase(action))}<br>**blocked:** {code(action.blocked)}{notes}"
    new = ", new" if any(reason.field == "new" for reason in action.reasons) else ""
    about = f", about {duration(action.estimate_s)}" if action.estimate_s is not None else ""
    return code(phrase(action)) + new + about + notes


def _evidence(evidence: Iterable[Beside]) -> Iterator[str]:
    for found in evidence:
        titles = ("metric", code(found.champion or "no champion"), code(found.name), "difference")
        rows = [(code(pair.metric), *_cells(pair)) for pair in found.metrics]
        text = f"\n**{code(found.address)}: {code(found.name)}**"
        text += f" beside {code(found.champion)}\n\n" if found.champion else "\n\n"
        text += table(titles, rows)
        if found.champion_data not in (None, found.data):
            text += "\nThe test rows of the two are not the same.\n"
        bare = [one for one in found.judgements if not one.checks]
        if bare:
            judged = ((code(one.gate), _outcome(one.outcome), code(one.reason)) for one in bare)
            text += "\n" + table(("gate", "verdict", "why"), judged)
        for one in found.judgements:
            if one.checks:
                text += f"\n{code(one.gate)}: {_outcome(one.outcome)}\n\n{verdict_table(one.checks)}"
        yield text


def _cells(pair: MetricPair) -> tuple[str, str, str]:
    lower = " (lower is better)" if pair.lower_is_better else ""
    return estimate_cell(pair.before), estimate_cell(pair.after), difference(pair) + lower


def _outcome(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not judged"
    return outcome.value if outcome is Outcome.PASS else f"**{outcome.value}**"


def _reasons(actions: list[Action]) -> str:
    """Write why the actions of one resource would be done, to be unfolded."""
    reasons = [reason for action in actions for reason in action.reasons if reason.field not in ("new", "run")]
    reasons = list({(one.field, str(one.before), str(one.after), one.via): one for one in reasons}.values())
    if not reasons:
        return ""
    rows = [_reason(reason) for reason in reasons[:_MOST_REASONS]]
    more = f"\nand {len(reasons) - _MOST_REASONS} more fields\n" if len(reasons) > _MOST_REASONS else ""
    title = f"<summary>Why: {code(actions[0].address)}</summary>"
    return f"\n<details>{title}\n\n{table(('field', 'before', 'after', 'where'), rows)}{more}\n</details>\n"


def _reason(reason: Reason) -> tuple[str, str, str, str]:
    place = f"{reason.file}:{reason.line}" if reason.file and reason.line else reason.file or ""
    via = f"via {code(reason.via)} " if reason.via else ""
    before, after = ("" if side is None else code(value(side)) for side in (reason.before, reason.after))
    return code(reason.field), before, after, via + (code(place) if place else "")


def _cut(left: int, cut: int, untold: int) -> str:
    parts = [(left, "actions"), (cut, "tables of metrics"), (untold, "resources' reasons")]
    said = ", ".join(f"{words}: {number}" for number, words in parts if number)
    return f"\n_A comment holds no more. Left out are {said}; `mlspec plan` says all of it._\n" if said else ""
