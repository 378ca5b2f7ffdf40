"""Settled models: nothing has to be done about them, which is known again without reading what is recorded of them.

Whether anything has to be done about a model follows from its document, its head, the version of its dataset, the
gates it names, the project's stages and the code it reaches. A key is the digest of all of these. So a key that once
meant nothing to do means nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlspec.core import digest
from mlspec.core.heads import identity
from mlspec.planner import datasets, fingerprint
from mlspec.planner.world import World
from mlspec.specs.model import Model


def keys(world: World) -> dict[str, str]:
    """Return the key of each model; one that is not recorded, or whose data was never seen, has none."""
    versions = {name: datasets.version(world, spec) for name, spec in world.specs.datasets.items()}
    gates = {name: fingerprint.gate(spec).digest for name, spec in world.specs.gates.items()}
    found = {}
    for name, model in world.specs.models.items():
        version, head = versions[model.dataset], identity(world.heads, str(model.address))
        if version is not None and head is not None:
            found[name] = _key(world, model, [head, version.digest, _judges(model, gates)])
    return found


def _key(world: World, model: Model, facts: Sequence[object]) -> str:
    document, code = world.specs.where[model.address], world.code[model.name]
    reached = code.closure.digest if code.closure else None
    return digest.of([document.blob, document.index, facts, world.project.stages, reached, code.environment])


def _judges(model: Model, gates: Mapping[str, str]) -> dict[str, str]:
    return {name: gates[name] for stage in model.stages.values() for name in stage.gates}
