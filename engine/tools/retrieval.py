"""The data retrieval agent's tools: what prices there are, and fetching them."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
from langchain.tools import ToolRuntime
from langchain_core.tools import tool

from engine import repeats
from engine.errors import ToolError
from engine.science import datagate
from engine.work import Work
from storage import prices


@tool
def get_available_coins(runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """List the coins with stored prices: series, first and last bar, number of bars.

    Does not load any prices.
    """
    with runtime.context.database.begin() as db:
        rows = prices.coverage(db.connection())
    coins = [
        {
            "coin": row.coin,
            "series": row.series,
            "start": row.start.isoformat(),
            "end": row.end.isoformat(),
            "bars": row.rows,
            "interval_seconds": row.interval_seconds,
            "simulated": row.simulated,
        }
        for row in rows
    ]
    return {"coins": coins, "count": len({row.coin for row in rows})}


@tool
def fetch_price_data(
    coin_types: list[str], start_date: str, end_date: str, runtime: ToolRuntime[Work, Any]
) -> dict[str, Any]:
    """Load the stored bars of some coins, all from one series, and keep them as price data of this run.

    Args:
        coin_types: coin symbols, e.g. ["btc", "eth"].
        start_date: first moment wanted, ISO 8601 in UTC, e.g. "2023-06-29" or "2023-06-29T12:00:00Z".
        end_date: end, not included, in the same form.

    Returns the handle `data`, the series, rows per coin and the newest moment held. Prices are not changed:
    gaps and odd bars are still in there.
    """
    work = runtime.context
    coins = [coin.lower() for coin in coin_types]
    start, end = _moment(start_date), _moment(end_date)
    if not coins:
        raise ToolError(
            "Name at least one coin, for example ['btc']; get_available_coins lists those there are."
        )
    if end <= start:
        raise ToolError(
            f"The period ends before it starts ({start_date} to {end_date}); exchange the two dates."
        )
    again = repeats.raw_prices(work)
    if again is not None:
        frame, facts = again
        handle = work.keep_frame(
            "prices", frame, summary=f"{len(frame):,} bars of {', '.join(coins)}, as before", details=facts
        )
        return {"data": handle, **facts}
    with work.database.begin() as db:
        connection = db.connection()
        series = prices.default_series(connection, coins)
        source = next(known for known in prices.all_series(connection) if known.name == series)
        held = {row.coin: row for row in prices.coverage(connection, series=series)}
        table = prices.load(connection, series, coins, start, end)
    frame = table.to_pandas().set_index("timestamp")
    rows = frame.groupby("coin", sort=False).size().to_dict()
    missing = [coin for coin in coins if not rows.get(coin)]
    if missing:
        raise ToolError(
            f"There are no prices of {', '.join(missing)} between {start:%Y-%m-%d} and {end:%Y-%m-%d} "
            f"in {series}. " + _held_instead(held, missing)
        )
    facts = {
        "series": series,
        "venue": source.venue,
        "currency": source.currency,
        "simulated": source.simulated,
        "interval_minutes": source.interval_seconds // 60,
        "rows": {coin: int(rows[coin]) for coin in coins},
        "newest": min(held[coin].end for coin in coins).isoformat(),
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
    handle = work.keep_frame(
        "prices", frame, summary=f"{len(frame):,} bars of {', '.join(coins)} from {series}", details=facts
    )
    return {"data": handle, **facts}


@tool
def get_data_statistics(coin_type: str, data: str, runtime: ToolRuntime[Work, Any]) -> dict[str, Any]:
    """Summarise one coin's closing prices in fetched price data.

    Args:
        coin_type: the coin, e.g. "btc".
        data: a price handle from fetch_price_data or clean_data.

    Returns mean, standard deviation, minimum, maximum and count of the closing prices that are prices, the first and
    last bar that has one.
    """
    bars = datagate.priced(coin_bars(runtime.context.frame(data, "prices"), coin_type))
    close = bars["close"]
    return {
        "coin": coin_type.lower(),
        "mean": float(close.mean()),
        "std": float(close.std()),
        "min": float(close.min()),
        "max": float(close.max()),
        "count": int(close.count()),
        "date_range": [bars.index[0].isoformat(), bars.index[-1].isoformat()],
    }


def coin_bars(frame: pd.DataFrame, coin: str) -> pd.DataFrame:
    """One coin's rows of a price frame of several. Raises ToolError."""
    mine = (frame["coin"] == coin.lower()).to_numpy()
    if not mine.any():
        known = ", ".join(sorted(map(str, frame["coin"].unique())))
        raise ToolError(f"There is no {coin} in this price data; it holds {known}.")
    # Where there is but one coin nothing is copied.
    return (frame if mine.all() else frame[mine]).drop(columns="coin")


def _held_instead(held: dict[str, prices.Coverage], missing: list[str]) -> str:
    spans = [
        f"{coin} is held from {held[coin].start:%Y-%m-%d} to {held[coin].end:%Y-%m-%d}"
        for coin in missing
        if coin in held
    ]
    return "; ".join(spans) + "." if spans else f"That series holds {', '.join(sorted(held))}."


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolError(f"{text[:40]!r} is not a date; write it like 2023-06-29T12:00:00Z.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
