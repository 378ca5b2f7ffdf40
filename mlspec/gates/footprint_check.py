"""The `footprint` check's second half: bytes counted on the disk and in memory, judged."""

from __future__ import annotations

from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.footprint import FootprintCheck, size_of
from mlspec.gates.judge import NO_ROWS
from mlspec.stats.case import Case

_MB = 1e6


def check(spec: FootprintCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the size of the model as it is kept, and the memory of a process that asks it, as far as there is a bound.

    Raises:
        MlspecError: the store does not hold the model, or it cannot be asked.
    """
    found = []
    if spec.max_size is not None:
        found.append(_judged(spec, "size", case.size(), spec.max_size))
    if spec.max_memory is not None and len(case.evidence) == 0:
        found.append(_untold(spec, NO_ROWS, spec.max_memory))
    elif spec.max_memory is not None:
        timed = case.timed(spec.probe())
        found.append(_judged(spec, "peak memory", timed.ours.peak_memory_bytes, spec.max_memory, timed.machine))
    return tuple(found)


def _judged(spec: FootprintCheck, what: str, count: int, most: str, machine: str = "") -> CheckVerdict:
    bound, where = size_of(most), f"; {machine}" if machine else ""
    if count == 0:
        return _untold(spec, f"this system does not tell the {what} of a process{where}", most)
    outcome = Outcome.PASS if count <= bound else Outcome.FAIL
    sign = "<=" if outcome is Outcome.PASS else ">"
    return CheckVerdict(
        check=spec.check,
        outcome=outcome,
        metric="size_bytes" if what == "size" else "memory_bytes",
        estimate=Estimate(value=count, low=count, high=count, n=1, method="counted/1"),
        maximum=bound,
        level=spec.level,
        reason=f"{what} {_told(count)} {sign} {most}{_apart(count, bound)}{where}",
        machine=machine,
    )


def _untold(spec: FootprintCheck, reason: str, most: str) -> CheckVerdict:
    return CheckVerdict(
        check=spec.check,
        outcome=Outcome.INSUFFICIENT,
        metric="memory_bytes",
        maximum=size_of(most),
        level=spec.level,
        reason=reason,
    )


def _told(count: int) -> str:
    return f"{count / _MB:,.1f} MB" if count >= _MB else f"{count:,} bytes"


def _apart(count: int, bound: int) -> str:
    """Say both in bytes where they are too close to be told apart otherwise."""
    return f" ({count:,} and {bound:,} bytes)" if abs(count - bound) < bound / 100 else ""
