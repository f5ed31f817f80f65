"""A cleaned goal as tokens: words, numbers, dates in figures and marks, each with its place."""

import re
from dataclasses import dataclass

from engine.goals.text import fold

_DATE = (
    r"(?P<iso>(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)"
    r"|(?P<figures>(?:0?[1-9]|[12]\d|3[01])(?P<sep>[-/.])(?:0?[1-9]|[12]\d|3[01])(?P=sep)(?:(?:19|20)\d\d|\d\d)(?![\d%]))"
    r"|(?P<yearmonth>(?:19|20)\d\d[-/](?:0[1-9]|1[0-2])(?![\d-]))"
    r"|(?P<monthyear>(?:0?[1-9]|1[0-2])[/.](?:19|20)\d\d(?!\d))"
    r"|(?P<daymonth>(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.(?!\d)|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])(?![\d/]))"
)
_IDEOGRAPHS = r"\u3005\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(
    rf"(?P<possessive>'s\b)|{_DATE}|(?P<number>\d{{1,18}}(?:[.,]\d{{1,12}})*)|(?P<decimal>(?<![\d.])\.\d{{1,9}})"
    rf"|(?P<ideographs>[{_IDEOGRAPHS}]+)|(?P<word>[^\W\d_{_IDEOGRAPHS}]+)|(?P<mark>\S)"
)


@dataclass(frozen=True)
class Token:
    """One word, number, date in figures or mark; `glued` when nothing stands between it and the one before."""

    kind: str  # word | number | mark | possessive | ideographs | iso | figures | yearmonth | monthyear | daymonth
    text: str
    folded: str
    glued: bool


def split(text: str) -> list[Token]:
    """Cut a cleaned text into tokens."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        if kind == "sep":
            kind = "figures"
        kind = "number" if kind == "decimal" else kind
        found.append(Token(kind, match[0], fold(match[0]), match.start() == end))
        end = match.end()
    return found
