"""From a raw table to rows: instants, numbers and coins, and every line that cannot be one set aside."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage import coins
from storage.importing import columns as words
from storage.importing import numbers, stamps, zones
from storage.importing.errors import FileRefused, Unclear
from storage.importing.layout import Layout, Panel
from storage.importing.raw import RawTable, Reject

Array = np.ndarray[Any, Any]

VALUES = (*words.PRICES, words.VOLUME, words.BID, words.ASK)
# Tickers that are words too: in a file name they say nothing.
_ALSO_WORDS = frozenset(
    [
        "one",
        "near",
        "sand",
        "time",
        "hot",
        "band",
        "ape",
        "flow",
        "ont",
        "sc",
        "op",
        "ton",
        "str",
        "comp",
        "gala",
    ]
)
_FIRST_MICROS = 1_230_768_000_000_000  # 2009: there was no Bitcoin before
_TOMORROW_MICROS = 86_400_000_000
_SLACK = 1e-3  # how far a close may lie outside its bar before the bar is impossible rather than rounded


@dataclass
class Rows:
    """Rows of one file. `market` is a place in `markets`; `line` is where the row stood; missing values are NaN.

    `aside` holds market and time of the rows whose prices are impossible: another row may stand at that time.
    """

    markets: list[coins.Market]
    market: Array
    micros: Array
    line: Array
    values: dict[str, Array]  # by the names in VALUES
    rejects: list[Reject] = field(default_factory=list)
    understood: dict[str, str] = field(default_factory=dict)
    aside: tuple[Array, Array] = field(default_factory=lambda: (np.empty(0, np.int64), np.empty(0, np.int64)))

    def __len__(self) -> int:
        return len(self.micros)

    def take(self, where: Array) -> "Rows":
        """The rows at some places, in that order."""
        values = {name: column[where] for name, column in self.values.items()}
        return Rows(self.markets, self.market[where], self.micros[where], self.line[where], values)


@dataclass(frozen=True)
class Given:
    """What a person said because the file does not."""

    coin: str | None = None
    tz: str | None = None
    dates: str | None = None  # day-first | month-first
    decimal: str | None = None  # point | comma
    columns: Mapping[str, str] = field(default_factory=dict)
    now_micros: int | None = None  # the clock, for tests


class Faults:
    """Why each row is set aside: the first reason found, or none."""

    def __init__(self, rows: int) -> None:
        self._codes = np.zeros(rows, np.int16)
        self._reasons = [""]

    def mark(self, where: Array, reason: str) -> None:
        """Note a reason for the rows of a mask that have none yet."""
        self._reasons.append(reason)
        self._codes[where & (self._codes == 0)] = len(self._reasons) - 1

    def copy(self) -> "Faults":
        twin = Faults(0)
        twin._codes, twin._reasons = self._codes.copy(), list(self._reasons)
        return twin

    @property
    def none(self) -> Array:
        """The places of the rows without a fault."""
        return np.flatnonzero(self._codes == 0)

    def rejects(self, table: RawTable, silent: Array) -> list[Reject]:
        """The rows with a fault, with the beginning of the first thousand of them."""
        found = np.flatnonzero((self._codes != 0) & ~silent)
        texts = [_row_text(table, int(at)) for at in found[:1000]] + [""] * max(len(found) - 1000, 0)
        return [
            Reject(int(table.lines[at]), self._reasons[self._codes[at]], text)
            for at, text in zip(found, texts, strict=True)
        ]


def extract(table: RawTable, layout: Layout, given: Given) -> Rows:
    """The rows of a table. Raises Unclear for what must not be guessed, FileRefused if nothing is left."""
    understood: dict[str, str] = {}
    rejects = list(table.rejects)
    market, markets = _markets(table, layout, given, understood)
    times = _stamps(table, layout, given)
    faults = Faults(table.rows)
    _note_stamps(times, faults)
    faults.mark(market < 0, "no coin symbol")
    micros, zone_words = _instants(table, layout, times, market, faults, given)
    understood["time"] = _time_words(table, layout, times, zone_words)
    now = given.now_micros if given.now_micros is not None else int(time.time() * 1e6)
    outside = (micros < _FIRST_MICROS) | (micros > now + _TOMORROW_MICROS)
    faults.mark(outside, "a time before 2009 or in the future")
    mark = _decimal(table, layout, given)
    if mark is numbers.Decimal.COMMA:
        understood["numbers"] = "decimal comma"
    parts = []
    for panel in layout.panels:
        code = market
        if panel.market and panel.market.coin:
            code = np.full(table.rows, markets.index(panel.market))
        parts.append(_panel_rows(table, panel, code, micros, faults, mark, len(layout.panels) > 1))
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in VALUES}
    for part in parts:
        rejects += part.rejects
    rows = Rows(
        markets,
        np.concatenate([part.market for part in parts]),
        np.concatenate([part.micros for part in parts]),
        np.concatenate([part.line for part in parts]),
        values,
        sorted(rejects, key=lambda reject: reject.line),
        understood,
        (
            np.concatenate([part.aside[0] for part in parts]),
            np.concatenate([part.aside[1] for part in parts]),
        ),
    )
    if not len(rows):
        first = rows.rejects[0] if rows.rejects else Reject(1, "empty")
        raise FileRefused(
            f"No line of it can be used: {len(rows.rejects):,} were set aside, the first (line {first.line}) for "
            f"{first.reason!r}."
        )
    understood["columns"] = _column_words(table, layout)
    return rows


def _markets(
    table: RawTable, layout: Layout, given: Given, understood: dict[str, str]
) -> tuple[Array, list[coins.Market]]:
    """For each row the place of its market (-1: none), and the markets."""
    if layout.coin is not None:
        encoded = pc.dictionary_encode(table.columns[layout.coin].cast(pa.string()).combine_chunks())
        names = encoded.dictionary.to_pylist()
        found = [coins.market(name) if name else None for name in names]
        if layout.quote is not None:
            return _with_quotes(table, layout.quote, encoded, found)
        places = sorted({market for market in found if market}, key=lambda m: (m.coin, m.quote))
        # Some rows of a coin name the currency and some do not: the file means one market.
        merged = _one_quote(places)
        codes = np.array([merged.index(_quoted(m, merged)) if m else -1 for m in found] + [-1])
        rows = codes[encoded.indices.fill_null(len(names)).to_numpy()]
        understood["coin"] = "named on each line"
        if given.coin:
            wanted = _given_coin(given.coin)
            if any(market.coin != wanted.coin for market in merged):
                held = ", ".join(market.coin for market in merged[:8])
                raise FileRefused(
                    f"--coin {wanted.coin} contradicts the file, which names {held}: leave it out."
                )
        return rows, merged
    in_headers = [panel.market for panel in layout.panels if panel.market and panel.market.coin]
    if in_headers:
        understood["coin"] = "named in the header"
        return np.zeros(table.rows, np.int64), in_headers
    quote = next((panel.market.quote for panel in layout.panels if panel.market), "")
    market, how = _single_market(table, given)
    understood["coin"] = f"{market.coin} ({how})"
    return np.zeros(table.rows, np.int64), [coins.Market(market.coin, market.quote or quote)]


def _with_quotes(
    table: RawTable, quote: int, encoded: pa.DictionaryArray, found: list[coins.Market | None]
) -> tuple[Array, list[coins.Market]]:
    quotes = pc.dictionary_encode(pc.utf8_lower(table.columns[quote].cast(pa.string())).combine_chunks())
    names = [str(name).strip() for name in quotes.dictionary.to_pylist()]
    pairs = (
        encoded.indices.fill_null(len(found)).to_numpy() * (len(names) + 1)
        + quotes.indices.fill_null(len(names)).to_numpy()
    )
    unique, inverse = np.unique(pairs, return_inverse=True)
    markets: list[coins.Market] = []
    codes = []
    for pair in unique:
        base, money = divmod(int(pair), len(names) + 1)
        market = found[base] if base < len(found) else None
        if market and money < len(names) and re.fullmatch(r"[a-z0-9]{2,12}", names[money]):
            market = coins.Market(market.coin, names[money])
        if market and market not in markets:
            markets.append(market)
        codes.append(markets.index(market) if market else -1)
    return np.array(codes)[inverse], markets


def _one_quote(markets: list[coins.Market]) -> list[coins.Market]:
    quotes = {market.quote for market in markets if market.quote}
    if len(quotes) != 1:
        return markets
    quote = quotes.pop()
    return sorted({coins.Market(market.coin, quote) for market in markets}, key=lambda m: m.coin)


def _quoted(market: coins.Market, markets: list[coins.Market]) -> coins.Market:
    return market if market in markets else coins.Market(market.coin, markets[0].quote)


def _given_coin(text: str) -> coins.Market:
    market = coins.market(text)
    if not market:
        raise Unclear("coin", f"{text[:20]!r} is no coin symbol: write one such as btc.")
    return market


def _single_market(table: RawTable, given: Given) -> tuple[coins.Market, str]:
    if given.coin:
        return _given_coin(given.coin), "as given"
    for key in ("symbol", "pair", "coin", "market", "ticker"):
        if market := coins.market(table.metadata.get(key, "")):
            return market, "from the file's own description"
    stem = table.name.rsplit("/", 1)[-1]
    while re.search(r"\.[A-Za-z0-9]{2,7}$", stem):
        stem = stem.rpartition(".")[0]
    markets = _markets_in(stem)
    coins_found = {market.coin for market in markets}
    if len(coins_found) == 1:
        return max(markets, key=lambda m: len(m.quote)), "from the file name"
    for remark in table.remarks:
        named = _markets_in(remark)
        if not coins_found and len({market.coin for market in named}) == 1:
            return max(named, key=lambda m: len(m.quote)), "from a remark in the file"
    if coins_found:
        raise Unclear(
            "coin",
            f"The file name speaks of {', '.join(sorted(coins_found))}: say which it is with --coin.",
            tuple(sorted(coins_found)),
        )
    raise Unclear("coin", "The file does not say which coin it is: name it with --coin, as in --coin btc.")


def _markets_in(text: str) -> list[coins.Market]:
    """The coins a file name or remark names; two neighbours of which the second is money are one pair."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    found, at = [], 0
    while at < len(parts):
        pair = coins.market("/".join(parts[at : at + 2])) if at + 1 < len(parts) else None
        if (
            pair
            and pair.quote
            and coins.known(parts[at])
            and (pair.quote in coins.MONEY or pair.coin != "btc")
        ):
            found.append(pair)
            at += 2
            continue
        market = coins.market(parts[at])
        if market and coins.known(parts[at]) and parts[at].lower() not in _ALSO_WORDS:
            found.append(market)
        at += 1
    stable = [market for market in found if market.coin in coins.MONEY and not market.quote]
    others = [market for market in found if market not in stable]
    if others and stable:
        return [coins.Market(market.coin, market.quote or stable[0].coin) for market in others]
    return others or found


