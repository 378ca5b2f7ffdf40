"""Verification: every record's digest and chain, heads against the log, and the branch's own history.

Records are read as a stream: once to hold each against its digest, once more to fold them, a chain at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlspec.core.problem import MlspecError, Place, Problem
from mlspec.io.git import Repository
from mlspec.lineage.chains import Chains, bad
from mlspec.lineage.history import Past, before_first, by_other_hands, sealed_before
from mlspec.lineage.layout import FORMAT_PATH, HEADS, LOG, Layout
from mlspec.lineage.records import Log, Note
from mlspec.lineage.refold import Heads
from mlspec.lineage.top import SEALS_OFF, Top, foreign, parse_layout, read_top, was_sealed
from mlspec.lineage.trees import Listing, walk

_MOST = 100
"""How many damaged records are looked up in the history of the branch; the first is among them."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What verification found; damage of the log cannot be mended, that of what follows from it can.

    `layout` is what format.json says or, where that is damaged, last said; None where nobody knows. `deployed` is the
    commit deployed last according to the log. `folded` and `stray` are for a repair: the heads that the log folds to,
    by path, and files below log/ that are no records. For a person there are the newest commit from before the log was
    damaged (`whole`), where there is one, and the ids of the objects of the log that git cannot read.
    """

    records: int = 0
    heads: int = 0
    log_damage: tuple[Problem, ...] = ()
    head_damage: tuple[Problem, ...] = ()
    layout: Layout | None = None
    deployed: str | None = None
    folded: Mapping[str, bytes] = field(default_factory=dict)
    stray: tuple[str, ...] = ()
    whole: str | None = None
    unreadable: tuple[str, ...] = ()


def verify(repository: Repository, tip: str, note: Note = lambda _: None, *, keep: bool = False) -> Findings:
    """Check the lineage at a tip; the first damage named is the earliest in the log. `keep` what the log folds to.

    Raises:
        MlspecError: the lineage is of a newer mlspec.
    """
    try:
        top = read_top(repository, tip)
    except MlspecError as error:
        return Findings(log_damage=error.problems)
    if not top.is_lineage:
        return Findings(log_damage=(foreign(top),))
    layout, head_damage = _layout(top)
    listing = walk(repository, {"": top.commit.tree})
    log = Log.read(repository, listing, note)
    chains = Chains.of(log.links)
    past = Past.of(repository, tip, {path: entry.oid for path, entry in listing.files.items()}, log.deploying)
    log_damage, heads = [*log.problems, *past.damage, *chains.problems], Heads()
    if not log_damage:
        heads = Heads.compared(repository, chains.by_address, listing, keep=keep)
        log_damage = heads.dropped
    if not log_damage and layout is not None and LOG in top.broken(layout):
        past.before = sealed[0] if (sealed := sealed_before(repository, tip)) else None
        log_damage = by_other_hands(repository, tip, past.before, log.stray)
    if log_damage:  # heads follow from the log: of a damaged one, nothing can be said
        heads = Heads()
    head_damage += [*heads.altered, *_stray(listing, log), *past.merged]
    if layout is not None and not log_damage:
        head_damage += _of_layout(repository, top, layout, set(log.deploying.values()), seals=not head_damage)
    return Findings(
        records=len(log.links),
        heads=len(chains.by_address),
        log_damage=tuple(_by_place(log_damage)),
        head_damage=tuple(_by_place(head_damage)),
        layout=layout if Place(FORMAT_PATH) not in {one.place for one in head_damage} else _recovered(repository, top),
        deployed=past.deployed,
        folded=heads.folded,
        stray=tuple(log.stray),
        whole=(past.before or _before(repository, tip, log_damage)) if log_damage else None,
        unreadable=tuple(log.unreadable),
    )


def _layout(top: Top) -> tuple[Layout | None, list[Problem]]:
    if top.format is None and FORMAT_PATH in top.entries:
        return None, [bad(FORMAT_PATH, "head", "git cannot read its object")]
    try:
        return parse_layout(top.format), []
    except MlspecError as error:
        if error.problems[0].code == "lineage/newer":
            raise
        return None, [bad(FORMAT_PATH, "head", error.problems[0].message)]


def _stray(listing: Listing, log: Log) -> Iterator[Problem]:
    for folder in listing.unreadable:
        if f"{folder}/".startswith(f"{HEADS}/"):
            yield bad(folder, "head", "git cannot read the tree of this folder")
    outside = (path for path in listing.files if not path.startswith((f"{HEADS}/", f"{LOG}/")) and path != FORMAT_PATH)
    for path in (*outside, *log.stray):
        yield bad(path, "stray", "it does not belong on this branch")


def _recovered(repository: Repository, top: Top) -> Layout | None:
    """Return what format.json said when the log was last sealed, if the log is still the same."""
    sealed, log = sealed_before(repository, top.commit.oid), top.entries.get(LOG)
    return sealed[1] if sealed and log and sealed[1].log == log.oid else None


def _of_layout(
    repository: Repository, top: Top, layout: Layout, deployed: Collection[str], *, seals: bool
) -> Iterator[Problem]:
    """Hold format.json against the log; its seals only where nothing else explains that they are broken."""
    if layout.commit not in deployed and (layout.commit or deployed):
        yield bad(FORMAT_PATH, "head", f"no record was deployed from its commit {layout.commit}")
    elif seals and top.broken(layout):
        yield bad(FORMAT_PATH, "head", "it seals something else than lies here")
    elif layout.log is None and was_sealed(repository, top.commit.oid):
        yield bad(FORMAT_PATH, "head", SEALS_OFF)


def _before(repository: Repository, tip: str, damage: Sequence[Problem]) -> str | None:
    paths = [problem.place.file for problem in damage if problem.place]
    return before_first(repository, tip, paths[:_MOST]) if paths else None


def _by_place(problems: Sequence[Problem]) -> list[Problem]:
    """Sort findings by path; what is said of one file in the same sense becomes one finding."""
    merged: dict[tuple[Place | None, str], Problem] = {}
    for problem in problems:
        known = merged.get(key := (problem.place, problem.code))
        said = problem.message if known is None else f"{known.message}; {problem.message}"
        merged[key] = problem if known is None or problem.message in known.message else replace(known, message=said)
    return sorted(merged.values(), key=lambda problem: problem.place or Place(""))
