"""Make data/digits.csv from the copy that ships with scikit-learn: python make_data.py."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_digits


def main() -> None:
    """Write the 1,797 images: an id, the 64 pixels row by row (p00 to p77, 0 to 16), and the digit."""
    found = load_digits(as_frame=True)
    names = [f"p{row}{column}" for row in range(8) for column in range(8)]
    frame = found.frame.astype(int).set_axis([*names, "digit"], axis="columns")
    frame.insert(0, "id", range(1, len(frame) + 1))
    frame.to_csv(Path(__file__).with_name("data") / "digits.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
