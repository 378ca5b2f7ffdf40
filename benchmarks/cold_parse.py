"""1,000 specs read, validated and checked against each other, no cache; beside PyYAML's C loader on the same files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from project import make
from timing import MLSPEC, best, environment, take, verdict

MODELS = 998
RUNS = 5
PEER = """
import pathlib, yaml
for path in pathlib.Path("specs").rglob("*.yaml"):
    yaml.load(path.read_bytes(), yaml.CSafeLoader)
"""
RUN = """
import time
from pathlib import Path
from mlspec.commands.load import attempt
from mlspec.io.trees import WorkTree
since = time.process_time()
loaded, problems = attempt(WorkTree(Path.cwd()), None)
print("parsed", len(loaded.specs.where), time.process_time() - since)
"""


def main() -> int:
    """Measure in turn, print the figures; return 1 when 1,000 specs take more than a second."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        project = make(folder / "mlspec", MODELS)
        ours, peer, whole = [], [], []
        for _ in range(RUNS):
            ours.append(take([sys.executable, "-c", RUN], project, env, "parsed 1000"))
            peer.append(take([sys.executable, "-c", PEER], project, env))
            whole.append(take([MLSPEC, "validate"], project, env, "Valid."))
    sys.stdout.write(f"PyYAML's C loader, values only: {best(peer).cpu_s:.2f} s CPU\n")
    kept = [
        verdict("1,000 specs parsed and validated, whole process, CPU s", best(ours).cpu_s, 1.0),
        verdict("mlspec validate of them, CPU s", best(whole).cpu_s, 1.0),
        verdict("times PyYAML's C loader (CPU)", best(ours).cpu_s / best(peer).cpu_s, 4.0),
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
