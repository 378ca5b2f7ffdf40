"""Rates of a classifier with two classes: whom of whom it calls what, of all rows or of one class.

The functions are called as those of scikit-learn are: with the truth and what was said, arrays of shape (n,) that are
true where positive, and weights of shape (n,) or None. Each returns a share, NaN where no row counts.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from mlspec.stats.evidence import Evidence, Floats, Mask


def masks(name: str, truth: Mask, said: Mask) -> tuple[Mask, Mask]:
    """Return which rows a rate counts, and among which, of shape (n,) each."""
    match name:
        case "selection_rate":
            return said, np.ones_like(truth)
        case "true_positive_rate":
            return said, truth
        case "false_negative_rate":
            return ~said, truth
        case "false_positive_rate":
            return said, ~truth
        case "true_negative_rate":
            return ~said, ~truth
    raise ValueError(name)


def of_evidence(name: str, evidence: Evidence) -> tuple[Mask, Mask]:
    """Return the masks of a rate of the positive class."""
    positive = evidence.positive_code
    return masks(name, evidence.labels == positive, evidence.predicted == positive)


def rate(name: str, truth: Mask, said: Mask, sample_weight: Floats | None = None) -> float:
    """Return a rate."""
    hits, among = masks(name, truth, said)
    counted = among.astype(np.float64) if sample_weight is None else sample_weight * among
    total = float(np.sum(counted))
    return float(np.sum(counted[hits])) / total if total > 0 else float("nan")


selection_rate = partial(rate, "selection_rate")
true_positive_rate = partial(rate, "true_positive_rate")
true_negative_rate = partial(rate, "true_negative_rate")
false_positive_rate = partial(rate, "false_positive_rate")
false_negative_rate = partial(rate, "false_negative_rate")
