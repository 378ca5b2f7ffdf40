"""Static reading finds at least what Python loads: trees of random packages are imported in a process of their own."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mlspec.planner.closure import closure

NAMES = ["a", "b", "c"]
RUN = """
import json, sys
root = sys.argv[1]
sys.path[:0] = [root + "/src", root]
import train
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(json.dumps([file[len(root) + 1:] for file in files if file.startswith(root)]))
"""


class Tree:
    """Files of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> bytes | None:
        return (self.root / path).read_bytes()

    def paths(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*.py")}


def statement(dice: random.Random) -> str:
    """Make one import, right or wrong."""
    dotted = ".".join(dice.choices(NAMES, k=dice.randint(1, 3)))
    dots = "." * dice.randint(1, 3)
    taken = dice.choice([*NAMES, "value", "*"])
    return dice.choice(
        [
            f"import {dotted}",
            f"import {dotted} as other",
            f"from {dotted} import {taken}",
            f"from {dots} import {taken}",
            f"from {dots}{dotted} import {taken}",
            f"__import__('{dotted}')",
            f"__import__('importlib').import_module('{dotted}')",
            f"__import__('importlib').import_module('{dots}{dotted}', __package__)",
        ]
    )


def module(dice: random.Random) -> str:
    lines = ["value = 1", f"__all__ = {dice.sample(NAMES, k=dice.randint(0, 2))}"]
    for _ in range(dice.randint(0, 3)):
        lines += ["try:", f"    {statement(dice)}", "except (ImportError, AttributeError, TypeError): pass"]
    return "\n".join(lines) + "\n"


def plant(root: Path, dice: random.Random) -> None:
    """Write a tree of modules, packages with and without `__init__.py`, modules beside packages of one name."""
    folders = [root, root / "src"]
    for _ in range(7):
        folders.append(dice.choice(folders) / dice.choice(NAMES))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name in dice.sample([*NAMES, "__init__"], k=dice.randint(1, 3)):
            (folder / f"{name}.py").write_text(module(dice))
    imports = "\n".join(f"try: {statement(dice)}\nexcept (ImportError, TypeError): pass" for _ in range(4))
    (root / "src" / "train.py").write_text(f"{imports.replace('import *', 'import value')}\ndef train(): ...\n")


@pytest.mark.parametrize("seed", [*range(9), 465, 866])
def test_what_python_loads_is_reached(tmp_path: Path, seed: int) -> None:
    plant(tmp_path, random.Random(seed))
    argv = [sys.executable, "-I", "-S", "-B", "-c", RUN, str(tmp_path)]
    loaded = set(json.loads(subprocess.run(argv, capture_output=True, check=True).stdout))
    found, problems = closure("src/train.py:train", (), Tree(tmp_path))
    assert found is not None, problems
    assert loaded <= set(found.files)
