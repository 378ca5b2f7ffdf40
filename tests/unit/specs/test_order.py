"""The canonical order of fields, of each part that a document may have."""

from __future__ import annotations

from typing import Any

import pytest

from mlspec.core.document import Document
from mlspec.plugins.catalog import catalog
from mlspec.specs.model import Train
from mlspec.specs.order import orders

MODEL: dict[str, Any] = {
    "name": "income",
    "kind": "Model",
    "train": {"seed": 1, "params": {"b": {"name": 1}, "a": 2}},
    "stages": {"production": {"gates": []}, "staging": {}},
}


def order(value: dict[str, Any], file: str = "specs/a.yaml") -> Any:
    return orders(Document(file, 0, value, ""), catalog())


def test_kind_and_name_come_first_and_then_the_fields_of_the_model() -> None:
    found = order(MODEL)
    assert found[()][:3] == ("kind", "name", "owner")
    assert found[()].index("train") < found[()].index("metrics") < found[()].index("stages")
    assert found["train",] == tuple(Train.model_fields)


def test_keys_that_are_the_users_have_no_order() -> None:
    found = order(MODEL)
    assert ("train", "params") not in found
    assert ("train", "params", "b") not in found
    assert ("stages",) not in found
    assert found["stages", "production"] == found["stages", "staging"] == ("version", "gates")


def test_lists_of_parts_names_that_differ_and_short_forms() -> None:
    value = {"kind": "Dataset", "source": "data/x.csv", "schema": [{"name": "x"}, {"name": "y"}]}
    found = order(value)
    assert "schema" in found[()]
    assert found["schema", 0] == found["schema", 1]
    assert found["schema", 0][:3] == ("name", "type", "role")
    assert ("source",) not in found
    assert order({**value, "source": {"path": "x.csv"}})["source",][:2] == ("type", "path")


def test_a_check_has_its_own_fields_before_what_all_have() -> None:
    found = order({"kind": "Gate", "checks": [{"check": "metric"}]})
    assert (found["checks", 0][0], found["checks", 0][-1]) == ("check", "level")


@pytest.mark.parametrize(("path", "first"), [((), "version"), (("teams", "data"), "members"), (("moved", 0), "from")])
def test_the_project_has_no_kind(path: tuple[str | int, ...], first: str) -> None:
    value = {"teams": {"data": {"members": []}}, "moved": [{"to": "a/b", "from": "a/c"}], "store": "git"}
    assert order(value, "mlspec.yaml")[path][0] == first
