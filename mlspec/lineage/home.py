"""Where the lineage of a project lies on this machine, and the remote it is shared through."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlspec.core.problem import fail, suggest
from mlspec.io.git import RemoteConfig, Repository, open_apart
from mlspec.io.remote import Remote, RemoteError, lending, remote_for, remote_of

_LINEAGE, _HISTORY = "lineage", "history"
_WITHHELD = re.compile(r"not our ref|unadvertised object|could ?n[o']t find remote ref", re.IGNORECASE)
"""What git says of an object that a remote does not have, or hands out by its branches only."""


@dataclass(frozen=True)
class Home:
    """The repository that keeps the lineage, which may be `source`, the project's own, and the remote, if there is one.

    A clone without all of history (shallow, partial, of a single branch) keeps the lineage apart: as little of it as
    planning needs is fetched there, and nothing incomplete shows in the user's repository.
    """

    repository: Repository
    source: Repository
    branch: str
    remote: Remote | None = None
    asks: bool = True
    """Whether the remote is asked about history that is not here."""
    insists: bool = True
    """Whether it is an error when it cannot be asked; else what is not here is unknown."""

    @property
    def ref(self) -> str:
        """Return the full name of the lineage branch."""
        return f"refs/heads/{self.branch}"

    @property
    def seen_ref(self) -> str:
        """Return the ref that keeps the newest tip seen: the remote's, or this repository's where it has none."""
        where = f"remotes/{self.remote.name}" if self.remote else "heads"
        return f"refs/mlspec/seen/{where}/{self.branch}"

    @property
    def where(self) -> str:
        """Return what to call the place of the shared lineage."""
        return f"the remote `{self.remote.name}`" if self.remote else "this repository"

    @property
    def is_apart(self) -> bool:
        """Say whether the lineage is kept apart from the project's own repository."""
        return self.repository is not self.source

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Say whether a commit of the project comes before another, or is it; what is not here the remote knows.

        Raises:
            RemoteError: the remote cannot be asked.
        """
        if ancestor == descendant or self.source.is_ancestor(ancestor, descendant):
            return True
        cut_off = self.source.is_shallow
        if self.remote is None or not self.asks or (self.source.knows_commit(descendant) and not cut_off):
            return False
        asked = _apart(self.source, _HISTORY, self.remote.config) if cut_off else self.remote_of_source
        if not asked.repository.knows_commit(descendant):
            try:
                _bring(asked, descendant, history_only=cut_off)
            except RemoteError:
                if not self.insists:
                    return False
                raise
        return asked.repository.is_ancestor(ancestor, descendant)

    def knows(self, commit: str) -> bool:
        """Say whether a commit of the project is here, or was fetched to be ordered; the remote is not asked."""
        if self.source.knows_commit(commit):
            return True
        history = open_apart(self.source, _HISTORY, make=False)
        return history is not None and history.knows_commit(commit)

    def precedes(self, ancestor: str, descendant: str) -> bool:
        """Say whether a commit is known to come before another: a remote that is away makes it unknown."""
        try:
            return self.is_ancestor(ancestor, descendant)
        except RemoteError:
            return False

    @property
    def remote_of_source(self) -> Remote:
        """Return the remote as the project's own repository sees it."""
        assert self.remote is not None
        return remote_of(self.source, self.remote.config)


def locate(repository: Repository, branch: str, remote: str | None) -> Home:
    """Find where a lineage branch lies, and make a place for it where it must be kept apart.

    Raises:
        MlspecError: there is no such remote, or none is named, there are several and none is called origin; or the
            remote of a lineage that is kept apart is gone.
    """
    here = Home(repository, repository, branch)
    config = _chosen(repository, remote)
    apart = open_apart(repository, _LINEAGE, make=False)
    if config is None:
        if apart is not None and apart.refs(here.ref):
            raise fail(
                "remote/gone",
                "this clone keeps the lineage apart, with as little of it as planning needs, "
                "and the remote that has the rest is no longer known to git",
                help="run: git remote add origin URL",
            )
        return here
    if apart is None and _is_incomplete(repository, config, here.ref) and not repository.refs(here.ref):
        apart = open_apart(repository, _LINEAGE, make=True)
    if apart is None:
        return Home(repository, repository, branch, remote_of(repository, config))
    lender = lending(remote_for(apart, repository, config))
    return Home(lender.repository, repository, branch, lender)


def is_current(home: Home) -> bool:
    """Ask whether the remote has what was last seen there, fetching nothing.

    Raises:
        RemoteError: it cannot be asked.
    """
    if home.remote is None:
        return True
    return home.remote.tips(home.ref).get(home.ref) == home.repository.refs(home.seen_ref).get(home.seen_ref)


def _bring(remote: Remote, commit: str, *, history_only: bool) -> None:
    """Fetch a commit; where the remote does not hand it out by its id, fetch the branches, which may hold it.

    Raises:
        RemoteError: the remote cannot be asked.
    """
    try:
        remote.fetch_history(commit) if history_only else remote.fetch(commit)
    except RemoteError as error:
        if not _WITHHELD.search(error.words):
            raise
        remote.fetch_branches(history_only=history_only)


def _apart(repository: Repository, name: str, config: RemoteConfig) -> Remote:
    apart = open_apart(repository, name, make=True)
    assert apart is not None
    return remote_for(apart, repository, config)


def _chosen(repository: Repository, named: str | None) -> RemoteConfig | None:
    known = {remote.name: remote for remote in repository.remotes}
    if named is not None and named not in known:
        raise fail(
            "remote/unknown",
            f"mlspec.yaml says `lineage: {{remote: {named}}}`, and git knows no such remote",
            help=suggest(named, known) or f"run: git remote add {named} URL",
        )
    if named is None and len(known) > 1 and "origin" not in known:
        raise fail(
            "remote/ambiguous",
            f"git knows the remotes {', '.join(sorted(known))}, and the lineage goes to one",
            help="name it in mlspec.yaml: lineage: {remote: …}",
        )
    return known.get(named or "origin") or next(iter(known.values()), None)


def _is_incomplete(repository: Repository, config: RemoteConfig, ref: str) -> bool:
    return repository.is_shallow or config.lends or not config.brings(ref)
