"""How this model predicts: it is a skops file, of scikit-learn's own classes."""

from skops.io import load


def predict(rows, here, story):
    """Return one value a row."""
    return load(here / "model.skops", trusted=story["trusted"]).predict(rows)
