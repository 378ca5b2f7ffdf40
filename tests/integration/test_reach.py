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
    "no lock": (
        f"{ESTIMATOR}  environment: uv.lock\n",
        "specs/answer.yaml:9:16 error model/no-environment: there is no file `uv.lock` (None)",
    ),
    "no lock in a mapping": (
        f"{ESTIMATOR}  environment: {{lock: uv.lock, use: current}}\n",
        "specs/answer.yaml:9:16 error model/no-environment: there is no file `uv.lock` (None)",
    ),
    "a lock that lacks what a step needs": (
        f"{ESTIMATOR}  environment: small.lock\n",
        "specs/answer.yaml:9:16 error environment/lacks: `small.lock` lacks what mlspec's side of a step needs: "
        "pandas>=2.2, pyarrow>=18, scipy>=1.14, skops>=0.12 (add it to what the lock is made from and lock again, or "
        "write {lock: ..., use: current})",
    ),
    "a lock that leaves versions open": (
        f"{ESTIMATOR}  environment: open.lock\n",
        "open.lock:2 error environment/not-pinned: `pandas` is not pinned to one version: >=2 (pin it with `==`, as "
        "`uv pip compile --generate-hashes` does)",
    ),
    "no lock of a known form": (
        f"{ESTIMATOR}  environment: {{lock: Pipfile.lock, use: current}}\n",
        "Pipfile.lock error environment/form: `Pipfile.lock` is no lock of a known form (name a uv.lock, a "
        "pylock.toml, or pinned requirements (.txt, .lock); this one becomes such a file by: pipenv "
        "requirements --hash > requirements.txt)",
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
        "small.lock": "scikit-learn==1.9.1\n",
        "open.lock": "scikit-learn==1.9.1\npandas>=2\n",
        "Pipfile.lock": "{}\n",
        "data/questions.csv": "id,hint,label\n1,0.5,no\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    _, problems = attempt(WorkTree(tmp_path), None)
    told = [f"{one.place} {one.severity} {one.code}: {one.message} ({one.help})" for one in problems]
    assert told == [said]
