"""Where a run stands at a gate: what the gate is asked, what it said, and what of that is waived. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlspec.core.head import Head, VerdictFact, verdict_key
from mlspec.core.moment import holds_until
from mlspec.core.record import Waiver
from mlspec.core.verdict import Outcome
from mlspec.specs import model as spec
from mlspec.specs.fit import waives
from mlspec.specs.gate import Gate


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A gate as it judges a run: by its digest and, where a check compares, against a champion, by that one's run."""

    gate: str
    digest: str
    champion: str = ""

    def shown(self, head: Head) -> str:
        """Return its name, with the champion that it compares with: `quality against v3`."""
        version = head.version_of(self.champion)
        return self.gate + (f" against v{version.n}" if version else "")

    def key(self, run: str, test: str) -> str:
        """Return the key of the verdict on a run and a test set."""
        return verdict_key(run, self.digest, test, self.champion or None)


def occupant(head: Head, stage: str) -> str | None:
    """Return the run that holds a stage now."""
    state = head.stages.get(stage)
    version = head.version(state.version) if state and state.version is not None else None
    return version.fingerprint if version else None


def rivals(head: Head, run: str, stage: str, way: Iterable[str]) -> dict[str, str]:
    """Return what the gates of each stage on the way compare a run with, by stage; `way` ends with `stage` itself.

    A stage's gates compare with what holds that stage now. A version that ever held it was compared with what it first
    replaced, and what holds `stage` now with what it was set beside when it entered: neither question changes when
    others come and go. Where a stage on the way is empty, its gates compare with what holds the last one.
    """
    now = head.stages[stage] if occupant(head, stage) == run else None
    numbers = {one: now.champions.get(one) if now else _before(head, run, one, stage) for one in way}
    versions = {one: head.version(n) for one, n in numbers.items() if n is not None}
    return {one: version.fingerprint for one, version in versions.items() if version is not None}


def numbers(head: Head, runs: Mapping[str, str]) -> dict[str, int]:
    """Return runs by stage as the numbers of their versions, as a record names them."""
    known = {stage: head.version_of(run) for stage, run in runs.items()}
    return {stage: version.n for stage, version in known.items() if version is not None}


def _before(head: Head, run: str, stage: str, last: str) -> int | None:
    state, version = head.stages.get(stage), head.version_of(run)
    held = state is not None and version is not None and version.n in (*state.held, state.version)
    if state is not None and (held or state.version is not None):
        return state.faced.get(str(version.n)) if held and version else state.version
    return _before(head, run, last, last) if stage != last else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a gate said of a run. Without the waivers in `waived` it would not pass; those in `lapsed` are over."""

    gate: str
    outcome: Outcome
    reason: str
    waived: tuple[Waiver, ...] = ()
    lapsed: tuple[Waiver, ...] = ()
    at: str = ""

    @property
    def passes(self) -> bool:
        """Say whether the run may go on: the gate passes, or every check that does not is waived."""
        return self.outcome is Outcome.PASS or bool(self.waived)

    @property
    def why(self) -> str:
        """Return why it does not pass: the reason of the verdict, and which waiver is over."""
        over = "".join(f"; the waiver of `{one.check}` by {one.owner} {_over(one, self.at)}" for one in self.lapsed)
        return f"{self.reason}{over}"


@dataclass(frozen=True, slots=True)
class Conformity:
    """Whether what holds a stage passes every gate on the way there, and by which waivers."""

    conforms: bool
    waivers: tuple[Waiver, ...] = ()


def _over(waiver: Waiver, at: str) -> str:
    if waiver.expires < at[:10]:
        return f"expired on {waiver.expires}"
    return f"is until {waiver.expires}, and none holds for more than a year: shorten it"


def standing(fact: VerdictFact, gate: Gate, waivers: Sequence[spec.Waiver], at: str) -> Standing:
    """Return where a run stands by a recorded verdict, with the waivers its model declares, at a time."""
    name = gate.name
    if fact.outcome is Outcome.PASS:
        return Standing(name, fact.outcome, fact.reason)
    failing = [gate.checks[n] for n in fact.failing if n < len(gate.checks)]
    fits = [(waiver, check) for waiver in waivers if waiver.gate == name for check in failing if waives(waiver, check)]
    holding = [(waiver, check) for waiver, check in fits if holds(waiver, at)]
    waived = _recorded(waiver for waiver, _ in holding)
    bare = [check for check in failing if not any(check is other for _, other in holding)]
    lapsed = _recorded(waiver for waiver, check in fits if not holds(waiver, at) and any(check is one for one in bare))
    covered = bool(failing) and not bare
    return Standing(name, fact.outcome, fact.reason, waived if covered else (), lapsed, at)


def holds(waiver: spec.Waiver, at: str) -> bool:
    """Say whether a waiver holds at a time."""
    return holds_until(waiver.expires, at)


def declared(waivers: Iterable[spec.Waiver], gates: Collection[str], at: str) -> tuple[Waiver, ...]:
    """Return the waivers of some gates that hold at a time, whether or not they are needed."""
    return _recorded(waiver for waiver in waivers if waiver.gate in gates and holds(waiver, at))


def _recorded(waivers: Iterable[spec.Waiver]) -> tuple[Waiver, ...]:
    found = dict.fromkeys(Waiver(**waiver.model_dump()) for waiver in waivers)
    return tuple(sorted(found, key=lambda one: (one.gate, one.check, one.metric or "", one.expires)))


def shown(waiver: Waiver) -> str:
    """Return a waiver in words: `fairness until 2027-03-31 by legal`."""
    metric = f" of {waiver.metric}" if waiver.metric else ""
    return f"{waiver.gate}: {waiver.check}{metric} until {waiver.expires} by {waiver.owner}"
