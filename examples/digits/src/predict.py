"""Predict with what `train.py` left; this code is kept with the model, as it was when the model was trained."""

import numpy as np
import pandas as pd
from images import describe, images
from softmax import probabilities


def predict(frame, folder):
    """Return the probability of each digit: a row for each row of the frame, a column for each digit."""
    with np.load(folder / "reader.npz") as kept:
        features = (describe(images(frame), float(kept["width"])) - kept["middle"]) / kept["spread"]
        return pd.DataFrame(
            probabilities(features, kept["weights"], kept["bias"]), columns=kept["classes"].tolist(), index=frame.index
        )
