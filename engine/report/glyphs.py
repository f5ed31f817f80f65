"""Text a PDF can set: no control characters, no letter without a glyph, no word wider than the page."""

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.font_manager import get_font

from engine.science.charts import style

FOLDERS: Final = (style.FONTS, Path(mpl.get_data_path()) / "fonts" / "ttf")
MISSING: Final = "□"
LONGEST_WORD: Final = 22  # letters without a blank, then a place to break
_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def settable(text: str, *, limit: int, lines: bool = False) -> str:
    """Text with every character the fonts have, "□" for the others, at most `limit` long, long words breakable.

    With `lines` line breaks are kept. PDF/UA refuses a page with a character that no font has.
    """
    kept = []
    for char in unicodedata.normalize("NFC", text):
        if char == "\n" and lines:
            kept.append(char)
        elif char.isspace() and char not in "\u202f\u00a0":
            kept.append(" ")
        elif unicodedata.category(char) in _INVISIBLE or 0xFE00 <= ord(char) <= 0xFE0F:
            continue
        else:
            kept.append(char if ord(char) in coverage() else MISSING)
    return _breakable(_cut("".join(kept).strip(), limit))


def is_whole(text: str) -> bool:
    """Whether the fonts have every visible character of a text."""
    composed = unicodedata.normalize("NFC", text)
    return all(ord(c) in coverage() or c.isspace() or unicodedata.category(c) in _INVISIBLE for c in composed)


@cache
def coverage() -> frozenset[int]:
    """The code points that the report's own fonts and the fallback have."""
    files = (style.REGULAR, style.SEMIBOLD, FOLDERS[1] / "DejaVuSans.ttf")
    regular, semibold, fallback = (frozenset(get_font(str(file)).get_charmap()) for file in files)
    return (regular & semibold) | fallback


def _cut(text: str, limit: int) -> str:
    """At most `limit` characters; never between a letter and its accents."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip() + "…"


def _breakable(text: str) -> str:
    """The same text with a zero-width space in every run that is too long for a line."""
    out, run = [], 0
    for char in text:
        run = 0 if char in " \n" else run + 1
        if run > LONGEST_WORD and not unicodedata.combining(char):
            out.append("\u200b")
            run = 1
        out.append(char)
    return "".join(out)
