"""Marking the terms that name a coin, and those that name the currency prices are quoted in."""

from collections.abc import Iterable

from engine.goals.coin_names import QUOTES, SURE_NAMES, WORDS, coin_names, lookup
from engine.goals.coin_slips import guess_names, guess_tickers
from engine.goals.coin_words import is_meant
from engine.goals.lexicon import Term
from engine.goals.tables import known_word
from engine.goals.text import fold


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
    guess_names(marked, here)
    _drop_quotes(marked)
    for at in range(len(marked)):
        if marked[at].has("coin") and marked[at].has("doubtful") and not is_meant(marked, at, here):
            marked[at].tags = {k: v for k, v in marked[at].tags.items() if k != "coin"}
    if not any(term.has("coin") for term in marked):
        guess_tickers(marked, here)
    return marked


def _mark(term: Term, here: frozenset[str]) -> None:
    word = fold(term.token.text) if term.token is not None and term.token.kind == "word" else fold(term.text)
    if " " in term.text or "coin" in term.tags:
        return
    if word in QUOTES:
        term.tags = {**term.tags, "quote": word}
        return
    coin = lookup(word, here)
    if coin is None:
        base = next(
            (word.removesuffix(q) for q in ("perp", *QUOTES[:16], "btc", "eth", "bnb") if word.endswith(q)),
            "",
        )
        for quote in QUOTES[:10]:
            if word.endswith(quote + "perp"):
                base = word.removesuffix(quote + "perp")
        if len(base) >= 2 and lookup(base, here) and not known_word(word):
            term.tags = {"coin": lookup(base, here) or base}
        elif "unknown" in term.tags and not word.isascii():
            coin = lookup(word.translate(_LOOKALIKES), here)
            if coin:
                term.tags = {"coin": coin}
        return
    doubtful = (
        word in WORDS and word not in SURE_NAMES or known_word(word) and word not in here and len(word) < 6
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
    if terms[at + 1].glued and f"{first}{second}" in here and second.isdigit():
        # A symbol with figures in it, as they stand in the price table: sim01.
        whole = f"{terms[at].text}{terms[at + 1].text}"
        return Term(whole, {"coin": f"{first}{second}"}, terms[at].glued, token=terms[at].token)
    coin = coin_names().get(f"{first} {second}")
    if coin is None and second == "coin":
        coin = coin_names().get(first + "coin")
    if (
        coin is None
        and terms[at].token is not None
        and f"{first}{second}" in ("chainlink", "litecoin", "bitcoin", "dogecoin")
    ):
        coin = coin_names()[f"{first}{second}"]
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
        said_in = (
            before is not None
            and before.text.lower() == "in"
            and any(t.has("coin", "quote") for t in terms[:at])
        )
        if before is not None and (before.has("pricedin") or said_in):
            term.tags = {"quote": term.tags["coin"]}
        slashed = before is not None and before.text in "/-_" and at >= 2 and terms[at - 2].has("coin")
        longer = (at >= 3 and terms[at - 3].text == "/") or (
            at + 1 < len(terms) and terms[at + 1].text in "/,"
        )
        if slashed and not longer and term.tags["coin"] == "btc" and terms[at - 2].tags["coin"] != "btc":
            glued = before is not None and before.glued and term.glued
            if glued:
                term.tags = {"quote": term.tags["coin"]}
