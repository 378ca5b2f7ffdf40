"""Train the progression model: mlspec calls `train` in a process of its own, with the training rows only."""

from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def train(data, params, seed):
    """Return a fitted model; `data.X` has the feature columns, `data.y` the target, `params` and `seed` the spec's."""
    numbers = data.X.columns.drop("sex").tolist()
    columns = make_column_transformer((StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), ["sex"]))
    return make_pipeline(columns, Ridge(alpha=params["alpha"], random_state=seed)).fit(data.X, data.y)
