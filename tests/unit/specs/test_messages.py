"""How paths and values are written in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from mlspec.specs.messages import field_name, shown


@pytest.mark.parametrize(
    ("path", "name"),
    [((), ""), (("split", "seed"), "split.seed"), (("schema", 2, "type"), "schema[2].type"), (("a", 0, 1), "a[0][1]")],
)
def test_field_name(path: tuple[str | int, ...], name: str) -> None:
    assert field_name(path) == name


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        (1.5, (), "1.5"),
        (None, (), "null"),
        (True, (), "true"),
        ("1", (), '"1"'),
        ("é\n", (), '"é\\n"'),
        ({"a": 1}, (), "a mapping"),
        ([1], (), "a list"),
        ("TOKEN=x", ("train", "env", 0), "(not shown)"),
        ("hunter2", ("train", "params", "password"), "(not shown)"),
        ("AKIA" + "IOSFODNN7EXAMPLE", (), "(not shown)"),
    ],
)
def test_shown(value: Any, path: tuple[str | int, ...], text: str) -> None:
    assert shown(value, path) == text


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 500) == '"' + "x" * 58 + "…"
