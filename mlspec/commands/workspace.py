"""The workspace: a project with its repository, its recorded state and its store, opened once for a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlspec.commands.catch_up import Ask, catch_up, find_home, writes_to
from mlspec.commands.find import find_project, refuse_committed
from mlspec.commands.load import Loaded, load
from mlspec.core.events import Event
from mlspec.core.ports import Store
from mlspec.core.problem import Problem, StaleError
from mlspec.io.git import Checkout, Repository, open_repository
from mlspec.io.trees import CommitTree, Tree, WorkTree
from mlspec.lineage.home import Home
from mlspec.lineage.read import State, read
from mlspec.lineage.write import Branch
from mlspec.planner.world import Authority
from mlspec.plugins import catalog
from mlspec.specs.base import Spec
from mlspec.specs.parse import Specs
from mlspec.specs.project import Project
from mlspec.stores.site import Site

StoreTell = Callable[[Event], None]


def _unheard(_: Event) -> None:
    """Let an event go by."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project, opened. `prefix` is its folder in the repository ("" or "sub/folder/")."""

    root: Path
    prefix: str
    home: Home
    checkout: Checkout
    tree: Tree
    loaded: Loaded
    state: State
    store: Store
    dirty: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()
    """What catching up with the shared lineage had to say."""

    @property
    def repository(self) -> Repository:
        """Return the project's own repository."""
        return self.home.source

    @property
    def project(self) -> Project:
        """Return mlspec.yaml."""
        return self.loaded.project

    @property
    def specs(self) -> Specs:
        """Return the declared resources."""
        return self.loaded.specs

    def spec(self, address: str) -> Spec:
        """Return a declared resource.

        Raises:
            KeyError: nothing of this address is declared.
        """
        kind, _, name = address.partition("/")
        tables: Mapping[str, Mapping[str, Spec]] = {
            "dataset": self.specs.datasets,
            "model": self.specs.models,
            "gate": self.specs.gates,
        }
        return tables[kind][name]

    @property
    def cache(self) -> Path:
        """Return the folder of caches."""
        return cache_folder(self.root)

    @property
    def deploy_branch(self) -> str:
        """Return the branch that deploys: as recorded, else as declared."""
        return self.state.layout.deploy if self.state.layout else self.project.deploy

    @property
    def deploy_refs(self) -> tuple[str, str]:
        """Return the refs whose history deploys: the branch here, and as it was last fetched."""
        remote = self.home.remote.name if self.home.remote else "origin"
        return f"refs/heads/{self.deploy_branch}", f"refs/remotes/{remote}/{self.deploy_branch}"

    @property
    def branch(self) -> Branch:
        """Return where and as what the lineage is written."""
        return writes_to(self.home, self.project, self.deploy_branch)


def cache_folder(root: Path) -> Path:
    """Return the folder of caches of a project."""
    return root / ".mlspec" / "cache"


def open_store(home: Home, root: Path, project: Project, tell: StoreTell = _unheard) -> Store:
    """Open the store of a project; linked work trees share that of the main one, for they share its records.

    Nothing is connected to before the first object is asked for.

    Raises:
        MlspecError: no such store is installed.
    """
    place, base = project.store, home.source.home / _prefix(home.source, root)
    site = Site(place.path, place.shared, base, cache_folder(root) / "objects", home.repository, home.remote, tell)
    opened: Store = catalog.store(place.scheme)(site)
    return opened


def open_workspace(start: Path, ref: str | None = None, ask: Ask = Ask.MUST, tell: StoreTell = _unheard) -> Workspace:
    """Open the project around a folder, as the work tree is or as a commit has it, beside the newest lineage.

    `tell` hears what happens in its store.

    Raises:
        MlspecError: no project, no usable repository, invalid specs, a remote that cannot be asked, or a damaged
            lineage.
    """
    root = find_project(start)
    repository = open_repository(root)
    refuse_committed(repository, root)
    prefix = _prefix(repository, root)
    checkout = repository.checkout()
    tree: Tree = WorkTree(root)
    if ref is not None:
        checkout = Checkout(repository.commit_of(ref), None)
        tree = CommitTree(repository, checkout.commit or "", prefix)
    loaded = load(tree, cache_folder(root))
    home = replace(find_home(repository, loaded.project), asks=ask is not Ask.NEVER, insists=ask is Ask.MUST)
    warnings = catch_up(home, loaded.project, ask)
    state = read(home.repository, loaded.project)
    dirty = () if ref is not None else tuple(_dirty(repository, prefix, loaded))
    store = open_store(home, root, loaded.project, tell)
    return Workspace(root, prefix, home, checkout, tree, loaded, state, store, dirty, warnings)


def authority(workspace: Workspace) -> Authority:
    """Say whether this commit may move stages and recorded facts; DESIGN section 2, "Who may move what"."""
    commit, deploy = workspace.checkout.commit, workspace.deploy_branch
    if commit is None:
        return Authority(False, "nothing is committed yet: commit first")
    if workspace.dirty:
        return Authority(False, f"{_several(workspace.dirty)} not committed: commit and merge first")
    refs = workspace.repository.refs(*workspace.deploy_refs)
    if not refs:
        return Authority(False, f"there is no branch `{deploy}` to deploy from: set `deploy:` in mlspec.yaml")
    if any(workspace.home.is_ancestor(commit, tip) for tip in refs.values()):
        return Authority(True)
    where = f"branch {workspace.checkout.branch}" if workspace.checkout.branch else f"commit {commit[:8]}"
    return Authority(False, f"{where} is not merged into {deploy}: commit and merge first")


def superseded(workspace: Workspace) -> str | None:
    """Return why this commit is too old to deploy: it lies before the last one deployed; None when it does not.

    A tree with changes of its own deploys nothing, so its commit may be any.
    """
    last = workspace.state.layout.commit if workspace.state.layout else None
    commit = workspace.checkout.commit
    if last is None or commit is None or last == commit or workspace.dirty:
        return None
    if not workspace.home.is_ancestor(commit, last):
        return None
    return f"commit {commit[:8]} was superseded: {last[:8]}, which builds on it, is deployed"


def refuse_superseded(workspace: Workspace) -> None:
    """Refuse a commit that is too old to deploy.

    Raises:
        StaleError: it is.
    """
    old = superseded(workspace)
    if old is not None:
        raise StaleError(
            Problem("plan/superseded", old, help="check out the newest commit, or revert the change with git revert")
        )


def _prefix(repository: Repository, root: Path) -> str:
    inside = root.resolve().relative_to(repository.root).as_posix()
    return "" if inside == "." else inside + "/"


def _dirty(repository: Repository, prefix: str, loaded: Loaded) -> list[str]:
    """Return tracked files that differ from HEAD, and inputs that git does not track."""
    strip: Callable[[str], str] = lambda path: path.removeprefix(prefix)  # noqa: E731 -- one line, used twice
    changed = repository.changed(prefix.rstrip("/"))
    tracked = repository.tracked(prefix.rstrip("/"))
    others = [prefix + path for path in loaded.inputs if prefix + path not in tracked]
    existing = [path for path in others if os.path.lexists(repository.root / path)]
    return sorted({strip(path) for path in (*changed, *repository.untracked(existing))})


def _several(files: tuple[str, ...]) -> str:
    named = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    return f"{named} {'is' if len(files) == 1 else 'are'}"
