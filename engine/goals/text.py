"""What a person typed, without the chat's markup: mentions, addresses, emoji names and struck-out words go."""

import re
import unicodedata

LONGEST_GOAL = 40_000  # characters; a goal longer than this is not read

# An explicit character list keeps the file readable: marks that change direction, join or take no width.
_INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x00AD, 0x061C, 0x180E]
    + [*range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080)]
)
_CONTROL = {code: None for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n\v\f\r\x85"}
_QUOTES = {ord(c): "'" for c in "’‘‛`´ʼ′"} | {ord(c): '"' for c in "“”„«»″「」『』"}
_DASHES = {ord(c): "-" for c in "‐‑‒–—―−﹣－ー〜～" if c not in "ー〜～"} | {ord(c): "~" for c in "〜～"}
_ARABIC_MARKS = {
    ord("٫"): ".",
    ord("٬"): ",",
    ord("٪"): "%",
    ord("،"): ",",
    ord("؟"): "?",
    ord("؛"): ";",
    0x640: None,
}
_IDEOGRAPHIC_MARKS = {ord("。"): ". ", ord("、"): ", ", ord("・"): " ", ord("·"): " ", ord("•"): "\n"}
_TABLE = _INVISIBLE | _CONTROL | _QUOTES | _DASHES | _ARABIC_MARKS | _IDEOGRAPHIC_MARKS
_FRACTIONS = {"½": ".5", "¼": ".25", "¾": ".75"}
_STRIKES = "\u0335\u0336\u0337\u0338"  # combining strokes: text struck out by a font generator

_MARKUP = (
    # Slack and Discord: custom emoji, time stamps, mentions and channels say nothing about the goal.
    (re.compile(r"<a?:\w{1,64}:\d{1,25}>"), " "),
    (re.compile(r"<t:-?\d{1,15}(?::[a-zA-Z])?>"), " "),
    (re.compile(r"<[@#!][^<>\n]{0,200}>"), " "),
    (re.compile(r"</[\w ]{1,60}:\d{1,25}>"), " "),
    # An address goes, its label stays when it is made of words.
    (re.compile(r"<(?:https?|mailto|tel):[^<>|\s]{0,2000}\|([^<>\n]{0,300})>"), r" \1 "),
    (re.compile(r"<(?:https?|mailto|tel):[^<>\s]{0,2000}>"), " "),
    (re.compile(r"!?\[([^\[\]\n]{0,300})\]\(<?[^()\s]{0,2000}>?\)"), r" \1 "),
    (re.compile(r"(?:https?|ftp)://[^\s<>|]{1,2000}", re.IGNORECASE), " "),
    (re.compile(r"\bwww\.[^\s<>|]{1,2000}", re.IGNORECASE), " "),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,4}"), " "),
    (re.compile(r"\b[\w-]{1,64}(?:\.[\w-]{1,64}){0,3}\.(?:com|org|net|io|co|dev|app|de|fr|jp|html?|csv|pdf|png)\b"
                r"(?:/[^\s<>|]{0,500})?", re.IGNORECASE), " "),
    # Struck-out words are withdrawn. A single tilde also means "about", so it must close on a word.
    (re.compile(r"~~[^~]{1,2000}~~"), " "),
    (re.compile(r"(?<![\w~])~(?![\s~])[^~\n]{0,500}[^\s~]~(?![\w~])|(?<![\w~])~[^\s~]~(?![\w~])"), " "),
    (re.compile(r"</?(?:b|i|u|em|strong|code|pre|p|br|div|span|blockquote|sub|sup|mark|small|h[1-6])\s*/?>", re.I), " "),
    (re.compile(r"<(s|del|strike)>.{0,2000}?</\1>", re.IGNORECASE | re.DOTALL), " "),
    (re.compile(r"(?<![\w:]):[a-z][a-z0-9_+'-]{1,60}:(?:(?=:)|(?![\w:]))", re.IGNORECASE), " "),
    (re.compile(r"(?<!\w)[@#][A-Za-z_][\w.-]{0,80}"), " "),
    (re.compile(r"```(?:[a-z]{1,12}\n)?|\|\|"), " "),
)  # fmt: skip
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&"))
_QUOTED_LINE = re.compile(r"^[ \t]*(?:>>>|>)[ \t]?(.*)$", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)|\*{2,3}|(?<=\w)`(?!\w)|`")


def clean(goal: str) -> str:
    """Return the words a reader sees and means, with markup, mentions, addresses and struck-out text taken out."""
    text = goal.translate(_CONTROL | _INVISIBLE)
    for _ in range(2):  # an escaped ampersand may hide another escape
        for escape, mark in _ESCAPES:
            text = text.replace(escape, mark)
    text = _EMPHASIS_CODE.sub(" ", text)
    for pattern, kept in _MARKUP:
        text = pattern.sub(kept, text)
    text = _without_quotes(text)
    text = _EMPHASIS.sub(" ", text)
    return _plain(text)


def fold(word: str) -> str:
    """Return a word as the tables compare it: lower case, without accents, one form per Arabic letter."""
    if word.isascii():
        return word.lower()
    kept = [c for c in unicodedata.normalize("NFD", word.casefold()) if not _is_accent(c)]
    return unicodedata.normalize("NFC", "".join(kept)).translate(_ARABIC_LETTERS)


_EMPHASIS_CODE = re.compile(r"`{1,2}(?=\S)|(?<=\S)`{1,2}")
_ARABIC_LETTERS = {ord("ى"): "ي", ord("ة"): "ه", ord("ٱ"): "ا", ord("ؤ"): "و", ord("ئ"): "ي"}


def _is_accent(character: str) -> bool:
    return unicodedata.category(character) == "Mn" and not "\u3099" <= character <= "\u309a"


def _without_quotes(text: str) -> str:
    """Drop lines quoted from another message, unless there is nothing else."""
    own = _QUOTED_LINE.sub("", text)
    return own if own.strip() else _QUOTED_LINE.sub(r"\1", text)


def _plain(text: str) -> str:
    text = _without_struck_letters(text)
    for sign, decimal in _FRACTIONS.items():
        if sign in text:
            text = re.sub(rf"(\d) ?{sign}", rf"\g<1>{decimal}", text).replace(sign, "0" + decimal)
    text = unicodedata.normalize("NFKC", text).translate(_TABLE)
    text = "".join(_digit(c) if not c.isascii() and c.isdigit() else c for c in text)
    return re.sub(r"[^\S\n]+", " ", re.sub(r"[\n\v\f\r\x85\u2028\u2029]+", "\n", text)).strip()


def _without_struck_letters(text: str) -> str:
    if not any(stroke in text for stroke in _STRIKES):
        return text
    return re.sub(rf".[{_STRIKES}]", "", text)


def _digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    return character if value is None else str(value)
