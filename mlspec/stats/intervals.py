"""Intervals: Wilson for rates, DeLong for the area under the ROC curve, and the bootstrap for all else."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from statistics import NormalDist

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit
from scipy.stats import rankdata

from mlspec.stats.evidence import Codes, Floats

REPLICATES = 1000
_MOST_UNDEFINED = 0.5
_EXTREME = 1e-6
_SMALLEST = 1e-18
_THREADS = 2
_MANY_ROWS = 20_000

Interval = tuple[float, float]


def quantile(confidence: float) -> float:
    """Return z such that a normal variable lies within z deviations of its mean with this probability."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: float, trials: float, confidence: float) -> Interval:
    """Return the score interval of a rate; `trials` is at least 1.

    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22: the rates that a
    two-sided z test would not reject. It holds at 0 and at 1, and for few trials.
    """
    z2 = quantile(confidence) ** 2
    rate = successes / trials
    centre = rate + z2 / (2 * trials)
    half = math.sqrt(z2) * math.sqrt(rate * (1 - rate) / trials + z2 / (4 * trials**2))
    scale = 1 + z2 / trials
    low = 0.0 if successes <= 0 else (centre - half) / scale
    high = 1.0 if successes >= trials else (centre + half) / scale
    return max(0.0, min(low, rate)), min(1.0, max(high, rate))


def mean_of_rates(rates: Sequence[tuple[float, float]], confidence: float) -> Interval:
    """Return the interval of the mean of independent rates, each given as successes and trials.

    Zou and Donner (2008), Construction of confidence limits about effect measures, Statistics in Medicine 27: the
    distances from each rate to its Wilson bounds add up as variances do.
    """
    k = len(rates)
    mean, below, above = 0.0, 0.0, 0.0
    for successes, trials in rates:
        low, high = wilson(successes, trials, confidence)
        rate = successes / trials
        mean, below, above = mean + rate / k, below + (rate - low) ** 2, above + (high - rate) ** 2
    return max(0.0, mean - math.sqrt(below) / k), min(1.0, mean + math.sqrt(above) / k)


def placements(positives: Floats, negatives: Floats) -> tuple[Floats, Floats]:
    """Return, for each positive, the share of negatives below it, and for each negative, of positives above it.

    Ties count half. Sun and Xu (2014), Fast implementation of DeLong's algorithm, IEEE Signal Processing Letters 21:
    both follow from midranks in the whole and within each class, in O(n log n). The mean of either is the area under
    the ROC curve; their covariances across models are DeLong's.
    """
    m, n = len(positives), len(negatives)
    ranks = rankdata(np.concatenate([positives, negatives]))
    above = (ranks[:m] - rankdata(positives)) / n
    below = 1 - (ranks[m:] - rankdata(negatives)) / m
    return above, below


def delong(positives: Floats, negatives: Floats) -> tuple[float, float]:
    """Return the area under the ROC curve and its variance, for at least two scores of each class.

    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, equation for one curve.
    """
    above, below = placements(positives, negatives)
    return float(np.mean(above)), _part(above) + _part(below)


def _part(values: Floats) -> float:
    return float(np.var(values, ddof=1)) / len(values)


