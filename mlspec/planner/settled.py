"""Settled models: nothing has to be done about them, which is known again without reading what is recorded of them.

Whether anything has to be done about a model follows from its document, its head, the version of its dataset, the
gates it names, the project's stages, the code it reaches, and which of its waivers are over. A key is the digest of
all of these. So a key that once meant nothing to do means nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlspec.core import digest
from mlspec.core.address import Address
from mlspec.core.heads import identity
from mlspec.core.moment import holds_until
from mlspec.planner import datasets
from mlspec.planner.world import World


def keys(world: World) -> dict[str, str]:
    """Return the key of each model; one that is not recorded, or whose data was never seen, has none."""
    versions = {name: datasets.version(world, spec) for name, spec in world.specs.datasets.items()}
    gates = world.bars()
    found = {}
    for name, model in world.specs.outlines.items():
        address = Address("model", name)
        version, head = versions[model.dataset], identity(world.heads, str(address))
        if version is not None and head is not None:
            judges = [f"{gate} {gates[gate]}" for gate in model.gates]
            judges += [f"waived until {day}: {holds_until(day, world.at)}" for day in model.waivers]
            found[name] = _key(world, address, [head, version.digest, *judges])
    return found


def _key(world: World, address: Address, facts: Sequence[str]) -> str:
    document, code = world.specs.where[address], world.code[address.name]
    reached = code.closure.digest if code.closure else None
    lines = (document.blob, document.index, *facts, *world.project.stages, reached, code.environment)
    return digest.of_lines(lines)
