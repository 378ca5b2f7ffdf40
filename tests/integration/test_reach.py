"""What is said of the code that models name, at the place in the spec or in the code: a work tree, no repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlspec.commands.load import attempt
from mlspec.io.trees import WorkTree
from tests.worlds import DATASET, GATE, MODEL, PROJECT

ESTIMATOR = "  estimator: sklearn.linear_model.LogisticRegression\n"
CASES = {
    "the data as a word": (
        "  command: python src/train.py data/questions.csv\n",
        "specs/answer.yaml:8:12 error code/data: `data/questions.csv` is of dataset/questions, with the rows for "
        "testing (the training rows are in the file that MLSPEC_TRAIN names)",
    ),
    "the data by a glob": (
        "  command: python src/train.py\n  code: [data/*.csv]\n",
        "specs/answer.yaml:9:9 error code/data: `data/questions.csv` is of dataset/questions, with the rows for "
        "testing (the training rows are in the file that MLSPEC_TRAIN names)",
    ),
    "the data for a function": (
        "  entrypoint: src/train.py:train\n  code: [data/*.csv]\n",
        "specs/answer.yaml:9:9 error code/data: `data/questions.csv` is of dataset/questions, with the rows for "
        "testing (they are in `data`)",
    ),
    "no code": (
        "  command: make model\n",
        "specs/answer.yaml:8:12 warning code/none: `make` names no file of this repository: no code is part of the "
        "fingerprint (list what it runs under `code:`)",
    ),
    "no module": (
        "  command: python src/train.py\n  predict: predict:predict\n",
        "specs/answer.yaml:9:12 error code/no-module: there is no module `predict` in this repository (it is looked "
        "for in the folder of the command's script, then in the root of the repository)",
    ),
    "no script": (
        "  command: python src/trian.py\n",
        "specs/answer.yaml:8:12 error code/missing: there is no file `src/trian.py` (did you mean `src/train.py`?)",
    ),
}


@pytest.mark.parametrize(("how", "said"), CASES.values(), ids=list(CASES))
def test_what_is_said(tmp_path: Path, how: str, said: str) -> None:
    files = {
        "mlspec.yaml": PROJECT,
        "specs/questions.yaml": DATASET,
        "specs/gate.yaml": GATE,
        "specs/answer.yaml": MODEL.replace(ESTIMATOR, how),
        "src/train.py": "def train(data, params, seed): ...\n",
        "data/questions.csv": "id,hint,label\n1,0.5,no\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    _, problems = attempt(WorkTree(tmp_path), None)
    told = [f"{one.place} {one.severity} {one.code}: {one.message} ({one.help})" for one in problems]
    assert told == [said]
