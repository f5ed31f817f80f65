"""Which column is what: by its header, by the person's word, or by what its values can only be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import numpy as np
import pyarrow.compute as pc

from storage import coins
from storage.importing import columns as words
from storage.importing import zones
from storage.importing.by_values import prices_by_values
from storage.importing.columns import Header
from storage.importing.errors import FileRefused, Unclear
from storage.importing.raw import RawTable
from storage.importing.sample import Sample

Array = np.ndarray[Any, Any]

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
    finished: int | None = None
    notes: list[str] = field(default_factory=list)


def recognise(table: RawTable, given: Mapping[str, str]) -> Layout:
    """Find the columns of a table; `given` is what a person said: role -> header or place from 1.

    Raises Unclear (option `columns`) where the values leave more than one reading.
    """
    sample = Sample(table)
    if given:
        return _as_given(table, given)
    headers = [words.describe(texts) for texts in table.headers]
    _require_one_line_each(table, headers, sample)
    time, is_end = _time(table, headers, sample)
    free = [at for at in range(len(headers)) if at not in time]
    notes: list[str] = []
    panels = _panels(headers, free, sample, notes)
    if not panels:
        panels = [Panel(None, prices_by_values(table, headers, free, time, sample, notes))]
    quote_currency = _quote_in_headers(headers, panels)
    if quote_currency:
        panels = [Panel(coins.Market("", quote_currency), panel.columns) for panel in panels]
    coin, quote = _coin(headers, free, panels, sample)
    _note_unused(headers, free, panels, sample, notes)
    venue = next((at for at in free if headers[at].role == words.VENUE), None)
    zone = next((at for at in free if headers[at].role == words.ZONE and sample.share(at, zones.named)), None)
    interval = next((at for at in free if headers[at].role == words.INTERVAL), None)
    finished = next((at for at in free if headers[at].role == words.FINISHED), None)
    return Layout(time, is_end, tuple(panels), coin, quote, venue, zone, interval, finished, notes)


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


def _time(table: RawTable, headers: Sequence[Header], sample: Sample) -> tuple[tuple[int, ...], bool]:
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

    def preference(at: int) -> tuple[bool, bool, bool, bool, int, int]:
        role = headers[at].role if headers[at].role in _TIME_ORDER else words.TIME
        late = _TIME_ORDER.index(role) >= _TIME_ORDER.index(words.END_TIME)
        certain = sample.instants(at) or zones.mentioned(headers[at].text, loosely=True) is UTC
        return (
            role == words.CREATED,
            _date_only(sample, at),
            late,
            not certain,
            _TIME_ORDER.index(role),
            headers[at].rank // 1_000,
        )

    best = min(candidates, key=preference)
    _require_one_table(headers, candidates, best, sample)
    clocks = [at for at in named if at != best and sample.clock_share(at) > 0.9]
    beside = best + 1  # without a header a clock is one that follows its date and has its colon
    if (
        beside in unnamed
        and sample.clock_share(beside) > 0.9
        and sample.share(beside, lambda cell: ":" in cell) > 0.9
    ):
        clocks.append(beside)
    if clocks and _date_only(sample, best):
        return (best, clocks[0]), headers[best].role == words.END_TIME
    return (best,), headers[best].role == words.END_TIME


def _date_only(sample: Sample, at: int) -> bool:
    """Whether the stamps of a column are days without a time of day."""
    with_clock = pc.match_substring_regex(sample.texts(at), r"\d[:hH]\d\d(\D|$)|\d[Tt ]\d|^\d{10,}$")
    return bool(np.mean(with_clock.to_numpy(zero_copy_only=False)) < 0.1)


def _require_one_table(
    headers: Sequence[Header], candidates: Sequence[int], best: int, sample: Sample
) -> None:
    """Raise FileRefused for tables side by side: the prices of one would be put at the times of the other."""

    def name(at: int) -> str:
        return re.sub(r"[\W_]*\d*$", "", headers[at].text)

    for at in candidates:
        twin = headers[at].role == headers[best].role and (
            name(at) == name(best) != "" or headers[at].market != headers[best].market
        )
        if at != best and twin and not sample.texts(at).equals(sample.texts(best)):
            raise FileRefused(
                f"It has tables side by side, each with times of its own (columns {best + 1} and {at + 1}): save each "
                "as a file."
            )


def _panels(headers: Sequence[Header], free: Sequence[int], sample: Sample, notes: list[str]) -> list[Panel]:
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


def _sides(buy: int, sell: int, sample: Sample) -> dict[str, int]:
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
    headers: Sequence[Header], free: Sequence[int], panels: Sequence[Panel], sample: Sample
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
    symbols = [at for at in named if sample.share(at, coins.market) > 0.4]
    best = max(symbols, key=lambda at: (sample.share(at, coins.known), -at), default=None)
    for at in named if best is None else ():
        ids = pc.unique(sample.texts(at)).to_pylist()
        if len(ids) > 1 and all(name.isdigit() for name in ids):
            raise FileRefused(
                f"It names its coins by numbers ({', '.join(ids[:3])}) in the column {headers[at].text[:24]!r}: put "
                "symbols such as btc in their place."
            )
    return best, quotes[0] if quotes else None


def _require_one_line_each(table: RawTable, headers: Sequence[Header], sample: Sample) -> None:
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
    headers: Sequence[Header], free: Sequence[int], panels: Sequence[Panel], sample: Sample, notes: list[str]
) -> None:
    """Name the columns of numbers whose headers mean nothing to us: one of them may be wanted."""
    used = {at for panel in panels for at in panel.columns.values()}
    unknown = [at for at in free if at not in used and headers[at].text and headers[at].role is None]
    unused = [headers[at].text[:24] for at in unknown if sample.number_share(at) > 0.5][:6]
    if unused:
        notes.append(f"not used: {', '.join(unused)} (--columns says otherwise)")
