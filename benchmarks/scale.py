"""Plans of a large project, 10,000 models and 100,000 records, beside a tenth of it; and `dvc status` on 1,000 stages.

A plan is made cold (every cache of mlspec deleted), anew with its caches, remembered whole, and with one spec edited.
The large project is verified, too.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import history
from noop_plan import dvc_stages
from project import declare
from timing import MLSPEC, Taken, apart, best, environment, take, verdict

MODELS, TENTH = 10_000, 1_000
RUNS = 3
QUIET = "No changes"


@dataclass
class Plans:
    """What plans of one project took, by the way they were made."""

    cold: list[Taken] = field(default_factory=list)
    anew: list[Taken] = field(default_factory=list)
    remembered: list[Taken] = field(default_factory=list)
    edited: list[Taken] = field(default_factory=list)

    def measure(self, project: Path, env: dict[str, str]) -> None:
        """Plan in each way once."""
        cache, argv = project / ".mlspec" / "cache", [MLSPEC, "plan"]
        shutil.rmtree(cache, ignore_errors=True)
        self.cold.append(take(argv, project, env, QUIET))
        (cache / "quiet").unlink(missing_ok=True)
        self.anew.append(take(argv, project, env, QUIET))
        self.remembered += [take(argv, project, env, QUIET) for _ in range(2)]
        spec = project / "specs/models/m7.yaml"
        before = spec.read_text()
        spec.write_text(before.replace("seed: 7", "seed: 8"))
        self.edited.append(take(argv, project, env, "model/m7"))
        spec.write_text(before)


def main() -> int:
    """Measure in turn, print the figures; return 1 when a budget of DESIGN section 9 is not kept."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        large, small = declare(folder / "large", MODELS), declare(folder / "small", TENTH)
        records = apart(history.write, large)
        apart(history.write, small)
        stages, dvc = dvc_stages(folder / "dvc", TENTH, env)
        ten, one, theirs = Plans(), Plans(), []
        for _ in range(RUNS):
            ten.measure(large, env)
            one.measure(small, env)
            theirs.append(take([dvc, "status"], stages, env, "up to date"))
        verified = take([MLSPEC, "verify"], large, env, "Whole: ")
    sys.stdout.write(
        f"{MODELS:,} models, {records:,} records; dvc status on {TENTH:,} stages: {best(theirs).cpu_s:.2f} s CPU\n"
    )
    kept = [verdict("verify, CPU s", verified.cpu_s, 60), verdict("peak MB of verify", verified.peak_mb, 500)]
    return 0 if all([*_within(ten), *_grows(ten, one), *kept]) else 1


def _within(ten: Plans) -> list[bool]:
    return [
        verdict("no-op plan remembered, wall s", _wall(ten.remembered), 2),
        verdict("no-op plan made anew with its caches, wall s", _wall(ten.anew), 2),
        verdict("no-op plan cold, wall s", _wall(ten.cold), 10),
        verdict("plan of one edited spec, wall s", _wall(ten.edited), 2),
        verdict("peak MB of a plan made anew", best(ten.anew).peak_mb, 300),
        verdict("peak MB of a cold plan", best(ten.cold).peak_mb, 300),
    ]


def _grows(ten: Plans, one: Plans) -> list[bool]:
    ways = ("remembered", "anew", "cold")
    pairs = {way: (best(getattr(ten, way)).cpu_s, best(getattr(one, way)).cpu_s) for way in ways}
    return [
        verdict(f"CPU at 10,000 over 1,000, {way} ({most:.2f} s over {least:.2f} s)", most / least, 12)
        for way, (most, least) in pairs.items()
    ]


def _wall(taken: list[Taken]) -> float:
    return min(one.wall_s for one in taken)


if __name__ == "__main__":
    sys.exit(main())