def auc_interval(positives: Floats, negatives: Floats, confidence: float) -> tuple[float, float, str]:
    """Return the interval of the area under the ROC curve, and how it was found.

    DeLong's variance on the logit scale (Pepe 2003, section 5.2.4), which stays within 0 and 1, with Student's quantile
    at Satterthwaite's (1946) degrees of freedom, since that variance is itself an estimate from few rows of a class.
    Where it vanishes (classes wholly apart, or one row of a class) it says nothing; then Wilson's interval over as many
    trials as the smaller class has rows, since Var(A) <= A (1 - A) / min(m, n) (Birnbaum and Klose 1957).
    """
    above, below = placements(positives, negatives)
    area, fewest = float(np.mean(above)), min(len(positives), len(negatives))
    parts = (_part(above), _part(below)) if fewest > 1 else (0.0, 0.0)
    variance = sum(parts)
    if variance <= _SMALLEST or not 0 < area < 1:
        return *wilson(area * fewest, fewest, confidence), "auc-bound/1"
    freedom = variance**2 / (parts[0] ** 2 / (len(above) - 1) + parts[1] ** 2 / (len(below) - 1))
    logit = math.log(area / (1 - area))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(variance) / (area * (1 - area))
    return _logistic(logit - half), _logistic(logit + half), "delong-logit/1"


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def bootstrap(
    statistic: Callable[[Codes], float], n: int, seed: int, replicates: int = REPLICATES, *, side_by_side: bool = False
) -> Floats:
    """Return a statistic of `replicates` samples of `n` row numbers drawn with replacement; NaN where undefined.

    Efron (1979), Annals of Statistics 7. Rows are drawn whatever their class, so that the share of each class varies
    as it does in the world: holding it fixed would make intervals of precision or log loss too narrow. The stream of
    `RandomState` is frozen across releases of numpy. One sample is in memory at a time; where the statistic may run
    `side_by_side`, and there are rows enough to gain by it, a few: the next is drawn while threads compute.
    """
    random = np.random.RandomState(seed)
    draws = (random.randint(0, n, size=n, dtype=np.int64) for _ in range(replicates))
    found = _in_threads(statistic, draws) if side_by_side and n >= _MANY_ROWS else map(statistic, draws)
    return np.fromiter(found, dtype=np.float64, count=replicates)


def _in_threads(statistic: Callable[[Codes], float], draws: Iterator[Codes]) -> Iterator[float]:
    """Yield the statistic of each draw, in order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[float]] = deque()
        for rows in draws:
            waiting.append(pool.submit(statistic, rows))
            if len(waiting) > 2 * _THREADS:
                yield waiting.popleft().result()
        yield from (future.result() for future in waiting)


def grouped_bootstrap(
    statistic: Callable[[Codes], float], clusters: Codes, seed: int, replicates: int = REPLICATES
) -> Floats:
    """Return a statistic of `replicates` samples of whole clusters, drawn with replacement; NaN where undefined.

    Davison and Hinkley (1997), Bootstrap methods and their application, section 3.8: rows of one cluster are alike, so
    it is clusters that are drawn, each with all its rows. `clusters` of shape (n,) number the cluster of each row.
    """
    _, numbered = np.unique(clusters, return_inverse=True)
    count, rows, random = int(numbered.max()) + 1, np.arange(len(clusters)), np.random.RandomState(seed)
    times = (np.bincount(random.randint(0, count, size=count), minlength=count) for _ in range(replicates))
    samples = (statistic(np.repeat(rows, drawn[numbered])) for drawn in times)
    return np.fromiter(samples, dtype=np.float64, count=replicates)


def percentiles(replicates: Floats, value: float, confidence: float) -> Interval | None:
    """Return the percentile interval of bootstrap replicates, widened to hold the value itself.

    None where over half of the replicates are undefined: they say too little.
    """
    tail = (1 - confidence) / 2
    return _between(replicates, value, (tail, 1 - tail))


def corrected_percentiles(replicates: Floats, value: float, confidence: float, influence: Floats) -> Interval | None:
    """Return the percentile interval corrected for bias and skewness (BCa), widened to hold the value itself.

    Efron (1987), Better bootstrap confidence intervals, JASA 82; `influence` is how far each row pulls the statistic,
    up to a factor, of shape (n,). It matters for losses, where a few rows weigh as much as all others.
    """
    share = (float(np.sum(replicates < value)) + float(np.sum(replicates <= value))) / (2 * len(replicates))
    bias = float(ndtri(min(max(share, _EXTREME), 1 - _EXTREME)))
    spread = float(np.sum(influence**2)) ** 1.5
    acceleration = float(np.sum(influence**3)) / (6 * spread) if spread > 0 else 0.0
    z = quantile(confidence)
    low, high = (_corrected(bias, acceleration, bias + side) for side in (-z, z))
    return _between(replicates, value, (low, high))


def _corrected(bias: float, acceleration: float, z: float) -> float:
    return float(ndtr(bias + z / max(1 - acceleration * z, _EXTREME)))


def _between(replicates: Floats, value: float, shares: tuple[float, float]) -> Interval | None:
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < _MOST_UNDEFINED * len(replicates):
        return None
    low, high = np.quantile(defined, shares)
    return min(float(low), value), max(float(high), value)
