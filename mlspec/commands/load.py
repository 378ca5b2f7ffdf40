"""Loading specs: a tree's files to a project and its validated resources, every problem of every file at once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlspec.core import digest
from mlspec.core.document import Document, Finding
from mlspec.core.problem import MlspecError, Place, Problem, in_order
from mlspec.io import cache, yaml
from mlspec.io.trees import PROJECT_FILE, Tree
from mlspec.planner import syntax
from mlspec.planner.closure import closure
from mlspec.planner.code import Code, decode_modules, encode_modules
from mlspec.planner.imports import Module
from mlspec.planner.world import CodeState
from mlspec.plugins.catalog import catalog
from mlspec.specs.model import Model
from mlspec.specs.parse import Specs, parse, parse_project
from mlspec.specs.project import Project
from mlspec.specs.validate import validate
from mlspec.version import __version__


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid project: its specs, the code its models reach, and warnings."""

    project: Project
    specs: Specs
    code: Mapping[str, CodeState]
    warnings: tuple[Problem, ...]

    @property
    def inputs(self) -> list[str]:
        """Return the files, beside data, that decide what is done: specs, code and environments."""
        files = {PROJECT_FILE, *(document.file for document in self.specs.where.values())}
        for state in self.code.values():
            files |= set(state.closure.files) if state.closure else set()
        files |= {model.train.environment for model in self.specs.models.values() if model.train.environment}
        return sorted(files)


def load(tree: Tree, cache_folder: Path | None) -> Loaded:
    """Load and check everything.

    Raises:
        MlspecError: with all problems, in order.
    """
    loaded, problems = attempt(tree, cache_folder)
    if loaded is None:
        raise MlspecError(*[problem for problem in problems if problem.severity == "error"])
    return loaded


def load_project(tree: Tree) -> Project:
    """Load mlspec.yaml alone.

    Raises:
        MlspecError: it is missing or invalid.
    """
    content = tree.read(PROJECT_FILE)
    if content is None:
        raise MlspecError(_unreadable(PROJECT_FILE))
    documents, problems = yaml.read(PROJECT_FILE, content, tree.blob(PROJECT_FILE, content))
    project, findings = _project(documents, problems)
    problems += yaml.locate(findings, lambda _: content)
    if project is None:
        raise MlspecError(*in_order(problems))
    return project


def attempt(tree: Tree, cache_folder: Path | None) -> tuple[Loaded | None, list[Problem]]:
    """Load and check everything; return what was loaded (None when anything is wrong) and all problems, in order."""
    documents, problems = _documents(tree, cache_folder)
    project, findings = _project(documents, problems)
    specs, more = parse([document for document in documents if document.file != PROJECT_FILE], catalog())
    findings += more
    if project is not None:
        findings += validate(project, specs, catalog(), complete=not problems)
    code, of_code = _code(tree, specs, cache_folder)
    findings += [found for found in of_code if isinstance(found, Finding)]
    problems += [found for found in of_code if isinstance(found, Problem)]
    problems += yaml.locate(findings, lambda file: tree.read(file) or b"")
    problems = in_order(problems)
    warnings = tuple(problem for problem in problems if problem.severity == "warning")
    if project is None or len(warnings) < len(problems):
        return None, problems
    return Loaded(project, specs, code, warnings), problems


def _project(documents: list[Document], problems: list[Problem]) -> tuple[Project | None, list[Finding]]:
    if any(problem.place and problem.place.file == PROJECT_FILE for problem in problems):
        return None, []
    return parse_project([document for document in documents if document.file == PROJECT_FILE])


def _documents(tree: Tree, cache_folder: Path | None) -> tuple[list[Document], list[Problem]]:
    kept = cache_folder / "documents" if cache_folder else None
    key = f"documents/1 {__version__}"
    body = cache.load(kept, key) if kept else None
    known: dict[str, list[tuple[int, Any]]] = json.loads(body) if body is not None else {}
    documents: list[Document] = []
    problems: list[Problem] = []
    used: dict[str, list[tuple[int, Any]]] = {}
    for file in tree.spec_paths():
        content = tree.read(file)
        if content is None:
            problems.append(_unreadable(file))
            continue
        blob = tree.blob(file, content)
        if blob not in known:
            read, found = yaml.read(file, content, blob)
            problems += found
            documents += read
            if not found:
                used[blob] = [(document.index, document.value) for document in read]
        else:
            used[blob] = known[blob]
            documents += [Document(file, index, value, blob) for index, value in known[blob]]
    if kept and used.keys() != known.keys():
        cache.keep(kept, key, json.dumps(used).encode())
    return documents, problems


def _unreadable(file: str) -> Problem:
    if file == PROJECT_FILE:
        return Problem("project/missing", f"there is no {PROJECT_FILE} here", Place(file), "run: mlspec init")
    return Problem("file/unreadable", "this file cannot be read, or is a link out of the project", Place(file))


def _code(tree: Tree, specs: Specs, cache_folder: Path | None) -> tuple[dict[str, CodeState], list[Finding | Problem]]:
    states: dict[str, CodeState] = {}
    found: list[Finding | Problem] = []
    with _modules(cache_folder, any(model.train.entrypoint for model in specs.models.values())) as modules:
        code = Code(tree, modules)
        for name, model in specs.models.items():
            environment, missing = _environment(tree, specs, model)
            found += missing
            reached = None
            if model.train.entrypoint is not None:
                reached, problems = closure(model.train.entrypoint, model.train.code, tree, code)
                found += [_in_spec(specs, model, problem) for problem in problems]
            states[name] = CodeState(reached, environment)
    return states, found


@contextmanager
def _modules(cache_folder: Path | None, needed: bool) -> Iterator[dict[str, Module]]:
    """Lend the modules parsed in earlier runs, by their bytes, and keep those parsed in this one."""
    if cache_folder is None or not needed:
        yield {}
        return
    key = f"modules {syntax.FORM} {sys.version_info.major}.{sys.version_info.minor} {__version__}"
    body = cache.load(cache_folder / "modules", key)
    modules = decode_modules(body) if body is not None else {}
    before = len(modules)
    yield modules
    if len(modules) != before:
        cache.keep(cache_folder / "modules", key, encode_modules(modules))


def _environment(tree: Tree, specs: Specs, model: Model) -> tuple[str | None, list[Finding | Problem]]:
    path = model.train.environment
    if path is None:
        return None, []
    content = tree.read(path)
    if content is None:
        document = specs.where[model.address]
        message = f"there is no file `{path}`"
        return None, [Finding(document.file, document.index, ("train", "environment"), "model/no-environment", message)]
    return digest.of_bytes(content), []


def _in_spec(specs: Specs, model: Model, problem: Problem) -> Finding | Problem:
    """Point a problem that has no place in the code at the spec that names the code."""
    if problem.place is not None:
        return problem
    document = specs.where[model.address]
    field = "code" if problem.code.startswith("code/glob") else "entrypoint"
    return Finding(document.file, document.index, ("train", field), problem.code, problem.message, problem.help)
