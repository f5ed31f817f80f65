"""Bars out to a file: Parquet that says of itself where its prices are from, or CSV."""

import secrets
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from storage.errors import PriceError
from storage.series import Series, interval_text


def write(table: pa.Table, series: Series, path: Path) -> None:
    """Write bars as `prices.load` returns them to `path` (.parquet or .csv): whole, or not at all.

    Where a row is a quote of the original feed its `last` is given too. Raises PriceError in words.
    """
    table = _with_last(table)
    if path.suffix.lower() == ".parquet":
        described = {
            "series": series.name,
            "exchange": series.venue,
            "quote": series.currency,
            "cadence": interval_text(series.interval_seconds),
            "timestamp": "UTC, start of the bar",
        }
        if series.simulated:
            described["note"] = "simulated prices, not of any market"
        table = table.replace_schema_metadata({key: value for key, value in described.items() if value})
    elif path.suffix.lower() == ".csv":
        table = table.append_column("series", pa.repeat(series.name, table.num_rows))
    else:
        raise PriceError(f"{path.name} is neither .parquet nor .csv: choose one of the two.")
    # Beside its place first, so that a reader never sees half a file.
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if path.suffix.lower() == ".parquet":
            pq.write_table(table, half, compression="zstd")
        else:
            csv.write_csv(table, half)
        half.replace(path)
    except OSError as error:
        raise PriceError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        half.unlink(missing_ok=True)


def _with_last(table: pa.Table) -> pa.Table:
    is_quote = pc.and_(
        pc.is_null(table["open"]), pc.or_(pc.is_valid(table["bid"]), pc.is_valid(table["ask"]))
    )
    if not pc.any(is_quote).as_py():
        return table
    return table.append_column("last", pc.if_else(is_quote, table["close"], pa.scalar(None, pa.float64())))
