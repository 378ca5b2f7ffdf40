"""Make data/diabetes.csv from the copy that ships with scikit-learn: python make_data.py."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_diabetes


def main() -> None:
    """Write the 442 patients with their measurements as they were taken, an id, and the progression after a year."""
    found = load_diabetes(as_frame=True, scaled=False)
    frame = found.frame.rename(columns={"target": "progression"})
    frame["sex"] = frame["sex"].map({1.0: "a", 2.0: "b"})  # the source does not say which is which
    frame["age"] = frame["age"].astype(int)
    frame["progression"] = frame["progression"].astype(int)
    frame.insert(0, "id", range(1, len(frame) + 1))
    frame.to_csv(
        Path(__file__).with_name("data") / "diabetes.csv", index=False, lineterminator="\n", float_format="%.6g"
    )


if __name__ == "__main__":
    main()
