"""Numbers, lengths of time and shares: `an hour and a half`, `2h30`, `M15`, `0,05 %`, `7 bps`."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.goals.lexicon import Term
from engine.goals.patterns import Rule, reduce

UNIT_MINUTES = {
    "second": 1 / 60, "minute": 1, "quarterhour": 15, "hour": 60, "day": 1_440, "week": 10_080, "fortnight": 20_160,
    "month": 43_200, "quarter": 129_600, "halfyear": 262_080, "year": 525_600,
}  # fmt: skip
_UNIT_MONTHS = {"month": 1, "quarter": 3, "halfyear": 6, "year": 12}
_CODES = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
_NESTED = frozenset(
    (("minute", "second"), ("hour", "minute"), ("day", "hour"), ("week", "day"), ("month", "week"), ("month", "day"), ("year", "month"), ("year", "week"))
)  # a length may go on in the second unit  # fmt: skip
DAYS_A_MONTH = 30.4375


@dataclass(frozen=True)
class Length:
    """A length of time in minutes; `months` when it was said in months or years; `bare` when no number was said."""

    minutes: float
    unit: str
    months: float = 0.0
    letter: bool = False  # "3m": minutes, or months where a history is meant
    bare: bool = False
    code: bool = False  # "M15", a candle size by its nature
    spelled: bool = False  # "hours", not "h"

    @property
    def days(self) -> float:
        """The length as a span of history, a month being a twelfth of a year."""
        if self.months:
            return self.months * DAYS_A_MONTH
        return self.minutes / 1_440

    def as_history(self) -> "Length":
        """The same words where a span of history is meant: 3m is three months."""
        if self.letter and self.unit == "minute":
            return Length(self.minutes * 43_200, "month", months=self.minutes)
        return self


def parse_number(text: str, decimal: str) -> float | None:
    """The value of figures: `1,000`, `1.000,5`, `0,05`, where `decimal` is the language's decimal mark."""
    marks = [c for c in text if c in ".,"]
    try:
        if not marks:
            return float(text)
        if len(set(marks)) == 2:
            whole, _, rest = text.rpartition(marks[-1])
            return float(whole.replace(".", "").replace(",", "") + "." + rest)
        whole, _, rest = text.rpartition(marks[0])
        grouped = len(rest) == 3 and not whole.startswith("0") and (len(marks) > 1 or marks[0] != decimal)
        return (
            float(text.replace(marks[0], "")) if grouped or len(marks) > 1 else float(f"{whole or 0}.{rest}")
        )
    except ValueError:
        return None


def read_numbers(terms: list[Term], decimal: str) -> list[Term]:
    """Give every term in figures its value and join number words such as `hundred and twenty`."""
    for term in terms:
        if "number" in term.tags and term.number is None:
            term.number = parse_number(term.text, decimal)
            if term.number is None:
                term.tags = {"unknown": term.text}
    return reduce(terms, _NUMBERS)


def read_amounts(terms: list[Term]) -> list[Term]:
    """Join numbers with their units into lengths (`length`), shares (`rate`, in basis points) and candle counts."""
    terms = reduce(terms, _RATES)
    terms = reduce(terms, _LENGTHS)
    return reduce(terms, _JOINED)


def _sum(high: Term, _: Term | None, low: Term) -> Term | None:
    if high.token is not None and high.token.kind == "number":
        return None
    if high.number is None or low.number is None or not (high.number >= 20 and high.number % 10 == 0):
        return None
    if not 0 < low.number < (10 if high.number < 100 else 100):
        return None
    return _number(high.number + low.number)


def _ones_first(low: Term, high: Term) -> Term | None:
    """Four-and-twenty, where the `and` is written onto the tens, as in Arabic."""
    joined = high.token is not None and high.token.folded.startswith("و")
    if not joined or low.number is None or high.number is None or not 0 < low.number < 10:
        return None
    return _number(low.number + high.number) if 20 <= high.number <= 90 and high.number % 10 == 0 else None


def _number(value: float) -> Term:
    return Term("", {"number": ""}, number=value)


def _length(
    minutes: float,
    unit: str,
    *,
    months: float = 0.0,
    letter: bool = False,
    code: bool = False,
    spelled: bool = False,
) -> Term:
    return Term("", {"length": ""}, value=Length(minutes, unit, months, letter, code=code, spelled=spelled))


