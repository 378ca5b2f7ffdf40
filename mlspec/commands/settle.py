"""The outlook of a world, with the models that are known to be settled left out; what was found settled is remembered.

The memory is a set of keys, each the digest of all that decides about a model, so it cannot be out of date.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlspec.core.heads import read
from mlspec.io import cache
from mlspec.planner import diff, settled
from mlspec.planner.diff import Outlook
from mlspec.planner.world import World
from mlspec.version import __version__

_KEY = f"settled/1 {__version__}"
_MOST = 50_000


def outlook(world: World, memory: Path) -> Outlook:
    """Work out everything that differs. `memory` is a cache file; the heads that are needed are read in two goes."""
    models = {str(model.address): name for name, model in world.specs.models.items()}
    read(world.heads, (address for address in world.heads if address not in models))
    keys, known = settled.keys(world), _load(memory)
    quiet = frozenset(name for name, key in keys.items() if key in known)
    read(world.heads, (address for address, name in models.items() if name not in quiet))
    seen = diff.outlook(replace(world, settled=quiet))
    found = {keys[name] for name in seen.settled if name in keys}
    if not found <= known:
        _keep(memory, found | known if len(known) < _MOST else found)
    return seen


def _load(memory: Path) -> set[str]:
    body = cache.load(memory, _KEY)
    return set(body.decode().split()) if body is not None else set()


def _keep(memory: Path, keys: set[str]) -> None:
    cache.keep(memory, _KEY, "\n".join(sorted(keys)).encode())
