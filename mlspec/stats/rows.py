"""Rows that are equal: numbered by their values, so that nothing rests on a hash."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mlspec.stats.evidence import Codes, Mask


def row_codes(frame: pd.DataFrame) -> Codes:
    """Return a number from 0 for each row, equal for equal rows only, of shape (n,); missing equals missing."""
    codes: Codes = np.zeros(len(frame), dtype=np.int64)
    for name in frame:
        own, found = pd.factorize(frame[name])
        codes = pd.factorize(codes * (len(found) + 1) + own + 1)[0]
    return codes


def on_both_sides(codes: Codes, test: Mask) -> int:
    """Return how many test rows have a number that a training row has; -1 is none. Shapes (n,)."""
    known = np.zeros(int(np.max(codes, initial=-1)) + 2, dtype=np.bool_)
    known[codes[~test]] = True
    known[-1] = False  # where -1 leads
    return int(np.sum(known[codes[test]]))


def repeats(codes: Codes) -> int:
    """Return how many rows have the number of an earlier one."""
    return len(codes) - int(np.count_nonzero(np.bincount(codes)))
