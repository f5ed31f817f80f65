"""Whether the figures, days and names of a text stand in a session's results."""

import re
from collections.abc import Iterator

from engine.guard import topics, written
from engine.guard.sources import NAME, Figures, Source, sentences, trim
from engine.guard.written import Figure

# A whole number below this is everywhere: it must stand with the word that it counts.
SMALL = 100
# Shares that are also spoken of in basis points.
MOVES = frozenset({"return", "volatility"})
_BARE = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:bps?|k|M|x|%)?")
# A span of time or a figure joined to its noun: 1h, 90-day, 3-fold.
_LENGTH = re.compile(r"\d+(?:[.,]\d+)*(?:(?:min|m|h|d|w)|-[a-z]+)", re.IGNORECASE)
_ISO = re.compile(r"(?<![\w-])(\d{4})-(\d\d)-(\d\d)(?=T|\b)")
_MONTHS = {
    word: at
    for at, words in enumerate(
        [
            "jan january januar",
            "feb february februar",
            "mar march märz",
            "apr april",
            "may mai",
            "jun june juni",
            "jul july juli",
            "aug august",
            "sep sept september",
            "oct october okt oktober",
            "nov november",
            "dec december dez dezember",
        ],
        1,
    )
    for word in words.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ({_MONTH})\b\.?(?:,? (\d{{4}}))?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d|[.,]\d)(?:,? (\d{{4}}))?", re.IGNORECASE
)
_MONTH_YEAR = re.compile(rf"\b({_MONTH})\.? (\d{{4}})\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<![\w.,$€£-])(?:19|20)\d\d(?![\w.,]*[\d%])(?! ?(?:%|bars|rows|bp|trades|days))")
# What is said of the method or of chance rather than of this run's results.
_KNOWN = re.compile(
    r"\b9[05][ -]?(?:%|percent|prozent)(?:[ -](?:confidence|bootstrap|interval|block|konfidenz)|:)|\b50 ?(?:%|percent|prozent)(?=[^.;]{0,60}\b(?:coin|chance|guess|zufall))"
    r"|\b(?:coin|chance|guess\w*|zufall)[^.;]{0,40}\b50 ?(?:%|percent|prozent)"
    r"|\b0\.50?(?=[^.;]{0,40}\b(?:coin|chance|guess|zufall))|\b(?:coin|chance|guess\w*|zufall)[^.;]{0,30}\b0\.50?\b"
    r"|\b(?:above|below|under|over|[<>≤≥]=?|level of|threshold of) ?0\.0[15]\b|\b[15] ?% (?:level|threshold|significance)"
    r"|(?<=above )(?:0|zero)\b(?! ?%)|(?<=below )(?:0|zero)\b(?! ?%)|\b(?:includes?|covers?|contains?|around|crosse?s|spans?) (?:0|zero)\b",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"interval|bound|limit|between|range|confidence|±|as (?:low|high) as|up to|lower|upper|at (?:most|least|best|worst)|konfidenz|bereich",
    re.IGNORECASE,
)
_AFTER = (
    (re.compile(r" ?(?:costs? )?(?:a|per|je) (?:side|seite)| (?:costs|kosten|fees?)\b", re.IGNORECASE), frozenset({"cost", "break_even"})),
    (re.compile(r" of (?:the time|cases)\b", re.IGNORECASE), frozenset({"accuracy", "p", "volatility"})),
)  # fmt: skip
_NAMED = re.compile(r"\b[A-Za-z]{2,}[ (]\d+\b(?![.,]\d)")
# A written unit: which kinds of source it may come from, and by what their values are then multiplied.
_SCALES: dict[str, dict[str, float]] = {
    "%": {"%": 1.0, "share": 100.0, "p": 100.0, "": 100.0},
    "bp": {"bp": 1.0, "share": 1e4, "%": 100.0},
    "money": {"money": 1.0, "": 1.0},
    "time": {"time": 1.0},
    "": {"": 1.0, "share": 1.0, "p": 1.0, "money": 1.0, "count": 1.0},
}


def unfounded(text: str, known: Figures) -> list[str]:
    """The figures, days and names of `text`, as written, that are in no result."""
    missing: list[str] = []
    for sentence in sentences(written.plain(text)):
        missing += _missing(sentence, known)
    return list(dict.fromkeys(missing))


def without_unfounded(text: str, known: Figures) -> tuple[str, int]:
    """The text without the sentences that hold an unfounded figure, and how many were left out."""
    parts = sentences(text)
    kept = [part for part in parts if not unfounded(part, known)]
    return " ".join(part.strip() for part in kept), len(parts) - len(kept)


def _missing(sentence: str, known: Figures) -> Iterator[str]:
    left, wrong_days = _without_days(_KNOWN.sub(_blank, sentence), known)
    yield from wrong_days
    left, wrong_names = _without_names(left, known)
    yield from wrong_names
    found = written.figures(left)
    behind = {figure: _sources(figure, sentence, known) for figure in found}
    for figure in found:
        other = next(
            (one for one in found if figure.pair and one.pair == figure.pair and one is not figure), None
        )
        if not _is_backed(behind[figure], behind[other] if other else None, sentence):
            yield figure.text


