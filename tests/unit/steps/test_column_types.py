"""Dates, times, ordered categories and prose, from the file to the estimator: one form, one text, one order."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from mlspec.core.problem import MlspecError
from mlspec.formats import skops_format
from mlspec.planner.fingerprint import dataset_of, dataset_version
from mlspec.sources.file import read
from mlspec.sources.reading import Reading
from mlspec.steps import frames, prepare
from mlspec.steps.contract import check
from mlspec.steps.profile import profile
from mlspec.steps.split import split
from tests.tables import declare

SIZES = ["small", "medium", "large"]
SCHEMA: list[Any] = [
    "day:date",
    "at:datetime",
    {"name": "size", "type": "category", "values": SIZES},
    {"name": "body", "type": "text", "role": "ignore"},
    "y:boolean:target",
]
DATASET = declare(*SCHEMA)
CSV = "day,at,size,body,y\n" + "".join(
    f"2026-01-{n:02},2026-01-{n:02}T06:00:{n:02}.5+02:00,{SIZES[n % 3]},Dear {n},{'true' if n > 20 else 'false'}\n"
    for n in range(1, 31)
)
FIELDS = frames.fields_of(DATASET.columns)


def from_csv(path: Path, text: str = CSV, dataset: Any = DATASET) -> Reading:
    path.write_text(text)
    return read(path, dataset)


def test_the_same_from_csv_and_parquet(tmp_path: Path) -> None:
    whole = from_csv(tmp_path / "d.csv", CSV + ",,,,true\n")
    assert whole.violations == ()
    assert [str(dtype) for dtype in whole.frame.dtypes] == ["datetime64[us]"] * 2 + ["object"] * 3
    assert whole.frame["at"][0] == pd.Timestamp("2026-01-01 04:00:01.5")
    pq.write_table(frames.table_of(whole.frame, FIELDS), tmp_path / "d.parquet")
    again = read(tmp_path / "d.parquet", declare(*SCHEMA, source="data/d.parquet"))
    assert again.violations == ()
    pd.testing.assert_frame_equal(again.frame, whole.frame)
    assert split(again.frame, DATASET).tolist() == split(whole.frame, DATASET).tolist()


@pytest.mark.parametrize(
    ("kind", "cells", "bad"),
    [
        ("date", ["2026-01-01", " 2026-01-02 ", "", "2026-02-30"], "a date (2026-11-23), as '2026-02-30'"),
        ("datetime", ["2026-01-01", "2026-01-01 06:00Z", "?"], "a time (2026-11-23T06:00:00Z), as '?'"),
    ],
)
def test_what_is_none_is_counted(tmp_path: Path, kind: str, cells: list[str], bad: str) -> None:
    rows = "".join(f"{cell},1\n" for cell in cells)
    (violation,) = from_csv(tmp_path / "d.csv", f"c,n\n{rows}", declare(f"c:{kind}", "n:integer")).violations
    assert (violation.rows, violation.message) == ((len(cells),), f"column `c`: 1 value is not {bad}")


DAYS = pd.to_datetime(["2026-01-01", None])


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("date", pa.array([date(2026, 1, 1), None]), None),
        ("date", pa.array(DAYS), None),
        ("date", pa.array(DAYS + pd.Timedelta("1h")), "column `c`: 1 value is no date"),
        ("date", pa.array(DAYS.tz_localize("UTC")), "column `c` is timestamp[us, tz=UTC] in the file, and date in the"),
        ("date", pa.array(["2026-01-01"]), "column `c` is string in the file, and date in the schema"),
        ("datetime", pa.array(DAYS.tz_localize("Europe/Berlin")), None),
        ("datetime", pa.array(DAYS), None),
        ("datetime", pa.array([2026]), "column `c` is int64 in the file, and datetime in the schema"),
        ("datetime", pa.array([2**62], pa.timestamp("us")), "column `c`: 1 value is no datetime"),
        ("category", pa.array(["large", None]).dictionary_encode(), None),
        ("text", pa.array(["prose"]), None),
    ],
)
def test_types_of_parquet(tmp_path: Path, kind: str, values: pa.Array, said: str | None) -> None:
    column = {"name": "c", "type": kind, **({"values": SIZES} if kind == "category" else {})}
    pq.write_table(pa.table({"c": values}), tmp_path / "d.parquet")
    found = read(tmp_path / "d.parquet", declare(column, source="data/d.parquet"))
    messages = [violation.message for violation in found.violations]
    assert [message[: len(said or "")] for message in messages] == ([said] if said else [])
    if said is None:
        assert found.frame["c"].notna().sum() == 1


# Models are trained on these rows for ever.
def test_golden_split() -> None:
    days = pd.Series(pd.date_range("2026-01-01", periods=40), dtype="datetime64[us]")
    days[3] = pd.NaT
    frame = pd.DataFrame(
        {"d": days, "t": days + pd.Timedelta("1us"), "c": pd.Series(SIZES * 13 + [None], dtype=object)}
    )
    columns = ("d:date", "t:datetime", {"name": "c", "type": "category", "values": SIZES})
    drawn = split(frame, declare(*columns, split={"seed": 7}))
    assert "".join("T" if test else "." for test in drawn) == GOLDEN


GOLDEN = ".....T.........T...T..TT..........T....T"


def test_the_contract_holds_for_times(tmp_path: Path) -> None:
    limits: list[Any] = [
        {"name": "day", "type": "date", "min": "2026-01-03", "values": ["2026-01-02", "2026-01-30"]},
        {"name": "at", "type": "datetime", "max": "2026-01-30T06:00:30.4+02:00"},
        {**SCHEMA[2], "values": SIZES[:2]},
        *SCHEMA[3:],
    ]
    dataset = declare(*limits)
    broken = check(from_csv(tmp_path / "d.csv").frame, dataset)
    assert [(one.rule, one.column, one.count, one.message.partition(": ")[2]) for one in broken] == [
        ("min", "day", 2, "the value is earlier than 2026-01-03"),
        ("values", "day", 28, "the value is none of the allowed ones"),
        ("max", "at", 1, "the value is later than 2026-01-30T06:00:30.4+02:00"),
        ("values", "size", 10, "the value is none of the allowed ones"),
    ]


def test_the_profile_lists_times_by_quantile_and_prose_not_at_all(tmp_path: Path) -> None:
    text = CSV.replace("Dear 1", "Dear").replace("Dear 2", "Dear")
    found = profile(from_csv(tmp_path / "d.csv", text).frame, DATASET, np.zeros(30, dtype=bool))["columns"]
    assert found["day"]["quantiles"]["0.5"] == "2026-01-15"
    assert (found["day"]["min"], found["day"]["max"]) == ("2026-01-01", "2026-01-30")
    assert found["at"]["min"] == "2026-01-01T04:00:01.500000Z"
    assert found["size"]["values"] == dict.fromkeys(sorted(SIZES), 10)
    assert set(found["body"]) == {"type", "role", "sensitive", "missing", "distinct"}
    hidden = declare({"name": "day", "type": "date", "sensitive": True}, "y:boolean:target")
    shown = profile(from_csv(tmp_path / "d.csv", text).frame, hidden, np.zeros(30, dtype=bool))["columns"]["day"]
    assert not {"min", "max", "values"} & set(shown)
    assert set(shown["quantiles"]) == {"0.25", "0.5", "0.75"}


def test_a_fitted_pipeline_knows_days_and_order(tmp_path: Path) -> None:
    table = frames.table_of(from_csv(tmp_path / "d.csv").frame, FIELDS)
    frames.write(table, tmp_path / "table")
    frame = frames.read(tmp_path / "table")
    assert list(frame["size"].cat.categories) == SIZES
    assert frame["size"].cat.ordered
    model = prepare.pipeline(LogisticRegression(), FIELDS)
    model.fit(frame, prepare.labels(prepare.target(frame, FIELDS, "classification")))
    assert list(model["prepare"].get_feature_names_out()) == ["times__day", "times__at", "ordered__size"]
    ranks = model["prepare"].named_transformers_["ordered"]["rank"].transform(frame[["size"]].iloc[:3])
    assert ranks.ravel().tolist() == [1.0, 2.0, 0.0]
    trusted = skops_format.save(model, tmp_path / "model.skops")
    loaded = skops_format.load(tmp_path / "model.skops", trusted)
    later = pd.DataFrame({"day": DAYS, "at": DAYS.tz_localize("UTC"), "size": ["unheard of", "large"]})
    features = [field for field in FIELDS if field.role == "feature"]
    assert (
        loaded.predict(frames.typed(later, features)).tolist() == model.predict(frames.typed(later, features)).tolist()
    )


def test_a_missing_time_is_filled_and_marked() -> None:
    fields = (frames.Field("day", "date", "feature"),)
    frame = frames.typed(pd.DataFrame({"day": pd.to_datetime(["2026-01-01", None, "2026-01-03"])}), fields)
    fitted = Pipeline(prepare.pipeline(LogisticRegression(), fields).steps[:1]).fit(frame)
    assert fitted.transform(frame)[1].tolist() == pytest.approx([fitted.transform(frame)[0, 0], 2**0.5], abs=3)
    assert fitted.transform(frame).shape == (3, 2)


def test_prose_is_refused() -> None:
    with pytest.raises(MlspecError, match="column `body` is text"):
        prepare.pipeline(LogisticRegression(), (frames.Field("body", "text", "feature"),))


@pytest.mark.parametrize(
    ("kind", "cells"), [("date", ["2026-01-01"]), ("date", [1]), ("datetime", [1.5]), ("category", [1]), ("text", [1])]
)
def test_something_else_is_refused(kind: str, cells: list[Any]) -> None:
    with pytest.raises(MlspecError, match=f"`c` is declared {kind}, and holds something else") as refused:
        frames.typed(pd.DataFrame({"c": cells}), (frames.Field("c", kind, "feature", ("a",)),))
    assert ("to_datetime" in str(refused.value.problems[0].help)) == kind.startswith("date")


def test_the_order_is_part_of_the_version() -> None:
    version = dataset_version(DATASET, "sha256:0")
    assert dataset_of("d", version.fields).columns[2].values == tuple(SIZES)
    other = declare(*SCHEMA[:2], {**SCHEMA[2], "values": SIZES[::-1]}, *SCHEMA[3:])
    assert dataset_version(other, "sha256:0").digest != version.digest
