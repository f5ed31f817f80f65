"""Coins by name, ticker, pair and common slip, and the words that only look like one."""

from collections.abc import Iterable, Sequence
from functools import cache

from rapidfuzz.distance import OSA

from engine.goals.lexicon import Term, known_word
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
_WORDS = frozenset(
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
        "etc",
        "inj",
        "sushi",
        "mana",
        "theta",
        "icp",
        "omg",
        "ont",
        "comp",
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
_SURE_NAMES = frozenset(("ripple", "stellar", "polygon", "avalanche", "cosmos", "tron", "fantom", "uniswap"))


@cache
def _names() -> dict[str, str]:
    found = dict(_OLD_TICKERS)
    for ticker, names in NAMES.items():
        found[ticker] = ticker
        for name in names.split():
            found[name.replace("-", " ")] = ticker
    return found


def mark_coins(terms: list[Term], available: Iterable[str]) -> list[Term]:
    """Tag the terms that name a coin (`coin`: its ticker) and those that name a currency prices are quoted in."""
    here = frozenset(available)
    marked: list[Term] = []
    at = 0
    while at < len(terms):
        pair = _two_words(terms, at, here)
        if pair is not None:
            marked.append(pair)
            at += 2
            continue
        term = terms[at]
        if term.token is not None and term.token.kind in ("word", "ideographs") and term.number is None:
            _mark(term, here)
        marked.append(term)
        at += 1
    _guess_names(marked, here)
    _drop_quotes(marked)
    for at in range(len(marked)):
        if marked[at].has("coin") and marked[at].has("doubtful") and not _is_meant(marked, at, here):
            marked[at].tags = {k: v for k, v in marked[at].tags.items() if k != "coin"}
    if not any(term.has("coin") for term in marked):
        _guess_tickers(marked, here)
    return marked


def nearest(word: str, available: Sequence[str]) -> list[str]:
    """The available coins spelt most like a word, best first, three at most."""
    folded = fold(word)
    names = {coin: [coin, *(n.replace("-", " ") for n in NAMES.get(coin, "").split())] for coin in available}
    ranked = sorted(available, key=lambda c: min(OSA.normalized_distance(folded, n) for n in names[c]))
    return ranked[:3]


def in_words(coin: str) -> str:
    """A coin as people write it."""
    return coin.upper()


def _lookup(word: str, here: frozenset[str]) -> str | None:
    names = _names()
    if word in here:
        return word
    found = names.get(word)
    if found is None and len(word) > 4 and word.endswith("s"):
        found = names.get(word[:-1]) if word[:-1] not in here else word[:-1]
    if found is not None and found not in here and word in here:
        return word
    return found


def _mark(term: Term, here: frozenset[str]) -> None:
    word = fold(term.token.text) if term.token is not None and term.token.kind == "word" else fold(term.text)
    if " " in term.text or "coin" in term.tags:
        return
    if word in QUOTES:
        term.tags = {**term.tags, "quote": word}
        return
    coin = _lookup(word, here)
    if coin is None:
        base = next(
            (word.removesuffix(q) for q in ("perp", *QUOTES[:16], "btc", "eth", "bnb") if word.endswith(q)),
            "",
        )
        for quote in QUOTES[:10]:
            if word.endswith(quote + "perp"):
                base = word.removesuffix(quote + "perp")
        if len(base) >= 2 and _lookup(base, here) and not known_word(word):
            term.tags = {"coin": _lookup(base, here) or base}
        elif "unknown" in term.tags and not word.isascii():
            coin = _lookup(word.translate(_LOOKALIKES), here)
            if coin:
                term.tags = {"coin": coin}
        return
    doubtful = (
        word in _WORDS and word not in _SURE_NAMES or known_word(word) and word not in here and len(word) < 6
    )
    if doubtful and not (term.text.isupper() and len(term.text) > 2 and word in here):
        term.tags = {**term.tags, "coin": coin, "doubtful": ""}
    elif doubtful:
        term.tags = {**term.tags, "coin": coin, "doubtful": "capitals"}
    else:
        term.tags = {"coin": coin}


_LOOKALIKES = str.maketrans("авсеторхукмнАВСЕТОРХУКМНіѕԁɡӏ", "abcetopxykmhabcetopxykmhisdgl")


def _two_words(terms: list[Term], at: int, here: frozenset[str]) -> Term | None:
    """`bitcoin cash`, `ethereum classic`, `doge coin`, `lite coin`."""
    if at + 1 >= len(terms):
        return None
    first, second = fold(terms[at].text), fold(terms[at + 1].text)
    coin = _names().get(f"{first} {second}")
    if coin is None and second == "coin":
        coin = _names().get(first + "coin")
    if (
        coin is None
        and terms[at].token is not None
        and f"{first}{second}" in ("chainlink", "litecoin", "bitcoin", "dogecoin")
    ):
        coin = _names()[f"{first}{second}"]
    if coin is None:
        return None
    return Term(
        f"{terms[at].text} {terms[at + 1].text}", {"coin": coin}, terms[at].glued, token=terms[at].token
    )


def _drop_quotes(terms: list[Term]) -> None:
    """The second half of a pair such as SOL/BTC, and a coin that prices are said in, are not asked for."""
    for at, term in enumerate(terms):
        if not term.has("coin"):
            continue
        before = terms[at - 1] if at else None
        if before is not None and before.has("pricedin"):
            term.tags = {"quote": term.tags["coin"]}
        slashed = before is not None and before.text in "/-_" and at >= 2 and terms[at - 2].has("coin")
        longer = (at >= 3 and terms[at - 3].text == "/") or (
            at + 1 < len(terms) and terms[at + 1].text in "/,"
        )
        if slashed and not longer and term.tags["coin"] == "btc" and terms[at - 2].tags["coin"] != "btc":
            glued = before is not None and before.glued and term.glued
            if glued:
                term.tags = {"quote": term.tags["coin"]}


_VERB_BEFORE = frozenset(
    [
        "please",
        "pls",
        "plz",
        "a",
        "an",
        "the",
        "this",
        "that",
        "these",
        "to",
        "can",
        "could",
        "you",
        "me",
        "us",
        "send",
        "share",
        "post",
        "paste",
        "with",
        "see",
        "following",
        "your",
        "my",
        "our",
        "its",
        "his",
        "her",
        "permalink",
        "web",
        "any",
        "no",
        "broken",
        "missing",
        "strong",
        "weak",
        "direct",
        "possible",
        "hyper",
        "drop",
        "click",
        "between",
        "ask",
        "tell",
        "hi",
        "hey",
        "hello",
        "thanks",
        "cc",
        "dear",
        "el",
        "un",
        "del",
        "nuestro",
        "soleil",
        "i",
        "we",
        "they",
        "let's",
        "lets",
        "will",
        "would",
        "and",
        "then",
    ]
)
_VERB_AFTER = frozenset(
    [
        "me",
        "us",
        "them",
        "it",
        "the",
        "this",
        "that",
        "these",
        "those",
        "your",
        "my",
        "our",
        "here",
        "below",
        "above",
        "between",
        "up-to",
        "back",
        "everything",
        "all",
        "both",
        "to",
        "anything",
        "him",
        "her",
        "results",
        "result",
        "report",
        "chart",
        "charts",
        "page",
        "sheet",
        "docs",
        "doc",
        "if",
        "when",
        "only",
    ]
)
_COIN_BEFORE = frozenset(
    [
        "for",
        "of",
        "on",
        "will",
        "is",
        "does",
        "would",
        "should",
        "can",
        "long",
        "short",
        "buy",
        "sell",
        "predict",
        "forecast",
        "about",
        "coin",
        "token",
    ]
)


def _is_meant(terms: list[Term], at: int, here: frozenset[str]) -> bool:
    """Whether a word such as `link` or `sol` is the coin here."""
    term = terms[at]
    coin = term.tags["coin"]
    before = terms[at - 1] if at else None
    after = terms[at + 1] if at + 1 < len(terms) else None
    word = fold(term.text)
    known = coin in here
    if before is not None and before.text in ("$",):
        return True
    if term.tags.get("doubtful") == "capitals" and not _shouting(terms):
        return True
    if known and before is not None and before.has("not") and fold(before.text) not in ("no", "not"):
        return True
    if after is not None and (after.has("quote") or after.has("possessive") and known):
        return True
    if after is not None and after.text == "/" and at + 2 < len(terms) and terms[at + 2].has("quote", "coin"):
        return True
    if word in (
        "etc",
        "one",
        "near",
        "just",
        "time",
        "key",
        "str",
        "ans",
        "nxt",
        "via",
        "pay",
        "op",
        "people",
    ):
        return (
            known
            and _in_a_list(terms, at)
            and word != "etc"
            or known
            and _is_subject(terms, at, before, after)
        )
    if before is not None and fold(before.text) in ("you", "to") and after is not None and after.has("coin"):
        return False  # "can you link ada's chart"
    if _in_a_list(terms, at) and (
        before is None or fold(before.text) not in ("please", "to", "you", "a", "the")
    ):
        if not (
            after is not None
            and fold(after.text) in ("me", "us", "them", "it", "the", "to", "this", "your", "my")
        ):
            return True
    if not known and known_word(word):
        return False
    others = any(t.has("coin") and not t.has("doubtful") for t in terms)
    if (
        before is not None
        and fold(before.text) in _VERB_BEFORE
        and not (
            known
            and not others
            and fold(before.text)
            in (
                "will",
                "would",
                "can",
                "and",
                "then",
                "this",
                "the",
                "with",
                "please",
                "pls",
                "our",
                "hey",
                "hi",
                "you",
                "to",
            )
            and (after is None or fold(after.text) not in _VERB_AFTER)
        )
    ):
        return False
    if after is not None and fold(after.text) in _VERB_AFTER:
        return False
    return not others or _is_subject(terms, at, before, after)


def _is_subject(terms: list[Term], at: int, before: Term | None, after: Term | None) -> bool:
    led = before is None or before.has("mark") or fold(before.text) in _COIN_BEFORE
    told = after is None or after.has(
        "up", "down", "direction", "volatility", "return", "price", "willmove", "number", "next"
    )
    return (
        (led and told)
        or (before is not None and fold(before.text) in _COIN_BEFORE)
        or (before is None and told)
    )


def _in_a_list(terms: list[Term], at: int) -> bool:
    """Whether a coin stands beside it, joined by a comma, a slash or `and`."""
    for step in (-1, 1):
        joint, other = at + step, at + 2 * step
        while (
            0 <= joint < len(terms)
            and terms[joint].has("add", "not", "skip")
            and 0 <= other + step < len(terms)
        ):
            joint, other = joint + step, other + step
        if not 0 <= other < len(terms) or not 0 <= joint < len(terms):
            continue
        if terms[joint].has("and", "or", "compare") or terms[joint].text in ",/+;|-":
            while (
                0 <= other < len(terms)
                and terms[other].has("and", "or", "skip")
                or (0 <= other < len(terms) and terms[other].text == ",")
            ):
                other += step
            if 0 <= other < len(terms) and terms[other].has("coin"):
                return True
        elif terms[joint].has("coin") and not terms[joint].has("doubtful"):
            return True
    return False


def _shouting(terms: list[Term]) -> bool:
    letters = "".join(
        t.text for t in terms if t.token is not None and t.token.kind == "word" and not t.has("coin")
    )
    return len(letters) > 4 and letters.isupper()


def _guess_names(terms: list[Term], here: frozenset[str]) -> None:
    """Take a long misspelt word for the name it is a slip or two away from."""
    names = [
        n
        for n, ticker in _names().items()
        if len(n) >= 5 and (ticker in here or len(n) >= 7) and (n not in _WORDS or n in _SURE_NAMES)
    ]
    looked = 0
    for term in terms:
        if (
            not (term.has("unknown") or term.guessed)
            or term.token is None
            or term.token.kind != "word"
            or looked > 60
        ):
            continue
        word = fold(term.text)
        if 5 <= len(word) <= 16:
            looked += 1
            slips = 1 if len(word) < 7 else 2
            close = [(OSA.distance(word, n, score_cutoff=slips), n) for n in names if n[0] == word[0]]
            distance, best = min(close, default=(9, ""))
            if distance <= slips:
                term.tags, term.guessed = {"coin": _names()[best]}, True


def _guess_tickers(terms: list[Term], here: frozenset[str]) -> None:
    """No coin so far: take a misspelt name or ticker for the coin it is closest to."""
    names = {name: ticker for name, ticker in _names().items() if ticker in here and name not in _WORDS}
    names |= {coin: coin for coin in here}
    looked = 0
    for term in terms:
        if (
            not (term.has("unknown") or term.guessed)
            or term.token is None
            or term.token.kind != "word"
            or looked > 60
        ):
            continue
        word = fold(term.text)
        if not 3 <= len(word) <= 16:
            continue
        looked += 1
        slips = 1 if len(word) < 7 else 2
        best = min(names, key=lambda name: (OSA.distance(word, name), name), default=None)
        if best is None:
            continue
        distance = OSA.distance(word, best)
        swapped = sorted(word) == sorted(best)
        if (
            _squeezed(word) == _squeezed(best)
            or distance <= slips
            and (len(best) >= 4 and (word[0] == best[0] or swapped) or swapped)
        ):  # xrpp, btcc
            term.tags, term.guessed = {"coin": names[best]}, True


def _squeezed(word: str) -> str:
    """A word with every repeated letter once."""
    return "".join(letter for at, letter in enumerate(word) if not at or word[at - 1] != letter)