def _of(number: float | None, unit: Term) -> Term | None:
    if number is None or number < 0 or number > 1e7:
        return None
    name = unit.tags["unit"]
    letter = unit.text.lower() == "m"
    months = number * _UNIT_MONTHS.get(name, 0)
    return _length(
        number * UNIT_MINUTES[name], name, months=months, letter=letter, spelled=len(unit.text) > 2
    )


def _counted(number: Term, _: Term | None, unit: Term) -> Term | None:
    if number.has("bareone"):
        return None
    return _of(number.number, unit)


def _one(_: Term, unit: Term) -> Term | None:
    return _of(1.0, unit) if len(unit.text) > 1 else None


def _next_half(lead: Term, unit: Term, _half: Term) -> list[Term] | None:
    """`the next hour and a half`."""
    length = _of(1.5, unit)
    if length is None:
        return None
    length.text = unit.text
    return [lead, length]


def _with_half(_a: Term, unit: Term, _half: Term) -> Term | None:
    return _of(1.5, unit)


def _number_half(number: Term, _half: Term, unit: Term) -> Term | None:
    return _of(None if number.number is None else number.number + 0.5, unit)


def _number_unit_half(number: Term, unit: Term, _half: Term) -> Term | None:
    return _of(None if number.number is None else number.number + 0.5, unit)


def _half_the_costs(
    number: Term, unit: Term, half: Term, one: Term | None, two: Term | None, cost: Term
) -> list[Term] | None:
    """`4h and half the fees`: the half is of what stands behind it."""
    length = _of(number.number, unit)
    if length is None:
        return None
    length.text, length.glued = f"{number.text}{unit.text}", number.glued
    return [length, *(term for term in (half, one, two, cost) if term is not None)]


def _part(share: float) -> Callable[..., Term | None]:
    def make(_part: Term, _a: Term | None, unit: Term) -> Term | None:
        return _of(share, unit) if len(unit.text) > 1 else None

    return make


def _code(letter: Term, number: Term) -> Term | None:
    """`M15`, `h4`: a candle size as trading platforms write it."""
    unit = _CODES.get(letter.text.lower())
    if unit is None or not number.glued or not number.number or number.number > 240:
        return None
    return _length(number.number * UNIT_MINUTES[unit], unit, code=True)


def _hours_minutes(hours: Term, unit: Term, minutes: Term) -> Term | None:
    if not (minutes.glued and unit.glued) or unit.tags["unit"] != "hour" or hours.number is None:
        return None
    if minutes.number is None or minutes.number >= 60:
        return None
    return _length(hours.number * 60 + minutes.number, "minute", spelled=True)


def _both(hours: Term, unit: Term, minutes: Term, smaller: Term) -> list[Term] | None:
    """`1h30m`: the figures between two units belong to the second."""
    first, second = _of(hours.number, unit), _of(minutes.number, smaller)
    if first is None or second is None:
        return None
    first.text, first.glued = hours.text + unit.text, hours.glued
    second.text, second.glued = minutes.text + smaller.text, minutes.glued
    return [first, second]


def _pair(dual: Term) -> Term | None:
    """A dual form, which says two of a unit in one word."""
    name = dual.tags["dual"]
    return _length(2 * UNIT_MINUTES[name], name, months=2 * _UNIT_MONTHS.get(name, 0), spelled=True)


def _short(word: Term) -> Term | None:
    """One word for a length, such as half an hour; its value is in minutes."""
    minutes = float(word.tags["short"])
    months = 6.0 if minutes == UNIT_MINUTES["halfyear"] else 0.0
    return _length(minutes, "month" if months else "minute", months=months, spelled=True)


def _turned(unit: Term, number: Term, post: Term) -> list[Term] | None:
    """`the hours three coming`: number and adjective behind the unit."""
    length = _of(number.number, unit)
    if length is None:
        return None
    length.text, length.glued = f"{unit.text} {number.text}", unit.glued
    return [length, post]


def _led(number: Term, lead: Term, unit: Term) -> list[Term] | None:
    """`les deux prochaines heures`: the adjective between number and unit."""
    length = _of(number.number, unit)
    if length is None or lead.has("unit"):
        return None
    length.text = f"{number.text} {unit.text}"
    return [lead, length]


def _fraction(number: Term | None, fraction: Term, unit: Term) -> Term | None:
    top, _, bottom = fraction.text.partition("/")
    if not bottom.isdigit() or int(bottom) not in (2, 3, 4) or int(top) >= int(bottom):
        return None
    return _of((number.number or 0 if number else 0) + int(top) / int(bottom), unit)


