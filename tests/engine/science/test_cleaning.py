"""What cleaning says it did, on bars whose faults were planted."""

import numpy as np
import pandas as pd

from engine.science import bars, cleaning, datagate, simulate


def test_every_change_is_counted() -> None:
    raw = simulate.gbm(2_000, 5)
    raw.loc[raw.index[10:13], ["open", "high"]] = np.nan
    raw.loc[raw.index[20], "volume"] = np.nan
    raw.loc[raw.index[30], "close"] = -1.0
    raw = pd.concat([raw.drop(raw.index[40:45]), raw.iloc[[50, 51]]])
    report = datagate.check(raw)
    grid = datagate.clean(raw, report)
    found = cleaning.changes(raw, report, grid, bars.resample(grid, 15))
    assert (found.rows_before, found.duplicates_dropped, found.invalid_dropped) == (1_997, 2, 1)
    assert found.missing_marked == 6  # five left out and one that was no price
    assert found.ranges_filled == 6
    assert found.volumes_filled == 1
    assert found.joined_into_minutes == 15
    assert found.dropped_before_a_hole == 0


def test_a_crash_is_flagged_and_stays() -> None:
    prices = simulate.gbm(2_000, 5)
    prices.loc[prices.index[700] :, ["open", "high", "low", "close"]] *= 0.8
    count, largest = cleaning.outliers(prices)
    assert count >= 1
    assert largest[0].at == prices.index[700].isoformat()
    assert abs(largest[0].move + 0.2) < 0.01
