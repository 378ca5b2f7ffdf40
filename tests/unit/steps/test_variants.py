"""Asking a model of changed rows: one answer a change, kept in one file; a model that fails at one says so in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlspec.core.problem import MlspecError
from mlspec.formats.named import format_named
from mlspec.steps import child_predict, frames
from mlspec.steps.asking import ask, same
from mlspec.steps.boundary import ChildFailed
from mlspec.steps.predictions import Predictions, write
from mlspec.steps.variants import Answered, alike, read_variants, write_variants
from mlspec.steps.wire import Kept, PredictOrder, Variant

FIELDS = (frames.Field("x", "number", "feature"), frames.Field("secret", "string", "feature"))
ROWS = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "secret": ["Ada", "Bob", "Cy", "Di"]})
PREDICT = """\
from pathlib import Path

import pandas as pd


def predict(frame, folder):
    for name in frame["secret"]:
        if name == "Eve":
            raise ValueError(f"who is {name}?")
        if name == "Exit":
            raise SystemExit(3)
    if frame["x"].isna().any():
        return frame["x"].isna()[:1]
    score = frame["x"].clip(0, 4) / 4
    return pd.DataFrame({"no": 1 - score, "yes": score}) if (frame["x"] < 9).all() else ["yes"] * len(frame)
"""


def order(folder: Path, **changed: tuple[str, list[Any]]) -> PredictOrder:
    """Lay out an order to predict the rows, and them with one column each changed."""
    (folder / "code").mkdir()
    (folder / "code" / "predict.py").write_text(PREDICT)
    frames.write(frames.table_of(ROWS, FIELDS), folder / "table.arrow")
    variants = []
    for name, (column, values) in changed.items():
        field = next(field for field in FIELDS if field.name == column)
        frames.write(frames.table_of(pd.DataFrame({column: values}), [field]), folder / name)
        variants.append(Variant(name, column, str(folder / name)))
    return PredictOrder(
        parent=0,
        table=str(folder / "table.arrow"),
        task="classification",
        model=str(folder),
        code=str(folder / "code"),
        kept=Kept("files", home="", entry="predict.py:predict"),
        predictions=str(folder / "answer"),
        variants=tuple(variants),
    )


def test_a_model_that_fails_at_some_changes_answers_the_others(tmp_path: Path) -> None:
    wanted = order(
        tmp_path,
        noise=("x", [0.1, 1.1, 2.1, 3.1]),
        raises=("secret", ["Ada", "Bob", "Cy", "Eve"]),
        exits=("secret", ["Ada", "Bob", "Cy", "Exit"]),
        short=("x", [0.0, 1.0, 2.0, np.nan]),
        other=("x", [0.0, 1.0, 2.0, 3000.0]),
        last=("x", [3.0, 2.0, 1.0, 0.0]),
    )
    child_predict.run(wanted, format_named)
    base, answered = read_variants(tmp_path / "answer", 4)
    assert base.scores is not None and base.scores[:, 1].tolist() == [0, 0.25, 0.5, 0.75]
    words = {one.perturbation: one.words for one in answered}
    assert words == {
        "noise": "",
        "raises": "the model raised ValueError at predict.py:9",
        "exits": "the model raised SystemExit at predict.py:11",
        "short": "the model returned predictions of shape (1,) for 4 rows",
        "other": "the model answers in another form than of the rows as they are",
        "last": "",
    }
    said = {one.perturbation: one.said for one in answered if one.said is not None}
    assert sorted(said) == ["last", "noise"]
    assert said["last"].scores is not None and said["last"].scores[:, 1].tolist() == [0.75, 0.5, 0.25, 0]
    assert "Eve" not in str(words), "what a model says of its rows is in no record"


def test_one_that_fails_at_the_rows_as_they_are_fails(tmp_path: Path) -> None:
    wanted = order(tmp_path, fine=("x", [0.0, 1.0, 2.0, 3.0]))
    frames.write(frames.table_of(ROWS.assign(secret="Eve"), FIELDS), tmp_path / "table.arrow")
    with pytest.raises(ChildFailed, match="who is Eve"):
        child_predict.run(wanted, format_named)


def test_answers_come_back_as_they_were_and_equal_ones_give_equal_bytes(tmp_path: Path) -> None:
    model = LogisticRegression().fit(ROWS[["x"]], ["a", "a", "b", "b"])
    base, other = (ask(model, ROWS[["x"]] + shift, "classification") for shift in (0, 2))
    told = (Answered("noise", "x", other), Answered("drop", "x", None, "it raised"), Answered("swap", "x", base))
    for name in ("one", "two"):
        write_variants(base, told, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read, answered = read_variants(tmp_path / "one", 4)
    assert same(read, base) and [one.words for one in answered] == ["", "it raised", ""]
    assert answered[0].said is not None and same(answered[0].said, other) and answered[1].said is None


def test_what_is_no_such_file_is_told(tmp_path: Path) -> None:
    base = Predictions(np.arange(4.0))
    write(base, tmp_path / "plain")
    write(base, tmp_path / "odd", variants=[["noise", "x"]])
    write_variants(base, [Answered("noise", "x", base)], tmp_path / "of four")
    (tmp_path / "nothing").write_bytes(b"nothing")
    for name, rows in (("plain", 4), ("odd", 4), ("of four", 5), ("nothing", 4)):
        with pytest.raises(MlspecError) as failed:
            read_variants(tmp_path / name, rows)
        assert failed.value.problems[0].code == "predict/damaged", name


def test_answers_of_another_form_are_not_alike() -> None:
    base = Predictions(np.array(["a", "b"], dtype=object), ("a", "b"), np.eye(2))
    assert alike(base, base)
    assert not alike(base, Predictions(base.predicted, ("b", "a"), np.eye(2)))
    assert not alike(base, Predictions(base.predicted, ("a", "b")))
    assert not alike(base, Predictions(np.array([0, 1]), ("a", "b"), np.eye(2)))
