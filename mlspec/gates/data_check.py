"""The `data` check's second half: what the champion trained on against what this version was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from mlspec.core import digest
from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates.columns import Judged, facts, listed, reason_of, worst_first
from mlspec.gates.data import DataCheck
from mlspec.gates.data_columns import Compared, Side, compared, missing, shift, unseen
from mlspec.gates.family import adjusted, note
from mlspec.specs.dataset import Column, Dataset
from mlspec.stats.case import Case, Data, Lost

_MOST_DIFFERENCES = 10
_SHORT = 8
"""So many digits of a version are shown; the training that the verdict is of names its champion in full."""


def check(spec: DataCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the contract, then how far columns moved, how much more is missing, and how much was never seen.

    Each has a verdict, of the worst column; its intervals are adjusted for the number of columns. Rows of both are
    treated as separate draws: where the newer hold the older ones, as growing data does, that is on the safe side.

    Raises:
        MlspecError: the data of the version cannot be read.
    """
    before = case.before()
    verdict = partial(CheckVerdict, check=spec.check, level=spec.level)
    if before is None:
        return (verdict(outcome=Outcome.PASS, reason="there is no champion, so there is no data to compare with"),)
    if isinstance(before, Lost):
        return (verdict(outcome=Outcome.INSUFFICIENT, reason=before.reason, against="champion"),)
    now = case.data()
    against = f"champion's data {digest.short(before.version, _SHORT)}"
    if before.version == now.version:
        reason = "this version was trained on the same data as the champion"
        return (verdict(outcome=Outcome.PASS, reason=reason, against=against),)
    return tuple(one.model_copy(update={"against": against}) for one in _verdicts(spec, before, now))


def _verdicts(spec: DataCheck, before: Data, now: Data) -> Iterator[CheckVerdict]:
    verdict = partial(CheckVerdict, check=spec.check, level=spec.level)
    differences = list(_differences(spec, before.dataset, now.dataset))
    if differences:
        more = f" and {len(differences) - _MOST_DIFFERENCES} more" if len(differences) > _MOST_DIFFERENCES else ""
        reason = f"since the champion was trained {', '.join(differences[:_MOST_DIFFERENCES])}{more}"
        yield verdict(outcome=Outcome.FAIL, metric="contract", reason=reason)
    else:
        reason = "columns, types and roles are those that the champion was trained on"
        yield verdict(outcome=Outcome.PASS, metric="contract", reason=reason)
    sides = Side.of(before), Side.of(now)
    fewest = min(side.rows for side in sides)
    if fewest < spec.min_rows:
        who = "the champion" if sides[0].rows == fewest else "this version"
        reason = f"{who} was trained on only {fewest:,} rows; {spec.min_rows:,} are needed to compare columns"
        yield verdict(outcome=Outcome.INSUFFICIENT, metric="shift", reason=reason)
        return
    columns = [compared(column, *sides) for column in _same(spec, before.dataset, now.dataset)]
    yield from _of_columns(spec, columns)


def _of_columns(spec: DataCheck, columns: Sequence[Compared]) -> Iterator[CheckVerdict]:
    valued = [one for one in columns if one.is_comparable]
    skipped = [one.name for one in columns if one.is_nearly_unique]
    aside = f"; not compared, for nearly every value differs: {listed(skipped)}" if skipped else ""
    if valued:
        yield _verdict(spec, _Way("shift", spec.max_shift, shift, aside), valued)
    if columns:
        yield _verdict(spec, _Way("missing", spec.max_missing, missing), columns)
    if valued:
        yield _verdict(spec, _Way("unseen", spec.max_unseen, unseen, aside), valued)


class _Way(NamedTuple):
    """One of the ways in which a column is compared: how it is measured, against which bar, and what it leaves out."""

    metric: str
    most: float
    found: Callable[[DataCheck, Compared, float], Judged]
    aside: str = ""


def _verdict(spec: DataCheck, way: _Way, among: Sequence[Compared]) -> CheckVerdict:
    confidence = adjusted(spec.confidence, len(among))
    columns = worst_first([way.found(spec, one, confidence) for one in among])
    return CheckVerdict(
        check=spec.check,
        outcome=columns[0].outcome,
        metric=way.metric,
        by=columns[0].column,
        estimate=columns[0].estimate,
        maximum=way.most,
        level=spec.level,
        reason=reason_of(columns) + note(len(among), "columns") + way.aside,
        groups=facts([one for one in columns if one.outcome is not Outcome.PASS]),
        family=len(among),
    )


def _differences(spec: DataCheck, before: Dataset, now: Dataset) -> Iterator[str]:
    """Say which columns came, went or became another thing, in the order of the newer schema."""
    for column in now.columns:
        if not _asked(spec, column):
            continue
        known = before.column(column.name)
        if known is None:
            yield f"`{column.name}` came"
        elif known.type != column.type:
            yield f"`{column.name}` became {column.type} from {known.type}"
        elif known.role != column.role:
            yield f"`{column.name}` became {column.role} from {known.role}"
        elif column.type == "category" and known.values != column.values:
            yield f"the values of `{column.name}`, or their order, became others"
    yield from (f"`{gone.name}` went" for gone in before.columns if _asked(spec, gone) and not now.column(gone.name))


def _asked(spec: DataCheck, column: Column) -> bool:
    return spec.columns is None or column.name in spec.columns


def _same(spec: DataCheck, before: Dataset, now: Dataset) -> Iterator[Column]:
    """Yield the columns to look into: of one type on both sides; by default features and target."""
    for column in now.columns:
        known = before.column(column.name)
        named = column.role in {"feature", "target"} if spec.columns is None else column.name in spec.columns
        if named and known is not None and known.type == column.type:
            yield column
