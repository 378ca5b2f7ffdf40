"""Metrics that are means of a loss over rows, or simple functions of such means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from mlspec.stats.evidence import Evidence, Floats

_EPSILON = float(np.finfo(np.float64).eps)

Finish = Callable[[Sequence[float]], float]


@dataclass(frozen=True, eq=False)
class Means:
    """A metric as `finish` of the means over rows of some columns of shape (n,)."""

    columns: tuple[Floats, ...]
    finish: Finish


def first(means: Sequence[float]) -> float:
    """Return the mean itself."""
    return means[0]


def root(means: Sequence[float]) -> float:
    """Return the square root of the mean."""
    return float(np.sqrt(means[0]))


def share_of_variance(means: Sequence[float]) -> float:
    """Return 1 - E[loss] / Var[y], from the means of the loss, of y and of y squared; NaN for a constant y."""
    variance = means[2] - means[1] ** 2
    return 1 - means[0] / variance if variance > 0 else float("nan")


def share_explained(means: Sequence[float]) -> float:
    """Return 1 - Var[e] / Var[y], from the means of e squared, of y, of y squared and of e."""
    return share_of_variance((means[0] - means[3] ** 2, means[1], means[2]))


def share_of_entropy(means: Sequence[float]) -> float:
    """Return 1 - log loss / entropy of the classes, from the mean log loss and the share of each class."""
    shares = np.asarray(means[1:])
    entropy = -float(np.sum(xlogy(shares, shares)))
    return 1 - means[0] / entropy if entropy > 0 else float("nan")


def of_evidence(name: str, evidence: Evidence) -> Means | None:
    """Return a metric, named without `neg_`, as means, or None where it is none."""
    if evidence.task == "regression":
        return _of_values(name, evidence.labels, evidence.predicted)
    return None if evidence.scores is None else _of_scores(name, evidence, evidence.scores)


def influence(name: str, evidence: Evidence) -> Floats | None:
    """Return how far each row pulls a metric that is one mean loss (or its root), up to a factor; None for others."""
    means = of_evidence(name, evidence)
    if means is None or len(means.columns) > 1:
        return None
    (loss,), weights = means.columns, evidence.weights
    return loss - np.mean(loss) if weights is None else weights * (loss - np.average(loss, weights=weights))


def _of_scores(name: str, evidence: Evidence, scores: Floats) -> Means | None:
    if name == "brier_score":
        positive = evidence.positive_code
        return Means((((evidence.labels == positive) - scores[:, positive]) ** 2,), first)
    if name not in ("log_loss", "d2_log_loss_score"):
        return None
    given = scores[np.arange(len(evidence)), evidence.labels]
    loss = -np.log(np.clip(given, _EPSILON, 1 - _EPSILON))
    if name == "log_loss":
        return Means((loss,), first)
    shares = tuple((evidence.labels == code).astype(np.float64) for code in range(len(evidence.classes)))
    return Means((loss, *shares), share_of_entropy)


def _of_values(name: str, truth: Floats, predicted: Floats) -> Means | None:
    if name in _LOSSES:
        return Means((_LOSSES[name](truth, predicted),), root if name.startswith("root") else first)
    if name not in ("r2", "explained_variance"):
        return None
    error = predicted - truth
    centred = truth - np.mean(truth)
    columns = (error**2, centred, centred**2)
    return Means(columns, share_of_variance) if name == "r2" else Means((*columns, error), share_explained)


def _absolute(truth: Floats, predicted: Floats) -> Floats:
    return np.abs(predicted - truth)


def _squared(truth: Floats, predicted: Floats) -> Floats:
    return np.square(predicted - truth)


def _squared_log(truth: Floats, predicted: Floats) -> Floats:
    return np.square(np.subtract(np.log1p(predicted), np.log1p(truth)))


def _percentage(truth: Floats, predicted: Floats) -> Floats:
    return np.abs(predicted - truth) / np.maximum(np.abs(truth), _EPSILON)


def _poisson(truth: Floats, predicted: Floats) -> Floats:
    return 2 * (np.asarray(xlogy(truth, truth / predicted), dtype=np.float64) - truth + predicted)


def _gamma(truth: Floats, predicted: Floats) -> Floats:
    return 2 * (np.log(predicted / truth) + truth / predicted - 1)


_LOSSES: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "mean_absolute_error": _absolute,
    "mean_absolute_percentage_error": _percentage,
    "mean_gamma_deviance": _gamma,
    "mean_poisson_deviance": _poisson,
    "mean_squared_error": _squared,
    "mean_squared_log_error": _squared_log,
    "root_mean_squared_error": _squared,
    "root_mean_squared_log_error": _squared_log,
}
