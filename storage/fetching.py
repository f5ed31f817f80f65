"""Candles from exchanges through ccxt: what is missing is asked for, page by page, and kept at once.

A fetch that is cut off goes on where it stopped, because each page is committed as it comes. Holes in what is
held are asked for again. Needs the extra `fetch`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pyarrow as pa
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage import coins, prices
from storage.database import Database
from storage.errors import PriceError
from storage.series import INTERVAL_SECONDS, Series, named

STEP = timedelta(seconds=INTERVAL_SECONDS)
_PAGE_BARS = 500  # what every venue gives at once or cuts down to its own page
_TRIES = 5
_QUOTES = ("usdt", "usd", "usdc", "aud", "eur", "btc")


class ExchangeSettings(BaseSettings):
    """How exchanges are reached."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    exchange_api_base: str | None = Field(
        None, description="Scheme and host to use instead of the exchange's own, for a mirror or a test."
    )
    exchange_timeout_seconds: float = Field(20.0, gt=0, description="How long one answer may take.")


@dataclass(frozen=True)
class Progress:
    """How far the fetch of one coin is: bars asked for so far, of all, and how many of them were new."""

    coin: str
    done_bars: int
    total_bars: int
    new_bars: int


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought for one coin. `missing` bars of the span exist neither here nor there."""

    coin: str
    series: str
    new: int
    updated: int
    missing: int


@contextmanager
def open_exchange(name: str, settings: ExchangeSettings | None = None) -> Iterator[Any]:
    """The ccxt exchange called `name`, limited to the rate it allows. Raises PriceError in words."""
    settings = settings or ExchangeSettings()
    try:
        import ccxt
    except ImportError as error:
        raise PriceError(
            "Fetching needs ccxt, which is not installed: pip install 'ohmycoins-lab[fetch]' "
            "(or: uv sync --extra fetch)."
        ) from error
    if name not in ccxt.exchanges:
        near = [known for known in ccxt.exchanges if known.startswith(name[:3])][:8]
        raise PriceError(
            f"ccxt knows no exchange {name[:30]!r}." + (f" Near it: {', '.join(near)}." if near else "")
        )
    exchange = getattr(ccxt, name)(
        {
            "enableRateLimit": True,
            "timeout": int(settings.exchange_timeout_seconds * 1000),
            "options": {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}},
        }
    )
    if not exchange.has.get("fetchOHLCV") or "5m" not in (exchange.timeframes or {}):
        raise PriceError(f"{name} gives no five-minute candles to the public: choose another exchange.")
    if settings.exchange_api_base:
        exchange.urls["api"] = _moved(exchange.urls["api"], settings.exchange_api_base)
    try:
        yield exchange
    finally:
        exchange.session.close()


def choose_markets(
    exchange: Any, names: Sequence[str], quote: str | None = None
) -> tuple[Series, dict[str, str]]:
    """The series and, for each coin, the exchange's spot market, all in one currency. Raises PriceError."""
    wanted = [_coin(name) for name in names]
    found = _ask(exchange, exchange.load_markets, sleep=time.sleep)
    markets: dict[tuple[str, str], str] = {}
    for market in found.values():
        if market.get("spot") and market.get("active") is not False:
            coin, money = coins.symbol(market["base"]), str(market["quote"]).lower()
            if coin:
                markets.setdefault((coin, money), market["symbol"])
    for money in [quote.lower()] if quote else _QUOTES:
        if all((coin, money) in markets for coin in wanted):
            return named(exchange.id, money), {coin: markets[coin, money] for coin in wanted}
    unknown = [coin for coin in wanted if not any(coin == base for base, _ in markets)]
    if unknown:
        raise PriceError(
            f"{exchange.id} does not trade {', '.join(unknown)}: leave them out or choose another exchange."
        )
    currencies = f"in {quote}" if quote else "in one currency"
    raise PriceError(
        f"{exchange.id} does not trade {', '.join(wanted)} {currencies}: choose another with --quote."
    )


