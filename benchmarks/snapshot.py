"""A snapshot of one large file and of many small ones, beside `dvc add` and beside sha256 plus a durable copy.

Sizes in MB and in files may be given; the budgets are for 2,000 MB and 20,000 files of 10 kB. The budget is for the
step that copies the bytes, hashed and durable, as apply tells it. Printed beside it is the whole of that apply, which
also plans, checks (it refuses the bytes, which are no text) and records. The better of two runs of each; the disk is
at rest when each begins.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from large_table import PROJECT
from timing import MLSPEC, apart, environment, take, tool, verdict

SIZE_MB, FILES = (int(size) for size in (sys.argv[1:3] or (300, 4000)))
SMALL = 10_000
STEP = re.compile(r"snapshot the source .* ([0-9.]+) s$", re.MULTILINE)
DATASET = """\
kind: Dataset
name: rows
owner: team
source: {{path: {path}, format: csv}}
schema:
  - {{name: x, type: string}}
"""


def main() -> int:
    """Measure in turn, print the figures; return 1 when a budget is not kept."""
    dvc = tool("dvc", "dvc==3.67.1")
    kept = [one_file()]
    for label, path, make in (
        (f"one file of {SIZE_MB} MB", "data/big.csv", large),
        (f"{FILES} files of {SMALL // 1000} kB", "data/many", many),
    ):
        step, whole, again, theirs = map(min, zip(*(beside(path, make, dvc) for _ in range(2)), strict=True))
        sys.stdout.write(
            f"{label}: snapshot {step:.1f} s of an apply of {whole:.1f} s, planned again {again:.2f} s; "
            f"dvc add {theirs:.1f} s\n"
        )
        kept.append(verdict(f"times faster than dvc add, {label}", theirs / step, 3, at_least=True))
    return 0 if all(kept) else 1


def beside(path: str, make: Callable[[Path], None], dvc: str) -> tuple[float, float, float, float]:
    """Return the seconds of our snapshot, of its apply, of planning again, and of `dvc add` of the same data."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder, env = Path(name), environment(Path(name))
        return *mlspec(folder / "mlspec", path, make, env), dvc_add(folder / "dvc", path, make, env, dvc)


def one_file() -> bool:
    """Hold `put` against a hash and then a copy of the same bytes, the best of three each."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        source = Path(name) / "big"
        large(source)
        os.sync()
        bare = min(apart(hash_and_copy, source, Path(name) / f"copy{n}") for n in range(3))
        ours = min(apart(put, source, Path(name) / f"store{n}") for n in range(3))
    sys.stdout.write(f"sha256, then a durable copy of {SIZE_MB} MB: {bare:.2f} s; the store's put: {ours:.2f} s\n")
    return verdict("put over sha256 plus a durable copy", ours / bare, 1.3)


def hash_and_copy(source: Path, target: Path) -> float:
    """Hash a file and copy it durably; return the seconds."""
    since = time.perf_counter()
    with source.open("rb") as handle:
        hashlib.file_digest(handle, "sha256")
    with source.open("rb") as handle, target.open("wb") as copy:
        while block := handle.read(1 << 20):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return time.perf_counter() - since


def put(source: Path, root: Path) -> float:
    """Put a file into a new store; return the seconds."""
    from mlspec.stores.folder import FolderStore  # noqa: PLC0415 -- in a process of its own

    store = FolderStore(root)
    store.ready()
    since = time.perf_counter()
    store.put(source)
    return time.perf_counter() - since


def mlspec(root: Path, path: str, make: Callable[[Path], None], env: dict[str, str]) -> tuple[float, float, float]:
    """Apply a project with one dataset, then plan it again; return the seconds of the snapshot, and of both."""
    make(root / path)
    (root / "specs").mkdir()
    (root / "mlspec.yaml").write_text(PROJECT)
    (root / "specs" / "rows.yaml").write_text(DATASET.format(path=path))
    (root / ".gitignore").write_text("data/\n.mlspec/\n")
    env |= {f"GIT_{who}_{what}": f"e@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for argv in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Declare"]):
        subprocess.run(["git", *argv], cwd=root, env=env, check=True)
    os.sync()
    time.sleep(2)  # what was written within two seconds is not trusted to be unchanged
    applied = take(["sh", "-c", f"{MLSPEC} apply --yes; test $? = 3"], root, env, "rejected")
    step = STEP.search(applied.out)
    if step is None:
        raise RuntimeError(applied.out)
    return float(step[1]), applied.wall_s, take([MLSPEC, "plan"], root, env, "rejected").wall_s


def dvc_add(root: Path, path: str, make: Callable[[Path], None], env: dict[str, str], dvc: str) -> float:
    """Add the same data to a new DVC repository; return the seconds."""
    make(root / path)
    for argv in (["git", "init", "-q"], [dvc, "init", "-q"], [dvc, "config", "core.analytics", "false"]):
        subprocess.run(argv, cwd=root, env=env, check=True)
    os.sync()
    return take([dvc, "add", "-q", path], root, env).wall_s


def large(path: Path) -> None:
    """Write one file of random bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        for number in range(SIZE_MB):
            handle.write(random.Random(number).randbytes(1 << 20))


def many(path: Path) -> None:
    """Write small files of random bytes into folders of a thousand."""
    for number in range(FILES):
        file = path / f"{number // 1000:03}" / f"{number:06}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random.Random(number).randbytes(SMALL))


if __name__ == "__main__":
    sys.exit(main())
