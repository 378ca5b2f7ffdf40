"""Formats are found by their names, and what they need may not be installed."""

from __future__ import annotations

import sys

import pytest

from mlspec.core.problem import MlspecError
from mlspec.formats import skops_format
from mlspec.formats.named import format_named


def test_a_format_by_its_name() -> None:
    assert format_named("skops") is skops_format


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "mlspec.formats.onnx_format", raising=False)
    with pytest.raises(MlspecError, match="a model in the format onnx needs `onnxruntime`") as failed:
        format_named("onnx")
    (problem,) = failed.value.problems
    assert (problem.code, problem.help) == ("env/no-extra", "run: pip install 'mlspec[onnx]'")


def test_without_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    monkeypatch.delitem(sys.modules, "mlspec.formats.onnx_recipe", raising=False)
    with pytest.raises(MlspecError, match="saving a model as ONNX needs `skl2onnx`"):
        format_named("onnx").check(object)
