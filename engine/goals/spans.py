"""What each length of time in a goal is for: how far ahead (horizon), the candle (interval), or the history (period)."""

from dataclasses import dataclass, field
from itertools import pairwise

from engine.goals.amounts import UNIT_MINUTES, Length
from engine.goals.lexicon import Term
from engine.goals.patterns import spell
from engine.goals.sentence import Sentence, is_filling

_LONG = 7 * 1_440  # minutes: a length said "over" or "for" that is not shorter speaks of the history
_TARGETS = ("direction", "up", "down", "return", "volatility", "predict")


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


def read_spans(sentence: Sentence) -> Spans:
    """Sort every length of time by the words around it."""
    spans = Spans()
    groups = _groups(sentence)
    for at, term in enumerate(sentence.terms):
        if term.has("length"):
            _sort(sentence, at, sentence.length(at), spans, groups.get(at, at))
        elif term.has("unit") and _is_bare_length(sentence, at):
            unit = term.tags["unit"]
            _sort(sentence, at, Length(UNIT_MINUTES[unit], unit, months=_months(unit), bare=True), spans, at)
        elif term.has("bars") and not term.has("used"):
            _bars(sentence, at, spans)
        elif term.has("barsahead") and term.number and not _is_feature(sentence, at):
            spans.bars_ahead.append(Said(term.number, term.text, at))
        elif term.has("tomorrow", "aftertomorrow") and not _is_feature(sentence, at):
            days = 2 if term.has("aftertomorrow") else 1
            spans.horizons.append(Said(days * 1_440, term.text, at))
        elif term.has("each") and not _is_feature(sentence, at):
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
        if sizes[0] <= 1_440 and sizes[1] > _LONG:
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
    )


def _sort(sentence: Sentence, at: int, length: Length, spans: Spans, group: int) -> None:
    role = _role(sentence, at, length)
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


def _role(sentence: Sentence, at: int, length: Length) -> str:
    follower = sentence.next_after(at)
    beside = sentence.beside(at, 1)
    if beside.text == "-":
        beside = follower = sentence.beside(at, 2)
    history = length.as_history()
    long = history.days >= 1 and (history.minutes >= 2_880 or bool(history.months))
    leads = _leads(sentence, at)
    if _is_feature(sentence, at):
        return "none"
    if beside.has("lastpost", "datapost"):
        return "period"
    if beside.has("nextpost"):
        return "horizon"
    if beside.has("ahead") and _is_ahead(sentence, at + 1):
        return "none" if _says(leads, "last") and not _says(leads, "next") else "horizon"
    if _says(leads, "interval") and not _says(leads, "next"):
        return "interval"
    if beside.has("candle", "interval") or (follower.has("candle") and beside is follower) or length.code:
        if beside.has("bars") and beside.text.lower() in ("periods", "steps") and not length.code:
            return "interval"
        if beside.has("data") and long and not beside.has("interval"):
            return "period" if _says(leads, "last", "period") or length.minutes >= 2 * 10_080 else "interval"
        return "interval"
    if _is_made_of_candles(sentence, at, history):
        return "period"
    if _is_size_of_candles(sentence, at):
        return "interval"
    if _says(leads, "next"):
        return "horizon"
    if beside.has("horizon"):
        return "horizon"
    if _says(leads, "horizon"):
        return "horizon"
    if _says(leads, "last"):
        return "period" if history.days >= 1 or length.letter or sentence.has("look") else "none"
    if _says(leads, "older", "since"):
        return "period"
    if beside.has("ago") or follower.has("ago") and follower.text.lower() in ("back", "ago"):
        if follower.text.lower() in ("back", "old") or _says(leads, "from", "go"):
            return "period"
        return "none"
    if _says(leads, "infuture") and not beside.has("data") and not follower.has("data"):
        return "horizon"
    if beside.has("data", "period") and not beside.has("with") or follower.has("data"):
        if long or length.letter and history.months:
            if (
                beside.has("data")
                and beside.text.lower() in ("data", "prices", "quotes")
                and length.letter
                and length.minutes in (1, 5, 15, 30)
            ):
                return "interval"
            return "period"
        return "interval" if length.minutes <= 1_440 and beside.has("data") else "period"
    if _says(leads, "every"):
        return "step"
    if _says(leads, "in", "within"):
        if _says(leads, "infuture") or not long or history.minutes < _LONG and not sentence.has("data"):
            return "horizon"
        return "period"
    if beside.has(*_TARGETS) and not long:
        return "horizon"
    if _says(leads, "period", "data"):
        return "period" if long or length.letter and history.months else "loose"
    return "loose"