def _sources(figure: Figure, sentence: str, known: Figures) -> list[Source]:
    """The results that a figure can be, as it stands in a sentence."""
    about = _subject(figure, sentence)
    return [
        one for one in known.sources if _is_written(figure, one) and _is_about(figure, one, about, sentence)
    ]


def _is_backed(own: list[Source], other: list[Source] | None, sentence: str) -> bool:
    """Whether a figure may stand where it does; `other` are the results that the other end of its range can be."""
    if other is None:
        return any(not one.span for one in own) or bool(own and _BOUND.search(sentence))
    if {one.span for one in own if one.span} & {one.span for one in other}:
        return True
    return any(not one.span for one in own) and any(not one.span for one in other)


def _is_written(figure: Figure, source: Source) -> bool:
    """Whether a source, in the figure's unit and with its sign, is written as the figure is."""
    scale = _SCALES[figure.unit].get(source.kind)
    if scale is None or (figure.sign and source.sign and figure.sign != source.sign):
        return False
    if figure.is_p and source.kind != "p":
        return False
    if figure.is_multiple and source.kind == "share" and source.topics & MOVES:
        return figure.low <= 1 + source.sign * source.value <= figure.high
    if figure.unit == "bp" and source.kind == "share" and not source.topics & MOVES:
        return False
    if figure.unit == "" and figure.places == 0 and source.kind in ("share", "p") and figure.value > 1:
        return False
    return figure.low - 1e-12 <= source.value * scale <= figure.high + 1e-12


def _is_about(figure: Figure, source: Source, about: frozenset[str], sentence: str) -> bool:
    if figure.is_whole and figure.value < SMALL:
        near = _near(sentence, figure)
        return _is_shared(source, topics.of_text(near), near)
    return figure.unit == "time" or not about or _is_shared(source, about, sentence)


def _is_shared(source: Source, about: frozenset[str], words: str) -> bool:
    """Whether a source speaks of what the words do; by its own words where its subject is none that is known."""
    if source.topics:
        return bool(source.topics & about)
    return bool(source.words & topics.words_of(words))


def _subject(figure: Figure, sentence: str) -> frozenset[str]:
    """What a figure speaks of: by the words right after it, else by its part of the sentence, else by all of it."""
    for words, about in _AFTER:
        if words.match(sentence, figure.end):
            return about
    start = sentence.rfind("; ", 0, figure.start) + 1
    end = sentence.find("; ", figure.end)
    return topics.of_text(sentence[start : end if end >= 0 else None]) or topics.of_text(sentence)


def _near(sentence: str, figure: Figure) -> str:
    """The words around a figure, as far as the next stop on either side."""
    before = re.split(r"[,;:()]", sentence[max(0, figure.start - 30) : figure.start])[-1]
    after = re.split(r"[,;:()]", sentence[figure.end : figure.end + 40])[0]
    return f"{before}{figure.text}{after}"


def _without_days(sentence: str, known: Figures) -> tuple[str, list[str]]:
    """The sentence with its days blanked out, and those of them that no result has."""
    wrong: list[str] = []

    def check(found: re.Match[str], year: str | None, month: int | None, day: str | None) -> str:
        wanted = [
            one
            for one in known.days
            if (not year or one.year == int(year))
            and (not month or one.month == month)
            and (not day or one.day == int(day))
        ]
        if not wanted:
            wrong.append(found.group())
        return _blank(found)

    sentence = _ISO.sub(lambda f: check(f, f[1], int(f[2]), f[3]), sentence)
    sentence = _DAY_MONTH.sub(lambda f: check(f, f[3], _MONTHS[f[2].lower()], f[1]), sentence)
    sentence = _MONTH_DAY.sub(lambda f: check(f, f[3], _MONTHS[f[1].lower()], f[2]), sentence)
    sentence = _MONTH_YEAR.sub(lambda f: check(f, f[2], _MONTHS[f[1].lower()], None), sentence)
    return _YEAR.sub(lambda f: check(f, f[0], None, None), sentence), wrong


def _without_names(sentence: str, known: Figures) -> tuple[str, list[str]]:
    """The sentence with its names blanked out (SMA_20, R-142, 12:30), and those of them that no result has."""
    wrong: list[str] = []

    def check(found: re.Match[str]) -> str:
        name = trim(found.group())
        if _BARE.fullmatch(name) or _LENGTH.fullmatch(name) or not any(c.isdigit() for c in name):
            return found.group()
        if re.fullmatch(r"\d+(?:\.\d+)?-\d+(?:\.\d+)?", name):
            return found.group()  # a range
        if not known.knows_name(name):
            wrong.append(found.group().strip(".:+-"))
        return _blank(found)

    sentence = _NAMED.sub(lambda f: _blank(f) if known.knows_name(f.group()) else f.group(), sentence)
    return NAME.sub(check, sentence), wrong


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"\d", "_", found.group())
