"""Coin symbols as venues, files and people spell them: pairs, full names and tickers that have changed."""

import re
from dataclasses import dataclass

QUOTES = ("usdt", "usdc", "busd", "tusd", "fdusd", "usd", "aud", "eur", "gbp", "jpy", "krw", "inr", "cad", "chf",
          "brl", "try", "nzd", "sgd", "zar", "btc", "eth", "bnb")  # fmt: skip

MONEY = frozenset(QUOTES[:-3])  # what prices are counted in, without the coins that also serve for it

# Tickers that mean another coin today than they once did, or that one venue writes its own way.
RENAMED = {"xbt": "btc", "str": "xlm", "bcc": "bch", "bchabc": "bch", "bchsv": "bsv", "ans": "neo", "xrb": "xno",
           "nano": "xno", "miota": "iota", "iot": "iota", "drk": "dash", "xdg": "doge", "dsh": "dash"}  # fmt: skip

NAMES = {"bitcoin": "btc", "ethereum": "eth", "ether": "eth", "ripple": "xrp", "solana": "sol", "cardano": "ada",
         "dogecoin": "doge", "litecoin": "ltc", "chainlink": "link", "polkadot": "dot", "stellar": "xlm",
         "stellarlumens": "xlm", "lumens": "xlm", "bitcoincash": "bch", "bitcoinsv": "bsv", "avalanche": "avax",
         "polygon": "matic", "tron": "trx", "tether": "usdt", "usdcoin": "usdc", "binancecoin": "bnb", "monero": "xmr",
         "ethereumclassic": "etc", "eos": "eos", "neo": "neo", "iota": "iota", "dash": "dash", "zcash": "zec",
         "uniswap": "uni", "shibainu": "shib", "pepe": "pepe", "cosmos": "atom", "toncoin": "ton", "near": "near",
         "nearprotocol": "near", "aave": "aave", "algorand": "algo", "vechain": "vet", "filecoin": "fil",
         "internetcomputer": "icp", "aptos": "apt", "arbitrum": "arb", "optimism": "op", "sui": "sui",
         "hedera": "hbar", "tezos": "xtz", "wrappedbitcoin": "wbtc"}  # fmt: skip

TICKERS = frozenset(NAMES.values()) | set(RENAMED.values()) | {
    "bnt", "edg", "nbt", "nxt", "shib", "cake", "comp", "sushi", "snx", "yfi", "zrx", "waves", "qtum", "xem", "theta",
    "grt", "sand", "mana", "ftm", "rune", "ksm", "egld", "flow", "axs", "chz", "enj", "bat", "omg", "dai", "mkr",
    "crv", "1inch", "ldo", "imx", "inj", "sei", "tia", "ena", "wld", "fet", "rndr", "bonk", "wif", "floki", "hype",
    "sys", "dgb", "sc", "xvg", "rvn", "ont", "icx", "lsk", "zil", "hot", "kava", "band", "celo", "one", "gala", "ape",
}  # fmt: skip

_SYMBOL = re.compile(r"[A-Za-z0-9]{1,15}([ /_:.-]{1,3}[A-Za-z0-9]{1,15}){0,3}")
_PART = re.compile(r"[/_:. -]+")


@dataclass(frozen=True)
class Market:
    """A coin and what it is priced in; `quote` is empty where the text names the coin alone."""

    coin: str
    quote: str = ""


def market(text: str) -> Market | None:
    """The market a symbol means - "BTC/USDT", "xrp-usdt", "XBTUSD", "Ethereum" - or None if it is no symbol.

    Anything but letters, digits and one separator is refused: symbols reach file names and messages.
    """
    text = _bare(text.strip().strip("'\"$").strip())
    if not _SYMBOL.fullmatch(text) or text.isdigit():
        return None  # a number is an id of somebody's own list
    lowered = text.lower()
    joined = _PART.sub("", lowered)
    if joined in NAMES:
        return Market(NAMES[joined])
    parts = [part for part in _PART.split(lowered) if part not in ("", "spot", "perp", "swap")]
    if len(parts) == 1:
        return _split(parts[0])
    if len(parts) == 2 or (len(parts) == 3 and parts[1] in QUOTES and parts[2] == parts[1]):
        first, second = _coin(parts[0]), _coin(parts[1])
        if _is_stronger(first, second):
            first, second = second, first
            return Market(first, second)
        return Market(first, second) if parts[1] in QUOTES or second in QUOTES else None
    return None


def is_derivative(text: str) -> bool:
    """Whether a symbol means a future or swap of a coin: BTC-PERP, BTCUSD.P, BTC/USDT:USDT, BTC=F."""
    return bool(re.search(r"[-_/. ]?(perp|perpetual|swap)$|\.p$|=f$|/([a-z]+):\2$", text.strip().lower()))


def _bare(text: str) -> str:
    """A symbol without what feeds put round it: BINANCE:BTCUSDT, tBTCUSD, BTCUSD.P, BTC=F, Bitcoin (BTC)."""
    if named := re.fullmatch(r"[A-Za-z .]{2,30} \(([A-Za-z0-9]{2,10})\)", text):
        return named[1]
    text = re.sub(r"^([A-Z]|[A-Z]{4,15}):(?=[A-Z0-9]{3,15}(\.P)?$)", "", text)
    text = re.sub(r"^t(?=[A-Z0-9]{6,12}$)", "", text)
    return re.sub(r"(?<=[A-Z0-9]{3})(\.[PX]|=[XF])$", "", text)


def _is_stronger(first: str, second: str) -> bool:
    """Whether the money stands first, as in Upbit's KRW-BTC and the old BTC-LTC of Bittrex."""
    if first in MONEY:
        return second not in MONEY
    coins_as_money = QUOTES[-3:]
    if first not in coins_as_money:
        return False
    weaker = coins_as_money[coins_as_money.index(first) + 1 :]
    return second in weaker or (second in TICKERS and second not in QUOTES)


def symbol(text: str) -> str | None:
    """The coin a symbol means, in lower case, or None if it is no symbol."""
    found = market(text)
    return found.coin if found else None


def known(text: str) -> bool:
    """Whether a word is certainly a coin: a ticker, a name or a pair of them that we know."""
    found = market(text)
    if not found:
        return False
    word = _PART.sub("", text.strip().lower())
    named = word in NAMES or word in RENAMED or word in TICKERS
    return named or (bool(found.quote) and found.coin in TICKERS)


def _coin(word: str) -> str:
    return RENAMED.get(word, NAMES.get(word, word))


def _split(word: str) -> Market:
    """A pair written as one word, as in BTCUSDT; Kraken writes XXBTZUSD."""
    if kraken := re.fullmatch(r"x([a-z0-9]{3})z([a-z]{3})", word):
        return Market(_coin(kraken[1]), kraken[2])
    if word in TICKERS or word in RENAMED or word in QUOTES:
        return Market(_coin(word))
    for quote in QUOTES:
        base = word.removesuffix(quote)
        # A two-letter rest is more likely part of a longer ticker (steth, wbtc) than a coin of its own.
        if (
            base != word
            and (len(base) >= 3 or _coin(base) in TICKERS)
            and (_coin(base) in TICKERS or quote not in ("btc", "eth", "bnb"))
        ):
            return Market(_coin(base), quote)
    return Market(_coin(word))
