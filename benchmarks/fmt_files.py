"""`fmt` of 1,000 specs, each out of order; beside ruamel's round trip of them, and beside writing the bytes alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from project import declare
from timing import MLSPEC, best, environment, take, verdict

MODELS = 997
RUNS = 3
PEER = """
import io, pathlib
from ruamel.yaml import YAML
yaml = YAML()
for path in pathlib.Path("specs").rglob("*.yaml"):
    yaml.dump(yaml.load(path.read_bytes()), io.BytesIO())
"""
BARE = """
import os, pathlib
for path in pathlib.Path("specs").rglob("*.yaml"):
    content, beside = path.read_bytes(), path.with_suffix(".partial")
    with beside.open("wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
"""


def main() -> int:
    """Measure in turn, print the figures; return 1 when 1,000 files take 10 seconds."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        project = declare(folder / "mlspec", MODELS)
        for path in project.rglob("*.yaml"):
            path.write_text(disorder(path.read_text()))
        ours, again, peer, bare = [], [], [], []
        for run in range(RUNS):
            copy = Path(shutil.copytree(project, folder / f"run{run}"))
            bare.append(take([sys.executable, "-c", BARE], copy, env))
            peer.append(take([sys.executable, "-c", PEER], copy, env))
            ours.append(take([MLSPEC, "fmt"], copy, env, "1,000 files formatted"))
            again.append(take([MLSPEC, "fmt", "--check"], copy, env, "1,000 files in order"))
    sys.stdout.write(f"the bytes written and made durable, no more: {best(bare).wall_s:.2f} s\n")
    sys.stdout.write(f"ruamel.yaml's round trip, not written: {best(peer).cpu_s:.2f} s CPU\n")
    kept = [
        verdict("mlspec fmt of 1,000 files out of order, s", best(ours).wall_s, 10.0),
        verdict("mlspec fmt --check of them in order, s", best(again).wall_s, 10.0),
        verdict("times ruamel.yaml's round trip (CPU)", best(ours).cpu_s / best(peer).cpu_s, 1.0),
    ]
    return 0 if all(kept) else 1


def disorder(text: str) -> str:
    """Turn the order of the fields around, and spread them out."""
    entries: list[str] = []
    for row in text.splitlines():
        if row.startswith(" "):
            entries[-1] += f"  {row}\n"
        else:
            entries.append(f"\n\n{row}   # why\n")
    return "".join(reversed(entries))


if __name__ == "__main__":
    sys.exit(main())