def _stamps(table: RawTable, layout: Layout, given: Given) -> stamps.Stamps:
    column = table.columns[layout.time[0]]
    if len(layout.time) == 2:
        clock = table.columns[layout.time[1]].cast(pa.string()).combine_chunks()
        date = column.cast(pa.string()).combine_chunks()
        # A date that was stored with a time of day of nought keeps only its date.
        date = pc.replace_substring_regex(date, r"[T ]00:00(:00)?$", "")
        column = pc.binary_join_element_wise(date, clock, " ")
    day_first = None if given.dates is None else given.dates == "day-first"
    return stamps.parse(column, day_first)


def _note_stamps(times: stamps.Stamps, faults: Faults) -> None:
    faults.mark(times.kind == stamps.MISSING, "no time")
    faults.mark(times.kind == stamps.UNREADABLE, "no time that can be read")
    faults.mark(times.kind == stamps.LOST_DIGITS, "a time that lost its last digits (export whole numbers)")
    faults.mark(times.kind == stamps.UNKNOWN_ZONE, "a time in an unknown zone")


def _instants(
    table: RawTable, layout: Layout, times: stamps.Stamps, market: Array, faults: Faults, given: Given
) -> tuple[Array, str]:
    micros = times.micros.copy()
    wall = np.flatnonzero(times.kind == stamps.WALL)
    if not len(wall):
        return micros, "UTC"
    zone, how = _zone(table, layout, times, market, wall, given)
    utc, doubtful, never = zones.to_utc(micros[wall], zone, market[wall])
    micros[wall] = utc
    for which, reason in (
        (doubtful, f"an hour that {zone} had twice, and the order of the lines does not tell which"),
        (never, f"a time that {zone} never had (clocks went forward)"),
    ):
        here = np.zeros(table.rows, bool)
        here[wall[which]] = True
        faults.mark(here, reason)
    return micros, how


