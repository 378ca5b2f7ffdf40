"""Whether probabilities mean what they say: the logistic recalibration of a classifier of two classes.

Cox (1958), Two further applications of a model for binary regression, Biometrika 45: the log odds of the truth as a
line of the log odds that were said. Probabilities that mean what they say have slope 1 and intercept 0; a slope below 1
says that they are too extreme, as those of an overfitted model are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlspec.stats.evidence import Floats, Mask

_CLIP = 1e-6
"""A probability of 0 or 1 counts as this far from it: its log odds would be infinite."""
_STEPS = 50
_CLOSE = 1e-12


class Line(NamedTuple):
    """The line of recalibration, and the standard error of its slope; all NaN where there is none."""

    intercept: float
    slope: float
    slope_error: float


NONE = Line(float("nan"), float("nan"), float("nan"))


def calibration_slope(truth: Mask, said: Floats, sample_weight: Floats | None = None) -> float:
    """Return the slope of the recalibration; `truth` and `said`, the probability of positive, are of shape (n,)."""
    return line(truth, said, sample_weight).slope


def line(truth: Mask, said: Floats, weights: Floats | None = None) -> Line:
    """Fit the line by maximum likelihood, by Newton's method; the error follows from the information."""
    inside = np.clip(np.asarray(said, dtype=np.float64), _CLIP, 1 - _CLIP)
    odds = np.log(inside / (1 - inside))
    design, found = np.column_stack([np.ones_like(odds), odds]), np.zeros(2)
    counted = np.ones_like(odds) if weights is None else weights
    positive = np.asarray(truth, dtype=np.float64)
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(design @ found, -700, 700)))
        score = design.T @ (counted * (positive - expected))
        information = design.T @ (design * (counted * expected * (1 - expected))[:, np.newaxis])
        if not np.linalg.cond(information) < 1 / _CLOSE:
            return NONE  # one class, one probability, or classes wholly apart
        step = np.linalg.solve(information, score)
        found = found + step
        if float(np.max(np.abs(step))) < _CLOSE * (1 + float(np.max(np.abs(found)))):
            error = float(np.sqrt(np.linalg.inv(information)[1, 1]))
            return Line(float(found[0]), float(found[1]), error)
    return NONE
