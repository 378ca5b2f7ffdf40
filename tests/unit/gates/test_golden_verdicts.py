"""A verdict of every check, as records keep it, is golden: what was written stays what is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlspec.core.record import to_json
from mlspec.plugins.catalog import catalog, implementation
from mlspec.specs.gate import CheckSpec
from mlspec.stats.asked import Changed, Perturbed, Rival, Timed, Timing
from mlspec.stats.case import Case, Duel, Said
from mlspec.stats.evidence import Evidence
from tests.frames import made

GOLDEN = Path(__file__).parents[2] / "cases" / "verdicts"
N = 600
LABELS = np.arange(N) % 2
CHECKS: dict[str, dict[str, Any]] = {
    "metric": {"metric": "f1_macro", "min": 0.8, "slices": ["sex"]},
    "baseline": {"metric": "accuracy", "beats": ["majority"]},
    "champion": {"metric": "roc_auc", "margin": 0.02},
    "fairness": {"metric": "equal_opportunity", "by": "sex", "max_difference": 0.3, "why": "A golden case."},
    "leakage": {"max_duplicates": 0.5},
    "data": {"max_shift": 0.3, "min_rows": 100},
    "robustness": {"metric": "accuracy", "max_loss": 0.2, "noise": 0.05},
    "latency": {"max_ms": 5, "max_ratio": 2},
    "footprint": {"max_size": "5MB", "max_memory": "200MB"},
    "python": {"function": "checks/cost.py:judge", "min": 0.7},
}


def said(wrong: int) -> Evidence:
    """Return evidence of a classifier that gets the first `wrong` rows wrong."""
    predicted = np.where(np.arange(N) < wrong, 1 - LABELS, LABELS)
    sure = 0.6 + 0.3 * (np.arange(N) % 7) / 7
    scores = np.where(predicted[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    columns = {"sex": np.array(["F", "M"], dtype=object)[np.arange(N) % 3 % 2]}
    return Evidence("classification", 1, (0, 1), LABELS, predicted, scores, columns=columns)


def data(version: str, shift: float) -> Any:
    random = np.random.default_rng(3)
    rows = {
        "id": np.arange(N) + round(1e6 * shift),
        "age": random.normal(40 + shift, 10, N),
        "y": np.where(LABELS == 1, "yes", "no"),
    }
    return made({"id": "integer:id", "age": "number", "y": "string:target"}, rows, 200, version=version)


def case() -> Case:
    ours, theirs = said(60), said(70)
    timed = Timed(
        Timing(100.0 + np.arange(7), np.arange(1, 501) / 200, 150_000_000),
        "a processor, 2 cores",
        Timing(100.0 + np.arange(7), np.arange(1, 501) / 180, 150_000_000),
    )
    return Case(
        ours,
        baseline=lambda _: said(300),
        natural=("majority",),
        duel=lambda: Duel("v3", ours, theirs, 12),
        data=lambda: data("sha256:" + "1" * 64, 1.0),
        before=lambda: data("sha256:" + "2" * 64, 0.0),
        call=lambda _: Said(value=0.8, low=0.75, high=0.85, reason="as it was asked"),
        perturbed=lambda _: Perturbed(ours, (Changed("noise", "age", said(66)),)),
        timed=lambda _: timed,
        rival=lambda: Rival("v3"),
        size=lambda: 1_234_567,
    )


def rounded(value: Any) -> Any:
    """Return values with floats to nine digits: processors differ in the last ones."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list) else value


def test_every_check_has_a_golden_verdict() -> None:
    assert CHECKS.keys() == catalog().checks.keys()


@pytest.mark.parametrize("name", CHECKS)
def test_golden(name: str, request: pytest.FixtureRequest) -> None:
    kind: type[CheckSpec] = catalog().checks[name]
    spec = kind.model_validate_json(json.dumps({"check": name, **CHECKS[name]}))
    found = [[to_json(one) for one in implementation(spec.implementation)(spec, case())] for _ in range(2)]
    assert found[0] == found[1]
    text = json.dumps(rounded(found[0]), sort_keys=True, indent=1, allow_nan=False) + "\n"
    golden = GOLDEN / f"{name}.json"
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
