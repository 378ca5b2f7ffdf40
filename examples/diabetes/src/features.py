"""How raw columns become features; a change here retrains the model, a comment or a new line does not."""

from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

NUMBERS = ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def measurements(degree):
    """Return a transformer: numbers scaled, with their products up to `degree`; sex as two columns."""
    products = make_pipeline(StandardScaler(), PolynomialFeatures(degree, include_bias=False), StandardScaler())
    return make_column_transformer((products, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), ["sex"]))
