"""The lock files that models name: each read once, held against what it must pin and what a step needs of it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import requires

from packaging.requirements import Requirement

from mlspec.core import digest
from mlspec.core.address import Address
from mlspec.core.document import Document, Finding
from mlspec.core.problem import Problem
from mlspec.io.trees import Tree
from mlspec.planner.lock import lacking, read
from mlspec.specs.parse import Specs

_FIELD = ("train", "environment")


def check(tree: Tree, specs: Specs) -> tuple[dict[str, str], list[Finding | Problem]]:
    """Return the digests of the lock files that models name, by path, and what is wrong with locks and models."""
    paths = {model.environment for model in specs.outlines.values() if model.environment}
    contents = {path: content for path in sorted(paths) if (content := tree.read(path)) is not None}
    read_back = {path: read(path, content) for path, content in contents.items()}
    found: list[Finding | Problem] = [problem for _, problems in read_back.values() for problem in problems]
    locks = {path: lock for path, (lock, _) in read_back.items() if lock is not None}
    lacks = cache(lambda path, form: lacking(locks[path], needed(form)))
    for name, model in specs.outlines.items():
        document = specs.where[Address("model", name)]
        if model.environment and model.environment not in contents:
            found.append(_finding(document, "model/no-environment", f"there is no file `{model.environment}`"))
        elif model.environment in locks and not model.current and (missing := lacks(model.environment, model.format)):
            message = f"`{model.environment}` lacks what mlspec's side of a step needs: {', '.join(missing)}"
            advice = "add it to what the lock is made from and lock again, or write {lock: ..., use: current}"
            found.append(_finding(document, "environment/lacks", message, advice))
    return {path: digest.of_bytes(content) for path, content in contents.items()}, found


def _finding(document: Document, code: str, message: str, advice: str | None = None) -> Finding:
    return Finding(document.file, document.index, _FIELD, code, message, advice)


def needed(form: str | None) -> tuple[Requirement, ...]:
    """Return the packages that training and predicting need of an environment, for a model kept in this form.

    They are what mlspec's own extra `run` asks for, and for ONNX those of `onnx`.
    """
    extras = ("run", "onnx") if form == "onnx" else ("run",)
    asked = [Requirement(text) for text in requires("mlspec") or ()]
    return tuple(one for one in asked if one.marker and any(one.marker.evaluate({"extra": name}) for name in extras))
