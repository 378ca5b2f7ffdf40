"""The part of the `leakage` check that tries each feature alone: what predicts too well by itself says the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.metrics import Task
from mlspec.core.types import NUMBERS, TIMES
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.columns import Judged, facts, judged, reason_of, worst_first
from mlspec.gates.family import FEWEST_NAMED, adjusted, note
from mlspec.gates.leakage import LeakageCheck
from mlspec.stats.alone import Feature, area, feature_of, rank_correlation, scores
from mlspec.stats.case import Data
from mlspec.stats.evidence import Codes, Floats, Mask

_MOST_ROWS = 50_000
"""So many rows of each side, drawn once, say what a feature alone can do."""
_METRIC = {"classification": "roc_auc", "regression": "rank correlation"}


def of_features(spec: LeakageCheck, data: Data, task: Task, seed: int) -> CheckVerdict:
    """Judge how well the best of the features alone predicts the target, of several classes each against the rest.

    Only rows that have a target count, and classes with rows enough on both sides.
    """
    verdict = partial(CheckVerdict, check=spec.check, level=spec.level, metric=_METRIC[task])
    drawn = _drawn(data, seed)
    n = int(np.sum(drawn.test))
    if n < spec.min_rows:
        reason = f"only {n:,} test rows to try each feature alone on; {spec.min_rows:,} are needed"
        return verdict(outcome=Outcome.INSUFFICIENT, reason=reason)
    targets, rare = _targets(drawn, task)
    if not targets:
        reason = f"each feature alone: fewer than two classes have {FEWEST_NAMED} rows on both sides"
        return verdict(outcome=Outcome.INSUFFICIENT, reason=reason)
    features = _varying(drawn)
    if not features:
        return verdict(outcome=Outcome.PASS, reason="no feature varies, so none predicts alone")
    family = len(features) * len(targets)
    trial = _Trial(task, targets, drawn.test, drawn.clusters, adjusted(spec.confidence, family))
    found = worst_first([_judged(spec, trial, name, feature) for name, feature in features.items()])
    left_out = f"; classes left out as rare: {rare}" if rare else ""
    return verdict(
        outcome=found[0].outcome,
        reason=reason_of(found) + note(family, "features" if len(targets) == 1 else "features and classes") + left_out,
        by=found[0].column,
        estimate=found[0].estimate,
        maximum=spec.max_predictive,
        groups=facts(found),
        family=family,
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """What every feature is tried on: the `targets` of shape (n,), of which `test` says where, and in which groups."""

    task: Task
    targets: Sequence[Floats]
    test: Mask
    clusters: Codes | None
    confidence: float

    def estimate(self, feature: Feature, target: Floats) -> Estimate:
        said, truth = scores(feature, target), target[self.test]
        clusters = None if self.clusters is None else self.clusters[self.test]
        if self.task == "classification":
            return area(said, truth == 1, clusters, self.confidence)
        return rank_correlation(said, truth, np.arange(len(said)) if clusters is None else clusters, self.confidence)


def _judged(spec: LeakageCheck, trial: _Trial, name: str, feature: Feature) -> Judged:
    what = f"{_METRIC[trial.task]} of `{name}` alone"
    found = (trial.estimate(feature, target) for target in trial.targets)
    return worst_first([judged(name, what, one, spec.max_predictive) for one in found])[0]


def _drawn(data: Data, seed: int) -> Data:
    """Return the rows that have a target, of each side at most so many."""
    target = data.dataset.target
    known = np.ones(len(data.frame), dtype=bool) if target is None else data.frame[target.name].notna().to_numpy(bool)
    random = np.random.RandomState(seed)
    taken: list[Any] = []
    for side in (~data.test, data.test):
        rows = np.flatnonzero(side & known)
        taken.append(rows if len(rows) <= _MOST_ROWS else rows[random.permutation(len(rows))[:_MOST_ROWS]])
    rows = np.sort(np.concatenate(taken))
    return replace(data, frame=data.frame.iloc[rows].reset_index(drop=True), test=data.test[rows])


def _targets(data: Data, task: Task) -> tuple[list[Floats], int]:
    """Return what is to be predicted, of shape (n,) each: of two classes one, and how many classes are too rare."""
    (target,) = data.dataset.with_role("target")
    values = data.frame[target.name]
    if task == "regression":
        return [pd.to_numeric(values).to_numpy(dtype=np.float64)], 0
    codes, found = pd.factorize(values, sort=True)
    fewest = np.minimum(*(np.bincount(codes[side], minlength=len(found)) for side in (data.test, ~data.test)))
    common = np.flatnonzero(fewest >= FEWEST_NAMED)
    if len(common) < 2:
        return [], 0
    asked = common[1:] if len(found) == 2 else common
    return [(codes == code).astype(np.float64) for code in asked], len(found) - len(common)


def _varying(data: Data) -> Mapping[str, Feature]:
    """Return the features of which training rows have several values, a missing one being one."""
    found = {
        column.name: feature_of(data.frame[column.name], data.test, ordered=column.type in NUMBERS | TIMES)
        for column in data.dataset.with_role("feature")
    }
    return {name: feature for name, feature in found.items() if not feature.is_constant}
