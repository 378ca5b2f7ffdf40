"""What `reproduce` says of each outcome, as a person reads it."""

from __future__ import annotations

from typing import Any

from mlspec.core.reproduction import Artifact, Difference, Predicted, Reproduction, Reproductions, Retrained
from mlspec.render.reproduce_text import reproduction_lines
from mlspec.render.text import plain


def said(found: Reproduction, **facts: Any) -> str:
    one = Retrained(address="model/income", version=3, run="sha256:ab", commit="9f0c12ab34", found=found, **facts)
    return plain(reproduction_lines(Reproductions(project="income", lineage="41ab9f0c12ab", versions=(one,))))


def test_identical() -> None:
    found = Reproduction(
        outcome="identical",
        tolerance=1e-9,
        source="commit",
        artifact=Artifact(digest="sha256:cd", same="equal"),
        predictions=Predicted(same="equal", rows=4055),
    )
    assert (
        said(found, restored=("model",))
        == """\
model/income v3: identical
  source        commit 9f0c12ab, of the recorded fingerprint
  model         the same bytes
  predictions   the same for 4,055 test rows
  metrics       the same
  restored      model: put back into the store

Trained again: 1 identical. Recorded at lineage 41ab9f0c.
"""
    )


def test_different_and_where() -> None:
    found = Reproduction(
        outcome="different",
        tolerance=1e-9,
        source="store",
        artifact=Artifact(
            digest="sha256:cd", same="different", members=("model/a.npy", "model/b\x1b"), members_differ=3
        ),
        predictions=Predicted(same="different", rows=100, rows_differ=60, labels_differ=2, largest=0.0312),
        metrics={"roc_auc": Difference(before=0.5, after=0.25), "log_loss": Difference(before=None, after=1.0)},
        metrics_same="different",
        environment={"numpy": Difference(before="2.1.0", after="2.2.0")},
        environment_differ=2,
    )
    assert (
        said(found, lost=("model",), remarks=("odd",))
        == """\
model/income v3: different
  source        what was kept with the run, of the recorded fingerprint
  model         3 members differ: model/a.npy, model/b␛ and 1 more
  predictions   60 of 100 test rows differ, 2 of them in their label; the largest difference is 0.0312
  metric        roc_auc: 0.5 -> 0.25
  metric        log_loss: undefined -> 1.0
  environment   differs: numpy 2.1.0 -> 2.2.0 and 1 more
  not restored  the model came out with another digest, and the store takes it by its digest
  note          odd

Trained again: 1 different. Recorded at lineage 41ab9f0c.
"""
    )


def test_equal_with_what_is_gone() -> None:
    found = Reproduction(
        outcome="equal",
        tolerance=1e-6,
        source="commit",
        artifact=Artifact(digest="sha256:cd", same="unknown"),
        predictions=Predicted(same="close", rows=10, largest=1.5e-7),
        metrics_same="none",
    )
    text = said(found)
    assert "  model         other bytes, and the recorded model is not in the store to be compared\n" in text
    assert "  predictions   within 1e-06 for 10 test rows; the largest difference is 1.5e-07\n" in text
    assert "  metrics       none were recorded\n" in text
