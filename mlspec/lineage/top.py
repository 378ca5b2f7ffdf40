"""The top of the lineage branch: its newest commit, that one's root, and format.json, held against each other.

format.json seals the trees of `heads/` and `log/`: what other hands change in a later commit no longer fits, and is
noticed before anything is planned from it. A seal is no signature: those who forge are for `verify` to find.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlspec.core.problem import MlspecError, Place, Problem, fail
from mlspec.core.record import to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.layout import FOLDERS, FORMAT_PATH, LAYOUT, LOG, Layout
from mlspec.lineage.trees import FILE, FOLDER, Entry, parse_tree

MENDED = "run: mlspec verify, which names what was altered; mlspec verify --repair rebuilds heads from the log"
SEALS_OFF = "its seals were taken off"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit object, taken apart: its tree, its parents, who made it and how they call it."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    subject: str

    @classmethod
    def parse(cls, oid: str, content: bytes) -> Commit:
        """Take apart the content of a commit."""
        head, _, message = content.decode("utf-8", "replace").partition("\n\n")
        fields = [line.partition(" ")[::2] for line in head.splitlines()]
        tree = next((value for key, value in fields if key == "tree"), "")
        author = next((value for key, value in fields if key == "author"), "")
        parents = tuple(value for key, value in fields if key == "parent")
        return cls(oid, tree, parents, author.partition(" <")[0], message.partition("\n")[0])

    def __str__(self) -> str:
        """Return how a problem names it."""
        return f"commit {self.oid[:12]} by {self.author}"


@dataclass(frozen=True, slots=True)
class Top:
    """A commit of the branch with the entries of its root, and format.json (None: it is missing or unreadable)."""

    commit: Commit
    entries: Mapping[str, Entry]
    format: bytes | None

    @property
    def is_lineage(self) -> bool:
        """Say whether the root has anything of a lineage."""
        return bool(self.entries.keys() & {FORMAT_PATH, *FOLDERS})

    @property
    def stray(self) -> list[str]:
        """Return what lies in the root and does not belong there."""
        expected = {FORMAT_PATH: FILE, **dict.fromkeys(FOLDERS, FOLDER)}
        return sorted(name for name, entry in self.entries.items() if expected.get(name) != entry.mode)

    def broken(self, layout: Layout) -> list[str]:
        """Return the folders that are not those that format.json seals."""
        seals = {name: getattr(layout, name) for name in FOLDERS}
        there = {name: self.entries[name].oid if name in self.entries else None for name in FOLDERS}
        return [name for name, seal in seals.items() if seal is not None and seal != there[name]]


def read_top(repository: Repository, tip: str) -> Top:
    """Read the top of a commit, every object held against its id.

    Raises:
        MlspecError: git cannot read the commit or its root.
    """
    commit, root, raw = repository.contents([tip, f"{tip}^{{tree}}", f"{tip}:{FORMAT_PATH}"])
    if commit is None:
        raise _unreadable(f"git cannot read {tip}, the newest commit of the lineage branch")
    parsed = Commit.parse(tip, commit)
    if root is None or repository.object_id("tree", root) != parsed.tree:
        raise _unreadable(f"git cannot read the tree of {tip}, the newest commit of the lineage branch")
    entries = {
        name.decode("utf-8", "surrogateescape"): entry for name, entry in parse_tree(root, len(tip) // 2).items()
    }
    sealed = FORMAT_PATH in entries and raw is not None and repository.blob_id(raw) == entries[FORMAT_PATH].oid
    return Top(parsed, entries, raw if sealed else None)


def layout_of(repository: Repository, top: Top) -> Layout:
    """Return format.json of a top, and hold what it seals against what is there.

    Raises:
        MlspecError: the branch is of a newer mlspec, is no lineage, is damaged, or was changed by other hands.
    """
    if not top.is_lineage:
        raise MlspecError(foreign(top))
    if FORMAT_PATH in top.entries and top.format is None:
        raise damaged(FORMAT_PATH, "git cannot read its object")
    layout = parse_layout(top.format)
    if layout.log is None and was_sealed(repository, top.commit.oid):
        raise damaged(FORMAT_PATH, SEALS_OFF)
    problems = list(changed(top, layout))
    if problems:
        raise MlspecError(*problems)
    return layout


def was_sealed(repository: Repository, tip: str) -> bool:
    """Say whether a format.json in the history of a commit had seals."""
    return bool(repository.ask("log", "-1", "--format=%H", f'-S"{LOG}": "', tip, "--", FORMAT_PATH))


def changed(top: Top, layout: Layout) -> Iterator[Problem]:
    """Name what other hands did to a top."""
    if len(top.commit.parents) > 1:
        yield merged(top.commit)
    if top.stray:
        named = ", ".join(top.stray[:_SHOWN]) + (f" and {len(top.stray) - _SHOWN} more" if top.stray[_SHOWN:] else "")
        why = f"files that do not belong on the lineage branch lie there: {named}"
        yield Problem("lineage/stray", why, Place(top.stray[0]), "mlspec verify --repair takes them out")
    for name in sorted({*FOLDERS} - top.entries.keys()):
        yield Problem("lineage/damaged", f"{name}/ is missing from the lineage branch", Place(name), MENDED)
    for name in top.broken(layout):
        why = f"{top.commit} is not mlspec's: {name}/ is not what {FORMAT_PATH} seals"
        yield Problem("lineage/damaged", why, Place(name), MENDED)


def merged(commit: Commit) -> Problem:
    """Say of a commit that it is a merge."""
    why = f"{commit.author} merged {commit.parents[1][:12]} into the lineage branch, where only mlspec writes"
    hint = "mlspec verify --repair, where the log is whole, leaves nothing of it"
    return Problem("lineage/merged", why, Place(f"commit {commit.oid[:12]}"), hint)


def foreign(top: Top) -> Problem:
    """Say of a branch that it is somebody's own."""
    holds = ", ".join(sorted(top.entries)[:_SHOWN]) or "nothing"
    return Problem(
        "lineage/foreign",
        f"the branch of the lineage is somebody's own: {top.commit} holds {holds}, and no {FORMAT_PATH}",
        None,
        "rename that branch (git branch -m OLD NEW), or set `lineage: {branch: …}` in mlspec.yaml",
    )


