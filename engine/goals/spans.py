"""What each length of time in a goal is for: how far ahead (horizon), the candle (interval), or the history (period)."""

from dataclasses import dataclass, field
from itertools import pairwise

from engine.goals.amounts import UNIT_MINUTES, Length
from engine.goals.patterns import spell
from engine.goals.roles import LONG, TARGETS, is_ahead, is_feature, leads, role_of, says
from engine.goals.sentence import Sentence, is_filling


@dataclass(frozen=True)
class Said:
    """Minutes and the words they came from; `group` is shared by the members of one list."""

    minutes: float
    words: str
    group: int = 0


@dataclass
class Spans:
    """The lengths of a goal by their role."""

    horizons: list[Said] = field(default_factory=list)
    intervals: list[Said] = field(default_factory=list)
    histories: list[tuple[Length, str]] = field(default_factory=list)
    bars_ahead: list[Said] = field(default_factory=list)  # `minutes` counts candles here
    vague: str = ""
    steps: list[Said] = field(default_factory=list)
    loose: list[tuple[Length, Said]] = field(default_factory=list)
    adverbs: list[Said] = field(default_factory=list)  # hourly, daily
    last_role: str = ""


def read_spans(sentence: Sentence, corrected: str = "") -> Spans:
    """Sort every length of time by the words around it.

    `corrected` is the role of the last length before a correction: a first one without a telling word replaces it.
    """
    spans = Spans(last_role=corrected)
    groups = _groups(sentence)
    for at, term in enumerate(sentence.terms):
        if term.has("length"):
            _sort(sentence, at, sentence.length(at), spans, groups.get(at, at))
        elif term.has("unit") and _is_bare_length(sentence, at):
            unit = term.tags["unit"]
            _sort(sentence, at, Length(UNIT_MINUTES[unit], unit, months=_months(unit), bare=True), spans, at)
        elif term.has("bars") and not term.has("used"):
            _bars(sentence, at, spans)
        elif term.has("barsahead") and term.number and not is_feature(sentence, at):
            spans.bars_ahead.append(Said(term.number, term.text, at))
        elif term.has("tomorrow", "aftertomorrow") and not is_feature(sentence, at):
            days = 2 if term.has("aftertomorrow") else 1
            spans.horizons.append(Said(days * 1_440, term.text, at))
        elif term.has("each") and not is_feature(sentence, at):
            _adverb(sentence, at, spans)
        elif term.has("vaguetime"):
            spans.vague = term.text
    _share(spans, groups)
    _place_loose(spans, sentence)
    return spans


def _months(unit: str) -> float:
    return {"month": 1.0, "quarter": 3.0, "halfyear": 6.0, "year": 12.0}.get(unit, 0.0)


def _groups(sentence: Sentence) -> dict[int, int]:
    """Lengths joined as a list (`1h, 4h and 1d`, `1h/4h`) share the position of the first."""
    groups: dict[int, int] = {}
    positions = sentence.find("length")
    for first, second in pairwise(positions):
        between = sentence.terms[first + 1 : second]
        sizes = sorted(sentence.length(at).minutes for at in (first, second))
        if sizes[0] <= 1_440 and sizes[1] > LONG:
            continue  # a horizon and a history
        if 1 <= len(between) <= 3 and all(
            t.has("and", "or", "compare", "to") or t.text in ",/;+" or t.has("a") for t in between
        ):
            if any(t.text == "," for t in between) and len(between) == 1:
                later = [p for p in positions if p > second]
                if not later or not any(t.has("and", "or") for t in sentence.terms[second + 1 : later[0]]):
                    continue
            groups[first] = groups.get(first, first)
            groups[second] = groups[first]
    return groups


def _is_bare_length(sentence: Sentence, at: int) -> bool:
    """`next hour`, `an hour`, `last quarter`: a unit that counts as one because of the word before it."""
    term = sentence.terms[at]
    if len(term.text) < 2 and term.text.isascii():
        return False
    for lead in (sentence.beside(at, -1), sentence.next_before(at)):
        if lead.has("next", "last", "every") or (
            lead.has("in", "since") and sentence.beside(at, -1) is lead and not term.has("windowword")
        ):
            return not (lead.has("last") and lead.text.lower() in ("previous", "prior", "preceding"))
    if sentence.beside(at, -1).text == "-" and sentence.beside(at, -2).has("next"):
        return True
    follower = sentence.beside(at, 1)
    follower = sentence.beside(at, 2) if follower.text == "-" else follower
    return (
        follower.has("ahead")
        and follower.text.lower() in ("ahead", "later", "from now", "hence")
        or follower.has("nextpost")
        or follower.has("candle")
    )


def _sort(sentence: Sentence, at: int, length: Length, spans: Spans, group: int) -> None:
    role = role_of(sentence, at, length)
    if role == "loose" and spans.last_role == "interval" and not (spans.horizons or spans.intervals):
        role = "interval"
    spans.last_role = role
    said = Said(length.minutes, _words(sentence, at), group)
    match role:
        case "horizon":
            spans.horizons.append(said)
        case "interval":
            spans.intervals.append(said)
        case "period":
            spans.histories.append((length.as_history(), said.words))
        case "step":
            spans.steps.append(said)
        case "loose":
            spans.loose.append((length, said))


