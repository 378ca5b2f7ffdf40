"""Where a run stands at a gate: what the gate is asked, what it said, and what of that is waived. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlspec.core.head import Head, VerdictFact, verdict_key
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

    def key(self, run: str, test: str) -> str:
        """Return the key of the verdict on a run and a test set."""
        return verdict_key(run, self.digest, test, self.champion or None)


def occupant(head: Head, stage: str) -> str | None:
    """Return the run that holds a stage now."""
    state = head.stages.get(stage)
    version = head.version(state.version) if state and state.version is not None else None
    return version.fingerprint if version else None


def champion(head: Head, run: str, stage: str) -> str | None:
    """Return what a run is compared with on its way into a stage: what holds it now.

    What holds it was compared, when it entered, with what had held it then.
    """
    held = occupant(head, stage)
    return head.stages[stage].champion if held is not None and run == held else held


@dataclass(frozen=True, slots=True)
class Standing:
    """What a gate said of a run. Without the waivers in `waived` it would not pass; those in `lapsed` are over."""

    gate: str
    outcome: Outcome
    reason: str
    waived: tuple[Waiver, ...] = ()
    lapsed: tuple[Waiver, ...] = ()

    @property
    def passes(self) -> bool:
        """Say whether the run may go on: the gate passes, or every check that does not is waived."""
        return self.outcome is Outcome.PASS or bool(self.waived)

    @property
    def why(self) -> str:
        """Return why it does not pass: the reason of the verdict, and which waiver is over."""
        over = "".join(f"; the waiver of `{one.check}` by {one.owner} expired on {one.expires}" for one in self.lapsed)
        return f"{self.reason}{over}"


@dataclass(frozen=True, slots=True)
class Conformity:
    """Whether what holds a stage passes every gate on the way there, and by which waivers."""

    conforms: bool
    waivers: tuple[Waiver, ...] = ()


def standing(fact: VerdictFact, gate: Gate, waivers: Sequence[spec.Waiver], at: str) -> Standing:
    """Return where a run stands by a recorded verdict, with the waivers its model declares, at a time."""
    name = gate.name
    if fact.outcome is Outcome.PASS:
        return Standing(name, fact.outcome, fact.reason)
    failing = [gate.checks[n] for n in fact.failing if n < len(gate.checks)]
    fits = [(waiver, check) for waiver in waivers if waiver.gate == name for check in failing if waives(waiver, check)]
    holding = [(waiver, check) for waiver, check in fits if at[:10] <= waiver.expires]
    waived = _recorded(waiver for waiver, _ in holding)
    lapsed = _recorded(waiver for waiver, _ in fits if at[:10] > waiver.expires)
    covered = bool(failing) and all(any(check is other for _, other in holding) for check in failing)
    return Standing(name, fact.outcome, fact.reason, waived if covered else (), lapsed)


def _recorded(waivers: Iterable[spec.Waiver]) -> tuple[Waiver, ...]:
    found = dict.fromkeys(Waiver(**waiver.model_dump()) for waiver in waivers)
    return tuple(sorted(found, key=lambda one: (one.gate, one.check, one.metric or "", one.expires)))


def shown(waiver: Waiver) -> str:
    """Return a waiver in words: `fairness until 2027-03-31 by legal`."""
    metric = f" of {waiver.metric}" if waiver.metric else ""
    return f"{waiver.gate}: {waiver.check}{metric} until {waiver.expires} by {waiver.owner}"
