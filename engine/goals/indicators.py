"""Indicators with the windows said beside them: `SMA 50`, `RSI(7)`, `a 200 bar EMA`, `MACD 12/26/9`."""

from engine.goals.lexicon import Term
from engine.goals.patterns import Rule, reduce

_WINDOWS = {"SMA": 20, "EMA": 20, "RSI": 14}  # the usual window of those whose name always carries one
_THREE = frozenset(("MACD", "PPO", "UO"))


def read_indicators(terms: list[Term]) -> list[Term]:
    """Give each indicator its windows; its tag's value becomes a name such as SMA_50."""
    blocked = [_protect(terms, at) for at in range(len(terms))]
    made = reduce(blocked, _RULES)
    for term in made:
        if term.has("indicator") and term.value is None:
            term.value = (name_of(term.tags["indicator"], ()),)
        if "amount" in term.tags:
            term.tags = {k: v for k, v in term.tags.items() if k != "amount"}
    return made


def name_of(indicator: str, windows: tuple[int, ...]) -> str:
    """The canonical name: RSI without a window is RSI_14, MACD stays MACD."""
    if not windows and indicator in _WINDOWS:
        windows = (_WINDOWS[indicator],)
    return "_".join([indicator, *map(str, windows)])


def _protect(terms: list[Term], at: int) -> Term:
    """Mark numbers that have a unit of their own, such as the 4 in `RSI 4h`."""
    term = terms[at]
    follower = terms[at + 1] if at + 1 < len(terms) else None
    if term.has("number") and follower is not None and follower.has("unit", "percent", "bps", "permille"):
        term.tags = {**term.tags, "amount": ""}
    return term


def _windows(*numbers: Term | None) -> tuple[int, ...] | None:
    found = [t.number for t in numbers if t is not None]
    if any(n is None or n != int(n) or not 2 <= n <= 2016 for n in found):
        return None
    return tuple(int(n) for n in found if n is not None)


def _make(indicator: Term, *numbers: Term | None) -> Term | None:
    if any(n is not None and n.has("amount", "yearnumber") for n in numbers):
        return None
    windows = _windows(*numbers)
    name = indicator.tags["indicator"]
    if windows is None:
        return None
    if len(windows) > 1 and name in ("SMA", "EMA", "WMA"):
        value = tuple(name_of(name, (window,)) for window in windows)
    elif name == "BBANDS":
        value = (name_of(name, windows[:1]),)  # the second number is the width in deviations
    elif name in _THREE and len(windows) != 3 or name not in _THREE and len(windows) > 1:
        value = (name_of(name, windows[:1] if name not in _THREE else ()),)
    else:
        value = (name_of(name, windows),)
    return Term("", {"indicator": name}, value=value)


def _before(
    number: Term, _dash: Term | None, word: Term | None, _dash2: Term | None, indicator: Term
) -> Term | None:
    if number.has("amount") and (word is None or not word.has("unit")):
        return None
    bare = Term(number.text, {"number": ""}, number=number.number)
    return _make(indicator, bare)


_LIST = "','|'/'|'-'|'_'"
_RULES = (
    Rule(f"indicator '('|'_'|'-'? number {_LIST} number {_LIST} number ')'?", lambda i, o, a, x, b, y, c, p: _make(i, a, b, c)),
    Rule("indicator '('|'_'|'-'|window? number ','|'/'|'_'|and number ')'?", lambda i, o, a, x, b, p: _make(i, a, b)),
    Rule("indicator '('|'_'|'-'|'='|':'? skip|windowword? skip? number ')'?", lambda i, o, s, t, n, p: _make(i, n)),
    Rule("number '-'? windowword|unit? '-'? indicator", _before),
    Rule("number '/' number indicator", lambda a, x, b, i: _make(i, a, b)),
    Rule("number and number windowword? indicator", lambda a, x, b, w, i: _make(i, a, b)),
)  # fmt: skip
