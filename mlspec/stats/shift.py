"""How far two samples of one column lie apart, with bounds that hold for any distribution and any number of rows.

Both distances, Kolmogorov and Smirnov's D and total variation, are the largest difference of the shares of a set of
values. A row moves them by at most one over the rows of its sample. So by McDiarmid's inequality (1989, On the method
of bounded differences) the distance of two samples lies within sqrt(ln(2 / a) / 2 (1 / n + 1 / m)) of its expectation
but with probability a; and that is at least the distance of what they were drawn from, for the largest is convex.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erfc
from scipy.stats import ks_2samp

from mlspec.stats.contrast import Spread
from mlspec.stats.evidence import Codes, Floats

_KOLMOGOROV = math.sqrt(math.log(2) / 2) + math.sqrt(math.pi / 2) * float(erfc(math.sqrt(math.log(2))))
"""The integral of Dvoretzky, Kiefer, Wolfowitz and Massart's bound: E D <= this / sqrt(n) of a sample to its source."""


class Sizes(NamedTuple):
    """The rows of two samples, or how many independent rows they are worth."""

    first: float
    second: float

    @property
    def both(self) -> float:
        """Return 1 / n + 1 / m."""
        return 1 / self.first + 1 / self.second


def effective_size(clusters: Codes) -> float:
    """Return how many independent rows as uneven a sum has as rows in clusters: n^2 / sum n_i^2 (Kish 1965).

    Drawing another cluster moves a share by n_i / n; so it is exact in McDiarmid's inequality, and safe elsewhere.
    """
    sizes = np.unique(clusters, return_counts=True)[1].astype(np.float64)
    return float(np.sum(sizes)) ** 2 / float(np.sum(sizes**2)) if len(sizes) else 0.0


def kolmogorov(first: Floats, second: Floats, sizes: Sizes, confidence: float) -> Spread:
    """Return the largest difference of the distribution functions of numbers of shape (n,) and (m,), with bounds."""
    value = float(ks_2samp(first, second, method="asymp").statistic)
    excess = _KOLMOGOROV * (1 / math.sqrt(sizes.first) + 1 / math.sqrt(sizes.second))
    return _bounded(value, excess, sizes, confidence)


def total_variation(first: Floats, second: Floats, sizes: Sizes, confidence: float) -> Spread:
    """Return half the sum of differences of the shares of k levels, from their counts of shape (k,), with bounds."""
    shares = first / np.sum(first), second / np.sum(second)
    value = float(np.sum(np.abs(shares[0] - shares[1]))) / 2
    levels = int(np.sum((first + second) > 0))
    excess = math.sqrt((levels - 1) * sizes.both) / 2  # Cauchy and Schwarz, of the deviation of each share
    return _bounded(value, excess, sizes, confidence)


def _bounded(value: float, excess: float, sizes: Sizes, confidence: float) -> Spread:
    """Bound a distance that is expected to exceed that of the sources by at most `excess`."""
    half = math.sqrt(math.log(2 / (1 - confidence)) / 2 * sizes.both)
    return Spread(value, max(0.0, value - half - excess), min(1.0, value + half))