def _words(sentence: Sentence, at: int) -> str:
    start = at
    while (
        start > 0
        and at - start < 3
        and sentence.terms[start - 1].has("next", "last", "in", "a", "since", "on", "horizon", "every")
        or start > 0
        and sentence.terms[start - 1].text.lower() in ("the", "-")
        and at - start < 3
    ):
        start -= 1
    end = at + 1 if sentence.beside(at, 1).has("ahead", "candle", "data", "ago") else at
    return spell(sentence.terms[start : end + 1]).strip("- ")


def _bars(sentence: Sentence, at: int, spans: Spans) -> None:
    """`four candles ahead`, `next 3 bars`, `t+4`, `the next candle`."""
    before = sentence.beside(at, -1)
    size = at - 1 if before.has("length") else None
    counted = sentence.beside(size if size is not None else at, -1)
    if counted.text == "-":
        counted = sentence.beside(size if size is not None else at, -2)
    ahead = sentence.beside(at, 1).has("ahead", "nextpost") and is_ahead(sentence, at + 1)
    lead = says(leads(sentence, at if size is None else size), "next", "in", "horizon")
    if counted.number is not None and not counted.has("yearnumber") and (ahead or lead):
        count = counted.number
    elif counted.number is None and (
        sentence.next_before(at if size is None else size).has("next") or ahead and counted.has("a")
    ):
        count = 1.0
    else:
        return
    if 0 < count <= 100_000 and count == int(count):
        spans.bars_ahead.append(Said(count, sentence.words(at - 2, at + ahead), at))


def _adverb(sentence: Sentence, at: int, spans: Spans) -> None:
    """`hourly candles` is an interval, `hourly direction` a horizon, `hourly` alone says little."""
    term = sentence.terms[at]
    minutes = UNIT_MINUTES[term.tags["each"]]
    follower = sentence.beside(at, 1)
    said = Said(
        minutes, sentence.words(at, at + 1) if follower.has("candle", "data", *TARGETS) else term.text, at
    )
    if (
        term.text.lower() != "day-ahead"
        and _is_chart(sentence, at)
        or follower.has("candle", "interval", "data", "bars")
        or says(leads(sentence, at), "interval")
    ):
        spans.intervals.append(said)
    elif (
        follower.has("direction", "return", "volatility", "up", "predict") or term.text.lower() == "day-ahead"
    ):
        spans.adverbs.append(said)


def _is_chart(sentence: Sentence, at: int) -> bool:
    """`on the hourly`, with no noun behind it."""
    lead = at - 1
    while lead >= 0 and is_filling(sentence.terms[lead]):
        lead -= 1
    behind = sentence.beside(at, 1)
    return (
        lead >= 0
        and sentence.terms[lead].text.lower() == "on"
        and behind.has("mark", "in") | (not behind.text)
    )


def _share(spans: Spans, groups: dict[int, int]) -> None:
    """The members of one list have one role."""
    leading = {said.group for said in spans.horizons if said.group in groups.values()}
    sizes = {said.group for said in spans.intervals if said.group in groups.values()}
    for length, said in list(spans.loose):
        if said.group in sizes:
            spans.loose.remove((length, said))
            spans.intervals.insert(0, said)
        elif said.group in leading:
            spans.loose.remove((length, said))
            spans.horizons.insert(0, said)
    spans.horizons.sort(key=lambda said: said.group)


def _place_loose(spans: Spans, sentence: Sentence) -> None:
    """Lengths without a telling word: a short one is the horizon, a long one the history."""
    listed = {said.group for _, said in spans.loose if sum(s.group == said.group for _, s in spans.loose) > 1}
    for length, said in spans.loose:
        short = length.minutes <= 1_440 and not length.months
        has_horizon = bool(spans.horizons or spans.bars_ahead)
        in_list = said.group in listed and any(h.group == said.group for h in spans.horizons)
        if short and spans.bars_ahead and not spans.intervals and not spans.horizons:
            spans.intervals.append(said)  # `12 bars ahead on 5m`
        elif short and (not has_horizon or in_list):
            spans.horizons.append(said)
        elif short and not spans.intervals and spans.horizons and said.minutes < spans.horizons[0].minutes:
            spans.intervals.append(said)
        elif (
            short
            and not spans.intervals
            and spans.horizons
            and said.minutes > spans.horizons[0].minutes
            and (
                all(h.group == spans.horizons[0].group for h in spans.horizons)
                and not spans.horizons[0].words.startswith(("next", "in "))
            )
        ):
            spans.intervals.append(spans.horizons[0])
            spans.horizons[:] = [said]
        elif (
            short
            and has_horizon
            or not has_horizon
            and (spans.histories or length.minutes <= 3 * 1_440)
            and not length.months
        ):
            spans.horizons.append(said)
        else:
            spans.histories.append((length.as_history(), said.words))
