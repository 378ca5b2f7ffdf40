"""The `leakage` check's second half: counts what is on both sides; `leakage_features` tries each feature alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.judge import number_text
from mlspec.gates.leakage import LeakageCheck
from mlspec.gates.leakage_features import of_features
from mlspec.stats.case import Case, Data
from mlspec.stats.evidence import Codes
from mlspec.stats.rows import on_both_sides, repeats, row_codes


def check(spec: LeakageCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge what a spec asks for, each part by a verdict of its own.

    What lies in the data is counted, so it has no interval. Features are judged on the interval of how well each
    predicts, adjusted for their number.

    Raises:
        MlspecError: the data cannot be read.
    """
    data = case.data()
    for side, count in (("training", int(np.sum(~data.test))), ("test", int(np.sum(data.test)))):
        if count == 0:
            return (_verdict(spec, Outcome.INSUFFICIENT, f"there are no {side} rows"),)
    return tuple(_parts(spec, case, data))


def _parts(spec: LeakageCheck, case: Case, data: Data) -> Iterator[CheckVerdict]:
    if spec.rows or spec.max_duplicates is not None:
        yield from _of_rows(spec, data)
    for name in _entities(spec, data):
        yield _of_entity(spec, data, name)
    for name in _times(spec, data):
        yield _of_time(spec, data, name)
    if spec.max_predictive < 1:
        yield of_features(spec, data, case.evidence.task, case.evidence.seed)


def _entities(spec: LeakageCheck, data: Data) -> tuple[str, ...]:
    if spec.entities is not None:
        return spec.entities
    return tuple(column.name for column in (*data.dataset.with_role("id"), *data.dataset.with_role("group")))


def _times(spec: LeakageCheck, data: Data) -> tuple[str, ...]:
    if spec.time is not None or data.dataset.split.by != "time":
        return spec.time_columns()
    return tuple(column.name for column in data.dataset.with_role("time"))


def _of_rows(spec: LeakageCheck, data: Data) -> Iterator[CheckVerdict]:
    features = row_codes(data.frame[[column.name for column in data.dataset.with_role("feature")]])
    target = data.frame[[column.name for column in data.dataset.with_role("target")]]
    whole = row_codes(target.assign(features=features)) if len(target.columns) else features
    if spec.rows:
        equal = on_both_sides(whole, data.test)
        what = "equal a training row in all features and the target"
        more = f"; {on_both_sides(features, data.test):,} equal one in the features alone"
        yield _counted(spec, "rows", equal, int(np.sum(data.test)), what, more)
    if spec.max_duplicates is not None:
        for side, mask in (("training", ~data.test), ("test", data.test)):
            yield _duplicates(spec, side, whole[mask], spec.max_duplicates)


def _duplicates(spec: LeakageCheck, side: str, codes: Codes, most: float) -> CheckVerdict:
    count, n = repeats(codes), len(codes)
    outcome, reason = _against(count, n, most, f"{side} rows", "repeat an earlier one")
    found = Estimate(value=count / n, n=n, method="count/1")
    return _verdict(spec, outcome, reason, metric="duplicates", where=f"{side} rows", estimate=found, maximum=most)


def _of_entity(spec: LeakageCheck, data: Data, name: str) -> CheckVerdict:
    codes = pd.factorize(data.frame[name])[0]
    n = int(np.sum(codes[data.test] >= 0))
    without = int(np.sum(data.test)) - n
    if n == 0:
        return _verdict(spec, Outcome.INSUFFICIENT, f"no test row has a `{name}`", metric="overlap", by=name)
    more = f"; without one: {without:,}" if without else ""
    return _counted(spec, name, on_both_sides(codes, data.test), n, f"have the `{name}` of a training row", more)


def _of_time(spec: LeakageCheck, data: Data, name: str) -> CheckVerdict:
    times = data.frame[name]
    trained, tested = times[~data.test], times[data.test]
    late = trained.max()
    early = 0 if pd.isna(late) else int((tested <= late).sum())
    unknown = int(trained.isna().sum()), int(tested.isna().sum())
    found = _counted(spec, name, early, len(tested), f"are not later by `{name}` than the last training row")
    if found.outcome is Outcome.PASS and any(unknown):
        where = f"{unknown[0]:,} training rows and {unknown[1]:,} test rows"
        reason = f"rows without `{name}`, whose order is not known: {where}"
        return found.model_copy(update={"outcome": Outcome.INSUFFICIENT, "reason": reason})
    return found


def _counted(spec: LeakageCheck, by: str, count: int, n: int, what: str, more: str = "") -> CheckVerdict:
    outcome, reason = _against(count, n, spec.max_overlap, "test rows", what)
    found = Estimate(value=count / n, n=n, method="count/1")
    maximum = spec.max_overlap
    return _verdict(spec, outcome, reason + more, metric="overlap", by=by, estimate=found, maximum=maximum)


def _against(count: int, n: int, most: float, rows: str, what: str) -> tuple[Outcome, str]:
    """Judge a count that is no estimate: these are the rows."""
    share, fails = count / n, count / n > most
    bar = f"{number_text(share, [most])} {'>' if fails else '<='} {most:.15g}" if count else f"0 <= {most:.15g}"
    return Outcome.FAIL if fails else Outcome.PASS, f"{count:,} of {n:,} {rows} {what} ({bar})"


def _verdict(spec: LeakageCheck, outcome: Outcome, reason: str, **fields: Any) -> CheckVerdict:
    return CheckVerdict(check=spec.check, outcome=outcome, level=spec.level, reason=reason, **fields)
