"""Tickers that are words too: whether `link`, `sol` or `near` is the coin here."""

from engine.goals.lexicon import Term
from engine.goals.tables import known_word
from engine.goals.text import fold


def is_meant(terms: list[Term], at: int, here: frozenset[str]) -> bool:
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
