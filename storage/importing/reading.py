"""A file of prices read: what it is, what is in it, what is wrong with it. Nothing is written here."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from storage import coins
from storage.importing import bars as bar_building
from storage.importing import binary, layout, quality, records, rows, text
from storage.importing.errors import FileRefused, Unclear
from storage.importing.files import Limits, sources
from storage.importing.instants import Given
from storage.importing.judging import printable
from storage.importing.raw import RawTable
from storage.importing.report import Report
from storage.importing.rows import Rows
from storage.series import INTERVAL_SECONDS, Series, interval_text, named, parse

_READERS = {"text": text.read, "json": records.read, "parquet": binary.read, "arrow": binary.read}
_VENUES = (
    "binance", "binanceus", "coinspot", "kraken", "coinbase", "bitstamp", "bitfinex", "bittrex", "poloniex", "okx",
    "okex", "kucoin", "bybit", "huobi", "htx", "gate", "gateio", "gemini", "bitmex", "bitget", "mexc", "cryptocom",
    "upbit", "bithumb", "hitbtc", "cexio", "independentreserve", "btcmarkets", "swyftx", "coinjar", "yahoo",
    "coingecko", "coinmarketcap", "cryptocompare", "deribit", "aggregate", "derived",
)  # fmt: skip
UNKNOWN_VENUE = "imported"

_WORDS_OF_CADENCE = re.compile(
    r"(?<![a-z0-9])(\d{1,3})\s?-?(s|sec|m|min|minutes?|h|hours?|d|days?|w)(?![a-z0-9])", re.I
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AT_THE_END = re.compile(r"\b(?:stamp\w*|time\w*|label\w*)\b[^.;,|\t]{0,40}\b(?:end|close)s?\b", re.I)


@dataclass(frozen=True)
class Options:
    """What a person says of a file where it does not say it itself."""

    coin: str | None = None
    series: str | None = None
    tz: str | None = None
    dates: str | None = None
    decimal: str | None = None
    stamps: str | None = None  # start | end
    columns: Mapping[str, str] = field(default_factory=dict)
    now_micros: int | None = None


@dataclass(frozen=True)
class Part:
    """The bars of one series, ready for `prices.upsert`."""

    series: Series
    table: pa.Table


@dataclass(frozen=True)
class Reading:
    """A file understood: its parts, and the report so far (nothing is written yet)."""

    parts: tuple[Part, ...]
    report: Report


def read(path: Path, options: Options | None = None, limits: Limits | None = None) -> Reading:
    """Read and judge the file at `path`.

    Raises FileRefused (or Unclear, which names the option that would settle it), in one sentence.
    """
    options, limits = options or Options(), limits or Limits()
    report = Report(path.name)
    tables: list[RawTable] = []
    extracted: list[Rows] = []
    venues: list[str] = []
    cadences: set[int] = set()
    end_stamped = options.stamps == "end"
    for source in sources(path, limits):
        with _named(source.name if source.name not in (path.name, path.stem) else ""):
            table = _READERS[source.kind](source, limits)
            found = layout.recognise(table, options.columns)
            cadences |= _cadence_column(table, found)
            given = Given(options.coin, options.tz, options.dates, options.decimal, options.now_micros)
            extracted.append(rows.extract(table, found, given))
        report.rows_in += table.rows + len(table.rejects)
        end_stamped |= options.stamps is None and (found.is_end or _says_end(table))
        _note(report, table, found)
        venues += _named_venues(table, found)
        table.columns.clear()  # the texts have been read: give their memory back
        pa.default_memory_pool().release_unused()
        tables.append(table)
    for piece in extracted:
        for what, words in piece.understood.items():
            said = report.understood.get(what, "")
            report.understood[what] = f"{said}; {words}" if said and words not in said else said or words
        report.rejects += piece.rejects
    merged = _together(extracted)
    extracted.clear()
    if len(set(venues)) > 1:
        names = ", ".join(sorted(set(venues))[:5])
        raise FileRefused(f"It holds prices of several venues ({names}), which never mix: split it by venue.")
    if len(cadences) > 1:
        names = " and ".join(interval_text(seconds) for seconds in sorted(cadences)[:3])
        raise FileRefused(f"It holds bars of several lengths ({names}): split the file by cadence.")
    texts = [*venues[:1], *_texts(path, tables)]
    cadence = cadences.pop() if cadences else _cadence(texts)
    built = bar_building.build(merged, end_stamped=end_stamped, cadence_seconds=cadence)
    parts = _parts(built, options, texts, report, tables)
    for bars in built:
        quality.describe(bars)
        report.coins.append(bars.report)
    return Reading(parts, report)


@contextmanager
def _named(member: str) -> Iterator[None]:
    """Say which member of an archive was refused."""
    try:
        yield
    except Unclear:
        raise
    except FileRefused as refusal:
        raise FileRefused(f"{printable(member[:60])}: {refusal}" if member else str(refusal)) from refusal


def _cadence_column(table: RawTable, found: layout.Layout) -> set[int]:
    """The lengths of bars that a column of its own names, in seconds."""
    if found.interval is None:
        return set()
    names = table.columns[found.interval].cast(pa.string()).unique().to_pylist()[:20]
    matches = [_WORDS_OF_CADENCE.fullmatch(name.strip()) for name in names if name]
    return {int(match[1]) * _SECONDS[match[2][0].lower()] for match in matches if match}


def _note(report: Report, table: RawTable, found: layout.Layout) -> None:
    report.understood["file"] = ", ".join(table.form)
    if table.remarks:
        report.understood["remarks"] = f"not data: {len(table.remarks)} above the table"
    if found.notes:
        report.understood["note"] = "; ".join(found.notes)


def _named_venues(table: RawTable, found: layout.Layout) -> list[str]:
    """The venues (or series) that a column of its own names on each line."""
    if found.venue is None:
        return []
    names = table.columns[found.venue].cast(pa.string()).unique().to_pylist()
    return [name.strip().lower() for name in names if name and name.strip()][:50]


def _together(pieces: list[Rows]) -> Rows:
    """The rows of all members of an archive as one table."""
    found = {market for piece in pieces for market in piece.markets}
    markets = sorted(found, key=lambda market: (market.coin, market.quote))
    for piece in pieces:
        places = np.array([markets.index(market) for market in piece.markets])
        piece.market, piece.aside = places[piece.market], (places[piece.aside[0]], piece.aside[1])
    return rows.join(pieces, markets)


def _texts(path: Path, tables: list[RawTable]) -> list[str]:
    """What says where the prices are from, surest first: the file's own description, its names, its remarks."""
    described = [
        table.metadata[key]
        for table in tables
        for key in ("exchange", "venue", "quote", "currency", "cadence", "interval", "timeframe")
        if key in table.metadata
    ]
    remarks = [remark for table in tables for remark in table.remarks]
    notes = [
        value for table in tables for key, value in table.metadata.items() if key in ("note", "description")
    ]
    return [*described, path.name, *(table.name for table in tables), *remarks, *notes]


