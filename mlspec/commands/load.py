"""Loading specs: a tree's files to a project and its validated resources, every problem of every file at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlspec.commands.keys import Keys
from mlspec.commands.reach import reach
from mlspec.core.address import Address
from mlspec.core.document import Document, Finding
from mlspec.core.problem import MlspecError, Place, Problem, in_order
from mlspec.io import cache, yaml
from mlspec.io.trees import PROJECT_FILE, Tree
from mlspec.planner.closure import Closure, CodeState
from mlspec.plugins.catalog import catalog
from mlspec.plugins.installed import installation
from mlspec.specs import sound
from mlspec.specs.caution import cautions
from mlspec.specs.model import Model
from mlspec.specs.parse import Specs, parse, parse_project
from mlspec.specs.project import Project
from mlspec.specs.validate import validate
from mlspec.version import __version__

_NAMING = ("kind", "name")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid project: its specs, the code its models and the programs of its gates reach, and warnings."""

    project: Project
    specs: Specs
    code: Mapping[str, CodeState]
    judges: Mapping[str, tuple[Closure, ...]]
    warnings: tuple[Problem, ...]

    @property
    def inputs(self) -> list[str]:
        """Return the files, beside data, that decide what is done: specs, code and environments."""
        files = {PROJECT_FILE, *(document.file for document in self.specs.where.values())}
        for state in self.code.values():
            files |= set(state.closure.files) if state.closure else set()
        files |= {file for closures in self.judges.values() for closure in closures for file in closure.files}
        files |= {model.environment for model in self.specs.outlines.values() if model.environment}
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
    sound_ones = _Sound(documents, cache_folder)
    declared = [document for document in documents if document.file != PROJECT_FILE]
    specs, more = parse(declared, catalog(), sound_ones.knows)
    findings += more
    if project is not None:
        findings += validate(project, specs, catalog(), complete=not problems)
    findings += cautions(specs)
    code, judges, of_code = reach(tree, specs, cache_folder)
    findings += [found for found in of_code if isinstance(found, Finding)]
    problems += [found for found in of_code if isinstance(found, Problem)]
    problems += yaml.locate(findings, lambda file: tree.read(file) or b"")
    problems = in_order(problems)
    warnings = tuple(problem for problem in problems if problem.severity == "warning")
    if project is None or len(warnings) < len(problems):
        return None, problems
    sound_ones.keep(specs)
    return Loaded(project, specs, code, judges, warnings), problems


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


class _Sound:
    """The documents of models that are known to be valid, by keys kept between runs."""

    def __init__(self, documents: Sequence[Document], cache_folder: Path | None) -> None:
        self._keys = Keys(cache_folder / "sound" if cache_folder else None, f"sound/1 {installation()}")
        project = next((document for document in documents if document.file == PROJECT_FILE), None)
        where = dict(_judges(documents))
        self._of = {
            (document.file, document.index): sound.key(document, project, where) for document in documents if project
        }

    def knows(self, document: Document) -> bool:
        """Say whether a document is known to be that of a valid model."""
        return self._of.get((document.file, document.index)) in self._keys

    def keep(self, specs: Specs) -> None:
        """Remember the models of a valid project."""
        places = [specs.where[Address(Model.kind_name, name)] for name in specs.models]
        keys = [self._of.get((document.file, document.index)) for document in places]
        self._keys.keep([key for key in keys if key is not None])


def _judges(documents: Iterable[Document]) -> Iterator[tuple[Address, Document]]:
    """Yield the documents of datasets and gates by their address: those that decide about models."""
    for document in documents:
        kind, name = (document.value.get(field) if isinstance(document.value, dict) else None for field in _NAMING)
        if kind in ("Dataset", "Gate") and isinstance(name, str):
            yield Address(kind.lower(), name), document
