"""A rehearsal of apply: all of it real, in memory, except the steps that read, train and predict.

Specs are parsed, planned and scheduled as ever, and every record is drafted, chained and folded by mlspec itself.
Snapshots, checks, trainings and evaluations come out as `Outcomes` says.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlspec.commands.do_evaluate import _told, negative, with_conformity
from mlspec.commands.do_train import _registration, in_force
from mlspec.commands.drafts import Author
from mlspec.commands.explain import explained
from mlspec.commands.leases import Leases
from mlspec.commands.load import load
from mlspec.commands.plan import _placed
from mlspec.commands.results import Result
from mlspec.commands.rollback import RollbackRequest, draft, duration, one_line, propose
from mlspec.commands.schedule import Step, Tally, carry_out, step_of
from mlspec.commands.session import Session
from mlspec.commands.workspace import Workspace
from mlspec.core import digest
from mlspec.core.events import Ended, Event
from mlspec.core.explanation import Explanation
from mlspec.core.head import Head, Run
from mlspec.core.heads import Heads
from mlspec.core.plan import Action, Plan
from mlspec.core.ports import Stored
from mlspec.core.problem import fail
from mlspec.core.record import Actor, Object, Origin, Record, to_bytes
from mlspec.core.rollback import Rollback
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome, Violation, worst
from mlspec.gates.champion import ChampionCheck
from mlspec.gates.judge import Bar, judge
from mlspec.gates.metric import MetricCheck
from mlspec.io.clock import stamp
from mlspec.io.git import Checkout
from mlspec.lineage.read import State
from mlspec.lineage.write import chain
from mlspec.planner import diff, settled
from mlspec.planner.diff import Header, Outlook
from mlspec.planner.standing import Asked
from mlspec.planner.world import Authority, Options, SourceState, World

NOTHING_ALLOWED = Options()
VERSION = "1.0.0"
"""What plans of a rehearsal call the version of mlspec: goldens outlive releases."""


@dataclass(frozen=True)
class Files:
    """A tree that is a mapping."""

    contents: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.contents.get(path)

    def blob(self, _path: str, content: bytes) -> str:
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    def paths(self) -> Collection[str]:
        return self.contents.keys()

    def spec_paths(self) -> list[str]:
        return ["mlspec.yaml", *sorted(path for path in self.contents if path.startswith("specs/"))]


@dataclass
class Shelf:
    """A store that is a mapping."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def put_bytes(self, content: bytes) -> Stored:
        key = digest.of_bytes(content)
        self.contents[key] = content
        return Stored(key, len(content))

    def has(self, key: str) -> bool:
        return key in self.contents

    def check(self, key: str) -> None:
        if key not in self.contents:
            raise fail("store/missing", f"the store has no object {key}")


@dataclass
class Ticking:
    """A clock that advances a second with each look at it."""

    time: datetime = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Outcomes:
    """How costly steps come out: metric values, datasets that break their contract, steps that fail and why."""

    scores: Mapping[str, float] = field(default_factory=dict)
    rejects: Collection[str] = ()
    fails: Mapping[str, str] = field(default_factory=dict)


class _Recording(Session):
    """A session whose lineage is a list of records."""

    log: list[Record]
    outcomes: Outcomes
    scored: dict[tuple[str, str], float]

    def share(self, *, awaited: bool = False, last: bool = False) -> None:
        """There is nobody to share with."""

    def record(self, drafts: tuple[Record, ...]) -> None:
        records, changed = chain(self.state.heads, drafts)
        self.log += records
        heads = {**self.state.heads, **changed}
        self.state = replace(self.state, heads={key: head for key, head in heads.items() if head is not None})


