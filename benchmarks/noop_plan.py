"""A plan with nothing to do, 1,000 models, beside `dvc status` on 1,000 stages; and the cost of starting at all."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from project import make
from timing import MLSPEC, apart, best, environment, take, tool, verdict

MODELS = 1000
RUNS = 5


def main() -> int:
    """Measure in turn, print the figures; return 1 when a budget of DESIGN section 9 is not kept."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        project = apart(make, folder / "mlspec", MODELS)
        stages, dvc = dvc_stages(folder / "dvc", MODELS, env)
        cold, anew, ours, theirs, starts = [], [], [], [], []
        for _ in range(RUNS):
            shutil.rmtree(project / ".mlspec" / "cache", ignore_errors=True)
            cold.append(take([MLSPEC, "plan"], project, env, "No changes"))
            (project / ".mlspec/cache/quiet").unlink(missing_ok=True)
            anew.append(take([MLSPEC, "plan"], project, env, "No changes"))
            ours += [take([MLSPEC, "plan"], project, env, "No changes") for _ in range(3)]
            theirs.append(take([dvc, "status"], stages, env, "up to date"))
            starts.append(take([MLSPEC, "version"], project, env))
    warm = min(taken.wall_s for taken in ours)
    ratio = best(theirs).cpu_s / best(ours).cpu_s
    sys.stdout.write(
        f"dvc status, {MODELS} stages: {best(theirs).cpu_s:.2f} s CPU; a plan with no cache: {best(cold).cpu_s:.2f} s, "
        f"with the caches but made anew: {best(anew).cpu_s:.2f} s, remembered: {best(ours).cpu_s:.2f} s\n"
    )
    kept = [
        verdict(f"no-op plan, {MODELS} models, warm, wall s", warm, 0.5),
        verdict("times faster than dvc status (CPU)", ratio, 20, at_least=True),
        verdict("mlspec version, CPU s", best(starts).cpu_s, 0.15),
        verdict("no-op plan, peak MB", best(ours).peak_mb, 300),
    ]
    return 0 if all(kept) else 1


def dvc_stages(folder: Path, count: int, env: dict[str, str]) -> tuple[Path, str]:
    """Make a DVC project of independent stages that are up to date: lock and cache in DVC's own format."""
    dvc = tool("dvc", "dvc==3.67.1")
    for name in ("data", "conf", "out"):
        (folder / name).mkdir(parents=True)
    for argv in (["git", "init", "-q"], [dvc, "init", "-q"], [dvc, "config", "core.analytics", "false"]):
        subprocess.run(argv, cwd=folder, env=env, check=True)
    stages, lock = ["stages:\n"], ["schema: '2.0'\nstages:\n"]
    for number in range(count):
        content = f"input {number}\n".encode()
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        (folder / f"data/i{number}.txt").write_bytes(content)
        (folder / f"out/o{number}.txt").write_bytes(content)
        (folder / f"conf/p{number}.yaml").write_text(f"x: {number}\n")
        cached = folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_bytes(content)
        command = f"cp data/i{number}.txt out/o{number}.txt"
        stages.append(
            f"  s{number}:\n    cmd: {command}\n    deps:\n    - data/i{number}.txt\n"
            f"    params:\n    - conf/p{number}.yaml:\n      - x\n    outs:\n    - out/o{number}.txt\n"
        )
        facts = f"      hash: md5\n      md5: {digest}\n      size: {len(content)}\n"
        lock.append(
            f"  s{number}:\n    cmd: {command}\n    deps:\n    - path: data/i{number}.txt\n{facts}"
            f"    params:\n      conf/p{number}.yaml:\n        x: {number}\n"
            f"    outs:\n    - path: out/o{number}.txt\n{facts}"
        )
    (folder / "dvc.yaml").write_text("".join(stages))
    (folder / "dvc.lock").write_text("".join(lock))
    return folder, dvc


if __name__ == "__main__":
    sys.exit(main())
