"""A model beside its head: what it should be, what is recorded of it, and what its gates say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlspec.core.head import Head
from mlspec.planner.datasets import DatasetView
from mlspec.planner.fingerprint import Wanted
from mlspec.planner.standing import Asked, Standing, declared, occupant, rivals, standing
from mlspec.specs.gate import Gate
from mlspec.specs.model import Model


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model beside its head: what it should be, and the gates by name and digest."""

    model: Model
    head: Head
    dataset: DatasetView
    wanted: Wanted | None
    gates: Mapping[str, str]
    bars: Mapping[str, Gate]
    """The gates themselves, by name."""
    order: tuple[str, ...]
    """The project's stages."""
    at: str
    """The time of the plan: a waiver holds until its last day."""

    @property
    def address(self) -> str:
        """Return the model's address."""
        return self.head.address

    @property
    def new(self) -> bool:
        """Say whether nothing is recorded of this model."""
        return self.head.generation == 0

    @property
    def fingerprint(self) -> str | None:
        """Return the fingerprint of the run this commit asks for, or None where its data was never seen."""
        return self.wanted.digest if self.wanted else None

    @property
    def trains(self) -> bool:
        """Say whether the run this commit asks for does not exist yet."""
        return self.fingerprint is not None and not self.head.trained(self.fingerprint)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the declared stages in the project's order of trust."""
        return tuple(stage for stage in self.order if stage in self.model.stages)

    def chain(self, stage: str) -> dict[str, str]:
        """Return the gates, with digests, of a stage and of every stage before it."""
        return {name: self.gates[name] for name in gates_of(self.model, self.order, stage)}

    def target(self, stage: str) -> str | None:
        """Return the run that a stage should hold; None where it is unknown or a pinned version does not exist.

        A pin may name the version that this commit's run is about to become.
        """
        asked = self.model.stages[stage].version
        if asked in ("latest", self.expected_version):
            return self.fingerprint
        version = self.head.version(asked)
        return version.fingerprint if version else None

    def occupant(self, stage: str) -> str | None:
        """Return the run that holds a stage now."""
        return occupant(self.head, stage)

    def rivals(self, run: str, stage: str) -> dict[str, str]:
        """Return what a run is compared with on its way into a stage: by stage, the run there."""
        return rivals(self.head, run, stage, way_to(self.model, self.order, stage))

    def asked(self, run: str, stage: str) -> tuple[Asked, ...]:
        """Return what the gates of a stage, and of every stage before it, are asked of a run."""
        rivals = self.rivals(run, stage)
        return tuple(
            sorted(
                {
                    Asked(name, self.gates[name], rivals.get(before, "") if self.bars[name].compares else "")
                    for before in way_to(self.model, self.order, stage)
                    for name in self.model.stages[before].gates
                }
            )
        )

    def shown(self, asked: Asked) -> str:
        """Return a gate by its address, with the champion that it compares with: `gate/quality against v3`."""
        return f"gate/{asked.shown(self.head)}"

    def judged_by(self, run: str) -> tuple[Asked, ...]:
        """Return what the gates that matter for a run are asked: those of the stages it should hold or holds."""
        stages = (stage for stage in self.stages if run in (self.target(stage), self.occupant(stage)))
        return tuple(sorted({asked for stage in stages for asked in self.asked(run, stage)}))

    def standing(self, run: str, asked: Asked) -> Standing | None:
        """Return where a run stands at a gate, by the verdict on its own test set; None: not judged."""
        known = self.head.runs.get(run)
        if known is None or known.expired:
            return None
        fact = self.head.verdicts.get(asked.key(run, known.dataset))
        if fact is None or (not fact.tells and declared(self.model.waivers, {asked.gate}, self.at)):
            return None  # one from before waivers does not say which checks failed: it is judged again
        return standing(fact, self.bars[asked.gate], self.model.waivers, self.at)

    def set_after(self, run: str, stage: str) -> tuple[str, ...]:
        """Return the gates on the way into a stage that were set, or set anew, after a run had been trained.

        None are told of a run that is recorded without the gates in force at its time.
        """
        known = self.head.runs.get(run)
        if known is None or known.in_force is None:
            return ()
        there = set(known.in_force.values())  # by what it asks: a gate may have got another name since
        return tuple(name for name, key in self.chain(stage).items() if key not in there)

    def restoring(self, run: str) -> str:
        """Return what may bring back the bytes of a run that the store lost; a version can be trained again for it."""
        version = self.head.version_of(run)
        name = f"{self.model.name}@v{version.n}" if version else ""
        return "restore the store" + (f", or train it again: mlspec reproduce {name} --restore" if version else "")

    def beside(self, head: Head, at: str | None = None) -> ModelView:
        """Return the same wish beside a newer head, at a later time."""
        return replace(self, head=head, at=at or self.at)

    @property
    def expected_version(self) -> int:
        """Return the number of the wanted run, or the one it is expected to get."""
        version = self.head.version_of(self.fingerprint)
        return version.n if version else max((known.n for known in self.head.versions), default=0) + 1


def gates_of(model: Model, order: tuple[str, ...], stage: str) -> list[str]:
    """Return the gates of a declared stage and of every declared stage before it, sorted."""
    return sorted({name for before in way_to(model, order, stage) for name in model.stages[before].gates})


def way_to(model: Model, order: tuple[str, ...], stage: str) -> tuple[str, ...]:
    """Return the declared stages on the way into one, that one last."""
    return tuple(one for one in order[: order.index(stage) + 1] if one in model.stages)
