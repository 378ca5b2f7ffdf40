"""Models as pickles: what is saved is what is loaded, equal models give equal bytes, and damage is one clear error."""

from __future__ import annotations

import pickletools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from mlspec.core.problem import MlspecError
from mlspec.formats import pickle_format
from tests.unit.formats.test_skops_format import MODELS, Mine, X, fitted

KINDS = pytest.mark.parametrize(
    "model", [model for model, _ in MODELS], ids=[type(model).__name__ for model, _ in MODELS]
)


@KINDS
def test_round_trip(tmp_path: Path, model: Any) -> None:
    fit = fitted(model)
    path = tmp_path / "model.pickle"
    assert pickle_format.save(fit, path) == pickle_format.untrusted(path) == ()
    np.testing.assert_array_equal(pickle_format.load(path).predict(X), fit.predict(X))


@KINDS
def test_equal_models_give_equal_bytes(tmp_path: Path, model: Any) -> None:
    for name in ("one", "two"):
        pickle_format.save(fitted(model), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_protocol_is_fixed(tmp_path: Path) -> None:
    pickle_format.save(DummyClassifier(), tmp_path / "model.pickle")
    opcode, protocol, _ = next(pickletools.genops((tmp_path / "model.pickle").read_bytes()))
    assert (opcode.name, protocol) == ("PROTO", 5), "the default differs from one Python to the next"


def test_what_skops_refuses_is_kept(tmp_path: Path) -> None:
    pickle_format.check(Mine)
    pickle_format.save({"half": Fraction(1, 2), "own": Mine()}, tmp_path / "model.pickle")
    assert pickle_format.load(tmp_path / "model.pickle")["half"] == Fraction(1, 2)


@pytest.mark.parametrize("content", [b"", b"\x80\x05", b"no pickle", b"cno_such_module\nThing\n.", b"\x80\x63."])
def test_what_is_no_pickle_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pickle"
    path.write_bytes(content)
    with pytest.raises(MlspecError, match=r"model\.pickle can't be loaded") as failed:
        pickle_format.load(path)
    assert failed.value.problems[0].code == "model/unreadable"