def _is_size_of_candles(sentence: Sentence, at: int) -> bool:
    """`candles of 15 minutes`: nothing but a preposition between the two."""
    for position in range(at - 1, max(at - 4, -1), -1):
        term = sentence.terms[position]
        if term.has("candle") and not term.has("data"):
            return not sentence.beside(position, -1).has("length")
        if not (term.has("skip", "in", "to", "from") and term.number is None) or term.has("infuture"):
            return False
    return False


def _is_made_of_candles(sentence: Sentence, at: int, history: Length) -> bool:
    """`2m of 15m data`: a history, said in candles."""
    joint, size, noun = (sentence.beside(at, step) for step in (1, 2, 3))
    return (
        history.days >= 1 and joint.has("skip") and size.has("length") and noun.has("data", "candle", "bars")
    )


def _leads(sentence: Sentence, at: int) -> list[Term]:
    """The words that lead a length in: `over the next`, `horizon of`, `last`."""
    found: list[Term] = []
    for lead in sentence.before(at, reach=4):
        if lead.has("length", "coin", "model", "when", "up", "down") or lead.text in (",", "/"):
            break
        found.append(lead)
        if lead.has("next", "last", "in", "horizon", "interval", "since", "older", "every", "period"):
            if lead.has("in") and len(found) == 1:
                continue
            break
    return found


def _says(leads: list[Term], *concepts: str) -> bool:
    return any(t.has(*concepts) for t in leads)


def _is_ahead(sentence: Sentence, at: int) -> bool:
    """`on` and `out` mean ahead only where no object follows: `six hours on` but not `4h on btc`."""
    term = sentence.terms[at] if at < len(sentence.terms) else Term("", {})
    if term.text == "-":
        return True
    if term.text.lower() not in ("on", "away", "beyond"):
        return True
    raw = sentence.beside(at, 1)
    if raw.has(
        "coin",
        "length",
        "data",
        "candle",
        "unknown",
        "a",
        "number",
        "model",
        "leak",
        "quote",
        "all",
        "this",
        "when",
        "range",
    ):
        return False
    return raw.text.lower() not in (
        "the",
        "my",
        "our",
        "top",
        "your",
        "which",
        "these",
        "those",
        "both",
        "it",
        "them",
    )


def _is_feature(sentence: Sentence, at: int) -> bool:
    """Whether the words belong to a look-ahead request, which says nothing about the horizon."""
    return "leaked" in sentence.terms[at].tags


def _bars(sentence: Sentence, at: int, spans: Spans) -> None:
    """`four candles ahead`, `next 3 bars`, `t+4`, `the next candle`."""
    before = sentence.beside(at, -1)
    size = at - 1 if before.has("length") else None
    counted = sentence.beside(size if size is not None else at, -1)
    if counted.text == "-":
        counted = sentence.beside(size if size is not None else at, -2)
    ahead = sentence.beside(at, 1).has("ahead", "nextpost") and _is_ahead(sentence, at + 1)
    lead = _says(_leads(sentence, at if size is None else size), "next", "in", "horizon")
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
        minutes, sentence.words(at, at + 1) if follower.has("candle", "data", *_TARGETS) else term.text, at
    )
    if (
        term.text.lower() != "day-ahead"
        and _is_chart(sentence, at)
        or follower.has("candle", "interval", "data", "bars")
        or _says(_leads(sentence, at), "interval")
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
