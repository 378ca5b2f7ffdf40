"""The code and the environment that models and gates reach: each entrypoint is followed once, whoever names it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlspec.core.address import Address
from mlspec.core.document import Document, Finding
from mlspec.core.globs import matches
from mlspec.core.problem import Problem
from mlspec.io import cache
from mlspec.io.trees import Tree
from mlspec.planner import syntax
from mlspec.planner.closure import Closure, CodeState, closure
from mlspec.planner.code import Code, decode_modules, encode_modules
from mlspec.planner.imports import READING, Module
from mlspec.planner.program import code_of
from mlspec.plugins.catalog import implementation
from mlspec.specs.dataset import Dataset
from mlspec.specs.parse import Specs
from mlspec.version import __version__

_LOCKS = "mlspec.commands.locks:check"
"""Imported where a model names a lock: what reads them takes longer to import than a small plan takes."""
_Followed = tuple[Closure | None, list[Problem]]


def reach(
    tree: Tree, specs: Specs, cache_folder: Path | None
) -> tuple[dict[str, CodeState], dict[str, tuple[Closure, ...]], list[Finding | Problem]]:
    """Return what each model and the programs of each gate reach, and what is wrong with it.

    A gate without programs is left out. Modules parsed before are in the cache.
    """
    by_models = any(model.entrypoint or model.command for model in specs.outlines.values())
    with _modules(cache_folder, by_models or any(gate.programs for gate in specs.gates.values())) as modules:
        code = Code(tree, modules)
        states, found = _models(tree, specs, code)
        judges, more = _gates(tree, specs, code)
    return states, judges, found + more


def _gates(tree: Tree, specs: Specs, code: Code) -> tuple[dict[str, tuple[Closure, ...]], list[Finding | Problem]]:
    judges: dict[str, tuple[Closure, ...]] = {}
    found: list[Finding | Problem] = []
    for name, gate in specs.gates.items():
        document = specs.where[gate.address]
        reached: list[Closure] = []
        for n, check in enumerate(gate.checks):
            for program in check.programs():
                one, problems = closure(program.function, program.code, tree, code)
                reached += [one] if one is not None else []
                found += [_in_check(document, n, problem) for problem in problems]
        if reached:
            judges[name] = tuple(reached)
    return judges, found


def _in_check(document: Document, n: int, problem: Problem) -> Finding | Problem:
    """Point a problem that has no place in the code at the check that names the code."""
    if problem.place is not None:
        return problem
    path = ("checks", n, "code" if problem.code.startswith("code/glob") else "function")
    return Finding(
        document.file, document.index, path, problem.code, problem.message, problem.help, severity=problem.severity
    )


def _models(tree: Tree, specs: Specs, code: Code) -> tuple[dict[str, CodeState], list[Finding | Problem]]:
    states: dict[str, CodeState] = {}
    found: list[Finding | Problem] = []
    followed: dict[tuple[str | None, str | None, str | None, tuple[str, ...]], _Followed] = {}
    digests: dict[str, str] = {}
    if any(model.environment for model in specs.outlines.values()):
        digests, of_locks = implementation(_LOCKS)(tree, specs)
        found += of_locks
    for name, model in specs.outlines.items():
        document = specs.where[Address("model", name)]
        reached = None
        if model.entrypoint is not None or model.command is not None:
            start = (model.entrypoint, model.command, model.predict, model.code)
            if start not in followed:
                followed[start] = code_of(model, tree, code)
            reached, problems = followed[start]
            found += [_in_spec(document, problem) for problem in problems]
            found += _data_among(document, specs.datasets.get(model.dataset), reached)
        states[name] = CodeState(reached, digests.get(model.environment or ""))
    return states, found


@contextmanager
def _modules(cache_folder: Path | None, needed: bool) -> Iterator[dict[str, Module]]:
    """Lend the modules parsed in earlier runs, by their bytes, and keep those parsed in this one."""
    if cache_folder is None or not needed:
        yield {}
        return
    key = f"modules {syntax.FORM} {READING} {sys.version_info.major}.{sys.version_info.minor} {__version__}"
    body = cache.load(cache_folder / "modules", key)
    modules = decode_modules(body) if body is not None else {}
    before = len(modules)
    yield modules
    if len(modules) != before:
        cache.keep(cache_folder / "modules", key, encode_modules(modules))


def _data_among(document: Document, dataset: Dataset | None, reached: Closure | None) -> Iterator[Finding]:
    """Refuse code that takes the data along: the rows for testing are among it."""
    if dataset is None or reached is None:
        return
    path = dataset.source.path
    found = next((file for file in reached.files if _is_of(file, path)), None)
    if found is None:
        return
    message = f"`{found}` is of dataset/{dataset.name}, with the rows for testing"
    by_command = document.value["train"].get("command") is not None
    advice = "the training rows are in the file that MLSPEC_TRAIN names" if by_command else "they are in `data`"
    field = "command" if by_command and found in document.value["train"]["command"] else "code"
    yield Finding(document.file, document.index, ("train", field), "code/data", message, advice)


def _is_of(file: str, source: str) -> bool:
    return file == source or file.startswith(f"{source.rstrip('/')}/") or matches(source, file)


def _in_spec(document: Document, problem: Problem) -> Finding | Problem:
    """Point a problem that has no place in the code at the spec that names the code."""
    if problem.place is not None:
        return problem
    way = "command" if document.value["train"].get("command") is not None else "entrypoint"
    field = "predict" if problem.code == "code/no-module" else way
    if problem.code.startswith("code/glob"):
        field = "code"
    path = ("train", field)
    severity = problem.severity
    return Finding(document.file, document.index, path, problem.code, problem.message, problem.help, severity=severity)
