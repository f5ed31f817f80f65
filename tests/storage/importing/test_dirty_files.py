"""The untidy files of the test data against what they were before they were damaged."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from storage.importing.errors import FileRefused
from storage.importing.reading import Reading, read

# Rows that the damage made impossible or empty are set aside: file -> how many of the truth are not there.
SET_ASIDE = {"05_doge_gaps_nan_spikes": 34, "10_link_hostile_text": 2}
# Values that the damage itself changed, which an importer must not repair: they are not compared.
DAMAGED = {"09_price_table_export": ["bid", "ask"]}
GOOD = [
    "01_btc_archive_style.csv",
    "02_eth_klines_no_header.csv",
    "03_sol_european_dst.csv",
    "04_xrp_mixed_offsets.csv",
    "05_doge_gaps_nan_spikes.csv",
    "06_ada_wrong_dtypes.csv",
    "07_three_coins_wide.csv",
    "08_coinspot_page.csv",
    "09_price_table_export.csv",
    "10_link_hostile_text.csv",
    "12_ltc_utf16.tsv",
]


@pytest.fixture
def folder(test_data: Path) -> Path:
    return test_data / "data" / "dirty"


def as_frame(reading: Reading) -> pd.DataFrame:
    frame: pd.DataFrame = pa.concat_tables([part.table for part in reading.parts]).to_pandas()
    return frame


@pytest.mark.parametrize("name", GOOD)
def test_every_good_row_is_at_its_instant_with_its_value(folder: Path, name: str) -> None:
    stem = name.partition(".")[0]
    truth = pd.read_parquet(folder / "truth" / f"{stem}.parquet").rename(columns={"last": "close"})
    truth["timestamp"] = truth["timestamp"].dt.floor("5min").dt.as_unit("us")

    found = as_frame(read(folder / name))

    both = truth.merge(found, on=["coin", "timestamp"], how="outer", suffixes=("", "_found"), indicator=True)
    assert (both["_merge"] == "right_only").sum() == 0
    assert (both["_merge"] == "left_only").sum() == SET_ASIDE.get(stem, 0)
    shared = both[both["_merge"] == "both"]
    for column in set(truth.columns) - {"coin", "timestamp", *DAMAGED.get(stem, [])}:
        read_back = shared[f"{column}_found"]
        close_enough = np.isclose(read_back, shared[column], rtol=1e-4 if column == "volume" else 1e-12)
        # An empty cell stays empty: it is never filled in.
        blank = read_back.isna()
        assert (close_enough | blank).all(), column
        assert blank.sum() == (20 if (stem, column) == ("05_doge_gaps_nan_spikes", "open") else 0)


def test_conflicts_gaps_and_impossible_rows_are_reported_at_their_times(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    (xrp,) = read(folder / "04_xrp_mixed_offsets.csv").report.coins
    conflicts = {
        pd.Timestamp(time) for time in expected["04_xrp_mixed_offsets.csv"]["conflicting_duplicates"]
    }
    assert {pd.Timestamp(time) for time in xrp.conflicts} == conflicts

    reading = read(folder / "05_doge_gaps_nan_spikes.csv")
    lines = (folder / "05_doge_gaps_nan_spikes.csv").read_text().splitlines()
    wrong = expected["05_doge_gaps_nan_spikes.csv"]
    for key, reason in (
        ("close_x1000", "the close is above the high"),
        ("close_zero", "a price of zero or less"),
        ("negative_volume", "a volume below zero"),
        ("high_low_swapped", "the high is below the low"),
    ):
        # The line number leads to the very line.
        times = {lines[reject.line - 1][:19] for reject in reading.report.rejects if reject.reason == reason}
        assert {pd.Timestamp(time, tz="UTC") for time in times} == {pd.Timestamp(time) for time in wrong[key]}
    (doge,) = reading.report.coins
    assert doge.longest_gap == "24 h 00 min from 2023-04-18T00:00:00Z"
    assert doge.missing_bars == wrong["missing_total"] + 34


def test_crossed_quotes_are_kept_and_counted(folder: Path) -> None:
    reading = read(folder / "09_price_table_export.csv")
    assert sum(coin.crossed_quotes for coin in reading.report.coins) == 200
    assert as_frame(reading)["bid"].isna().sum() == 40
    assert reading.parts[0].series.name == "coinspot:aud"


def test_hostile_text_is_only_ever_text(folder: Path) -> None:
    reading = read(folder / "10_link_hostile_text.csv")
    assert {coin.coin for coin in reading.report.coins} == {"link"}
    assert [(reject.line, reject.reason) for reject in reading.report.rejects] == [
        (23, "no coin symbol"),
        (24, "no coin symbol"),
    ]
    assert "assistant" not in json.dumps(reading.report.understood)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("11_link_3m_cadence.csv", "3m candles of link do not fit into five minutes"),
        ("13_empty.csv", "empty"),
        ("14_header_only.csv", "header but no rows"),
        ("15_html_not_csv.csv", "web page"),
        ("16_truncated.csv.gz", "cut off or damaged"),
    ],
)
def test_a_bad_file_is_refused_in_words(folder: Path, name: str, words: str) -> None:
    with pytest.raises(FileRefused, match=words):
        read(folder / name)
