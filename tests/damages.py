"""Damages by the thousand: what may happen to a file of the lineage, to git's object of it, or to one of the store."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tests.worlds import LINEAGE, World

Bytes = Callable[[bytes, bytes, random.Random], bytes | None]
"""Makes the damaged content of a file from its own, another's of its sort, and chance; None removes it."""


def truncated(content: bytes, _: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(max(len(content), 1))]


def flipped(content: bytes, _: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def removed(_: bytes, __: bytes, ___: random.Random) -> None:
    return None


def replaced(_: bytes, other: bytes, __: random.Random) -> bytes:
    return other


WAYS: dict[str, Bytes] = {"truncated": truncated, "flipped": flipped, "removed": removed, "replaced": replaced}


@dataclass(frozen=True)
class Damage:
    """One damage: where (`branch`, `git`, `store`), to what, in which way, and the chance that decides the rest."""

    where: str
    name: str
    way: str
    seed: int

    def __str__(self) -> str:
        return f"{self.way} in the {self.where}: {self.name} ({self.seed})"


@dataclass(frozen=True)
class Target:
    """A world with all that can be damaged in it, by name: files of the branch, git objects, what the store keeps.

    `files` are heads and records with their blobs; format.json, which a repair may seal anew, is beside them.
    """

    world: World
    tip: str
    files: dict[str, str]
    objects: dict[str, str]
    stored: tuple[str, ...]

    @classmethod
    def of(cls, world: World) -> Target:
        """Look at a world whose git objects are all loose."""
        rows = [row.split("\t") for row in world.git("ls-tree", "-r", "-t", world.tip).splitlines()]
        objects = {path: meta.split()[2] for meta, path in rows}
        commits = world.git("rev-list", world.tip).splitlines()
        objects |= {f"commit {commit[:12]}": commit for commit in commits}
        objects["root"] = world.git("rev-parse", f"{world.tip}^{{tree}}")
        store = world.root / ".mlspec/store/sha256"
        stored = sorted(f"sha256:{path.parent.name}{path.name}" for path in store.glob("??/*"))
        stored += sorted(f"runs/{path.name}" for path in (world.root / ".mlspec/store/notes/runs").iterdir())
        files = {path: blob for path, blob in world.recorded().items() if path != "format.json"}
        return cls(world, world.tip, files, objects, tuple(stored))

    def damages(self, count: int) -> list[Damage]:
        """Return the damages: each file in each way, an older one and a stray one, then flips and cuts by chance."""
        files = sorted([*self.files, "format.json"])
        names = [("branch", name) for name in files]
        names += [("git", name) for name in sorted(self.objects)] + [("store", name) for name in self.stored]
        all_ways = [(*name, way) for name, way in product(names, WAYS)]
        all_ways += [("branch", name, way) for name, way in product(files, ("older", "stray", "copied"))]
        again = [(*name, way) for way, name in product(("flipped", "truncated"), names)]
        rest = max(0, count - len(all_ways))
        chosen = [*all_ways, *(again[number % len(again)] for number in range(rest))]
        return [Damage(*one, seed) for seed, one in enumerate(chosen)][:count]

    @contextmanager
    def done(self, damage: Damage) -> Iterator[bool]:
        """Do a damage, and undo it at the end; yields whether there was anything to do."""
        if damage.where == "branch":
            changes = self._changes(damage)
            if changes:
                self.world.tamper(changes, onto=True)
            yield bool(changes)
            self.world.git("update-ref", LINEAGE, self.tip)
            return
        path, other = self._path(damage.where, damage.name), self._other(damage)
        content = path.read_bytes()
        damaged = WAYS[damage.way](content, other.read_bytes(), random.Random(damage.seed))
        _put(path, damaged)
        same = damage.where == "git" and _unpacked(damaged) == _unpacked(content)
        yield damaged != content and not same and not (damaged is None and damage.name.startswith("runs/"))
        _put(path, content)

    def _path(self, where: str, name: str) -> Path:
        if where == "store" and name.startswith("runs/"):
            return self.world.root / ".mlspec/store/notes" / name
        if where == "store":
            digest = name.removeprefix("sha256:")
            return self.world.root / ".mlspec/store/sha256" / digest[:2] / digest[2:]
        oid = self.objects[name]
        return self.world.root / ".git/objects" / oid[:2] / oid[2:]

    def _other(self, damage: Damage) -> Path:
        names = self.stored if damage.where == "store" else sorted(self.objects)
        return self._path(damage.where, names[names.index(damage.name) - 1])

    def _changes(self, damage: Damage) -> dict[str, bytes | None]:
        """Return what is committed onto the branch; nothing where a file is what it always was."""
        name, content = damage.name, self.world.content(damage.name)
        folder, _, file = name.rpartition("/")
        match damage.way:
            case "stray":
                return {f"{folder}/stray-{file}".removeprefix("/"): content}
            case "copied":
                return {name.replace("log/", "log/1999/").replace("heads/", "heads/a/") + ".json": content}
            case "older":
                return self._older(name, content)
        others = sorted(path for path in self.files if path.partition("/")[0] == name.partition("/")[0])
        other = self.world.content(others[others.index(name) - 1]) if len(others) > 1 else b"{}\n"
        return {name: WAYS[damage.way](content, other, random.Random(damage.seed))}

    def _older(self, name: str, content: bytes) -> dict[str, bytes | None]:
        for commit in self.world.git("rev-list", self.tip, "--", name).splitlines()[1:]:
            before = self.world.git("cat-file", "blob", f"{commit}:{name}").encode() + b"\n"
            if before != content:
                return {name: before}
        return {}


def _put(path: Path, content: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


def _unpacked(content: bytes | None) -> bytes | None:
    """Return what is in a file of git, or None: it cannot be unpacked. A bit of padding may flip and change nothing."""
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(content or b"")
    except zlib.error:
        return None
    return unpacked if unpacking.eof and not unpacking.unused_data else None
