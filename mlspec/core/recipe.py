"""The recipe by which mlspec prepares columns for a declared `estimator:`; its number is part of the fingerprint.

Recipe 1. Features only, in the order of the schema, by their declared types; every part is scikit-learn's own:

- integer, number: `SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)`, then
  `StandardScaler()`. A column that has missing values while training gets a second, indicator column.
- string, boolean: `OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False)`.
  A missing value (NaN) is a category of its own; a value unseen in training counts as infrequent, or as none.
- date, datetime: microseconds since 1970 in UTC, then as a number: filled, marked and scaled.
- category: its place in the order of `values`, counted from 0, then as a number; a value that is none of them counts
  as missing.
- text: refused, unless the column has another role than feature.
- The blocks (numbers, times, categories in order, the rest), those that have columns, lie side by side in a dense
  `ColumnTransformer`, which feeds the estimator in a `Pipeline` of the steps `prepare` and `model`.
- `random_state` is the seed and, with more than one, `n_jobs` the threads, where the estimator has the parameter
  and `params` does not set it.
- The weight column, if there is one, becomes the estimator's `sample_weight`.
- A regression target is a float; a classification target stays text, integer or boolean.

Anything here that changes what a model learns takes another number (what a type does that no dataset could have
before is no change), so that what was trained before is not reused.
"""

from __future__ import annotations

RECIPE = 1
