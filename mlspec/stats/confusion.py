"""Metrics of predicted classes from counts of each class alone, for many samples at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from mlspec.stats.evidence import Codes, Evidence, Floats

_CELLS_AT_ONCE = 2_000_000
_PSEUDO_ROWS = 0.5


@dataclass(frozen=True, eq=False)
class Counts:
    """Of each class, in each of `r` samples, arrays of shape (r, k): rows of it found, rows of it, rows called it."""

    hits: Floats
    truths: Floats
    calls: Floats

    @property
    def rows(self) -> Floats:
        """Return the rows (or their weight) of each sample, of shape (r,)."""
        return _sum(self.truths)


CountMetric = Callable[[Counts], Floats]
PerClass = Callable[[Counts], Floats]


def precision(counts: Counts) -> Floats:
    """Return hits per call."""
    return _ratio(counts.hits, counts.calls)


def recall(counts: Counts) -> Floats:
    """Return hits per truth."""
    return _ratio(counts.hits, counts.truths)


def f1(counts: Counts) -> Floats:
    """Return the harmonic mean of precision and recall."""
    return _ratio(2 * counts.hits, counts.truths + counts.calls)


def jaccard(counts: Counts) -> Floats:
    """Return the rows in both over the rows in either."""
    return _ratio(counts.hits, counts.truths + counts.calls - counts.hits)


def accuracy(counts: Counts) -> Floats:
    """Return the share of hits; of one label a row, also the micro average of precision, recall and F1."""
    return _ratio(_sum(counts.hits), counts.rows)


def jaccard_micro(counts: Counts) -> Floats:
    """Return the Jaccard index of all classes together."""
    hits = _sum(counts.hits)
    return _ratio(hits, 2 * counts.rows - hits)


def balanced_accuracy(counts: Counts) -> Floats:
    """Return the mean recall of the classes that are there."""
    there = counts.truths > 0
    return _ratio(_sum(np.where(there, recall(counts), 0)), _sum(there.astype(float)))


def matthews(counts: Counts) -> Floats:
    """Return the correlation of truth and prediction (Gorodkin 2004), 0 where either is constant."""
    n = counts.rows
    covariance = _sum(counts.hits) * n - _sum(counts.truths * counts.calls)
    spread = (n**2 - _sum(counts.truths**2)) * (n**2 - _sum(counts.calls**2))
    return _ratio(covariance, np.sqrt(np.maximum(spread, 0)))


def macro(each: PerClass, counts: Counts) -> Floats:
    """Return the mean over the classes that are in the truth or the prediction, as scikit-learn does."""
    there = counts.truths + counts.calls > 0
    return _ratio(_sum(np.where(there, each(counts), 0)), _sum(there.astype(float)))


def weighted(each: PerClass, counts: Counts) -> Floats:
    """Return the mean over classes, each weighing as much as it has truths."""
    return _ratio(_sum(each(counts) * counts.truths), counts.rows)


def of_class(each: PerClass, code: int, counts: Counts) -> Floats:
    """Return the value of one class, NaN where it is neither in the truth nor in the prediction."""
    there = (counts.truths + counts.calls)[:, code] > 0
    return np.where(there, each(counts)[:, code], np.nan)


def selection_rate(code: int, counts: Counts) -> Floats:
    """Return the share of rows that are called a class."""
    return _share(counts.calls[:, code], counts.rows)


def true_positive_rate(code: int, counts: Counts) -> Floats:
    """Return the share of a class's rows that are called it."""
    return _share(counts.hits[:, code], counts.truths[:, code])


def false_positive_rate(code: int, counts: Counts) -> Floats:
    """Return the share of all other rows that are called a class."""
    return _share((counts.calls - counts.hits)[:, code], counts.rows - counts.truths[:, code])


def _rest(rate: Callable[[int, Counts], Floats], code: int, counts: Counts) -> Floats:
    return 1 - rate(code, counts)


_OF_POSITIVE: Mapping[str, Callable[[int, Counts], Floats]] = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "false_negative_rate": partial(_rest, true_positive_rate),
    "true_negative_rate": partial(_rest, false_positive_rate),
}
_PER_CLASS: Mapping[str, PerClass] = {"precision": precision, "recall": recall, "f1": f1, "jaccard": jaccard}
_WHOLE: Mapping[str, CountMetric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "matthews_corrcoef": matthews,
    "precision_micro": accuracy,
    "recall_micro": accuracy,
    "f1_micro": accuracy,
    "jaccard_micro": jaccard_micro,
}


def known(name: str) -> bool:
    """Say whether a metric is one of predicted classes."""
    return name in _WHOLE or name in _OF_POSITIVE or name.partition("_")[0] in _PER_CLASS


def count_metric(name: str, positive: int) -> CountMetric:
    """Return a metric of predicted classes as a function of counts; `positive` is the code of the positive class."""
    if name in _WHOLE:
        return _WHOLE[name]
    if name in _OF_POSITIVE:
        return partial(_OF_POSITIVE[name], positive)
    stem, _, average = name.partition("_")
    each = _PER_CLASS[stem]
    if not average:
        return partial(of_class, each, positive)
    return partial({"macro": macro, "weighted": weighted}[average], each)


