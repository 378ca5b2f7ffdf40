"""The packages that are installed, held against those of a lock that are meant for this machine."""

from __future__ import annotations

import os
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import pytest

from mlspec.core.problem import MlspecError
from mlspec.executors.local import LocalExecutor
from mlspec.planner.lock import read
from mlspec.planner.requirements import Pin
from mlspec.steps.current import differences, refuse_other
from mlspec.steps.packages import installed
from mlspec.steps.uv import LockFile, Means

ELSEWHERE = f"sys_platform != '{sys.platform}'"


@pytest.mark.parametrize(
    ("pin", "present", "said"),
    [
        (Pin("a", "1.0"), {"a": "1.0"}, []),
        (Pin("a", "1.0"), {"a": "1"}, []),
        (Pin("a", "1.0"), {"a": "1.0+cpu"}, []),
        (Pin("a", "1.0rc1"), {"a": "1.0rc1"}, []),
        (Pin("a", "1.0"), {"a": "1.0.1"}, ["a 1.0 is locked, 1.0.1 installed"]),
        (Pin("a", "1.0+cpu"), {"a": "1.0"}, ["a 1.0+cpu is locked, 1.0 installed"]),
        (Pin("a", "1.0"), {"a": "unheard-of"}, ["a 1.0 is locked, unheard-of installed"]),
        (Pin("a", "1.0"), {"b": "1.0"}, ["a 1.0 is locked, none installed"]),
        (Pin("a", "1.0", ELSEWHERE), {}, []),
        (Pin("a", "1.0", "extra == 'more'"), {}, []),
        (Pin("a", "1.0", "'more' in extras"), {}, []),
        (Pin("a", None), {}, []),
    ],
)
def test_differences(pin: Pin, present: dict[str, str], said: list[str]) -> None:
    assert list(differences((pin,), present)) == said


def test_this_environment_is_as_it_is() -> None:
    found = installed()
    assert found["scikit-learn"] == version("scikit-learn")
    assert list(differences(tuple(Pin(name, number) for name, number in found.items()), found)) == []


def refused(text: str, name: str = "requirements.lock") -> str:
    content = text.encode()
    lock, problems = read(name, content)
    assert lock is not None, problems
    means = Means(Path("unused"), os.environ, LocalExecutor(), threading.Event())
    with pytest.raises(MlspecError) as caught:
        refuse_other(LockFile(name, content, lock), means)
    assert len(caught.value.problems) == 1
    return f"{caught.value.problems[0].code}: {caught.value.problems[0].message}"


def test_ten_are_named_and_the_rest_counted() -> None:
    said = refused("".join(f"absent-{number:02}==1.0\n" for number in range(13)))
    assert said.startswith(
        "env/not-as-locked: the current environment is not that of `requirements.lock`: absent-00 1.0"
    )
    assert said.endswith("absent-09 1.0 is locked, none installed; and 3 more")


def test_another_python() -> None:
    said = refused('lock-version = "1.0"\nrequires-python = ">=4"\npackages = []\n', "pylock.toml")
    assert said == f"env/python: `pylock.toml` is for Python >=4, and mlspec runs on {sys.version.split(maxsplit=1)[0]}"
