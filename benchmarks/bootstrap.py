"""A bootstrap of the area under the ROC curve on 100,000 rows, beside scikit-learn's function on the same samples."""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
from timing import verdict

from mlspec.stats.evidence import Evidence
from mlspec.stats.resample import replicates

ROWS, REPLICATES, THEIRS = 100_000, 2_000, 20


def main() -> int:
    """Measure both; return 1 when ours takes over 3 s, or over 100 MB beyond what the rows take."""
    random = np.random.default_rng(0)
    labels = (random.random(ROWS) < 0.3).astype(np.int64)
    chance = 1 / (1 + np.exp(-(random.normal(size=ROWS) + labels)))
    scores = np.column_stack([1 - chance, chance])
    evidence = Evidence("classification", 1, (0, 1), labels, (chance > 0.5).astype(np.int64), scores)
    before = _peak_mb()
    since = time.perf_counter()
    ours = replicates("roc_auc", evidence, _never, REPLICATES)
    seconds, grown = time.perf_counter() - since, _peak_mb() - before
    since = time.perf_counter()
    theirs = _of_sklearn(labels, chance)
    other = (time.perf_counter() - since) * REPLICATES / THEIRS
    assert np.allclose(ours[:THEIRS], theirs, rtol=0, atol=1e-12)
    sys.stdout.write(
        f"{REPLICATES:,} replicates of roc_auc on {ROWS:,} rows: {seconds:.2f} s, {grown:.0f} MB more; "
        f"scikit-learn's function on the same samples {other:.1f} s (from {THEIRS} of them)\n"
    )
    fast, small = verdict("seconds for the bootstrap", seconds, 3), verdict("MB for the bootstrap", grown, 100)
    return 0 if fast and small else 1


def _of_sklearn(labels: np.ndarray, chance: np.ndarray) -> list[float]:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 -- the peer

    random = np.random.RandomState(0)
    draws = (random.randint(0, ROWS, size=ROWS, dtype=np.int64) for _ in range(THEIRS))
    return [float(roc_auc_score(labels[rows], chance[rows])) for rows in draws]


def _never(_: Evidence) -> float:
    raise AssertionError("this metric has a formula of its own")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
