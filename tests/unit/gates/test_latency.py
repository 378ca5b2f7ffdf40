"""The latency and footprint checks: each outcome on what a clock said, and what they ask."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from mlspec.core.probe import Probe
from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import footprint_check, latency_check
from mlspec.gates.footprint import FootprintCheck, size_of
from mlspec.gates.latency import LatencyCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.asked import Rival, Timed, Timing
from mlspec.stats.case import Case
from mlspec.stats.evidence import Evidence, Floats

ROWS = Evidence("classification", 1, (0, 1), np.arange(2), np.arange(2))
MACHINE = "a processor, 2 cores"
CALLS = np.arange(1, 501) / 100
"""0.01 to 5 ms."""


def declared(**fields: Any) -> LatencyCheck:
    return LatencyCheck.model_validate_json(json.dumps({"check": "latency", **fields}))


def timing(calls: Floats = CALLS, loads: int = 7, peak: int = 150_000_000) -> Timing:
    return Timing(100.0 + np.arange(loads), calls, peak)


def judged(
    ours: Timing, rival: Timing | None = None, words: str = "", champion: Rival | None = None, **fields: Any
) -> CheckVerdict:
    case = Case(ROWS, timed=lambda _: Timed(ours, MACHINE, rival, words), rival=lambda: champion)
    (verdict,) = latency_check.check(declared(**fields), case)
    return verdict


CHAMPION = Rival("v3 in production")
OUTCOMES: dict[str, tuple[dict[str, Any], Outcome, str]] = {
    "pass": (
        {"max_ms": 5},
        Outcome.PASS,
        "p95 of one row in ms 4.750 [4.650, 4.850] <= 5 on 500 calls; a processor, 2 cores",
    ),
    "fail": ({"max_ms": 4}, Outcome.FAIL, "p95 of one row in ms 4.750 [4.650, 4.850] > 4 on 500 calls"),
    "inconclusive": ({"max_ms": 4.8}, Outcome.INCONCLUSIVE, "straddles 4.8 on 500 calls; about "),
    "a median of a batch": (
        {"max_ms": 5, "quantile": 0.5, "batch": 1000},
        Outcome.PASS,
        "p50 of 1,000 rows in ms 2.500 [",
    ),
    "the minute was over": (
        {"max_ms": 5, "ours": timing(CALLS[:40])},
        Outcome.INSUFFICIENT,
        "p95 of one row in ms 0.3800 has no interval on 40 calls: they are too few to bound it; 72 would do",
    ),
    "over before, and too slow": (
        {"max_ms": 0.3, "ours": timing(CALLS[:40])},
        Outcome.FAIL,
        "> 0.3 on 40 calls",
    ),
    "loads": ({"max_load_ms": 200}, Outcome.PASS, "median load in ms 103.0 [100.0, 106.0] <= 200 on 7 loads"),
    "loads too long": ({"max_load_ms": 50}, Outcome.FAIL, "> 50 on 7 loads"),
    "loads at the bound": ({"max_load_ms": 104}, Outcome.INCONCLUSIVE, "straddles 104 on 7 loads"),
    "as quick": (
        {"max_ratio": 1.2, "champion": CHAMPION, "rival": timing()},
        Outcome.PASS,
        "p95 of one row over that of the champion, v3 in production, 1.000 [0.9707, 1.030] <= 1.2 on 500 calls of each",
    ),
    "slower": ({"max_ratio": 1.2, "champion": CHAMPION, "rival": timing(CALLS / 2)}, Outcome.FAIL, "2.000 ["),
    "a little slower": (
        {"max_ratio": 1.2, "champion": CHAMPION, "rival": timing(CALLS / 1.19)},
        Outcome.INCONCLUSIVE,
        "straddles 1.2",
    ),
    "too few of each": (
        {"max_ratio": 1.2, "champion": CHAMPION, "rival": timing(CALLS[:40])},
        Outcome.INSUFFICIENT,
        "has no interval on 40 calls of each: they are too few to bound it; 72 would do",
    ),
    "no champion": (
        {"max_ratio": 1.2},
        Outcome.PASS,
        "p95 of one row over that of the champion: there is no champion",
    ),
    "a champion that is gone": (
        {"max_ratio": 1.2, "champion": Rival("v3 in production", "its model is no longer kept")},
        Outcome.INSUFFICIENT,
        "v3 in production, which can't be asked: its model is no longer kept",
    ),
    "a champion that fails": (
        {"max_ratio": 1.2, "champion": CHAMPION, "words": "the model raised KeyError"},
        Outcome.INSUFFICIENT,
        "v3 in production, which did not answer: the model raised KeyError",
    ),
}


@pytest.mark.parametrize(("fields", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    verdict = judged(**{"ours": timing(), **fields})
    assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason
    assert verdict.against == (fields["champion"].name if "champion" in fields else "")
    measured = verdict.estimate is not None
    assert (verdict.machine == MACHINE) is (measured or "words" in fields)


def test_a_verdict_lists_the_usual_quantiles_and_each_bound_has_one() -> None:
    case = Case(ROWS, timed=lambda _: Timed(timing(), MACHINE))
    verdicts = latency_check.check(declared(max_ms=5, max_ratio=1.2, max_load_ms=200), case)
    assert [verdict.metric for verdict in verdicts] == ["latency_ms", "latency_ratio", "load_ms"]
    assert [(fact.group, fact.value) for fact in verdicts[0].groups] == [("p50", 2.5), ("p95", 4.75), ("p99", 4.95)]
    assert implementation(LatencyCheck.implementation) is latency_check.check


def test_without_test_rows_nobody_is_asked() -> None:
    nothing = Case(ROWS.subset(np.zeros(2, dtype=bool)), size=lambda: 10)
    verdicts = latency_check.check(declared(max_ms=5, max_ratio=1.2, max_load_ms=200), nothing)
    spec = FootprintCheck.model_validate_json('{"check": "footprint", "max_size": "1kB", "max_memory": "1GB"}')
    size, memory = footprint_check.check(spec, nothing)
    assert size.outcome is Outcome.PASS
    assert {one.reason for one in (*verdicts, memory)} == {"there are no test rows to ask the model about"}
    assert {one.outcome for one in (*verdicts, memory)} == {Outcome.INSUFFICIENT}
    assert [one.maximum for one in verdicts] == [5, 1.2, 200]


def test_what_is_asked_knows_no_bound_but_loads_are_only_asked_where_they_have_one() -> None:
    calls = Probe("time", {"batch": 1, "repeats": 500, "loads": 1})
    assert declared(max_ms=5).probes() == declared(max_ms=9, quantile=0.5, level="warn").probes() == (calls,)
    beside = Probe("time", calls.asks, rival=True)
    assert declared(max_ratio=1.2).probes() == (beside,)
    loads = Probe("time", {"batch": 1, "repeats": 0, "loads": 7})
    assert declared(max_load_ms=5).probes() == (loads,)
    assert declared(max_ms=5, max_ratio=2, max_load_ms=5).probes() == (calls, loads, beside)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99, 0.999])
def test_as_many_loads_as_bound_a_median(confidence: float) -> None:
    spec = declared(max_load_ms=200, confidence=confidence)
    loads = spec.loads().asks["loads"]
    found = judged(timing(loads=loads), max_load_ms=200, confidence=confidence)
    assert found.outcome is Outcome.PASS
    assert judged(timing(loads=loads - 2), max_load_ms=200, confidence=confidence).outcome is Outcome.INSUFFICIENT


@pytest.mark.parametrize(("share", "confidence"), [(0.5, 0.95), (0.95, 0.95), (0.99, 0.95), (0.9, 0.99)])
def test_as_many_repeats_as_bound_the_quantile(share: float, confidence: float) -> None:
    n = declared(max_ms=9, quantile=share, confidence=confidence).fewest()
    bounds = {"max_ms": 9, "quantile": share, "confidence": confidence}
    assert judged(timing(CALLS[:n]), **bounds).outcome is Outcome.PASS
    assert judged(timing(CALLS[: n - 1]), **bounds).outcome is Outcome.INSUFFICIENT


FOOTPRINTS: dict[str, tuple[dict[str, Any], int, int, Outcome, str]] = {
    "pass": ({"max_size": "50MB"}, 1_234_567, 0, Outcome.PASS, "size 1.2 MB <= 50MB"),
    "at the bound": ({"max_size": "1kB"}, 1000, 0, Outcome.PASS, "size 1,000 bytes <= 1kB (1,000 and 1,000 bytes)"),
    "fail": ({"max_size": "1MiB"}, 1_048_577, 0, Outcome.FAIL, "size 1.0 MB > 1MiB (1,048,577 and 1,048,576 bytes)"),
    "memory": (
        {"max_memory": "1GB"},
        1,
        170_000_000,
        Outcome.PASS,
        "peak memory 170.0 MB <= 1GB; a processor, 2 cores",
    ),
    "much memory": ({"max_memory": "100MB"}, 1, 170_000_000, Outcome.FAIL, "peak memory 170.0 MB > 100MB"),
    "untold": (
        {"max_memory": "1GB"},
        1,
        0,
        Outcome.INSUFFICIENT,
        "this system does not tell the peak memory of a process",
    ),
}


@pytest.mark.parametrize(("fields", "size", "peak", "outcome", "reason"), FOOTPRINTS.values(), ids=FOOTPRINTS)
def test_footprints(fields: dict[str, Any], size: int, peak: int, outcome: Outcome, reason: str) -> None:
    spec = FootprintCheck.model_validate_json(json.dumps({"check": "footprint", **fields}))
    case = Case(ROWS, timed=lambda _: Timed(timing(peak=peak), MACHINE), size=lambda: size)
    (verdict,) = footprint_check.check(spec, case)
    assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason
    assert verdict.maximum == size_of(next(iter(fields.values())))
    assert implementation(FootprintCheck.implementation) is footprint_check.check


def test_only_memory_asks_the_model() -> None:
    def probes(**fields: Any) -> tuple[Probe, ...]:
        return FootprintCheck.model_validate_json(json.dumps({"check": "footprint", **fields})).probes()

    assert probes(max_size="1MB") == ()
    assert probes(max_memory="1MB", batch=10) == (Probe("time", {"batch": 10, "repeats": 5, "loads": 1}),)


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("500kB", 500_000), ("1.5 MiB", 1_572_864), ("2GB", 2 * 10**9), ("0.5TiB", 2**39)]
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size
