"""What the commits of the branch did to the log: records are only ever added, and by mlspec."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlspec.core.problem import MlspecError, Problem, fail
from mlspec.io.git import Repository
from mlspec.lineage.chains import bad
from mlspec.lineage.layout import FORMAT_PATH, LOG, Layout
from mlspec.lineage.top import Commit, merged, parse_layout, read_top
from mlspec.lineage.write import REPAIR

_FAR = 1000
"""How many commits are looked at for one that seals what it holds; a damaged one is near the tip, or no seal helps."""


@dataclass(frozen=True, slots=True)
class _Event:
    """A commit that added (A), changed (M, T) or removed (D) a file of the log; `before` is the blob it had."""

    path: str
    commit: str
    letter: str
    before: str


@dataclass
class Past:
    """What the history of a tip says of its log.

    `damage` was done by commits, and `before` is the newest commit from before the first of them; `merged` names
    merges. `deployed` is the commit deployed last.
    """

    damage: list[Problem] = field(default_factory=list)
    merged: list[Problem] = field(default_factory=list)
    before: str | None = None
    deployed: str | None = None

    @classmethod
    def of(cls, repository: Repository, tip: str, blobs: Mapping[str, str], deploying: Mapping[str, str]) -> Past:
        """Survey the history; `blobs` are the files of the tip, `deploying` the records that deployed a commit."""
        past, events, last = cls(), dict[str, _Event](), dict[str, int]()
        try:
            for number, event in enumerate(_events(repository, tip)):
                if event.letter != "A":
                    events.setdefault(event.path, event)
                elif event.path in deploying:
                    last.setdefault(event.path, number)
            changed = [event for event in events.values() if blobs.get(event.path) != event.before]
            touched = list(_not_taken_back(repository, tip, changed))
            past.merged = list(_merges(repository, tip))
        except MlspecError as error:
            why = f"git cannot read the history of the branch: {error.problems[0].message}"
            return cls([bad(LOG, "unreadable", why)])
        newest = max(last, key=lambda path: last[path], default=None)
        past.deployed = deploying[newest] if newest else None
        for event in touched:
            commit = _commit(repository, event.commit)
            past.damage.append(
                bad(event.path, "altered", f"a later commit of the branch changed or removed it: {commit}")
            )
        past.before = _parent(repository, touched[0].commit) if touched else None
        return past


def sealed_before(repository: Repository, tip: str) -> tuple[str, Layout] | None:
    """Return the newest commit before a tip that holds what its format.json seals, and that file; None if none near."""
    ancestors = repository.run("rev-list", "--topo-order", f"--max-count={_FAR}", tip).decode().split()[1:]
    for commit in ancestors:
        layout = _sealing(repository, commit)
        if layout is not None and layout.log is not None:
            return commit, layout
    return None


def by_other_hands(repository: Repository, tip: str, sealed: str | None, stray: Collection[str]) -> list[Problem]:
    """Name what the log has beside what a sealed commit had, but `stray` files."""
    if sealed is None:
        why = f"it is not what {FORMAT_PATH} seals, and no commit of the branch holds what it does"
        return [bad(LOG, "altered", why)]
    changed = repository.run("diff-tree", "-r", "--no-renames", "--name-only", "-z", sealed, tip, "--", LOG)
    paths = [path for path in changed.decode("utf-8", "surrogateescape").split("\0") if path and path not in stray]
    return [bad(path, "altered", f"other hands wrote it, after commit {sealed[:12]}") for path in paths]


def _merges(repository: Repository, tip: str) -> Iterator[Problem]:
    """Name the merge commits of the branch, the newest first, down to the last repair.

    Raises:
        MlspecError: a commit is not what its id says.
    """
    repaired = False
    commits = repository.run("rev-list", tip).decode().split()  # in topological order, a false circle would be left out
    for oid, content in zip(commits, repository.contents(commits), strict=True):
        if content is None:
            raise fail("git/failed", f"commit {oid[:12]} cannot be read")
        commit = Commit.parse(oid, content)
        repaired = repaired or commit.subject == REPAIR
        if len(commit.parents) > 1 and not repaired:
            yield merged(commit)


def before_first(repository: Repository, tip: str, paths: Sequence[str]) -> str | None:
    """Return the commit before the first one that added one of these files."""
    argv = ["log", "--full-history", "--diff-filter=A", "--format=%H", "--topo-order", "--reverse", tip, "--"]
    commits = (repository.ask(*argv, *paths) or "").split()
    return _parent(repository, commits[0]) if commits else None


def _events(repository: Repository, tip: str) -> Iterator[_Event]:
    """Yield what each commit did to the log, the oldest first; a merge beside each of its parents."""
    argv = ["log", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--topo-order", "--reverse"]
    commit = ""
    for line in repository.run(*argv, "--format=%H", tip, "--", LOG).decode("utf-8", "surrogateescape").splitlines():
        meta, _, path = line.partition("\t")
        if path:
            _, _, before, _, letter = meta.split(" ")
            yield _Event(path, commit, letter[0], before)
        elif line:
            commit = line


def _not_taken_back(repository: Repository, tip: str, changed: Sequence[_Event]) -> Iterator[_Event]:
    """Leave out files that other hands added: they may go again."""
    if not changed:
        return
    wanted, added = {event.path for event in changed}, dict[str, str]()
    for event in _events(repository, tip):
        if event.letter == "A" and event.path in wanted:
            added.setdefault(event.path, event.commit)
    for event in changed:
        if event.path not in added or _sealing(repository, added[event.path]) is not None:
            yield event


def _sealing(repository: Repository, commit: str) -> Layout | None:
    """Return the format.json of a commit that holds what it seals, if it does; one without seals holds anything."""
    try:
        top = read_top(repository, commit)
        layout = parse_layout(top.format)
    except MlspecError:
        return None
    return None if top.broken(layout) else layout


def _commit(repository: Repository, oid: str) -> Commit:
    return Commit.parse(oid, repository.content(oid) or b"")


def _parent(repository: Repository, commit: str) -> str | None:
    return repository.ask("rev-parse", "--verify", "--quiet", f"{commit}^") or None
