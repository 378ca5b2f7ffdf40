"""How this model predicts: onnxruntime runs it; each column is an input of it, or all columns are one matrix."""

import numpy as np
from onnxruntime import InferenceSession

KINDS = {"tensor(double)": "float64", "tensor(float)": "float32", "tensor(int64)": "int64", "tensor(int32)": "int32"}
WORDS = {"true": 1.0, "false": 0.0}


def given(column, kind):
    """Return a column as an input: missing text is "", any other missing value NaN, times are microseconds."""
    if kind == "tensor(string)":
        return column.astype(object).where(column.notna(), "").map(str).to_numpy(dtype=object)
    if column.dtype.kind == "M":
        return column.astype("int64").astype("float64").where(column.notna()).to_numpy()
    return column.map(lambda value: WORDS.get(str(value).lower(), value)).astype("float64").to_numpy()


def predict(rows, here, story):
    """Return one value a row."""
    session = InferenceSession((here / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) == 1 and inputs[0].name not in rows.columns:
        matrix = np.column_stack([given(rows[name], "") for name in rows.columns])
        said = session.run(None, {inputs[0].name: matrix.astype(KINDS[inputs[0].type])})
    else:
        columns = {one.name: given(rows[one.name], one.type).reshape(-1, 1) for one in inputs}
        kinds = {one.name: KINDS.get(one.type, "object") for one in inputs}
        said = session.run(None, {name: values.astype(kinds[name]) for name, values in columns.items()})
    return np.asarray(said[0]).reshape(-1).tolist()
