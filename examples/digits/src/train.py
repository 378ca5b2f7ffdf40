"""Train the reader of digits. mlspec runs `python src/train.py` and says by variables where everything is."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from images import describe, images
from softmax import fit, probabilities


def main():
    """Read the training rows and the parameters, fit, and leave `reader.npz` in the folder for the model."""
    rows = pd.read_parquet(os.environ["MLSPEC_TRAIN"])
    params = json.loads(Path(os.environ["MLSPEC_PARAMS"]).read_text())
    schema = json.loads(Path(os.environ["MLSPEC_SCHEMA"]).read_text())
    seed = int(os.environ["MLSPEC_SEED"])
    target = next(column["name"] for column in schema["columns"] if column["role"] == "target")

    width = params.pop("filter_width")
    features = describe(images(rows), width)
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    classes = np.unique(rows[target].to_numpy())
    wanted = (rows[target].to_numpy()[:, None] == classes).astype(float)
    scaled = (features - middle) / spread
    weights, bias = fit(scaled, wanted, seed, **params)
    right = (probabilities(scaled, weights, bias).argmax(axis=1) == wanted.argmax(axis=1)).mean()
    print(f"{len(rows)} images, {features.shape[1]} features, {right:.1%} of the training rows are read right")

    np.savez(
        Path(os.environ["MLSPEC_OUTPUT"], "reader.npz"),
        width=width, middle=middle, spread=spread, weights=weights, bias=bias, classes=classes,
    )  # fmt: skip


main()
