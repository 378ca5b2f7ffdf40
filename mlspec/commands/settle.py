"""The outlook of a world without the models that are known to be settled; those found settled are remembered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlspec.commands.keys import Keys
from mlspec.core.heads import read
from mlspec.planner import diff, settled
from mlspec.planner.diff import Outlook
from mlspec.planner.world import World


def outlook(world: World, memory: Path) -> Outlook:
    """Work out everything that differs. `memory` is a cache file; the heads that are needed are read in two goes."""
    models = {f"model/{name}": name for name in world.specs.models}
    read(world.heads, (address for address in world.heads if address not in models))
    keys, known = settled.keys(world), Keys(memory, "settled/1")
    quiet = frozenset(name for name, key in keys.items() if key in known)
    read(world.heads, (address for address, name in models.items() if name not in quiet))
    seen = diff.outlook(replace(world, settled=quiet))
    known.keep([keys[name] for name in seen.settled if name in keys])
    return seen
