"""`mlspec fmt`: every spec in canonical order and layout; it means what it meant, and its comments are kept."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mlspec.commands.find import find_project, inside, is_below
from mlspec.commands.load import attempt
from mlspec.core.problem import MlspecError, Place, Problem, fail, in_order
from mlspec.io import yaml
from mlspec.io.files import find_source, read_regular, write_file
from mlspec.io.trees import WorkTree
from mlspec.io.yaml_rewrite import means, rewrite
from mlspec.plugins.catalog import catalog
from mlspec.specs.order import orders

_AT_ONCE = 8
"""Making a file durable is mostly waiting."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file and its canonical form; the same where nothing was to do."""

    file: str
    before: bytes
    after: bytes

    @property
    def changed(self) -> bool:
        """Say whether the file was not in canonical form."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Outcome:
    """The files that were looked at, and the problems of those left alone."""

    files: tuple[Formatted, ...]
    problems: tuple[Problem, ...]


def run(start: Path, paths: Sequence[str] = (), *, check: bool = False) -> Outcome:
    """Format every spec and mlspec.yaml, or those below `paths` (relative to `start`); with `check`, write nothing.

    A file with an error is left alone. One that cannot be written stops nothing.

    Raises:
        MlspecError: there is no project, or a path does not exist or holds no spec.
    """
    root = find_project(start)
    tree = WorkTree(root)
    chosen = _chosen(tree, [(path, inside(start, root, path)) for path in paths])
    _, found = attempt(tree, None)
    problems = [problem for problem in found if problem.place is None or problem.place.file in chosen]
    wrong = {problem.place.file for problem in problems if problem.place and problem.severity == "error"}
    sound = [file for file in chosen if file not in wrong]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(lambda file: _one(tree, file, write=not check), sound))
    files = tuple(one for one in done if isinstance(one, Formatted))
    problems += [problem for one in done if isinstance(one, MlspecError) for problem in one.problems]
    return Outcome(files, tuple(in_order(problems)))


def canonical(file: str, content: bytes) -> bytes:
    """Return a valid file in canonical form.

    Raises:
        MlspecError: `fmt/meaning`: it would not mean the same, or would lose a comment.
    """
    documents, _ = yaml.read(file, content, "")
    done = rewrite(content, [orders(document, catalog()) for document in documents])
    if done.content != content and not means(done.content, documents, done.comments):
        raise fail(
            "fmt/meaning",
            "this file is left alone: in canonical layout it would not mean the same",
            place=Place(file),
            help="write unusual texts and keys more plainly; and please report this file",
        )
    return done.content


def _one(tree: WorkTree, file: str, *, write: bool) -> Formatted | MlspecError:
    try:
        path = find_source(tree.root, file)
        before = read_regular(path)
        done = Formatted(file, before, canonical(file, before))
        if write and done.changed:
            write_file(path, done.after)
    except MlspecError as error:
        return error
    return done


def _chosen(tree: WorkTree, wanted: list[tuple[str, str]]) -> list[str]:
    every = tree.spec_paths()
    for path, below in wanted:
        if not any(is_below(file, [below]) for file in every):
            raise fail(
                "file/no-spec", f"`{path}` holds no spec", help="specs are mlspec.yaml and the .yaml files in specs/"
            )
    return [file for file in every if not wanted or is_below(file, [below for _, below in wanted])]
