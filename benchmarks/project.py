"""A project of N models with everything recorded, made without training: the records are those an apply would write."""

from __future__ import annotations

import subprocess
from pathlib import Path

import history

PROJECT = """\
version: 1
project: bench
deploy: main
stages: [staging, production]
teams:
  data: {members: [octocat]}
  risk: {members: [hubot]}
"""
DATASET = """\
kind: Dataset
name: rows
owner: data
purpose: A benchmark.
source: data/rows.csv
schema:
  - {name: id, type: integer, role: id}
  - {name: x, type: number, min: -100, max: 100}
  - {name: y, type: string, role: target, values: [a, b]}
checks: {max_missing: 0.05, unique: [id], min_rows: 10}
split: {test: 0.25, by: hash, seed: 7}
"""
GATE = """\
kind: Gate
name: quality
owner: risk
checks:
  - {check: metric, metric: roc_auc, min: 0.7, confidence: 0.95}
"""
MODEL = """\
kind: Model
name: m{number}
owner: risk
description: Model number {number} of the benchmark, a spec of the usual length.
dataset: rows
task: classification
positive: b
train:
  estimator: sklearn.ensemble.HistGradientBoostingClassifier
  params:
    max_iter: {iterations}
    learning_rate: 0.1
    max_leaf_nodes: 31
    l2_regularization: 0.0
  seed: 7
metrics: [roc_auc, accuracy, brier_score]
stages:
  staging: {{version: latest, gates: [quality]}}
  production: {{version: latest, gates: [quality]}}
"""


def make(folder: Path, models: int) -> Path:
    """Make the project and its lineage in a new git repository; return its folder."""
    history.write(declare(folder, models))
    return folder


def declare(folder: Path, models: int) -> Path:
    """Make the project, committed and not yet applied; return its folder."""
    specs = folder / "specs"
    (specs / "models").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "mlspec.yaml").write_text(PROJECT)
    (specs / "rows.yaml").write_text(DATASET)
    (specs / "quality.yaml").write_text(GATE)
    rows = "".join(f"{n},{n % 7 - 3},{'ab'[n % 2]}\n" for n in range(100))
    (folder / "data" / "rows.csv").write_text("id,x,y\n" + rows)
    for number in range(models):
        text = MODEL.format(number=number, iterations=100 + number)
        (specs / "models" / f"m{number}.yaml").write_text(text)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for argv in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "specs"]):
        subprocess.run(["git", *argv], cwd=folder, check=True)
    for key, value in (("user.name", "bench"), ("user.email", "bench@example.org")):
        subprocess.run(["git", "config", key, value], cwd=folder, check=True)
    return folder