def _says_end(table: RawTable) -> bool:
    words = [
        *table.remarks,
        *(v for k, v in table.metadata.items() if k in ("note", "description", "timestamp")),
    ]
    return any(_AT_THE_END.search(text) and "start" not in text.lower() for text in words)


def _cadence(texts: list[str]) -> int | None:
    """The cadence a name or description gives, such as 5m or 1d, in seconds."""
    for given in texts:
        if match := _WORDS_OF_CADENCE.search(given.replace("_", " ")):
            return int(match[1]) * _SECONDS[match[2][0].lower()]
    return None


def _parts(
    built: list[bar_building.Bars], options: Options, texts: list[str], report: Report, tables: list[RawTable]
) -> tuple[Part, ...]:
    venue, how = _venue(texts, tables)
    currency = _currency(texts, tables, venue)
    named_series = parse(options.series) if options.series else _own_series(texts, tables)
    if options.series and len({(bars.market.quote, bars.interval_seconds) for bars in built}) > 1:
        raise FileRefused(
            "The file holds several currencies or cadences: split it before giving it one --series."
        )
    groups: dict[str, tuple[Series, list[bar_building.Bars]]] = {}
    for bars in built:
        series = named(venue or UNKNOWN_VENUE, bars.market.quote or currency, bars.interval_seconds)
        if named_series:
            series = _checked(named_series, bars)
        bars.report.series = series.name
        groups.setdefault(series.name, (series, []))[1].append(bars)
    names = ", ".join(groups)
    if named_series:
        how = "as given" if options.series else "named in the file"
        report.understood["series"] = f"{names} ({how})"
    else:
        report.understood["series"] = (
            f"{names} ({how})" if venue else f"{names} (no venue is named; --series says which)"
        )
    coarse = sorted({bars.interval_seconds for bars in built} - {INTERVAL_SECONDS})
    if coarse:
        report.understood["cadence"] = (
            f"{', '.join(map(interval_text, coarse))} bars, kept as a series of their own"
        )
    return tuple(
        Part(series, pa.concat_tables([bar_building.to_table(bars) for bars in members]))
        for series, members in groups.values()
    )


