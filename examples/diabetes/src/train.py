"""Train the progression model: mlspec calls `train` in a process of its own, with the training rows only."""

from features import measurements
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


def train(data, params, seed):
    """Fit a ridge regression on interactions of the measurements.

    `data.X` has the feature columns, `data.y` the target; `params` and `seed` come from the spec.
    """
    model = make_pipeline(measurements(params["degree"]), Ridge(alpha=params["alpha"], random_state=seed))
    return model.fit(data.X, data.y)