def _zone(
    table: RawTable, layout: Layout, times: stamps.Stamps, market: Array, wall: Array, given: Given
) -> tuple[tzinfo, str]:
    if given.tz:
        zone = zones.named(given.tz)
        if zone is None:
            raise Unclear("tz", f"{given.tz[:40]!r} is no zone: write UTC, Europe/Berlin or UTC+10.")
        return zone, f"local time of {zone}, as given"
    header = " ".join(text for at in layout.time for text in table.headers[at])
    if zone := zones.mentioned(header, loosely=True):
        return zone, f"{zone}, as the header says"
    for text in (*table.remarks, *table.metadata.values()):
        if zone := zones.mentioned(text):
            return zone, f"{zone}, as a remark in the file says"
    first = wall[market[wall] == np.bincount(np.maximum(market[wall], 0)).argmax()]
    places = zones.fitting(times.micros[first])
    if len(places) == 1:
        named = zones.named(places[0])
        assert named is not None
        return named, f"local time of {places[0]}: its clock changes show in the data"
    if places:
        raise Unclear(
            "tz",
            "The times are local: a clock change shows in them, which fits several zones. Say which with --tz: "
            f"{', '.join(places)}.",
            tuple(places),
        )
    return UTC, "no zone given: read as UTC (--tz says otherwise)"