def parse_layout(raw: bytes | None) -> Layout:
    """Take apart format.json; errors as `read_layout`."""
    if raw is None:
        raise damaged(FORMAT_PATH, "it is missing")
    try:
        known = json.loads(raw)
        if isinstance(known, dict) and isinstance(known.get("layout"), int) and known["layout"] > LAYOUT:
            raise fail(
                "lineage/newer",
                f"the lineage has layout {known['layout']}; this mlspec reads up to {LAYOUT}: needs a newer mlspec",
            )
        layout = Layout.model_validate_json(raw)
    except ValueError as error:
        raise damaged(FORMAT_PATH, str(error).splitlines()[0]) from None
    if layout.digest is not None and (layout.digest != layout.own_digest or to_bytes(layout) != raw):
        raise damaged(FORMAT_PATH, "its content is not what its digest says")
    return layout


def refuse_newer(path: str, content: bytes, known: str) -> None:
    """Refuse a file of a newer format than the one that is known, such as `mlspec.record/1`.

    Raises:
        MlspecError: `lineage/newer`.
    """
    family, number = known.split("/")
    try:
        said = str(json.loads(content)["format"]).split("/")
    except (ValueError, KeyError, TypeError):
        return
    if said[0] == family and len(said) == 2 and said[1].isdecimal() and int(said[1]) > int(number):
        raise fail("lineage/newer", f"{path} has format {'/'.join(said)}; this mlspec reads up to {known}")


def damaged(path: str, why: str) -> MlspecError:
    """Make the error of a file of the branch that nothing may be planned from."""
    return MlspecError(
        Problem("lineage/damaged", f"the lineage branch is damaged at {path}: {why}", Place(path), MENDED)
    )


def _unreadable(why: str) -> MlspecError:
    return fail("lineage/damaged", why, help="bring it back: git fetch from a clone that has it")
