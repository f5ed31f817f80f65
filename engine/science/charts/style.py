"""The one look of all charts: sizes, type, colours, and the measuring and cleaning of text."""

import logging
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import font_manager

INK: Final = "#17212B"
MUTED: Final = "#5A6672"
AXIS: Final = "#9AA5B1"
GRID: Final = "#E3E8ED"
MODEL: Final = "#0B5FA5"
GROSS: Final = "#7FB8E6"
GROSS_TEXT: Final = "#2F7DBD"
HOLD: Final = "#66717D"
SECOND: Final = "#E07B00"
SECOND_TEXT: Final = "#A85B00"  # SECOND has 3.0 : 1 on white, enough for a line but not for a label
ALARM: Final = "#C8361D"
TRAINING: Final = "#EFF2F5"
SEALED: Final = "#FCF3DE"
HEAT: Final = ("#F3F7FB", "#BBD7EE", "#6DA9D8", "#0B5FA5", "#062F57")
LOSS_TO_GAIN: Final = ("#E9C4A6", "#F6E9DF", "#F7F8F9", "#DCEAF5", "#9CC6E8")
CHANCE: Final = ("#D5DBE1", "#9AA5B1")  # pale bar and dot of what luck explains
SIGNIFICANT: Final = (GROSS, MODEL)

# One folder for charts and report, so that a picture inside the PDF has the report's own type.
FONTS: Final = Path(__file__).resolve().parents[2] / "report" / "fonts"
REGULAR: Final = FONTS / "Inter-Regular.ttf"
SEMIBOLD: Final = FONTS / "Inter-SemiBold.ttf"
FALLBACK: Final = "DejaVu Sans"  # in matplotlib's own data folder: Arabic, Hebrew, symbols


@dataclass(frozen=True)
class Size:
    """A picture's format: inches, base type and line width in points; all else is a multiple of them."""

    name: str
    width: float
    height: float
    base: float
    line: float
    framed: bool  # title, subtitle and source inside the picture


CHAT: Final = Size("chat", 8.0, 4.5, 12.0, 2.2, framed=True)
FULL: Final = Size("full", 6.85, 2.95, 7.6, 1.35, framed=False)
HALF: Final = Size("half", 3.36, 2.25, 7.0, 1.15, framed=False)
DPI: Final = 150


def settings() -> Any:
    """The matplotlib settings of every chart, for `matplotlib.rc_context`; registers the fonts once."""
    _register()
    return {
        "font.family": ["Inter", FALLBACK],
        "text.parse_math": False,  # a name such as `$\frac{$` is text, not a formula
        "text.color": INK,
        "svg.fonttype": "none",
        "svg.hashsalt": "omc",
        "path.simplify": True,
        "axes.unicode_minus": True,
        "axes.linewidth": 0.6,
    }


@cache
def _register() -> None:
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    for file in (REGULAR, SEMIBOLD):
        font_manager.fontManager.addfont(file)


@lru_cache(maxsize=4_096)
def text_width(text: str, points: float, *, semibold: bool = False) -> float:
    """Width of one line of text in inches; a letter of another font counts as a wide one."""
    file = SEMIBOLD if semibold else REGULAR
    font = font_manager.get_font(str(file))
    font.set_size(100, 72)
    font.set_text("".join(c if ord(c) in _letters(file) else "m" for c in text), 0.0)
    return float(font.get_width_height()[0]) / 64 / 100 * points / 72


def wrap(text: str, points: float, inches: float, *, semibold: bool = False, lines: int = 2) -> list[str]:
    """Text in lines no wider than `inches`; what does not fit into `lines` is cut with an ellipsis."""
    rows: list[str] = []
    for word in text.split(" "):
        candidate = f"{rows[-1]} {word}" if rows else word
        if rows and text_width(candidate, points, semibold=semibold) <= inches:
            rows[-1] = candidate
        else:
            rows.append(word)
    cut = len(rows) > lines
    rows = rows[:lines] or [""]
    for at, row in enumerate(rows):
        last_and_cut = cut and at == len(rows) - 1
        while row and text_width(row + ("…" if last_and_cut else ""), points, semibold=semibold) > inches:
            row, last_and_cut = row[:-1], True
        rows[at] = row.rstrip() + "…" if last_and_cut else row
    return rows


def legible(text: str, *, limit: int = 200) -> str:
    """Text that can be drawn: no control or direction characters, "□" for a letter no font has, at most `limit`."""
    kept = "".join(
        " " if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"} else c for c in text
    )
    known = _coverage()
    shown = "".join(c if ord(c) in known else "□" for c in " ".join(kept.split(" ")).strip())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


@cache
def _coverage() -> frozenset[int]:
    fallback = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return _letters(REGULAR) | _letters(SEMIBOLD) | _letters(fallback)


@cache
def _letters(file: Path) -> frozenset[int]:
    return frozenset(font_manager.get_font(str(file)).get_charmap())