def of_rows(evidence: Evidence, rows: Codes) -> Counts:
    """Count one sample, given as row numbers; weights count when there are any."""
    k = len(evidence.classes)
    labels, predicted = evidence.labels[rows], evidence.predicted[rows]
    weights = None if evidence.weights is None else evidence.weights[rows]
    hit = labels == predicted
    return Counts(
        hits=_tally(labels[hit], None if weights is None else weights[hit], k),
        truths=_tally(labels, weights, k),
        calls=_tally(predicted, weights, k),
    )


def replicates(metric: CountMetric, evidence: Evidence, times: int) -> Floats:
    """Return bootstrap replicates of a metric of unweighted counts.

    To draw n rows with replacement and count them is to draw the counts of the cells of the confusion matrix from a
    multinomial distribution: no work on rows at all.
    """
    k = len(evidence.classes)
    cells, sizes = np.unique(evidence.labels * k + evidence.predicted, return_counts=True)
    drawn = _drawn(sizes, len(evidence), max(len(cells), k), evidence.seed, times)
    return np.concatenate([metric(_of_cells(cells, part, k)) for part in drawn])


def paired_replicates(metrics: tuple[CountMetric, CountMetric], ours: Evidence, theirs: Evidence, times: int) -> Floats:
    """Return bootstrap replicates of a metric of one model less that of another, of unweighted counts of the same rows.

    What is drawn are the counts of the cells of both confusion matrices together: of each row what it is, what one
    model calls it and what the other does. So that few rows on which the models differ, or none, do not pass for proof
    that they never do, a little is added to what is drawn from, by `_pseudo_cells`.
    """
    k, other = len(ours.classes), len(theirs.classes)
    codes = (ours.labels * k + ours.predicted) * other**2 + theirs.labels * other + theirs.predicted
    added, little = _pseudo_cells(np.unique(ours.labels * other + theirs.labels), k, other)
    cells, place = np.unique(np.concatenate([codes, added]), return_inverse=True)
    sizes = np.bincount(place, weights=np.concatenate([np.ones(len(codes)), little]))
    one, two = metrics
    return np.concatenate(
        [
            one(_of_cells(cells // other**2, part, k)) - two(_of_cells(cells % other**2, part, other))
            for part in _drawn(sizes, len(codes), max(len(cells), k, other), ours.seed, times)
        ]
    )


def _pseudo_cells(truths: Codes, k: int, other: int) -> tuple[Codes, Floats]:
    """Return cells as `paired_replicates` numbers them, and what to add to each, for every class that rows are of.

    Agresti and Min (2005), Simple improved confidence intervals for comparing matched proportions, Statistics in
    Medicine 24: half a row to each cell of the table of who is right. Here a class has such a table of its own, and
    what is added to one of its cells is spread over the wrong classes; where both are wrong, they are so alike, which
    keeps the cells as many as k^2 and not k^3. `truths` are codes of `ours` times `other` plus those of `theirs`.
    """
    cells, little = [], []
    for truth, also in zip(*np.divmod(truths, other), strict=True):
        wrong, wrong_too = (np.delete(np.arange(n), code) for n, code in ((k, truth), (other, also)))
        most = max(len(wrong), len(wrong_too)) if len(wrong) and len(wrong_too) else 0
        right, right_too = np.array([truth]), np.array([also])
        alike = np.resize(wrong, most), np.resize(wrong_too, most)
        for called, called_too in ((right, right_too), (right, wrong_too), (wrong, right_too), alike):
            if len(called) and len(called_too):
                kind = (truth * k + called) * other**2 + also * other + called_too
                cells.append(kind)
                little.append(np.full(len(kind), _PSEUDO_ROWS / len(kind)))
    return np.concatenate(cells), np.concatenate(little)


def _drawn(sizes: Codes | Floats, n: int, width: int, seed: int, times: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield samples of n rows of cells of these sizes, of shape (r, cells), so many at once that memory is bounded."""
    random = np.random.RandomState(seed)
    step = max(1, _CELLS_AT_ONCE // width)
    for start in range(0, times, step):
        yield random.multinomial(n, sizes / sizes.sum(), size=min(step, times - start))


def _of_cells(cells: Codes, drawn: npt.NDArray[np.int64], k: int) -> Counts:
    truth, call = cells // k, cells % k
    counts = np.zeros((3, len(drawn), k))
    for cell in range(len(cells)):
        counts[1, :, truth[cell]] += drawn[:, cell]
        counts[2, :, call[cell]] += drawn[:, cell]
        if truth[cell] == call[cell]:
            counts[0, :, truth[cell]] += drawn[:, cell]
    return Counts(*counts)


def _tally(values: Codes, weights: Floats | None, k: int) -> Floats:
    return np.bincount(values, weights=weights, minlength=k)[np.newaxis, :].astype(np.float64)


def _sum(values: Floats) -> Floats:
    total: Floats = np.sum(values, axis=-1)
    return total


def _share(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full_like(above, np.nan, dtype=np.float64), where=below > 0)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above, dtype=np.float64), where=below > 0)
