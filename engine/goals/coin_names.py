"""Coins by the names people use, and currencies prices are quoted in."""

from collections.abc import Sequence
from functools import cache

from rapidfuzz.distance import OSA

from engine.goals.text import fold

# Names people use, by ticker. A ticker that is not here is known when there are prices of it.
NAMES = {
    "btc": "bitcoin xbt btcs", "eth": "ethereum ether", "xrp": "ripple", "ltc": "litecoin", "ada": "cardano",
    "doge": "dogecoin", "sol": "solana", "link": "chainlink", "dot": "polkadot", "matic": "polygon", "pol": "",
    "avax": "avalanche", "shib": "shiba", "trx": "tron", "uni": "uniswap", "atom": "cosmos", "xlm": "stellar lumens",
    "xmr": "monero", "etc": "ethereum-classic", "bch": "bitcoin-cash bcash", "bsv": "bitcoin-sv", "bnb": "binance-coin",
    "fil": "filecoin", "apt": "aptos", "arb": "arbitrum", "op": "optimism", "near": "", "algo": "algorand",
    "vet": "vechain", "icp": "internet-computer", "hbar": "hedera", "qnt": "quant", "aave": "", "mkr": "maker-dao",
    "grt": "the-graph", "ftm": "fantom", "sand": "", "mana": "decentraland", "axs": "axie", "xtz": "tezos",
    "eos": "", "theta": "", "egld": "elrond multiversx", "chz": "chiliz", "flow": "", "zec": "zcash", "dash": "",
    "neo": "", "iota": "", "xem": "nem", "nxt": "", "waves": "", "bat": "", "enj": "enjin", "zil": "zilliqa",
    "snx": "synthetix", "comp": "", "crv": "curve-dao", "yfi": "yearn", "sushi": "sushiswap", "cake": "pancakeswap",
    "rune": "thorchain", "kava": "", "inj": "injective", "sui": "", "sei": "", "tia": "celestia", "pepe": "",
    "floki": "", "bonk": "", "wif": "dogwifhat", "ton": "toncoin", "kas": "kaspa", "imx": "", "ldo": "lido",
    "stx": "stacks", "rndr": "", "gala": "", "lunc": "", "luna": "terra", "ape": "apecoin", "ens": "", "dydx": "",
    "fet": "", "ocean": "", "agix": "", "wld": "worldcoin", "jup": "", "pyth": "", "ordi": "", "blur": "",
    "edg": "edgeless", "nbt": "nubits", "qtum": "", "omg": "", "lsk": "lisk", "dcr": "decred", "rvn": "ravencoin",
    "hype": "hyperliquid", "tao": "bittensor", "trump": "", "cro": "cronos", "okb": "", "ksm": "kusama", "dgb": "digibyte",
    "bcn": "bytecoin", "ont": "", "icx": "icon-coin", "nano": "", "hot": "holo", "one": "harmony-one", "celo": "",
}  # fmt: skip
_OLD_TICKERS = {
    "xbt": "btc",
    "str": "xlm",
    "bcc": "bch",
    "ans": "neo",
    "miota": "iota",
    "xrb": "nano",
    "bchsv": "bsv",
}
QUOTES = (
    "usdt", "usdc", "busd", "tusd", "fdusd", "dai", "usd", "eur", "gbp", "aud", "cad", "chf", "jpy", "brl", "try", "krw",
    "dollar", "dollars", "euro", "euros", "tether", "pound", "yen", "stablecoin", "stablecoins",
)  # fmt: skip
# Tickers that are words of a language, and need more than their letters to count as a coin.
WORDS = frozenset(
    [
        "link",
        "sol",
        "ada",
        "dot",
        "near",
        "one",
        "etc",
        "dash",
        "flow",
        "sand",
        "gas",
        "ape",
        "op",
        "comp",
        "uni",
        "bat",
        "waves",
        "neo",
        "nano",
        "hot",
        "cake",
        "ens",
        "rune",
        "blur",
        "hype",
        "trump",
        "ton",
        "str",
        "ans",
        "pol",
        "fun",
        "key",
        "sun",
        "win",
        "people",
        "ocean",
        "icon",
        "maker",
        "algo",
        "apt",
        "atom",
        "luna",
        "inj",
        "sushi",
        "mana",
        "theta",
        "icp",
        "omg",
        "ont",
        "crv",
        "wif",
        "imx",
        "time",
        "just",
        "quant",
        "curve",
        "stacks",
        "graph",
        "terra",
        "cosmos",
        "harmony",
        "fantom",
        "optimism",
        "polygon",
        "stellar",
        "avalanche",
        "tron",
        "ripple",
        "holo",
        "yearn",
        "nxt",
        "arb",
        "fil",
        "edg",
        "grt",
        "vet",
        "bonk",
        "gala",
        "ordi",
        "sei",
        "sui",
        "cro",
        "ark",
        "via",
        "pay",
        "eng",
        "amp",
        "req",
    ]
)
SURE_NAMES = frozenset(("ripple", "stellar", "polygon", "avalanche", "cosmos", "tron", "fantom", "uniswap"))


@cache
def coin_names() -> dict[str, str]:
    """Return every name and ticker with its coin."""
    found = dict(_OLD_TICKERS)
    for ticker, names in NAMES.items():
        found[ticker] = ticker
        for name in names.split():
            found[name.replace("-", " ")] = ticker
    return found


def lookup(word: str, here: frozenset[str]) -> str | None:
    """Return the coin a folded word names, one of those `here` before any other."""
    names = coin_names()
    if word in here:
        return word
    found = names.get(word)
    if found is None and len(word) > 4 and word.endswith("s"):
        found = names.get(word[:-1]) if word[:-1] not in here else word[:-1]
    if found is not None and found not in here and word in here:
        return word
    return found


def nearest(word: str, available: Sequence[str]) -> list[str]:
    """The available coins spelt most like a word, best first, three at most."""
    folded = fold(word)
    names = {coin: [coin, *(n.replace("-", " ") for n in NAMES.get(coin, "").split())] for coin in available}
    ranked = sorted(available, key=lambda c: min(OSA.normalized_distance(folded, n) for n in names[c]))
    return ranked[:3]


def in_words(coin: str) -> str:
    """A coin as people write it."""
    return coin.upper()
