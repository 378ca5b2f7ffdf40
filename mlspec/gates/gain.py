"""How much better one model is than another on the same rows, whichever way the metric goes; judged as a claim."""

from __future__ import annotations

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import Estimate, Outcome
from mlspec.stats.evidence import Evidence
from mlspec.stats.paired import difference


def gain(metric: str, ours: Evidence, theirs: Evidence, confidence: float) -> Estimate:
    """Return by how much `ours` is better, in the metric's own unit: of an error, how much smaller it is.

    Raises:
        MlspecError: the metric does not fit the evidence of one of them.
    """
    found = difference(metric, ours, theirs, confidence)
    if METRICS[metric].greater_is_better or found.value is None:
        return found
    low, high = (None if bound is None else -bound + 0.0 for bound in (found.high, found.low))
    return found.model_copy(update={"value": -found.value + 0.0, "low": low, "high": high})


def better(metric: str) -> str:
    """Return in which direction a metric is better."""
    return "higher" if METRICS[metric].greater_is_better else "lower"


def strictly(margin: float, found: Estimate, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
    """As good is not better: where the interval only touches no gain at all, nothing is decided."""
    if outcome is Outcome.PASS and margin == 0 and found.low is not None and found.low <= 0:
        return Outcome.INCONCLUSIVE, f"{reason}; no gain at all is within the interval"
    return outcome, reason