def _checked(series: Series, bars: bar_building.Bars) -> Series:
    """The series a person named, at the cadence the bars have."""
    if bars.market.quote and series.currency and bars.market.quote != series.currency:
        raise FileRefused(
            f"The file is in {bars.market.quote}, so it cannot go into {series.name}: prices of different currencies "
            "never mix."
        )
    return named(series.venue, series.currency, bars.interval_seconds)


def _own_series(texts: list[str], tables: list[RawTable]) -> Series | None:
    """The series an export of ours names: in Parquet's metadata, or in a column of CSV."""
    for given in [*(table.metadata.get("series", "") for table in tables), *texts[:1]]:
        if re.fullmatch(r"[a-z][a-z0-9._-]+:[a-z0-9]+(@\d+[mhdw])?|simulated(@\d+[mhdw])?", given):
            return parse(given)
    return None


def _venue(texts: list[str], tables: list[RawTable]) -> tuple[str, str]:
    """Where the prices are from, and how that is known."""
    if any(_is_original_table(table) for table in tables) and not any(
        "derived" in text.lower() for text in texts
    ):
        return "coinspot", "the layout of the price_data_5min table, whose prices are CoinSpot's in AUD"
    for given in texts:
        lowered = given.lower()
        for word in ("derived", "synthetic", "simulated"):
            if re.search(rf"\b{word}\b", lowered.replace("_", " ")):
                return "simulated" if word == "simulated" else "derived", f"it calls itself {word}"
        for word in re.split(r"[^a-z0-9]+", lowered):
            if word in _VENUES:
                return word, "from the file's own description or name"
    return "", ""


def _currency(texts: list[str], tables: list[RawTable], venue: str) -> str:
    described = [
        table.metadata[key] for table in tables for key in ("quote", "currency") if key in table.metadata
    ]
    for given in described:
        if given.lower() in coins.QUOTES:
            return given.lower()
    for given in texts:
        found = [word for word in re.split(r"[^a-z0-9]+", given.lower()) if word in coins.MONEY]
        if len(set(found)) == 1:
            return found[0]
    return "aud" if venue == "coinspot" else ""


def _is_original_table(table: RawTable) -> bool:
    names = {" ".join(texts).strip().lower() for texts in table.headers}
    return {"coin_type", "bid", "ask", "last", "timestamp"} <= names


__all__ = ["FileRefused", "Options", "Part", "Reading", "Unclear", "read"]
