"""Train the cultivar model: a program like any other, which finds what it needs in variables of its environment."""

import json
import os
from pathlib import Path

import pandas as pd
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump


def main():
    """Fit on the training rows, and leave the model where mlspec looks for it."""
    rows = pd.read_parquet(os.environ["MLSPEC_TRAIN"])
    params = json.loads(Path(os.environ["MLSPEC_PARAMS"]).read_text())
    features = rows.drop(columns=["id", "cultivar"])
    model = make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=params["neighbours"]))
    dump(model.fit(features, rows["cultivar"]), Path(os.environ["MLSPEC_OUTPUT"]) / "model.skops")


if __name__ == "__main__":
    main()