def _time_words(table: RawTable, layout: Layout, times: stamps.Stamps, zone: str) -> str:
    names = " + ".join(" ".join(table.headers[at]).strip() or f"column {at + 1}" for at in layout.time)
    spellings = " and ".join(style for style, count in times.styles.most_common(3) if count)
    return f"{names!r}, {spellings}, {zone}"


def _decimal(table: RawTable, layout: Layout, given: Given) -> numbers.Decimal:
    if given.decimal:
        return numbers.Decimal.COMMA if given.decimal == "comma" else numbers.Decimal.POINT
    texts = [
        table.columns[at]
        for panel in layout.panels
        for at in panel.columns.values()
        if pa.types.is_string(table.columns[at].type) or pa.types.is_large_string(table.columns[at].type)
    ]
    mark = numbers.decimal_mark(texts)
    if mark is numbers.Decimal.OPEN:
        raise Unclear(
            "decimal",
            "Whether the comma divides decimals or thousands cannot be told: say --decimal comma or --decimal point.",
            ("comma", "point"),
        )
    return mark


def _panel_rows(
    table: RawTable,
    panel: Panel,
    market: Array,
    micros: Array,
    faults: Faults,
    mark: numbers.Decimal,
    many: bool,
) -> Rows:
    """The good rows of one panel, and its rejects. In a table of many coins an empty cell is just not there."""
    faults = faults.copy()
    values = {}
    for name in VALUES:
        if name not in panel.columns:
            values[name] = np.full(table.rows, np.nan)
            continue
        values[name], bad = numbers.parse(table.columns[panel.columns[name]], mark)
        faults.mark(bad, f"no number for {name}")
    if words.CLOSE not in panel.columns:
        values["close"] = (values["bid"] + values["ask"]) / 2
    blank = np.isnan(values["close"]) if many else np.zeros(table.rows, bool)
    timed = faults.none
    _judge(values, faults)
    good = faults.none
    kept = {name: column[good] for name, column in values.items()}
    rejects = faults.rejects(table, blank)
    aside = np.setdiff1d(timed, good, assume_unique=True)
    return Rows(
        [], market[good], micros[good], table.lines[good], kept, rejects, aside=(market[aside], micros[aside])
    )


def _judge(values: Mapping[str, Array], faults: Faults) -> None:
    """Set aside what no market can have done; strange but possible prices stay."""
    opened, high, low, close = (values[name] for name in words.PRICES)
    with np.errstate(invalid="ignore"):
        faults.mark(np.isnan(close), "no price")
        for price in (close, opened, high, low):
            faults.mark(price <= 0, "a price of zero or less")
        faults.mark(high < low, "the high is below the low")
        for price, name in ((close, "close"), (opened, "open")):
            faults.mark(price > high * (1 + _SLACK), f"the {name} is above the high")
            faults.mark(price < low * (1 - _SLACK), f"the {name} is below the low")
        faults.mark(values["volume"] < 0, "a volume below zero")
        for name in ("bid", "ask"):
            values[name][values[name] <= 0] = np.nan  # some feeds write 0 for no quote


def _row_text(table: RawTable, at: int) -> str:
    cells = (column[at].as_py() for column in table.columns[:12])
    text = " | ".join("" if cell is None else str(cell)[:24] for cell in cells)[:120]
    return printable(text)


def printable(text: str) -> str:
    """Text from a file without what a terminal would obey: escape sequences, bells, reversed writing."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def _column_words(table: RawTable, layout: Layout) -> str:
    parts = []
    for panel in layout.panels[:6]:
        named = [
            f"{role} = {' '.join(table.headers[at]).strip()[:24] or f'column {at + 1}'}"
            for role, at in panel.columns.items()
        ]
        coin = f"{panel.market.coin}: " if panel.market and panel.market.coin else ""
        parts.append(coin + ", ".join(named))
    more = len(layout.panels) - 6
    return "; ".join(parts) + (f" and {more} more coins" if more > 0 else "")
