"""Which coin, priced in what, each row is about: by its own column, the header, a person, or the file's name."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage import coins
from storage.importing.errors import FileRefused, Unclear
from storage.importing.layout import Layout
from storage.importing.raw import RawTable

Array = np.ndarray[Any, Any]

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


_TIMEFRAME = re.compile(r"(?<=[A-Z]{6})(1|5|15|30|60|240|1440|[MH]\d{1,2}|D1)$")  # MetaTrader's BTCUSD5


def markets_of(
    table: RawTable, layout: Layout, given_coin: str | None, understood: dict[str, str]
) -> tuple[Array, list[coins.Market]]:
    """For each row the place of its market (-1: none), and the markets; how they are known goes to `understood`.

    Raises Unclear (option `coin`) where nothing names the coin, FileRefused if the file contradicts the person.
    """
    if layout.coin is not None:
        encoded = pc.dictionary_encode(table.columns[layout.coin].cast(pa.string()).combine_chunks())
        names = encoded.dictionary.to_pylist()
        found = [coins.market(name) if name else None for name in names]
        _require_one_kind(names, found)
        if layout.quote is not None:
            return _with_quotes(table, layout.quote, encoded, found)
        places = sorted({market for market in found if market}, key=lambda m: (m.coin, m.quote))
        # Some rows of a coin name the currency and some do not: the file means one market.
        merged = _one_quote(places)
        codes = np.array([merged.index(_quoted(m, merged)) if m else -1 for m in found] + [-1])
        rows = codes[encoded.indices.fill_null(len(names)).to_numpy()]
        understood["coin"] = "named on each line"
        if given_coin:
            wanted = _given_coin(given_coin)
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
    market, how = _single_market(table, given_coin)
    for title in table.titles:
        if any(named.coin != market.coin for named in _markets_in(title)):
            raise FileRefused(
                f"It has a table for each coin (one is called {title[:24]!r}): split the file by coin."
            )
    understood["coin"] = f"{market.coin} ({how})"
    return np.zeros(table.rows, np.int64), [coins.Market(market.coin, market.quote or quote)]


def _require_one_kind(names: list[str | None], found: list[coins.Market | None]) -> None:
    """Raise FileRefused for the derivative of a coin beside the coin itself: their prices differ."""
    plain = {
        market: name for name, market in zip(names, found, strict=True) if not coins.is_derivative(name or "")
    }
    for name, market in zip(names, found, strict=True):
        if market in plain and market and coins.is_derivative(name or ""):
            raise FileRefused(
                f"It holds {name!r} beside {plain[market]!r}, which are different markets: split the file by symbol."
            )


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


def _single_market(table: RawTable, given_coin: str | None) -> tuple[coins.Market, str]:
    if given_coin:
        return _given_coin(given_coin), "as given"
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
    parts = [_TIMEFRAME.sub("", part) for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    found, at = [], 0
    while at < len(parts):
        pair = coins.market("/".join(parts[at : at + 2])) if at + 1 < len(parts) else None
        if (
            pair
            and pair.quote
            and coins.known(parts[at])
            and coins.symbol(parts[at]) == pair.coin
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
