"""What a fresh clone of one commit fetches of the lineage of 10,000 models and 100,000 records to plan from it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from project import make
from timing import MLSPEC, environment, take, verdict

MODELS = 10_000
BUDGET_MIB = 10.0


def main() -> int:
    """Measure, print the figures; return 1 when more than the budget is fetched."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        project = make(folder / "mlspec", MODELS)
        git = lambda *argv: subprocess.run(["git", *argv], cwd=folder, check=True)  # noqa: E731 -- one line
        git("clone", "-q", "--bare", str(project), "hub.git")
        git("-C", "hub.git", "config", "uploadpack.allowFilter", "true")
        hub = size_mib(folder / "hub.git")
        git("clone", "-q", "--depth=1", f"file://{folder}/hub.git", "clone")
        took = take([MLSPEC, "plan"], folder / "clone", env, "lineage")
        fetched = size_mib(folder / "clone" / ".git" / "mlspec" / "lineage.git")
    sys.stdout.write(f"the whole repository: {hub:.1f} MiB; the first plan of the clone: {took.wall_s:.1f} s\n")
    return 0 if verdict(f"fetched of the lineage, {MODELS:,} heads, MiB", fetched, BUDGET_MIB) else 1


def size_mib(folder: Path) -> float:
    """Return what all files below a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / (1 << 20)


if __name__ == "__main__":
    sys.exit(main())
