"""Metrics of ranks from counts: rows are sorted once, and every sample is a weight on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from mlspec.stats.evidence import Codes, Evidence, Floats, Mask

Counts = npt.NDArray[np.int64] | npt.NDArray[np.float64]
"""How often each row counts, of shape (n,): whole times, or weights."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows from the lowest score to the highest, each positive (1) or not (0); `ties` are where each score starts."""

    order: Codes
    positive: Codes
    ties: Codes

    def tallies(self, counts: Counts) -> tuple[Counts, Counts]:
        """Return the positives and the negatives at each distinct score, where row i counts `counts[i]` times.

        Both are of the type of the counts: whole numbers are added three times as fast as weights.
        """
        sorted_counts = counts[self.order]
        positives = sorted_counts * self.positive
        negatives = sorted_counts - positives
        if len(self.ties) == len(self.order):
            return positives, negatives
        return np.add.reduceat(positives, self.ties), np.add.reduceat(negatives, self.ties)


def rank(scores: Floats, positive: Mask, rows: Codes | None = None) -> Ranking:
    """Sort rows (all, or those numbered `rows`) by score."""
    chosen = np.arange(len(scores)) if rows is None else rows
    order = chosen[np.argsort(scores[chosen], kind="stable")]
    ordered = scores[order]
    ties = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return Ranking(order, positive[order].astype(np.int64), ties)


def area(ranking: Ranking, counts: Counts) -> float:
    """Return the area under the ROC curve: the chance that a positive ranks above a negative, ties counting half."""
    positives, negatives = ranking.tallies(counts)
    pairs = float(np.sum(positives)) * float(np.sum(negatives))
    twice_below = 2 * np.cumsum(negatives) - negatives
    return float(np.sum(positives * twice_below)) / (2 * pairs) if pairs > 0 else float("nan")


def average_precision(ranking: Ranking, counts: Counts) -> float:
    """Return the precision at each threshold, weighted by the step in recall, as scikit-learn does."""
    positives, negatives = (tally[::-1] for tally in ranking.tallies(counts))
    found, called = np.cumsum(positives), np.cumsum(positives + negatives)
    precision = np.divide(found, called, out=np.zeros(len(found)), where=called > 0)
    return float(np.sum(positives * precision) / found[-1]) if found[-1] > 0 else float("nan")


Counted = Callable[[Counts], float]


def of_evidence(name: str, evidence: Evidence) -> Counted | None:
    """Return a metric as a function of how often each row counts, or None where it is no metric of ranks."""
    if not name.startswith(("roc_auc", "average_precision")):
        return None
    ranks, scores = evidence.ranks, evidence.scores
    if len(evidence.classes) <= 2 and ranks is not None:
        ranking = rank(ranks, evidence.labels == evidence.positive_code)
        return partial(average_precision if name == "average_precision" else area, ranking)
    if scores is None:
        return None
    way = _one_against_one if "ovo" in name else _one_against_rest
    return way(evidence, scores, by_size=name.endswith("weighted"))


def _one_against_rest(evidence: Evidence, scores: Floats, *, by_size: bool) -> Counted:
    """Return the mean area over classes, each against all others (Provost and Domingos 2000 where `by_size`)."""
    masks = [evidence.labels == code for code in range(len(evidence.classes))]
    rankings = [rank(scores[:, code], mask) for code, mask in enumerate(masks)]

    def mean(counts: Counts) -> float:
        areas = [area(ranking, counts) for ranking in rankings]
        sizes = [float(np.sum(counts[mask])) for mask in masks]
        return float(np.average(areas, weights=sizes if by_size else None))

    return mean


def _one_against_one(evidence: Evidence, scores: Floats, *, by_size: bool) -> Counted:
    """Return the mean area over pairs of classes (Hand and Till 2001), weighted by their rows where `by_size`."""
    pairs = []
    for a, b in combinations(range(len(evidence.classes)), 2):
        rows = np.flatnonzero((evidence.labels == a) | (evidence.labels == b))
        pair = [rank(scores[:, code], evidence.labels == code, rows) for code in (a, b)]
        pairs.append((rows, pair))

    def mean(counts: Counts) -> float:
        areas = [(area(first, counts) + area(second, counts)) / 2 for _, (first, second) in pairs]
        sizes = [float(np.sum(counts[rows])) for rows, _ in pairs]
        return float(np.average(areas, weights=sizes if by_size else None))

    return mean
