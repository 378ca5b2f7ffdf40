"""The expected calibration error: how far probabilities lie from what happens, without what chance alone adds to it.

The rows are put into bins of equal mass by what was said of them; in each the share that is true is compared with the
mean that was said, and the distances are averaged (Naeini, Cooper and Hauskrecht 2015, AAAI; Guo et al. 2017, ICML).
Chance alone makes such distances, so their plain mean is too large, most of all where a model is right. The estimate
is debiased as Kumar, Liang and Ma (2019, Verified uncertainty calibration, NeurIPS, appendix) do for the distance
itself: what it would gain again by drawing anew, normal about what was found, is taken off. Where they draw, the mean
of a folded normal variable (Leone, Nelson and Nottingham 1961, Technometrics 3) says it exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from mlspec.stats.evidence import Array, Codes, Evidence, Floats
from mlspec.stats.intervals import Interval

MOST_BINS = 15
"""As Guo et al. (2017) have it."""
FEWEST_ROWS = 25
"""So many rows a bin has; of fewer than 15 times as many rows there are fewer bins."""
DRAWS = 2000
_NOTABLE = 2.0
"""A bin this many deviations off is taken to be off, where as little as possible is to be said of the others."""
_CLOSE = 1e-5


@dataclass(frozen=True, eq=False)
class Bins:
    """Rows in `k` bins; all but `codes`, the bin of each of the n rows, are of shape (k,).

    `shares` of the weight of all rows; `gaps`, by how much more is true than was said; `said`, its mean, and `spread`,
    the mean variance of a truth of which that was rightly said; `effective`, as how many rows of weight 1 (Kish 1965).
    """

    codes: Codes
    shares: Floats
    gaps: Floats
    said: Floats
    spread: Floats
    effective: Floats

    @property
    def plain(self) -> float:
        """Return the mean distance as it was found, chance and all."""
        return float(np.sum(self.shares * np.abs(self.gaps)))

    def deviations(self, gaps: Floats) -> Floats:
        """Return how far chance moves each bin where these are the true gaps; as Wilson's, not from what was found.

        Half of what it would be if all that was said is right, at least: else a bin of rare events has hardly any.
        """
        inside = np.clip(gaps, -self.said, 1 - self.said)
        variance = self.spread + inside * (1 - 2 * self.said) - inside**2
        return np.asarray(np.sqrt(np.maximum(variance, self.spread / 4) / self.effective), dtype=np.float64)


def expected_calibration_error(truth: Array, said: Floats, sample_weight: Floats | None = None) -> float:
    """Return the debiased error, 0 at least.

    Of two classes `truth` (n,) is of 0 and 1, and `said` (n,) the probability of 1. Of k classes `truth` (n,) are their
    codes and `said` is (n, k): what counts is the probability of the likeliest class, and whether it is the right one.
    """
    return debiased(bins_of(*_top(truth, said), sample_weight))


def debiased(bins: Bins) -> float:
    """Return the mean distance less what chance adds to it."""
    size, spread = np.abs(bins.gaps), bins.deviations(bins.gaps)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, size / spread, np.inf)
    folded = spread * math.sqrt(2 / math.pi) * np.exp(-(z**2) / 2) + size * (1 - 2 * ndtr(-z))
    return max(0.0, 2 * bins.plain - float(np.sum(bins.shares * folded)))


def _top(truth: Array, said: Floats) -> tuple[Floats, Floats]:
    if said.ndim == 1:
        return np.asarray(truth, dtype=np.float64), np.clip(said, 0.0, 1.0)
    likeliest = np.argmax(said, axis=1)
    top = said[np.arange(len(said)), likeliest]
    return (likeliest == truth).astype(np.float64), np.clip(top, 0.0, 1.0)


def bins_of(truth: Floats, said: Floats, weights: Floats | None = None) -> Bins:
    """Put rows into bins between quantiles of what was said; equal probabilities share a bin, a bin has some weight."""
    counted = np.ones_like(said) if weights is None else weights
    k = min(max(len(said) // FEWEST_ROWS, 1), MOST_BINS)
    edges = np.unique(np.quantile(said[counted > 0], np.arange(1, k) / k))
    _, codes = np.unique(np.searchsorted(edges, said[counted > 0], side="right"), return_inverse=True)
    placed = np.zeros(len(said), dtype=np.int64)
    placed[counted > 0] = codes
    total = np.bincount(placed, counted)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(placed, counted * values) / total, dtype=np.float64)

    effective = total**2 / np.bincount(placed, counted**2)
    return Bins(placed, total / np.sum(total), mean(truth - said), mean(said), mean(said * (1 - said)), effective)


def interval(evidence: Evidence, confidence: float) -> Interval:
    """Return the interval of the error over bins: the errors whose own chance would make what was found.

    A mean of distances cannot be below 0, so resampling the rows says how it varies about a value that is too large.
    Here each bound is found by turning a test around: the smallest error that makes as much as was found often enough,
    and the largest that makes as little. How an error is spread over the bins is not known. Where few bins hold it, the
    others add noise that a lower bound must allow for; where it is even, little noise is added, which an upper bound
    must. So the lower one is of an error in the bins that are notably off, and the upper one of one spread evenly.
    What is found below what chance makes of no error at all is no proof of less: the upper bound is then as if it was
    found (Cowan, Cranmer, Gross and Vitells 2011, Power-constrained limits). Rows of a cluster are taken together.
    """
    truth, said = _of_evidence(evidence)
    bins = bins_of(truth, said, evidence.weights)
    draws = np.random.RandomState(evidence.seed).standard_normal((DRAWS, len(bins.gaps)))
    if evidence.clusters is not None:
        design, mixing = _clustered(bins, truth - said, evidence.clusters, evidence.weights)
        bins, draws = replace(bins, effective=bins.effective / design), draws @ mixing.T
    found, tail = bins.plain, (1 - confidence) / 2
    few, even = _shapes(bins)

    def made(shape: Floats, error: float, share: float) -> float:
        gaps = error * shape
        distances = np.abs(gaps + bins.deviations(gaps) * draws) @ bins.shares
        return float(np.quantile(distances, share))

    least = max(found, made(even, 0.0, 0.5))
    low = _root(lambda error: made(few, error, 1 - tail) - found)
    return low, _root(lambda error: made(even, error, tail) - least)


def _of_evidence(evidence: Evidence) -> tuple[Floats, Floats]:
    assert evidence.scores is not None  # `gaps.metric_for` has refused a model without probabilities
    if len(evidence.classes) > 2:
        return _top(evidence.labels, evidence.scores)
    return _top(evidence.labels == evidence.positive_code, evidence.scores[:, evidence.positive_code])


def _shapes(bins: Bins) -> tuple[Floats, Floats]:
    """Return two ways an error of 1 may lie in the bins: in those notably off, and in all of them."""
    spread = bins.deviations(np.zeros_like(bins.gaps))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(spread > 0, np.abs(bins.gaps) / spread, np.where(bins.gaps == 0, 0.0, np.inf))
    few = np.where(off >= min(_NOTABLE, float(np.max(off))), bins.gaps, 0.0)
    even = np.where(bins.gaps < 0, -1.0, 1.0) * (np.abs(bins.gaps) + spread)
    return _of_one(few, bins.shares), _of_one(even, bins.shares)


def _of_one(shape: Floats, shares: Floats) -> Floats:
    size = float(np.sum(shares * np.abs(shape)))
    return shape / size if size > 0 else np.ones_like(shape)


def _clustered(bins: Bins, residuals: Floats, clusters: Codes, weights: Floats | None) -> tuple[Floats, Floats]:
    """Return by how much clusters make each bin vary more (k,), and what makes independent draws vary together (k, k).

    The residuals of a cluster are summed before they are squared (Liang and Zeger 1986, Biometrika 73); no bin is taken
    to vary less for it.
    """
    k, counted = len(bins.gaps), np.ones_like(residuals) if weights is None else weights
    pulls = counted * (residuals - bins.gaps[bins.codes])
    _, numbered = np.unique(clusters, return_inverse=True)
    count = int(numbered.max()) + 1
    summed = np.bincount(numbered * k + bins.codes, pulls, minlength=count * k).reshape(count, k)
    together, alone = summed.T @ summed, np.bincount(bins.codes, pulls**2, minlength=k)
    own = np.maximum(np.diag(together), alone)
    scale = np.sqrt(np.where(own > 0, own, 1.0))
    varied = together / np.outer(scale, scale)
    np.fill_diagonal(varied, 1.0)
    values, vectors = np.linalg.eigh(varied)
    design = np.where(alone > 0, own / np.where(alone > 0, alone, 1.0), 1.0)
    return design, np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)), dtype=np.float64)


def _root(rising: Callable[[float], float]) -> float:
    """Return the error between 0 and 1 at which a rising function crosses 0, or the end it does not reach it before."""
    low, high = 0.0, 1.0
    if rising(low) >= 0:
        return low
    while high - low > _CLOSE:
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
