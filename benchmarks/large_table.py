"""A CSV that does not fit in memory: the peak of its snapshot and check, beside that of one a third its size.

The sizes are small enough for a shared machine: what is shown is that the peak does not grow with the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from timing import MLSPEC, Taken, environment, take, verdict

SMALL_MB, LARGE_MB = (int(size) for size in (sys.argv[1:3] or (200, 600)))
PROJECT = """\
version: 1
project: bench
deploy: main
stages: [staging]
teams: {team: {members: [octocat]}}
"""
DATASET = """\
kind: Dataset
name: rows
owner: team
source: data/rows.csv
schema:
  - {name: id, type: integer, role: id}
  - {name: x, type: number, min: -1000}
  - {name: city, type: string}
  - {name: day, type: date, min: "2020-01-01"}
  - {name: note, type: text, role: ignore}
  - {name: y, type: integer, values: [0, 1], role: target}
checks: {unique: [id]}
"""


def main() -> int:
    """Measure both sizes, print the figures; return 1 when the larger takes over 500 MB or a fifth more."""
    small, large = (measure(size) for size in (SMALL_MB, LARGE_MB))
    sys.stdout.write(
        f"snapshot and check of {SMALL_MB} MB: {small.wall_s:.0f} s, peak {small.peak_mb:.0f} MB; "
        f"of {LARGE_MB} MB: {large.wall_s:.0f} s, peak {large.peak_mb:.0f} MB\n"
    )
    kept = [
        verdict(f"peak MB, {LARGE_MB} MB of CSV", large.peak_mb, 500),
        verdict("peak, large over small", large.peak_mb / small.peak_mb, 1.2),
    ]
    return 0 if all(kept) else 1


def measure(size_mb: int) -> Taken:
    """Apply a project with a CSV of about this size, in a new repository."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        root, env = Path(name) / "project", environment(Path(name))
        write(root / "data" / "rows.csv", size_mb)
        (root / "specs").mkdir()
        (root / "mlspec.yaml").write_text(PROJECT)
        (root / "specs" / "rows.yaml").write_text(DATASET)
        (root / ".gitignore").write_text("data/\n.mlspec/\n")
        who = ["-c", "user.name=Example", "-c", "user.email=example@example.org"]
        for argv in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "Declare"]):
            subprocess.run(["git", *argv], cwd=root, env=env, check=True)
        env |= {"GIT_AUTHOR_NAME": "Example", "GIT_AUTHOR_EMAIL": "example@example.org"}
        env |= {"GIT_COMMITTER_NAME": "Example", "GIT_COMMITTER_EMAIL": "example@example.org"}
        return take([MLSPEC, "apply", "--yes"], root, env, "keep the contract")


def write(path: Path, size_mb: int) -> None:
    """Write rows until the file has the size: every id differs, nearly every number and note do."""
    path.parent.mkdir(parents=True)
    number, size = 0, 0
    with path.open("w") as handle:
        handle.write("id,x,city,day,note,y\n")
        while size < size_mb << 20:
            lines = [
                f"{n},{n * 7919 % 1000003 / 997:.6f},city {n % 1000},2026-{n % 12 + 1:02}-{n % 28 + 1:02},"
                f"a note of row {n * 31 % 99991} and {n},{n % 2}\n"
                for n in range(number, number + 10_000)
            ]
            number += len(lines)
            size += handle.write("".join(lines))


if __name__ == "__main__":
    sys.exit(main())