def fetch(
    database: Database,
    exchange: Any,
    series: Series,
    coin: str,
    symbol: str,
    start: datetime,
    end: datetime,
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Bring the bars of [start, end) that are not held. Raises PriceError; what came before it is kept."""
    start, end = _floor(start), _floor(end)
    total = max(int((end - start) / STEP), 0)
    new = updated = 0
    for first, last in list(_windows(database, series.name, coin, start, end)):
        at = first
        while at < last:
            page = _page(exchange, symbol, at, last, sleep)
            if page:
                with database.begin() as session:
                    written = prices.upsert(session, series, _table(coin, page))
                new, updated = new + written.new, updated + written.updated
                at = datetime.fromtimestamp(page[-1][0] / 1000, UTC) + STEP
            else:
                at += _PAGE_BARS * STEP
            tell(Progress(coin, min(int((at - start) / STEP), total), total, new))
    with database.begin() as session:
        missing = sum(
            int((to - since) / STEP) for since, to in _holes(session, series.name, coin, start, end)
        )
    return Fetched(coin, series.name, new, updated, missing)


def _windows(
    database: Database, series: str, coin: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches to ask for: holes, joined where one page spans them."""
    with database.begin() as session:
        holes = _holes(session, series, coin, start, end)
    window: tuple[datetime, datetime] | None = None
    for since, to in holes:
        if window and to - window[0] <= _PAGE_BARS * STEP:
            window = window[0], to
            continue
        if window:
            yield window
        window = since, to
    if window:
        yield window


def _holes(
    bind: Any, series: str, coin: str, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """What is not held of [start, end), in order of time."""
    held = prices.coverage(bind, series=series, coin=coin)
    if not held:
        return [(start, end)] if start < end else []
    first, last = held[0].start, held[0].end
    stretches = [(start, min(first, end))]
    stretches += [(max(gap.start, start), min(gap.end, end)) for gap in prices.gaps(bind, series, coin)]
    stretches += [(max(last, start), end)]
    return [(since, to) for since, to in stretches if since < to]


def _page(
    exchange: Any, symbol: str, at: datetime, end: datetime, sleep: Callable[[float], None]
) -> list[list[Any]]:
    """The complete candles from `at` that one request gives, ascending, none from `end` on."""
    since = int(at.timestamp() * 1000)
    limit = min(_PAGE_BARS, int((end - at) / STEP))
    found = _ask(exchange, lambda: exchange.fetch_ohlcv(symbol, "5m", since, limit), sleep=sleep)
    until = int(end.timestamp() * 1000)
    step = INTERVAL_SECONDS * 1000
    by_time = {
        int(candle[0]): candle
        for candle in found
        if since <= candle[0] < until and candle[0] % step == 0 and _is_sound(candle)
    }
    return [by_time[stamp] for stamp in sorted(by_time)]


def _is_sound(candle: Sequence[Any]) -> bool:
    """Whether a candle can have happened; a venue's slip is asked for again by the next fetch."""
    _, opened, high, low, close, *_ = candle
    if any(price is None or not 0 < price < float("inf") for price in (opened, high, low, close)):
        return False
    return bool(low <= min(opened, close) * 1.001 and high >= max(opened, close) * 0.999)


def _ask(exchange: Any, call: Callable[[], Any], *, sleep: Callable[[float], None]) -> Any:
    """Call the exchange, again after a pause if the network or the rate limit stood in the way."""
    import ccxt

    for attempt in range(_TRIES):
        try:
            return call()
        except ccxt.OperationFailed as error:  # time-outs, refusals over the rate and maintenance among them
            if attempt == _TRIES - 1:
                raise PriceError(
                    f"{exchange.id} does not answer ({type(error).__name__}). What came before is kept: "
                    "run the same command again to go on."
                ) from error
            sleep(2.0**attempt)
        except ccxt.BaseError as error:
            raise PriceError(f"{exchange.id} refused: {str(error)[:160]}") from error
    raise AssertionError("unreachable")


def _table(coin: str, page: Sequence[Sequence[Any]]) -> pa.Table:
    stamps = pa.array([int(candle[0]) * 1000 for candle in page], pa.int64()).cast(
        pa.timestamp("us", tz="UTC")
    )
    columns: dict[str, Any] = {"coin": pa.repeat(coin, len(page)), "timestamp": stamps}
    for at, name in enumerate(("open", "high", "low", "close", "volume"), start=1):
        columns[name] = pa.array(
            [None if candle[at] is None else float(candle[at]) for candle in page], pa.float64()
        )
    return pa.table(columns)


def _coin(name: str) -> str:
    found = coins.symbol(name)
    if not found:
        raise PriceError(f"{name[:20]!r} is no coin symbol: write one such as btc.")
    return found


def _floor(moment: datetime) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // INTERVAL_SECONDS * INTERVAL_SECONDS, UTC)


def _moved(urls: Any, base: str) -> Any:
    """Every address of an exchange's API with another scheme and host."""
    if isinstance(urls, dict):
        return {name: _moved(url, base) for name, url in urls.items()}
    if not isinstance(urls, str):
        return urls
    parts = urlsplit(base)
    return urlunsplit(urlsplit(urls)._replace(scheme=parts.scheme, netloc=parts.netloc))
