"""Every folder of tests/cases/specs: valid ones have no problem, invalid ones exactly those in `expected.problems`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlspec.core.problem import Problem, in_order
from mlspec.gates.baseline import BaselineCheck
from mlspec.gates.champion import ChampionCheck
from mlspec.gates.data import DataCheck
from mlspec.gates.fairness import FairnessCheck
from mlspec.gates.footprint import FootprintCheck
from mlspec.gates.latency import LatencyCheck
from mlspec.gates.leakage import LeakageCheck
from mlspec.gates.metric import MetricCheck
from mlspec.gates.python import PythonCheck
from mlspec.gates.robustness import RobustnessCheck
from mlspec.io import yaml
from mlspec.specs.dataset import Dataset
from mlspec.specs.gate import Gate
from mlspec.specs.model import Model
from mlspec.specs.parse import PROJECT_FILE, Catalog, Specs, parse, parse_project
from mlspec.specs.validate import validate

CASES = Path(__file__).parents[2] / "cases" / "specs"


CATALOG = Catalog(
    kinds={"Dataset": Dataset, "Gate": Gate, "Model": Model},
    checks={
        "baseline": BaselineCheck,
        "champion": ChampionCheck,
        "data": DataCheck,
        "fairness": FairnessCheck,
        "footprint": FootprintCheck,
        "latency": LatencyCheck,
        "leakage": LeakageCheck,
        "metric": MetricCheck,
        "python": PythonCheck,
        "robustness": RobustnessCheck,
    },
    stores=("folder", "s3"),
)


def load(contents: Mapping[str, bytes]) -> tuple[Specs, list[Problem]]:
    """Go the way of `validate`: read, parse, check what crosses documents, locate."""
    documents, problems = [], []
    for file, content in contents.items():
        read, found = yaml.read(file, content, blob="")
        documents += read
        problems += found
    of_project = [document for document in documents if document.file == PROJECT_FILE]
    readable = all(problem.place is None or problem.place.file != PROJECT_FILE for problem in problems)
    project, findings = parse_project(of_project) if readable else (None, [])
    specs, more = parse([document for document in documents if document.file != PROJECT_FILE], CATALOG)
    findings += more
    if project is not None:
        findings += validate(project, specs, CATALOG, complete=not problems)
    return specs, in_order([*problems, *yaml.locate(findings, contents.__getitem__)])


def contents_of(case: Path) -> dict[str, bytes]:
    return {path.relative_to(case).as_posix(): path.read_bytes() for path in sorted(case.rglob("*.yaml"))}


def written(problem: Problem) -> str:
    advice = f"\n    help: {problem.help}" if problem.help else ""
    return f"{problem.place} {problem.code} {problem.message}{advice}\n"


def folders(verdict: str) -> list[Any]:
    return [pytest.param(case, id=case.name) for case in sorted((CASES / verdict).iterdir())]


@pytest.mark.parametrize("case", folders("valid"))
def test_valid(case: Path) -> None:
    specs, problems = load(contents_of(case))
    assert "".join(map(written, problems)) == ""
    assert specs.where


@pytest.mark.parametrize("case", folders("invalid"))
def test_invalid(case: Path, request: pytest.FixtureRequest) -> None:
    _, problems = load(contents_of(case))
    found = "".join(map(written, problems))
    golden = case / "expected.problems"
    if request.config.getoption("--update-golden"):
        golden.write_text(found, encoding="utf-8")
    assert found
    assert found == golden.read_text(encoding="utf-8")