@dataclass
class Rehearsal:
    """A repository with its lineage and store, all in memory; `files` is the commit that is checked out."""

    files: dict[str, bytes]
    outcomes: Outcomes = field(default_factory=Outcomes)
    authority: Authority = Authority(True)
    branch: str = "main"
    dirty: bool = False
    heads: Mapping[str, Head] = field(default_factory=dict)
    log: list[Record] = field(default_factory=list)
    store: Shelf = field(default_factory=Shelf)
    clock: Ticking = field(default_factory=Ticking)
    settled: set[str] = field(default_factory=set)
    """What every plan remembers of the ones before it."""
    scored: dict[tuple[str, str], float] = field(default_factory=dict)
    """What each model scored by each metric: of the same predictions, a score stays the same."""

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that is in a file."""
        text = self.files[path].decode()
        assert old in text, f"{path} has no {old!r}"
        self.files[path] = text.replace(old, new).encode()

    def plan(self, *addresses: str, options: Options = NOTHING_ALLOWED) -> Plan:
        """Plan what is checked out."""
        workspace = self._workspace()
        return self._plan(workspace, self._outlook(self._world(workspace, options)), addresses)

    def explain(self, address: str, options: Options = NOTHING_ALLOWED) -> Explanation:
        """Explain a resource of what is checked out."""
        workspace = self._workspace()
        seen = self._outlook(self._world(workspace, options))
        return explained(workspace, self._plan(workspace, seen, (address,)), seen, address)

    def apply(self, *addresses: str, options: Options = NOTHING_ALLOWED, plan: Plan | None = None) -> list[Event]:
        """Plan and apply what is checked out; `plan` is what approval left of the plan."""
        workspace = self._workspace()
        seen = self._outlook(self._world(workspace, options))
        leases = Leases(None, self.clock, threading.Event(), 0)  # type: ignore[arg-type]
        session = _Recording(
            workspace,
            seen,
            self._author(workspace),
            None,
            leases.cancel,
            workspace.state,
            None,
            leases,  # type: ignore[arg-type]
        )
        session.log, session.outcomes, session.scored = self.log, self.outcomes, self.scored
        chosen = plan or self._plan(workspace, seen, addresses)
        events = list(carry_out(session, chosen, 1, Tally(), lambda verb: _REHEARSED.get(verb) or step_of(verb)))
        self.heads = reread(session.state.heads)
        return events

    def rollback(self, **wish: Any) -> Rollback:
        """Roll back what is checked out by hand, as the words of a command line say."""
        workspace, request = self._workspace(), RollbackRequest(**wish)
        started = self.clock.now()
        found = propose(workspace, request, one_line(request.reason), started, started + duration(request.expires))
        records, changed = chain(self.heads, [draft(self._author(workspace), found, started)])
        self.log += records
        self.heads = reread({**self.heads, **{key: head for key, head in changed.items() if head is not None}})
        return found

    def lose(self, output: str) -> None:
        """Take every recorded output of this name out of the store."""
        for record in self.log:
            for lost in record.outputs:
                if lost.name == output:
                    self.store.contents.pop(lost.digest, None)

    @property
    def commit(self) -> str:
        """Return the id of the commit, which is made of the files."""
        return hashlib.sha1(b"".join(path.encode() + self.files[path] for path in sorted(self.files))).hexdigest()

    def _author(self, workspace: Workspace) -> Author:
        name = f"20261123T{len(self.log):06}Z-00000000"
        return Author(name, _ACTOR, self._origin(workspace), self.clock, workspace)

    def _workspace(self) -> Workspace:
        tree: Any = Files(dict(self.files))
        tip = hashlib.sha1(b"%d" % len(self.log)).hexdigest() if self.log else None
        checkout, store, home = Checkout(self.commit, self.branch), self.store, None
        state, dirty = State(tip, None, self.heads), ("specs/income.yaml",) if self.dirty else ()
        return Workspace(Path(), "", home, checkout, tree, load(tree, None), state, store, dirty)  # type: ignore[arg-type]

    def _world(self, workspace: Workspace, options: Options) -> World:
        return World(
            project=workspace.project,
            specs=workspace.specs,
            heads=Written(workspace.state.heads),
            sources={name: self._source(spec.source.path) for name, spec in workspace.specs.datasets.items()},
            code=workspace.loaded.code,
            authority=self.authority,
            has=self.store.has,
            at=stamp(self.clock.time),
            options=options,
        )

    def _outlook(self, world: World) -> Outlook:
        """Look as plan and apply do: past the models known to be settled. It must be the same as looking at all."""
        every, keys = diff.outlook(world), settled.keys(world)
        known = frozenset(name for name, key in keys.items() if key in self.settled)
        seen = diff.outlook(replace(world, settled=known))
        assert (seen.actions, seen.warnings, seen.settled) == (every.actions, every.warnings, every.settled)
        self.settled |= {keys[name] for name in every.settled if name in keys}
        return seen

    def _source(self, path: str) -> SourceState:
        content = self.files.get(path)
        if content is None:
            return SourceState(None, why=f"there is no file `{path}`")
        return SourceState(digest.of_bytes(content), len(content))

    def _plan(self, workspace: Workspace, seen: Outlook, addresses: Sequence[str]) -> Plan:
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        header = Header(VERSION, self.commit, self.branch, self.dirty, workspace.state.tip, now)
        plan = diff.plan(seen, header, addresses)
        return plan.model_copy(update={"actions": tuple(_placed(workspace, plan.actions))})

    def _origin(self, workspace: Workspace) -> Origin:
        return Origin(commit=self.commit, branch=self.branch, dirty=self.dirty, deploys=self.authority.deploys)


@dataclass(frozen=True)
class Written(Heads):
    """Heads known by their bytes, as the lineage branch knows them."""

    heads: Mapping[str, Head]

    def __getitem__(self, address: str) -> Head:
        return self.heads[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)

    def identity(self, address: str) -> str | None:
        return digest.of_bytes(to_bytes(self.heads[address])) if address in self.heads else None

    def read(self, addresses: Iterable[str]) -> None:
        """There is nothing to read."""

    def mentioning(self, digest: str) -> Iterator[Head]:
        return (head for head in self.heads.values() if digest.encode() in to_bytes(head))


def reread(heads: Mapping[str, Head]) -> dict[str, Head]:
    """Return heads as the next command finds them: written to the branch and read again."""
    return {address: Head.model_validate_json(to_bytes(head)) for address, head in sorted(heads.items())}


def endings(events: Sequence[Event]) -> dict[str, str]:
    """Return how each action ended."""
    return {event.action.id: event.ending for event in events if isinstance(event, Ended)}


_ACTOR = Actor(name="Example", email="example@example.org")


def _snapshot(session: _Recording, action: Action, started: datetime) -> Result:
    view = session.seen.datasets[_name(action)]
    path = session.workspace.specs.datasets[_name(action)].source.path
    stored = session.workspace.store.put_bytes(session.workspace.tree.read(path) or b"")
    content = Object(name="content", digest=stored.digest, size=stored.size)
    fields = view.version.fields if view.version else {}
    draft = session.author.draft("snapshot", action, started, fingerprint=action.run, fields=fields, outputs=(content,))
    return Result("snapshot", (draft,))


def _check(session: _Recording, action: Action, started: datetime) -> Result:
    contract = session.seen.datasets[_name(action)].contract
    assert contract is not None
    facts: dict[str, Any] = {"fingerprint": action.run, "fields": contract.fields, "rows": 2000}
    if _name(action) in session.outcomes.rejects:
        broken = Violation(rule="range", column="age", count=3, rows=(7, 8, 9), message="age: 3 rows above 100")
        facts |= {"status": "rejected", "violations": (broken,)}
        draft = session.author.draft("check", action, started, **facts)
        return Result("rejected", (draft,), "rejected", negative=True)
    return Result("passed", (session.author.draft("check", action, started, **facts),))


def _train(session: _Recording, action: Action, started: datetime) -> Result:
    _may_fail(session, action)
    view = session.seen.models[_name(action)]
    assert view.wanted is not None
    stored = {
        name: session.workspace.store.put_bytes(f"{name} {action.run}".encode()) for name in ("model", "manifest")
    }
    draft = session.author.draft(
        "train",
        action,
        started,
        fingerprint=action.run,
        fields=view.wanted.fields,
        inputs={"dataset": view.wanted.fields["dataset"]},
        outputs=tuple(Object(name=name, digest=one.digest, size=one.size) for name, one in stored.items()),
        in_force=in_force(session, view),
    )
    return Result("trained", (draft, *_registration(session, action, started)))


def _evaluate(session: _Recording, action: Action, started: datetime) -> Result:
    _may_fail(session, action)
    view, head = session.seen.models[_name(action)], session.head(action.address)
    run, every = head.runs[action.run or ""], view.judged_by(action.run or "")
    stored = session.workspace.store.put_bytes(f"predictions {action.run}".encode())
    metrics = {name: _estimate(session, run, name) for name in view.model.metrics}
    verdicts = tuple(_judged(session, run, asked) for asked in every)
    draft = session.author.draft(
        "evaluate",
        action,
        started,
        fingerprint=action.run,
        inputs={"test": run.dataset},
        outputs=(Object(name="predictions", digest=stored.digest, size=stored.size),),
        metrics=metrics,
        verdicts=verdicts,
        gates={asked.gate: asked.digest for asked in every},
    )
    now = view.beside(head, stamp(started))
    draft = with_conformity(now, draft) if session.author.origin.deploys else draft
    return Result(_told(head, metrics, verdicts), (draft,), negative=negative(now, draft))


def _estimate(session: _Recording, run: Run, name: str) -> Estimate:
    value = session.scored.setdefault((run.artifact, name), session.outcomes.scores.get(name, 0.92))
    return run.metrics.get(name) or Estimate(value=value, low=value - 0.01, high=value + 0.01, n=500, method="decree")


def _judged(session: _Recording, run: Run, asked: Asked) -> GateVerdict:
    checks = []
    for check in session.workspace.specs.gates[asked.gate].checks:
        if isinstance(check, ChampionCheck):
            outcome, reason = _beside(session, run, asked, check)
        else:
            assert isinstance(check, MetricCheck), "the plays of a plan know these checks alone"
            outcome, reason = judge(check.metric, _estimate(session, run, check.metric), Bar(check.min, check.max))
        checks.append(CheckVerdict(check=check.check, outcome=outcome, reason=reason, level=check.level))
    return GateVerdict(
        gate=f"gate/{asked.gate}",
        digest=asked.digest,
        outcome=worst(tuple(checks)),
        checks=tuple(checks),
        champion=asked.champion or None,
        failing=tuple(n for n, check in enumerate(checks) if worst((check,)) is not Outcome.PASS),
    )


def _beside(session: _Recording, run: Run, asked: Asked, check: ChampionCheck) -> tuple[Outcome, str]:
    """Compare by decree: the interval of the difference is of one point in a hundred, either way."""
    if not asked.champion:
        return Outcome.PASS, "there is no champion to compare with"
    champion = next(head.runs[asked.champion] for head in session.state.heads.values() if asked.champion in head.runs)
    values = [_estimate(session, one, check.metric).value or 0.0 for one in (run, champion)]
    value = values[0] - values[1]
    gain = Estimate(value=value, low=value - 0.01, high=value + 0.01, n=500, method="decree")
    bar = check.margin if check.claim == "superior" else -check.margin
    return judge(f"{check.metric} higher than the champion by", gain, Bar(minimum=bar))


def _may_fail(session: _Recording, action: Action) -> None:
    why = session.outcomes.fails.get(f"{action.verb} {action.address}")
    if why is not None:
        raise fail("train/raised", why)


def _name(action: Action) -> str:
    return action.address.partition("/")[2]


_REHEARSED: Mapping[str, Step] = {
    "snapshot": _snapshot,
    "check": _check,
    "train": _train,
    "evaluate": _evaluate,
}  # type: ignore[dict-item]
