"""Which files a command consists of, and what is said when its code cannot be known."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from mlspec.planner.program import code_of, home_of, predictor
from mlspec.specs.model import Train


class Files:
    """A tree in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes:
        return self.files[path].encode()

    def paths(self) -> Collection[str]:
        return self.files.keys()


TREE = {
    "train.py": "import helper\n",
    "helper.py": "",
    "src/train.py": "import near, shared.deep\n",
    "src/near.py": "",
    "src/predict.py": "import near\n\ndef predict(frame, folder): ...\n",
    "shared/__init__.py": "",
    "shared/deep.py": "",
    "pkg/__init__.py": "",
    "pkg/__main__.py": "from pkg import work\n",
    "pkg/work.py": "from . import near\n",
    "pkg/near.py": "",
    "bin/train.sh": "#!/bin/sh\n",
    "train.R": "",
    "conf/a.yaml": "",
    "unused.py": "",
}


def train(command: str, **more: Any) -> Train:
    return Train.model_validate_json(json.dumps({"command": command, **more}))


CASES = {
    "a script": ("python train.py", ["train.py", "helper.py"], ""),
    "options before it": ("python -W ignore -u -X dev train.py -v", ["train.py", "helper.py"], ""),
    "a folder's": (
        "python3 ./src/train.py",
        ["src/train.py", "src/near.py", "shared/__init__.py", "shared/deep.py"],
        "src",
    ),
    "a package": ("python -m pkg", ["pkg/__init__.py", "pkg/__main__.py", "pkg/work.py", "pkg/near.py"], ""),
    "a module": ("python -m pkg.work", ["pkg/__init__.py", "pkg/work.py", "pkg/near.py"], ""),
    "through another program": ("uv run python train.py", ["train.py", "helper.py"], ""),
    "another language": ("Rscript --vanilla train.R --config=conf/a.yaml", ["train.R", "conf/a.yaml"], ""),
    "a program of the repository": ("./bin/train.sh conf/a.yaml", ["bin/train.sh", "conf/a.yaml"], "bin"),
    "a config beside a script": ("python src/near.py conf/a.yaml", ["src/near.py", "conf/a.yaml"], "src"),
}


@pytest.mark.parametrize(("command", "files", "home"), CASES.values(), ids=list(CASES))
def test_files_of_a_command(command: str, files: list[str], home: str) -> None:
    found, problems = code_of(train(command), Files(TREE))
    assert problems == []
    assert found is not None
    assert list(found.files) == sorted(files)
    assert home_of(train(command), found.files) == home


@pytest.mark.parametrize("module", ["predict", "src.predict"])
def test_the_predicting_module_is_part_of_it(module: str) -> None:
    spec = train("python src/train.py", predict=f"{module}:predict")
    found, problems = code_of(spec, Files(TREE))
    assert problems == []
    assert found is not None
    assert {"src/predict.py", "src/near.py", "src/train.py"} <= found.files.keys()
    assert predictor(spec, found.files) == "src/predict.py:predict"


def test_files_that_globs_add() -> None:
    found, _ = code_of(train("make model", code=["conf/*.yaml", "train.R"]), Files(TREE))
    assert found is not None
    assert list(found.files) == ["conf/a.yaml", "train.R"]


PROBLEMS = {
    "no script": ("python trian.py", {}, "error code/missing: there is no file `trian.py` (did you mean `train.py`?)"),
    "no program": ("./bin/tarin.sh", {}, "error code/missing: there is no file `bin/tarin.sh` (None)"),
    "no code": (
        "train-it --fast",
        {},
        "warning code/none: `train-it` names no file of this repository: no code is part of the fingerprint "
        "(list what it runs under `code:`)",
    ),
    "no module": (
        "python train.py",
        {"predict": "predcit:predict"},
        "error code/no-module: there is no module `predcit` in this repository (did you mean `src/predict.py`?)",
    ),
    "no function": (
        "python src/train.py",
        {"predict": "predict:predcit"},
        "error code/no-function: `src/predict.py` has no function `predcit` at its top level (did you mean `predict`?)",
    ),
    "an external module": (
        "python train.py",
        {"predict": "numpy:sum"},
        "error code/no-module: there is no module `numpy`",
    ),
}


@pytest.mark.parametrize(("command", "more", "said"), PROBLEMS.values(), ids=list(PROBLEMS))
def test_problems(command: str, more: dict[str, Any], said: str) -> None:
    _, problems = code_of(train(command, **more), Files(TREE))
    told = [f"{problem.severity} {problem.code}: {problem.message} ({problem.help})" for problem in problems]
    assert len(told) == 1
    assert told[0].startswith(said)


def test_python_without_a_script_names_no_code() -> None:
    for command in ("python -c 'import train'", "python -m timeit"):
        _, problems = code_of(train(command), Files(TREE))
        assert [problem.code for problem in problems] == ["code/none"]
