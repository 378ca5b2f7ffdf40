"""Make the deliveries from the copy of the wine data that ships with scikit-learn: python make_data.py."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_wine

FIRST = 130
HERE = Path(__file__).parent


def main() -> None:
    """Write the first delivery, the second one as it came (spoilt here, by two slips), and the second one mended."""
    found = load_wine(as_frame=True).frame
    found = found.rename(columns={"od280/od315_of_diluted_wines": "od280_od315", "target": "cultivar"})
    found["cultivar"] += 1
    found = found.astype({"magnesium": int, "proline": int})
    found.insert(0, "id", range(1, len(found) + 1))
    shuffled = found.sample(frac=1, random_state=7)  # the source lists them by cultivar
    first, second = shuffled.iloc[:FIRST].sort_values("id"), shuffled.iloc[FIRST:].sort_values("id")

    spoilt = second.copy()
    spoilt.iloc[20:32, spoilt.columns.get_loc("alcohol")] *= 100  # a decimal point is lost: 13.71 becomes 1371
    spoilt = pd.concat([spoilt, first.head(5)])  # and five wines of the first delivery come again

    for name, frame in (
        ("data/delivery-1.csv", first),
        ("deliveries/delivery-2.csv", spoilt),
        ("deliveries/delivery-2-mended.csv", second),
    ):
        frame.to_csv(HERE / name, index=False, lineterminator="\n", float_format="%.6g")


if __name__ == "__main__":
    main()
