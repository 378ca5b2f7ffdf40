"""Documents to specs: what is kept, what is found, and that mutated specs only ever give findings."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.core.address import Address
from mlspec.core.document import Document
from mlspec.core.problem import in_order
from mlspec.io import yaml
from mlspec.specs.base import Part, Spec
from mlspec.specs.dataset import Dataset
from mlspec.specs.gate import CheckSpec, Gate
from mlspec.specs.messages import MAX_FINDINGS
from mlspec.specs.model import Model
from mlspec.specs.parse import Catalog, parse, parse_project
from mlspec.specs.project import Project
from mlspec.specs.validate import validate

CATALOG = Catalog(
    kinds={"Dataset": Dataset, "Gate": Gate, "Model": Model}, checks={"any": CheckSpec}, stores=("folder",)
)
PROJECT = {"version": 1, "project": "p", "stages": ["staging"], "teams": {"data": {"members": ["ada"]}}}
DATASET = {
    "kind": "Dataset",
    "name": "adult",
    "owner": "data",
    "source": "data/adult.csv",
    "schema": [{"name": "age", "type": "integer"}, {"name": "income", "type": "string", "role": "target"}],
}
MODEL = {
    "kind": "Model",
    "name": "income",
    "owner": "data",
    "dataset": "adult",
    "task": "classification",
    "positive": "yes",
    "train": {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 1.5}},
    "metrics": ["roc_auc"],
    "stages": {"staging": {"version": 2, "gates": ["quality"]}},
}
GATE = {"kind": "Gate", "name": "quality", "owner": "data", "checks": [{"check": "any", "level": "warn"}]}


def document(value: Any, file: str = "specs/x.yaml", index: int = 0) -> Document:
    return Document(file, index, value, "blob")


def findings_of(value: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    _, findings = parse([document(value)], CATALOG)
    return [(finding.code, finding.path) for finding in findings]


def test_valid_documents_become_specs_by_name() -> None:
    documents = [document(value, index=n) for n, value in enumerate((DATASET, MODEL, GATE))]
    specs, findings = parse(documents, CATALOG)
    assert findings == []
    assert (list(specs.datasets), list(specs.models), list(specs.gates)) == (["adult"], ["income"], ["quality"])
    assert specs.where[Address("model", "income")] is documents[1]
    assert specs.gates["quality"].checks == (CheckSpec(check="any", level="warn"),)
    assert specs.models["income"].stages["staging"].version == 2


def test_an_invalid_document_keeps_its_address_and_hides_no_other() -> None:
    specs, findings = parse([document({**DATASET, "owner": 3}), document(MODEL, index=1)], CATALOG)
    assert list(specs.datasets) == []
    assert list(specs.models) == ["income"]
    assert Address("dataset", "adult") in specs.where
    assert [(finding.code, finding.path) for finding in findings] == [("spec/not-text", ("owner",))]


def test_every_problem_of_a_document_is_found() -> None:
    broken = {**MODEL, "owner": 1, "task": "clustering", "trian": {}, "train": {"seed": -1, "estimator": "a.B"}}
    found = findings_of(broken)
    assert set(found) == {
        ("spec/not-text", ("owner",)),
        ("spec/value", ("task",)),
        ("spec/unknown-field", ("trian",)),
        ("spec/value", ("train", "seed")),
    }


def test_the_rest_of_a_gate_is_judged_beside_its_checks() -> None:
    found = findings_of({"kind": "Gate", "name": "g", "checks": [{"check": "any", "level": "x"}, {"check": "none"}]})
    assert found == [
        ("spec/value", ("checks", 0, "level")),
        ("spec/unknown-check", ("checks", 1, "check")),
        ("spec/missing", ()),
    ]


def test_numbers_are_never_taken_for_text_nor_text_for_numbers() -> None:
    train = {"estimator": "a.B", "seed": "7"}
    assert findings_of({**MODEL, "train": train}) == [("spec/value", ("train", "seed"))]
    assert findings_of({**MODEL, "train": {**train, "seed": 7.0}}) == [("spec/value", ("train", "seed"))]
    assert findings_of({**MODEL, "description": 7}) == [("spec/not-text", ("description",))]


def test_very_many_problems_are_cut() -> None:
    fields = {f"field{n}": n for n in range(5000)}
    found = findings_of({**DATASET, **fields})
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1] == ("spec/more", ())


def test_every_place_of_a_twice_declared_resource_is_named() -> None:
    documents = [document(DATASET), document(DATASET, index=1), document(DATASET, "specs/y.yaml")]
    specs, findings = parse(documents, CATALOG)
    assert [(finding.file, finding.index) for finding in findings] == [
        ("specs/x.yaml", 0),
        ("specs/x.yaml", 1),
        ("specs/y.yaml", 0),
    ]
    assert {finding.code for finding in findings} == {"spec/duplicate"}
    assert specs.where[Address("dataset", "adult")] is documents[0]


def test_names_are_of_one_kind() -> None:
    _, findings = parse([document(DATASET), document({**MODEL, "name": "adult"}, index=1)], CATALOG)
    assert findings == []


def test_no_value_of_a_secret_is_in_a_finding() -> None:
    literal = "AKIA" + "IOSFODNN7EXAMPLE"
    value = {**MODEL, "task": literal, "owner": "x", "train": {"estimator": literal, "env": [f"TOKEN={literal}"]}}
    _, findings = parse([document(value)], CATALOG)
    assert {finding.code for finding in findings} == {"spec/secret", "spec/value"}
    assert all(literal not in f"{finding.message} {finding.help}" for finding in findings)


def test_a_project() -> None:
    project, findings = parse_project([document(PROJECT, "mlspec.yaml")])
    assert findings == []
    assert isinstance(project, Project)
    assert project.stages == ("staging",)


def test_a_project_of_a_newer_format_is_not_judged_further() -> None:
    project, findings = parse_project([document({**PROJECT, "version": 2, "galaxies": 3, "teams": 3}, "mlspec.yaml")])
    assert project is None
    assert [finding.message for finding in findings] == [
        "this is format 2, which needs mlspec >= 2.0; this mlspec reads format 1"
    ]


def test_a_dangling_reference_is_not_reported_where_documents_are_missing() -> None:
    project, _ = parse_project([document(PROJECT, "mlspec.yaml")])
    assert project is not None
    specs, _ = parse([document(MODEL)], CATALOG)
    codes = [finding.code for finding in validate(project, specs, CATALOG)]
    assert codes == ["spec/unknown-gate", "spec/unknown-dataset"]
    assert validate(project, specs, CATALOG, complete=False) == []


def test_a_thousand_specs_take_a_moment() -> None:
    project, _ = parse_project([document(PROJECT, "mlspec.yaml")])
    assert project is not None
    models = [document({**MODEL, "name": f"m{n}"}, f"specs/{n}.yaml") for n in range(1000)]
    start = time.process_time()
    specs, findings = parse([document(DATASET), document(GATE, index=1), *models], CATALOG)
    findings += validate(project, specs, CATALOG)
    assert time.process_time() - start < 0.5  # 0.06 s on a quiet machine
    assert findings == []
    assert len(specs.models) == 1000


TEXT = "\n---\n".join(json.dumps(value, indent=1) for value in (DATASET, MODEL, GATE))
WORDS = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "1",
    "-1",
    "1e9",
    "null",
    "true",
    '"x"',
    "\n",
    "- ",
    "[]",
    "{}",
    "kind",
    "model/a",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = TEXT
    for _ in range(draw(st.integers(1, 5))):
        at, removed = draw(st.integers(0, len(text))), draw(st.integers(0, 15))
        text = text[:at] + draw(st.sampled_from(WORDS)) + text[at + removed :]
    return text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def replaced(draw: st.DrawFn) -> str:
    """A spec with one value, anywhere in it, replaced by any other."""
    value = json.loads(json.dumps(draw(st.sampled_from([DATASET, MODEL, GATE, PROJECT]))))
    inner = value
    while True:
        step = draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if not (isinstance(inner[step], dict | list) and inner[step] and draw(st.booleans())):
            break
        inner = inner[step]
    inner[step] = draw(values)
    return json.dumps(value)


@settings(max_examples=200, deadline=2000)
@given(mutated() | replaced())
def test_mutated_specs_give_only_problems_with_places(text: str) -> None:
    content = text.encode("utf-8", "surrogatepass")
    documents, problems = yaml.read("mlspec.yaml", content, "b")
    project, findings = parse_project(documents)
    specs, more = parse(documents, CATALOG)
    base, _ = parse_project([document(PROJECT, "mlspec.yaml")])
    assert base is not None
    findings += more + validate(project or base, specs, CATALOG)
    every = in_order([*problems, *yaml.locate(findings, lambda _: content)])
    assert all(problem.message and problem.place for problem in every)
    assert all("pydantic" not in problem.message and "Input should" not in problem.message for problem in every)


@pytest.mark.parametrize("kind", [Dataset, Model, Gate, Project])
def test_no_pydantic_words_reach_the_user(kind: type[Part]) -> None:
    wrong: list[Any] = [None, 3, -1.5, "", "x" * 5000, [], [3], {}, {"a": 3}, True]
    for name, info in kind.model_fields.items():
        for value in wrong:
            written = document({"kind": kind.__name__, info.alias or name: value})
            _, findings = parse([written], CATALOG) if issubclass(kind, Spec) else parse_project([written])
            for finding in findings:
                assert "is not valid (" not in finding.message
                assert "Input" not in finding.message
                assert len(finding.message) < 400
