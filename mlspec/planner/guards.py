"""Guards: what a plan refuses to take away, whatever the specs say."""

from __future__ import annotations

from collections.abc import Mapping

from mlspec.core.head import Head
from mlspec.core.heads import of_kind
from mlspec.core.plan import Action, Reason
from mlspec.planner import overrides
from mlspec.planner.fingerprint import effect
from mlspec.planner.world import World

MASS_COUNT = 5
MASS_SHARE = 0.2
_ALLOW = "list them under `retire:` in mlspec.yaml or apply --allow-retire"


def retirements(world: World, gone: Mapping[str, Head]) -> list[Action]:
    """Return the retire actions of recorded resources whose spec is gone, guarded."""
    mass = _mass(world, len(gone))
    return [_retire(world, head, mass) for _, head in sorted(gone.items())]


def _mass(world: World, gone: int) -> str | None:
    empty = not (world.specs.datasets or world.specs.models or world.specs.gates)
    if gone and empty:
        return f"no spec is left at all: {_ALLOW}"
    recorded = sum(not head.retired for head in world.heads.values()) if gone >= MASS_COUNT else 0
    if gone >= MASS_COUNT and gone > MASS_SHARE * recorded:
        return f"{gone} of {recorded} resources would go: {_ALLOW}"
    return None


def _retire(world: World, head: Head, mass: str | None) -> Action:
    blocked = None
    if head.protect:
        blocked = "protected: first apply `protect: false`, then remove the spec"
    elif mass and head.address not in world.project.retire and not world.options.allow_retire:
        blocked = mass
    elif not world.authority.deploys:
        blocked = world.authority.why
    return Action(
        verb="retire",
        address=head.address,
        change="delete",
        effect=effect("retire", head.address, protect=head.protect),
        blocked=blocked,
        reasons=(Reason(field="spec", before="declared"), *_emptied(head), *_still_used(world, head)),
    )


def _emptied(head: Head) -> tuple[Reason, ...]:
    """Say which stages lose what they hold, as where a stage's entry is removed."""
    reasons: list[Reason] = []
    for stage, state in sorted(head.stages.items()):
        if state.version is not None:
            reasons.append(Reason(field=f"stages.{stage}", before=f"v{state.version}"))
        reasons += overrides.ended(stage, state)
    return tuple(reasons)


def _still_used(world: World, head: Head) -> tuple[Reason, ...]:
    if not head.snapshots:
        return ()
    used = []
    for model in of_kind(world.heads, "model"):
        for stage, state in model.stages.items():
            version = model.version(state.version) if state.version is not None else None
            run = model.runs.get(version.fingerprint) if version else None
            if run is not None and run.dataset in head.snapshots:
                used.append(Reason(field="snapshot kept", after=f"{model.address} v{state.version} in {stage}"))
    return tuple(used)
