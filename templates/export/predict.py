"""Predict with this exported model: python predict.py rows.csv > predictions.csv."""

import csv
import json
import sys
from pathlib import Path

import pandas as pd
from ask import predict

here = Path(__file__).resolve().parent
story = json.loads((here / "model.json").read_text(encoding="utf-8"))
types = {"integer": "float64", "number": "float64"}
columns = {column["name"]: types.get(column["type"], "object") for column in story["schema"]}
written = {"sep": story["delimiter"], "na_values": story["missing"], "keep_default_na": False}
rows = pd.read_csv(sys.argv[1], usecols=list(columns), dtype=columns, **written)
for column in story["schema"]:
    name = column["name"]
    if column["type"] in ("date", "datetime"):
        times = pd.to_datetime(rows[name], format="ISO8601", utc=True)
        rows[name] = times.dt.tz_localize(None).astype("datetime64[us]")
    elif column["type"] == "boolean":
        rows[name] = rows[name].str.lower().map({"true": True, "1": True, "false": False, "0": False}).astype("object")
    elif column["type"] == "category":
        rows[name] = pd.Categorical(rows[name], column["values"], ordered=True)
writer = csv.writer(sys.stdout)
writer.writerow(["prediction"])
writer.writerows([value] for value in predict(rows[list(columns)], here, story))
