"""Misspelt coins: the name or ticker a word is a slip or two away from."""

from collections.abc import Mapping

from rapidfuzz.distance import OSA

from engine.goals.coin_names import SURE_NAMES, WORDS, coin_names
from engine.goals.lexicon import Term
from engine.goals.text import fold

_SOUNDS = {"k": "c", "z": "s", "y": "i", "j": "i"}  # first letters that languages swap: Kardano


def guess_names(terms: list[Term], here: frozenset[str]) -> None:
    """Take a long misspelt word for the name it is a slip or two away from."""
    names = [
        n
        for n, ticker in coin_names().items()
        if len(n) >= 5 and (ticker in here or len(n) >= 7) and (n not in WORDS or n in SURE_NAMES)
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
            close = [
                (OSA.distance(word, n, score_cutoff=slips), n)
                for n in names
                if _SOUNDS.get(n[0], n[0]) == _SOUNDS.get(word[0], word[0])
            ]
            distance, best = min(close, default=(9, ""))
            if distance <= slips:
                term.tags, term.guessed = {"coin": coin_names()[best]}, True


def guess_tickers(terms: list[Term], here: frozenset[str]) -> None:
    """No coin so far: take a misspelt name or ticker for the coin it is closest to; one that is held, if any is."""
    held = {name: ticker for name, ticker in coin_names().items() if ticker in here and name not in WORDS}
    _guess(terms, held | {coin: coin for coin in here})
    if not any(term.has("coin") for term in terms):
        tickers = {ticker for ticker in coin_names().values() if len(ticker) >= 4 and ticker not in WORDS}
        _guess(terms, {ticker: ticker for ticker in sorted(tickers)})


def _guess(terms: list[Term], names: Mapping[str, str]) -> None:
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