def _join(first: Term, both: Term | None, second: Term) -> Term | None:
    """`1 h 30 min`: a smaller unit right behind a larger one is part of the same length."""
    high, low = first.value, second.value
    assert isinstance(high, Length)
    assert isinstance(low, Length)
    if both is not None and not (high.spelled and low.spelled):
        return None
    if low.minutes >= UNIT_MINUTES[high.unit] or high.code or low.code or low.unit == high.unit:
        return None
    if (high.unit, low.unit) not in _NESTED or (high.unit == "day" and high.minutes > 7 * 1_440):
        return None  # `30 days and 15 minutes` are a history and a horizon
    days = low.days / DAYS_A_MONTH if high.months else 0
    return _length(high.minutes + low.minutes, low.unit, months=high.months + days if high.months else 0)


def _share(per: float) -> Callable[..., Term | None]:
    def make(number: Term, _: Term | None) -> Term | None:
        if number.number is None:
            return None
        return Term("", {"rate": ""}, number=number.number * per)

    return make


def _part_share(bps: float) -> Callable[..., Term | None]:
    def make(_part: Term, _a: Term | None, _unit: Term) -> Term | None:
        return Term("", {"rate": ""}, number=bps)

    return make


def _fraction_share(fraction: Term, _of: Term | None, _a: Term | None, _unit: Term) -> Term | None:
    """`1/10 of a percent`."""
    top, _, bottom = fraction.text.partition("/")
    if not top.isdigit() or not bottom.isdigit() or int(top) >= int(bottom):
        return None
    return Term("", {"rate": ""}, number=100 * int(top) / int(bottom))


def _times(count: Term, _x: Term, number: Term, unit: Term) -> Term | None:
    """`4 x 15 minutes`."""
    if count.number is None or number.number is None:
        return None
    return _of(count.number * number.number, unit)


def _step_ahead(_t: Term, _plus: Term, number: Term) -> Term | None:
    """`t+6`: so many candles ahead."""
    return Term("", {"barsahead": ""}, number=number.number)


def _time_ahead(t: Term, plus: Term, number: Term, unit: Term) -> list[Term] | None:
    """`t+30m`."""
    length = _of(number.number, unit)
    if length is None:
        return None
    length.text = f"{number.text}{unit.text}"
    return [Term(f"{t.text}{plus.text}", {"next": ""}, t.glued), length]


_NUMBERS = (
    Rule("number number", _ones_first),
    Rule("number '-'? number", _sum),
    Rule("number and? number", _sum),
)
_RATES = (
    Rule("half a? percent", _part_share(50)),
    Rule("quarterof a? percent", _part_share(25)),
    Rule("tenthof a? percent", _part_share(10)),
    Rule("daymonth skip? a? percent", _fraction_share),
    Rule("half a? bps", _part_share(0.5)),
    Rule("number bps", _share(1)),
    Rule("number percent", _share(100)),
    Rule("number permille", _share(10)),
)
_LENGTHS = (
    Rule("dual", _pair),
    Rule("'t'|'T' '+' number unit", _time_ahead),
    Rule("'t'|'T' '+' number", _step_ahead),
    Rule("number 'x'|'X'|'×'|'*' number unit", _times),
    Rule("short", _short),
    Rule("unit number nextpost|lastpost", _turned),
    Rule("number next|last unit", _led),
    Rule("number quarterof a? unit", lambda n, q, a, u: _of((n.number or 0) / 4, u)),
    Rule("threequarters a? unit", _part(0.75)),
    Rule("quarterof a? unit", _part(0.25)),
    Rule("half a|'-'? unit", _part(0.5)),
    Rule("a unit andhalf", _with_half),
    Rule("next|last unit andhalf", _next_half),
    Rule("number andhalf unit", _number_half),
    Rule("number unit andhalf skip? skip? cost", _half_the_costs),
    Rule("number unit andhalf", _number_unit_half),
    Rule("number? daymonth unit", _fraction),
    Rule("number unit number unit", _both),
    Rule("number unit number", _hours_minutes),
    Rule("number '-'? unit", _counted),
    Rule("number more unit", _counted),
    Rule("unit number", _code),
    Rule("a unit", _one),
)
_JOINED = (
    Rule("length length candle|bars", lambda first, second, candle: [first, second, candle]),
    Rule("length and? length", _join),
)
