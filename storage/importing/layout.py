"""Which column is what: by its header, by the person's word, or by what its values can only be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage import coins
from storage.importing import columns as words
from storage.importing import numbers, stamps, zones
from storage.importing.columns import Header
from storage.importing.errors import FileRefused, Unclear
from storage.importing.raw import RawTable

Array = np.ndarray[Any, Any]

_SAMPLE_ROWS = 1_000
_CLOCK = (
    r"^\s*(\d{1,2}[:.hH]\d{2}([:.]\d{2})?([.,]\d+)?\s*([AaPp]\.?[Mm]\.?)?"
    r"|[0-5]?\d|1?\d[0-5]\d|2[0-3][0-5]\d|[01]?\d[0-5]\d[0-5]\d|2[0-3][0-5]\d[0-5]\d)\s*$"
)
_VALUES = (*words.PRICES, words.VOLUME, words.BID, words.ASK)
_TIME_ORDER = (words.TIME, words.DATE, None, words.END_TIME, words.CREATED)


@dataclass(frozen=True)
class Panel:
    """The columns of one coin (or of whichever coin the row names): role -> place in the table."""

    market: coins.Market | None
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Layout:
    """Where everything stands. `time` has two places where date and clock are apart."""

    time: tuple[int, ...]
    is_end: bool
    panels: tuple[Panel, ...]
    coin: int | None = None
    quote: int | None = None
    venue: int | None = None
    zone: int | None = None
    interval: int | None = None
    notes: list[str] = field(default_factory=list)


def recognise(table: RawTable, given: Mapping[str, str]) -> Layout:
    """Find the columns of a table; `given` is what a person said: role -> header or place from 1.

    Raises Unclear (option `columns`) where the values leave more than one reading.
    """
    sample = _Sample(table)
    if given:
        return _as_given(table, given)
    headers = [words.describe(texts) for texts in table.headers]
    _require_one_line_each(table, headers, sample)
    time, is_end = _time(table, headers, sample)
    free = [at for at in range(len(headers)) if at not in time]
    notes: list[str] = []
    panels = _panels(headers, free, sample, notes)
    if not panels:
        panels = [_by_values(table, headers, free, time, sample, notes)]
    quote_currency = _quote_in_headers(headers, panels)
    if quote_currency:
        panels = [Panel(coins.Market("", quote_currency), panel.columns) for panel in panels]
    coin, quote = _coin(headers, free, panels, sample)
    _note_unused(headers, free, panels, sample, notes)
    venue = next((at for at in free if headers[at].role == words.VENUE), None)
    zone = next((at for at in free if headers[at].role == words.ZONE and sample.share(at, zones.named)), None)
    interval = next((at for at in free if headers[at].role == words.INTERVAL), None)
    return Layout(time, is_end, tuple(panels), coin, quote, venue, zone, interval, notes)


class _Sample:
    """Some rows from all over the table, read once per column and question."""

    def __init__(self, table: RawTable) -> None:
        step = max(table.rows // _SAMPLE_ROWS, 1)
        places = pa.array(np.arange(0, table.rows, step))
        self.columns = [column.take(places).combine_chunks() for column in table.columns]
        self._stamps: dict[int, Array] = {}
        self._numbers: dict[int, Array] = {}

    def texts(self, at: int) -> pa.Array:
        return self.columns[at].cast(pa.string()).fill_null("")

    def stamp_share(self, at: int) -> float:
        """How many of the values that are there read as stamps."""
        if at not in self._stamps:
            self._stamps[at] = stamps.readable(self.columns[at])
        filled = pc.not_equal(self.texts(at), "").to_numpy(zero_copy_only=False)
        return float(self._stamps[at][filled].mean()) if filled.any() else 0.0

    def instants(self, at: int) -> bool:
        """Whether the values need no zone: Unix times, typed ones in UTC, or texts with an offset."""
        kinds = stamps.parse(self.columns[at], day_first=True).kind
        return bool((kinds == stamps.INSTANT).mean() > 0.5)

    def numbers(self, at: int) -> Array:
        if at not in self._numbers:
            column = self.columns[at]
            is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
            mark = numbers.decimal_mark([column]) if is_text else numbers.Decimal.POINT
            if mark is numbers.Decimal.OPEN:  # numbers under either mark; which one is asked later
                mark = numbers.Decimal.COMMA
            self._numbers[at] = numbers.parse(column, mark)[0]
        return self._numbers[at]

    def number_share(self, at: int) -> float:
        return float(np.isfinite(self.numbers(at)).mean())

    def clock_share(self, at: int) -> float:
        """How many of the values are times of day, with marks between or digits alone (5, 2355, 235500)."""
        found = pc.match_substring_regex(self.texts(at), _CLOCK)
        return float(np.mean(found.to_numpy(zero_copy_only=False)))

    def share(self, at: int, test: Callable[[str], Any]) -> float:
        """How many rows of a text column pass a test."""
        counts = pc.value_counts(self.texts(at))
        passed = sum(
            item["counts"] for item in counts.to_pylist() if item["values"].strip() and test(item["values"])
        )
        return float(passed / max(len(self.columns[at]), 1))


def _as_given(table: RawTable, given: Mapping[str, str]) -> Layout:
    places: dict[str, int] = {}
    for role, name in given.items():
        if role not in (words.TIME, words.DATE, words.CLOCK, words.COIN, words.QUOTE, *_VALUES):
            known = ", ".join((words.TIME, words.COIN, *_VALUES))
            raise Unclear(
                "columns", f"--columns knows no {role[:20]!r}: it takes {known}, as in close=Kurs or close=5."
            )
        places[role] = _place(table, name)
    time = [places.pop(role) for role in (words.TIME, words.DATE, words.CLOCK) if role in places]
    coin, quote = places.pop(words.COIN, None), places.pop(words.QUOTE, None)
    if not time or not (words.CLOSE in places or (words.BID in places and words.ASK in places)):
        raise Unclear("columns", "--columns must name at least time and close, as in time=1,close=5.")
    return Layout(tuple(time), False, (Panel(None, places),), coin, quote)


def _place(table: RawTable, name: str) -> int:
    wanted = name.strip().casefold()
    for at, texts in enumerate(table.headers):
        if wanted in (" ".join(texts).strip().casefold(), *(text.strip().casefold() for text in texts)):
            return at
    if wanted.isdigit() and 1 <= int(wanted) <= len(table.columns):
        return int(wanted) - 1
    held = ", ".join(
        " ".join(texts).strip()[:30] or f"({at})" for at, texts in enumerate(table.headers, start=1)
    )
    raise Unclear("columns", f"There is no column {name[:30]!r}. The file has: {held[:300]}.")


def _time(table: RawTable, headers: Sequence[Header], sample: _Sample) -> tuple[tuple[int, ...], bool]:
    named = [at for at in range(len(headers)) if words.is_time(table.headers[at])]
    unnamed = [at for at in range(len(headers)) if words.is_unnamed(table.headers[at])]
    candidates = [at for at in (*named, *unnamed) if sample.stamp_share(at) >= 0.5]
    if not candidates:
        others = [at for at in range(len(headers)) if headers[at].role not in (*_VALUES, words.IGNORED)]
        candidates = [at for at in others if sample.stamp_share(at) >= 0.9][:1]
    if not candidates:
        raise Unclear(
            "columns", "No column of times is found: say which it is, as in --columns time=1,close=5."
        )

    def preference(at: int) -> tuple[int, bool, int, int]:
        role = headers[at].role if headers[at].role in _TIME_ORDER else words.TIME
        late = _TIME_ORDER.index(role) >= _TIME_ORDER.index(words.END_TIME)
        return late, not sample.instants(at), _TIME_ORDER.index(role), headers[at].rank // 1_000

    best = min(candidates, key=preference)
    clocks = [at for at in named if at != best and sample.clock_share(at) > 0.9]
    with_clock = pc.match_substring_regex(sample.texts(best), r"\d[:hH]\d\d\D|\d[Tt ]\d|^\d{10,}$")
    date_only = np.mean(with_clock.to_numpy(zero_copy_only=False)) < 0.1
    if clocks and date_only:
        return (best, clocks[0]), headers[best].role == words.END_TIME
    return (best,), headers[best].role == words.END_TIME


def _panels(headers: Sequence[Header], free: Sequence[int], sample: _Sample, notes: list[str]) -> list[Panel]:
    """The columns by coin, as the headers name them; none if no header names a price."""
    by_coin: dict[coins.Market | None, dict[str, list[int]]] = {}
    plain_close = any(
        headers[at].role in (words.CLOSE, words.BUY, words.BID) and not headers[at].market for at in free
    )
    for at in free:
        header = headers[at]
        role = header.role
        if role in (words.BUY, words.SELL):
            pass
        elif role is None and header.market and not plain_close:
            role = words.CLOSE
        elif role not in _VALUES:
            continue
        if role == words.VOLUME and sample.number_share(at) == 0:
            if first := next(filter(None, sample.texts(at).to_pylist()), ""):
                notes.append(f"the volumes are no numbers (such as {first[:16]!r}) and are left out")
            continue
        market = header.market if not plain_close else None
        if sample.number_share(at) == 0 and role not in (
            words.BID,
            words.ASK,
            words.OPEN,
            words.HIGH,
            words.LOW,
            words.VOLUME,
        ):
            continue
        by_coin.setdefault(market, {}).setdefault(role, []).append(at)
    panels = []
    for market, roles in by_coin.items():
        chosen = {role: _best(headers, places, role) for role, places in roles.items()}
        if words.BUY in chosen and words.SELL in chosen:
            chosen = _sides(chosen.pop(words.BUY), chosen.pop(words.SELL), sample) | chosen
        chosen = {role: at for role, at in chosen.items() if at >= 0 and role in _VALUES}
        if words.CLOSE in chosen or (words.BID in chosen and words.ASK in chosen):
            panels.append(Panel(market, chosen))
    quotes = {panel.market.quote for panel in panels if panel.market and panel.market.quote}
    if len(quotes) == 1:  # "BTC-USD" beside "Ethereum": one table has one currency
        quote = quotes.pop()
        panels = [Panel(coins.Market(p.market.coin, quote), p.columns) if p.market else p for p in panels]
    return panels


def _best(headers: Sequence[Header], places: Sequence[int], role: str) -> int:
    """The column to use where several have one role: volume counted in the coin, the plainest word otherwise."""
    if role == words.VOLUME:
        in_money = [at for at in places if headers[at].rest and headers[at].rest[0] in coins.MONEY]
        places = [at for at in places if at not in in_money]
        if not places:
            return -1  # only in money: it cannot be turned into coins without inventing a price
    return min(places, key=lambda at: (headers[at].rank, at))


def _sides(buy: int, sell: int, sample: _Sample) -> dict[str, int]:
    """A page names the sides as the customer sees them (buy above sell), a book the other way round."""
    difference = sample.numbers(buy) - sample.numbers(sell)
    customer = np.nanmedian(difference) >= 0 if np.isfinite(difference).any() else True
    return {words.ASK: buy, words.BID: sell} if customer else {words.ASK: sell, words.BID: buy}


def _quote_in_headers(headers: Sequence[Header], panels: Sequence[Panel]) -> str:
    """The currency that price headers name ("Close (AUD)", "close_usdt"), if it is one and no coin."""
    markets = {panel.market for panel in panels}
    if markets != {None} and not (len(markets) == 1 and next(iter(markets)).coin in coins.MONEY):  # type: ignore[union-attr]
        return ""
    named = {
        word
        for panel in panels
        for role, at in panel.columns.items()
        if role in (*words.PRICES, words.BID, words.ASK)
        for word in headers[at].text.lower().replace("(", " ").replace(")", " ").replace("_", " ").split()
        if word in coins.MONEY
    }
    return named.pop() if len(named) == 1 else ""


def _coin(
    headers: Sequence[Header], free: Sequence[int], panels: Sequence[Panel], sample: _Sample
) -> tuple[int | None, int | None]:
    """The columns that name the coin and the currency of each row."""
    used = {at for panel in panels for at in panel.columns.values()}
    named = [at for at in free if at not in used and headers[at].role in (words.COIN, words.BASE)]
    if not any(headers[at].text for at in free):
        named = [at for at in free if at not in used and sample.number_share(at) < 0.1]

    quotes = [at for at in free if headers[at].role == words.QUOTE]
    money = [at for at in named if sample.share(at, lambda text: text.strip().lower() in coins.MONEY) > 0.99]
    if len(named) > 1:
        named = [at for at in named if at not in money]
        quotes += money
    named = [at for at in named if sample.share(at, coins.market) > 0.4]
    best = max(named, key=lambda at: (sample.share(at, coins.known), -at), default=None)
    return best, quotes[0] if quotes else None


def _by_values(
    table: RawTable,
    headers: Sequence[Header],
    free: Sequence[int],
    time: tuple[int, ...],
    sample: _Sample,
    notes: list[str],
) -> Panel:
    """Columns without usable headers: four neighbours of which one is always highest and one always lowest."""
    _require_readable_prices(table, headers, free)
    roles = (words.VOLUME, words.IGNORED, words.INTERVAL)  # named, so they are no prices
    numeric = [at for at in free if sample.number_share(at) > 0.9 and headers[at].role not in roles]
    numeric = [at for at in numeric if not _is_other_time(sample, at, time)]
    numeric = [at for at in numeric if np.nanmin(sample.numbers(at)) >= 0]
    for start in range(len(numeric) - 3):
        window = numeric[start : start + 4]
        if window[-1] - window[0] != 3:
            continue
        found = _open_high_low_close(table, window, time, sample)
        if found:
            rest = [at for at in numeric if at > window[-1]]
            called = [at for at in free if headers[at].role == words.VOLUME and sample.number_share(at) > 0]
            volume = (
                called[0] if called else next((at for at in rest if not _between(sample, at, found)), None)
            )
            if volume is not None:
                found[words.VOLUME] = volume
            order = ", ".join(sorted(found, key=lambda role: found[role]))
            notes.append(f"columns told by their values: {order}")
            return Panel(None, found)
    if len(numeric) == 1:
        notes.append("the one column of numbers is taken as the price")
        return Panel(None, {words.CLOSE: numeric[0]})
    if not numeric:
        raise FileRefused("No prices are found in it: there is no column of numbers beside the times.")
    first = " | ".join(str(column[0].as_py())[:20] for column in table.columns[:12])
    raise Unclear(
        "columns",
        f"Which column is the price cannot be told ({first}): say it, as in "
        "--columns time=1,open=2,high=3,low=4,close=5.",
    )


def _require_readable_prices(table: RawTable, headers: Sequence[Header], free: Sequence[int]) -> None:
    """Raise FileRefused if a header promises a price and its cells are none: no other column stands in for it."""
    for at in free:
        if headers[at].role in (words.CLOSE, words.BID, words.BUY):
            first = next((str(cell) for cell in table.columns[at].slice(0, 50).to_pylist() if cell), "")
            raise FileRefused(
                f"The column {headers[at].text[:24]!r} holds no prices that can be read (such as {first[:24]!r}): "
                "name the right one, as in --columns time=1,close=5."
            )


def _require_one_line_each(table: RawTable, headers: Sequence[Header], sample: _Sample) -> None:
    """Raise FileRefused for a long table: a line for each kind of price, its name in a column."""
    for at, header in enumerate(headers):
        if (
            header.role is None
            and sample.share(at, lambda text: words.describe([text]).role in _VALUES) > 0.9
        ):
            found = pc.unique(sample.texts(at)).to_pylist()
            if len(found) > 1:
                raise FileRefused(
                    f"It has a line for each kind of price ({', '.join(found[:4])}) in the column "
                    f"{header.text[:24]!r}: export it with a column for each."
                )


def _note_unused(
    headers: Sequence[Header], free: Sequence[int], panels: Sequence[Panel], sample: _Sample, notes: list[str]
) -> None:
    """Name the columns of numbers whose headers mean nothing to us: one of them may be wanted."""
    used = {at for panel in panels for at in panel.columns.values()}
    unknown = [at for at in free if at not in used and headers[at].text and headers[at].role is None]
    unused = [headers[at].text[:24] for at in unknown if sample.number_share(at) > 0.5][:6]
    if unused:
        notes.append(f"not used: {', '.join(unused)} (--columns says otherwise)")


def _is_other_time(sample: _Sample, at: int, time: tuple[int, ...]) -> bool:
    """Whether a column of numbers is a second column of times, such as when a bar closed.

    Numbers of five digits are only that if they stay close to the times: bitcoin's prices look like Excel's days.
    """
    if sample.stamp_share(at) < 0.9:
        return False
    mine, theirs = (stamps.parse(sample.columns[place], day_first=True).micros for place in (at, time[0]))
    return bool(np.median(np.abs(mine - theirs)) < 40 * stamps.DAY_MICROS)


def _open_high_low_close(
    table: RawTable, window: Sequence[int], time: tuple[int, ...], sample: _Sample
) -> dict[str, int] | None:
    values = np.array([sample.numbers(at) for at in window])
    values = values[:, np.isfinite(values).all(axis=0)]
    if values.shape[1] < 2 or not (values.max(axis=0) > values.min(axis=0)).any():
        return None
    slack = 1e-9
    highest = [at for at in range(4) if np.mean(values[at] >= values.max(axis=0) * (1 - slack)) >= 0.98]
    lowest = [at for at in range(4) if np.mean(values[at] <= values.min(axis=0) * (1 + slack)) >= 0.98]
    if len(highest) != 1 or len(lowest) != 1 or highest == lowest:
        return None
    first, second = (at for at in range(4) if at not in (highest[0], lowest[0]))
    if _opens(table, window[second], window[first], time):
        first, second = second, first
    return {words.OPEN: window[first], words.HIGH: window[highest[0]], words.LOW: window[lowest[0]],
            words.CLOSE: window[second]}  # fmt: skip


def _opens(table: RawTable, candidate: int, other: int, time: tuple[int, ...]) -> bool:
    """Whether `candidate` rather than `other` is the open: a bar opens where the one before it closed."""
    rows = min(table.rows, 2_000)
    micros = stamps.parse(table.columns[time[0]].slice(0, rows), day_first=True).micros
    order = np.argsort(micros, kind="stable")
    pair = [table.columns[at].slice(0, rows) for at in (candidate, other)]
    mark = numbers.decimal_mark([column for column in pair if pa.types.is_string(column.type)])
    a, b = (numbers.parse(column, mark)[0][order] for column in pair)
    return bool(np.nanmean(np.abs(a[1:] - b[:-1])) < 0.9 * np.nanmean(np.abs(b[1:] - a[:-1])))


def _between(sample: _Sample, at: int, found: Mapping[str, int]) -> bool:
    """Whether a column always lies between low and high, as an average price does and a volume does not."""
    low, high, values = (sample.numbers(place) for place in (found[words.LOW], found[words.HIGH], at))
    return bool(np.mean((values >= low * 0.999) & (values <= high * 1.001)) > 0.95)
