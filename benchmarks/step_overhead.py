"""What a step costs beyond the user's code: the CPU of a whole apply, less start, imports and the user's own part."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from timing import MLSPEC, best, environment, take, verdict

MODELS = 12
IMPORTS = "import mlspec.commands.child, sklearn.linear_model"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
TRAIN = """\
import time
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    since = time.process_time()
    model = LogisticRegression(C=params["c"]).fit(data.X, data.y)
    with open({times!r}, "a") as times:
        times.write(f"{{time.process_time() - since}}\\n")
    return model
"""
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
  - {name: x, type: number}
  - {name: y, type: string, values: [a, b], role: target}
"""
MODEL = """\
kind: Model
name: m{number}
owner: team
dataset: rows
task: classification
positive: a
train: {{entrypoint: "src/train.py:train", params: {{c: {number}.5}}, seed: 1}}
metrics: [accuracy]
stages:
  staging: {{version: latest, gates: []}}
"""


def main() -> int:
    """Measure, print the figures; return 1 when a step costs over 50 ms of CPU."""
    with tempfile.TemporaryDirectory(prefix="mlspec-bench-") as name:
        folder = Path(name)
        env, project, times = environment(folder), folder / "project", folder / "times"
        make(project, times)
        take([MLSPEC, "apply", "--yes", "dataset/rows"], project, env, "Apply:")
        start = best([take([MLSPEC, "plan", "--format", "json"], project, env) for _ in range(3)])
        imports = best([take([sys.executable, "-c", IMPORTS], project, env | ONE_THREAD) for _ in range(5)])
        whole = take([MLSPEC, "apply", "--yes", "--jobs", "1"], project, env, "Apply:")
        done = [record for record in records(project, folder) if record["address"].startswith("model/")]
        own = sum(float(line) for line in times.read_text().split())
    children = [record["cost"]["cpu_s"] for record in done if record["verb"] in {"train", "evaluate"}]
    steps = sum(record["verb"] in {"train", "evaluate", "promote"} for record in done)
    around = (whole.cpu_s - start.cpu_s - imports.cpu_s - sum(children)) / steps  # the parent imports them to score
    inside = (sum(children) - own) / len(children) - imports.cpu_s
    sys.stdout.write(
        f"{MODELS} models, {steps} steps: apply {whole.cpu_s:.2f} s CPU, of it {len(children)} children "
        f"{sum(children):.2f} s, of that the user's code {own:.2f} s; "
        f"a plan {start.cpu_s:.2f} s, the imports {imports.cpu_s:.2f} s\n"
    )
    kept = [
        verdict("around a step (store, score, record, commit), CPU s", around, 0.05),
        verdict("inside its child (read, save, load back, answer), CPU s", inside, 0.05),
    ]
    return 0 if all(kept) else 1


def make(project: Path, times: Path) -> None:
    """Make a project of models whose training takes next to nothing, and says how long it took."""
    rows = "".join(f"{n},{n % 7 - 3 + n % 2},{'ab'[n % 2]}\n" for n in range(300))
    files = {
        "mlspec.yaml": PROJECT,
        "specs/rows.yaml": DATASET,
        "data/rows.csv": "id,x,y\n" + rows,
        "src/train.py": TRAIN.format(times=str(times)),
        **{f"specs/m{number}.yaml": MODEL.format(number=number) for number in range(MODELS)},
    }
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=project, check=True)
    for key, value in (("user.name", "bench"), ("user.email", "bench@example.org")):
        subprocess.run(["git", "config", key, value], cwd=project, check=True)
    for argv in (["add", "-A"], ["commit", "-q", "-m", "specs"]):
        subprocess.run(["git", *argv], cwd=project, check=True)


def records(project: Path, folder: Path) -> list[dict[str, Any]]:
    """Return every record of the lineage branch."""
    archive = folder / "lineage.tar"
    subprocess.run(["git", "archive", "-o", str(archive), "mlspec/lineage", "log"], cwd=project, check=True)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
    return [json.loads(path.read_bytes()) for path in sorted((folder / "log").rglob("*.json"))]


if __name__ == "__main__":
    sys.exit(main())
