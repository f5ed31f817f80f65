"""Prices as they happen: CoinSpot's public list of latest prices, or the newest candles of an exchange."""

import http.client
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage import coins, prices
from storage.database import Database
from storage.errors import PriceError
from storage.series import INTERVAL_SECONDS, named

COINSPOT = "coinspot"
_LARGEST_ANSWER = 8 << 20
# A candle is there a moment after it is complete.
_AFTER_THE_MARK_SECONDS = 10
_LOOK_BACK = timedelta(hours=3)


class CollectSettings(BaseSettings):
    """Where CoinSpot's public prices are."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    coinspot_api_base: str = Field(
        "https://www.coinspot.com.au", description="Scheme and host of CoinSpot's public API."
    )
    coinspot_timeout_seconds: float = Field(20.0, gt=0, description="How long an answer may take.")


@dataclass(frozen=True)
class Collected:
    """One round: which series, how many bars were new or changed, and what was odd about the quotes."""

    series: str
    at: datetime
    new: int
    updated: int
    crossed: Sequence[str] = ()
    skipped: Sequence[str] = ()


def collect_coinspot(
    database: Database,
    names: Sequence[str] = (),
    *,
    settings: CollectSettings | None = None,
    now: datetime | None = None,
) -> Collected:
    """Store CoinSpot's latest prices in AUD (of some coins, or all) in the bar that contains `now`.

    Quotes whose bid is above the ask are kept and named in the result. Raises PriceError in words.
    """
    now = now or datetime.now(UTC)
    listed = _latest(settings or CollectSettings())
    wanted = {coins.symbol(name) or name.lower() for name in names}
    bars: dict[str, tuple[float, float | None, float | None]] = {}
    skipped = []
    for name, quote in sorted(listed.items()):
        market = coins.market(name)
        if market is None or market.quote not in ("", "aud") or not isinstance(quote, dict):
            skipped.append(name[:20])
            continue
        last, bid, ask = (_price(quote.get(side)) for side in ("last", "bid", "ask"))
        if last is None:
            skipped.append(name[:20])
        elif not wanted or market.coin in wanted:
            bars[market.coin] = last, bid, ask
    if missing := sorted(wanted - set(bars)):
        raise PriceError(f"CoinSpot lists no price of {', '.join(missing)}: leave them out.")
    if not bars:
        raise PriceError("CoinSpot's answer holds no prices: try again later.")
    start = datetime.fromtimestamp(now.timestamp() // INTERVAL_SECONDS * INTERVAL_SECONDS, UTC)
    table = pa.table(
        {
            "coin": list(bars),
            "timestamp": pa.array([start] * len(bars), pa.timestamp("us", tz="UTC")),
            "close": [last for last, _, _ in bars.values()],
            "bid": pa.array([bid for _, bid, _ in bars.values()], pa.float64()),
            "ask": pa.array([ask for _, _, ask in bars.values()], pa.float64()),
        }
    )
    series = named(COINSPOT, "aud")
    with database.begin() as session:
        written = prices.upsert(session, series, table)
    crossed = [
        coin for coin, (_, bid, ask) in bars.items() if bid is not None and ask is not None and bid > ask
    ]
    return Collected(series.name, start, written.new, written.updated, tuple(crossed), tuple(skipped))


def collect_exchange(
    database: Database,
    exchange: Any,
    names: Sequence[str],
    quote: str | None = None,
    *,
    now: datetime | None = None,
) -> Collected:
    """Store the newest complete candles of an exchange, and those of the last hours that are not held."""
    from storage.fetching import choose_markets, fetch

    now = now or datetime.now(UTC)
    series, markets = choose_markets(exchange, names, quote)
    results = [
        fetch(database, exchange, series, coin, symbol, now - _LOOK_BACK, now)
        for coin, symbol in markets.items()
    ]
    return Collected(series.name, now, sum(r.new for r in results), sum(r.updated for r in results))


def seconds_to_next(now: datetime) -> float:
    """How long until shortly after the next five-minute mark."""
    return INTERVAL_SECONDS - (now.timestamp() - _AFTER_THE_MARK_SECONDS) % INTERVAL_SECONDS


def keep_collecting(
    collect: Callable[[], Collected],
    tell: Callable[[Collected | PriceError], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Collect now and after every five-minute mark, until interrupted. A failed round is told, then tried again."""
    while True:
        try:
            tell(collect())
        except PriceError as error:
            tell(error)
        sleep(seconds_to_next(clock()))


def _latest(settings: CollectSettings) -> Mapping[str, Any]:
    url = settings.coinspot_api_base.rstrip("/") + "/pubapi/v2/latest"
    request = urllib.request.Request(
        url, headers={"Accept": "application/json", "User-Agent": "ohmycoins-lab"}
    )
    try:
        with urllib.request.urlopen(request, timeout=settings.coinspot_timeout_seconds) as answer:
            body = answer.read(_LARGEST_ANSWER + 1)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the connection its answer came over
        reason = getattr(error, "reason", None) or error
        raise PriceError(f"CoinSpot does not answer ({str(reason)[:80]}): try again later.") from error
    try:
        listed = json.loads(body)["prices"] if len(body) <= _LARGEST_ANSWER else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PriceError(
            "CoinSpot's answer is not the list of prices it documents: try again later."
        ) from error
    if not isinstance(listed, dict):
        raise PriceError("CoinSpot's answer is not the list of prices it documents: try again later.")
    return listed


def _price(value: Any) -> float | None:
    """A price as the feed writes it, text or number; None for what is none (it writes 0 for no quote)."""
    try:
        price = float(value)
    except (TypeError, ValueError):
        return None
    return price if math.isfinite(price) and price > 0 else None
