"""Days, months, quarters and years as people name them, and the spans between two of them."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from engine.goals.lexicon import Term
from engine.goals.patterns import Rule, reduce

DAY = timedelta(days=1)
_SEASONS = {1: 12, 2: 3, 3: 6, 4: 9}  # season -> its first month, north of the equator


@dataclass(frozen=True)
class When:
    """A named piece of the calendar; `year` is None when nobody said it."""

    kind: str  # day | month | quarter | half | season | year | instant
    year: int | None = None
    index: int = 1  # of the quarter, half or season
    month: int = 1
    day: int = 1
    part: str = ""  # beginning | mid | end of it
    either_order: bool = False  # 03/04/2023 may be the third of April or the fourth of March
    instant: datetime | None = None

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end, half-open, in UTC; without a year the latest such span that has begun. Raises ValueError."""
        if self.year is not None:
            return self._in(self.year)
        start, end = self._in(now.year)
        return (start, end) if start < now else self._in(now.year - 1)

    def _in(self, year: int) -> tuple[datetime, datetime]:
        if self.instant is not None:
            return self.instant, self.instant
        if self.kind == "day":
            start = datetime(year, self.month, self.day, tzinfo=UTC)
            return start, start + DAY
        months = {"month": 1, "quarter": 3, "half": 6, "season": 3, "year": 12}[self.kind]
        first = {
            "month": self.month,
            "quarter": 3 * self.index - 2,
            "half": 6 * self.index - 5,
            "season": _SEASONS.get(self.index, 1),
            "year": 1,
        }[self.kind]
        if self.kind == "season" and self.index == 1:
            year -= 1  # winter 2023 began in December 2022
        start = datetime(year, first, 1, tzinfo=UTC)
        end = add_months(start, months)
        third = (end - start) / 3
        if self.part[-1:].isdigit():
            number, length = (int(p) for p in self.part.split())
            size = timedelta(days=length) if length < 28 else None
            if number > 0:
                begin = start + (number - 1) * size if size else add_months(start, number - 1)
                return begin, min(begin + size if size else add_months(begin, 1), end)
            return (end - size if size else add_months(end, -1)), end
        if self.part == "first half":
            return start, start + _whole_days((end - start) / 2)
        if self.part == "second half":
            return start + _whole_days((end - start) / 2), end
        if self.part == "beginning":
            return start, start + _whole_days(third)
        if self.part == "mid":
            middle = start + _whole_days((end - start) / 2) - (DAY if self.kind == "month" else timedelta(0))
            return middle, middle + DAY
        if self.part == "end":
            return end - _whole_days(third), end
        return start, end


@dataclass(frozen=True)
class Range:
    """From one piece of the calendar to another, both included."""

    first: When
    last: When

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Start and end, half-open, in UTC. Raises ValueError where the last lies before the first."""
        first, last = self.first, self.last
        if last.year is None and first.year is not None:
            last = replace(last, year=first.year)
            if last.span(now)[1] <= first.span(now)[0]:
                last = replace(last, year=first.year + 1)
        end = _edge_end(last, now)
        if first.year is None and first.instant is None:
            first = replace(first, year=(last.span(now)[0]).year)
            if first.span(now)[0] >= end:
                first = replace(first, year=(first.year or 0) - 1)
        start = first.span(now)[0]
        if start >= end:
            raise ValueError("a span that ends before it begins")
        return start, end


def _edge_end(last: When, now: datetime) -> datetime:
    """`to the beginning of May` ends on the first day of May, `to mid May` on its middle, `to May` after May."""
    start, end = last.span(now)
    return start if last.part == "beginning" else end


def add_months(moment: datetime, months: int) -> datetime:
    """The same day some months on, or the last day of that month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def read_dates(terms: list[Term], *, day_first: bool) -> list[Term]:
    """Join the terms of dates into `when` (a When) and `range` (a Range)."""
    for term in terms:
        if term.number is not None and "number" in term.tags and term.token is not None:
            text = term.token.text
            if len(text) == 4 and text.isdigit() and 2008 <= int(text) <= 2100:
                term.tags = {**term.tags, "yearnumber": text}
    order = _figures_order(terms)
    made = [_read_figures(term, order, day_first) for term in terms]
    for rules in (_QUARTERS, _IDEOGRAPHIC, _DAYS, _MONTHS, _PARTS, _RANGES):
        made = reduce(made, rules)
    return made


def _figures_order(terms: list[Term]) -> bool | None:
    """Whether some date in figures settles that the day (True) or the month (False) comes first."""
    for term in terms:
        if term.has("figures", "daymonth"):
            first, second = _parts(term)[:2]
            if first > 12 or (term.has("daymonth") and "." in term.text):
                return True
            if second > 12:
                return False
    return None


def _parts(term: Term) -> list[int]:
    return [int(p) for p in term.text.replace("/", ".").replace("-", ".").rstrip(".").split(".")]


def _read_figures(term: Term, order: bool | None, day_first: bool) -> Term:
    kind = next((k for k in ("iso", "figures", "yearmonth", "monthyear") if k in term.tags), None)
    if term.has("daymonth") and "." in term.text:
        day, month = _parts(term)
        return _when(When("day", None, month=month, day=day), term) if month <= 12 else term
    if kind is None:
        return term
    if kind == "iso":
        return _read_iso(term)
    if kind == "yearmonth":
        year, month = _parts(term)
        return _when(When("month", year, month=month), term)
    if kind == "monthyear":
        month, year = _parts(term)
        return _when(When("month", year, month=month), term)
    first, second, year = _parts(term)
    year += 2000 if year < 100 else 0
    unclear = order is None and first != second and not day_first and "." not in term.text
    day, month = (first, second) if (order if order is not None else True) else (second, first)
    if first > 12 >= second:
        day, month = first, second
    elif second > 12 >= first:
        day, month = second, first
    if month > 12 or day > monthrange(year, month)[1]:
        return term
    return _when(When("day", year, month=month, day=day, either_order=unclear), term)


def _read_iso(term: Term) -> Term:
    text = term.text.replace("/", "-").replace(".", "-", 2) if "T" not in term.text else term.text
    head, _, clock = text.replace("T", " ").partition(" ")
    year, month, day = (int(p) for p in head.replace("/", "-").replace(".", "-").split("-"))
    if day > monthrange(year, month)[1]:
        return term
    when = When("day", year, month=month, day=day)
    if clock:
        try:
            at = datetime.fromisoformat(f"{year}-{month:02}-{day:02}T{clock.replace('Z', '+00:00')}")
        except ValueError:
            return _when(when, term)
        when = replace(when, instant=at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC))
    return _when(when, term)


def _when(when: When, term: Term | None = None) -> Term:
    if term is None:
        return Term("", {"when": ""}, value=when)
    return Term(term.text, {"when": ""}, term.glued, token=term.token, value=when)


def _whole_days(length: timedelta) -> timedelta:
    return timedelta(days=round(length / DAY))


def _year(term: Term | None) -> int | None:
    if term is None:
        return None
    if "yearnumber" in term.tags:
        return int(term.tags["yearnumber"])
    if term.number is not None and term.number == int(term.number) and 10 <= term.number <= 99:
        return 2000 + int(term.number)
    return None


def _quarter(word: Term, number: Term, *rest: Term | None) -> Term | None:
    if number.number not in (1, 2, 3, 4) or (word.text.lower() == "q" and not number.glued):
        return None
    return _when(When("quarter", _year(rest[-1]) if rest else None, index=int(number.number or 1)))


def _ordinal_quarter(ordinal: Term, _word: Term, *rest: Term | None) -> Term | None:
    index = int(ordinal.tags["ordinal"]) if "ordinal" in ordinal.tags else int(ordinal.number or 0)
    if index == -1 and rest and _year(rest[-1]):
        index = 4  # the last quarter of 2022
    if not 1 <= index <= 4:
        return None
    return _when(When("quarter", _year(rest[-1]) if rest else None, index=index))


def _ordinal_half(ordinal: Term, _half: Term, _of: Term | None, _the: Term | None, what: Term) -> Term | None:
    index = int(ordinal.tags.get("ordinal", 0))
    if index not in (1, 2):
        return None
    if isinstance(what.value, When):
        return _when(replace(what.value, part="first half" if index == 1 else "second half"))
    if "yearnumber" in what.tags:
        return _when(When("half", _year(what), index=index))
    if "month" in what.tags:
        return _when(
            When("month", None, month=int(what.tags["month"]), part=("first half", "second half")[index - 1])
        )
    return None


def _half_code(letter: Term, number: Term, _of: Term | None, year: Term) -> Term | None:
    if letter.text.lower() not in ("h", "s", "hj") or not number.glued or number.number not in (1, 2):
        return None
    return _when(When("half", _year(year), index=int(number.number or 1)))


def _half_year(half: Term, _of: Term | None, year: Term | None) -> Term | None:
    return _when(When("half", _year(year), index=int(half.tags["halfyear"])))


def _month(month: Term, *rest: Term | None) -> Term | None:
    """A month, unless `may` or `march` is a verb here."""
    year = _year(next((term for term in reversed(rest) if term is not None and _year(term)), None))
    if (
        year is None
        and month.text in ("may", "mar", "march", "mon", "dec", "set", "sep", "jan")
        and month.text.islower()
    ):
        month = replace(month, tags={**month.tags, "doubtful": ""})
        when = _when(When("month", None, month=int(month.tags["month"])))
        when.tags = {**month.tags, **when.tags}
        return when
    return _when(When("month", year, month=int(month.tags["month"])))


def _day_number(term: Term) -> int | None:
    if "ordinal" in term.tags:
        return int(term.tags["ordinal"]) if int(term.tags["ordinal"]) > 0 else None
    if term.number is None or term.number != int(term.number) or not 1 <= term.number <= 31:
        return None
    return int(term.number)


def _day_month(
    day: Term, _mark: Term | None, _of: Term | None, month: Term, *rest: Term | None
) -> Term | None:
    return _dated(day, month, rest)


def _month_day(
    month: Term, _the: Term | None, day: Term, _mark: Term | None, *rest: Term | None
) -> Term | None:
    return _dated(day, month, rest)


def _dated(day: Term, month: Term, rest: tuple[Term | None, ...]) -> Term | None:
    number, at = _day_number(day), int(month.tags["month"])
    if number is None or number > monthrange(2024, at)[1]:
        return None
    spoken = next((term for term in reversed(rest) if term is not None and term.has("number")), None)
    year = _year(spoken)
    if spoken is not None and year is None:
        return None
    return _when(When("day", year, month=at, day=number))


def _part(part: Term, _of: Term | None, what: Term) -> Term | None:
    if not isinstance(what.value, When) or what.value.kind == "day":
        return None
    name = next(name for name in ("beginning", "mid", "end") if name in part.tags)
    return _when(replace(what.value, part=name))


def _edge(edge: Term, _mark: Term | None, when: Term) -> list[Term] | None:
    """`start: 2023-05-01`, `end 2023-06-15`: a day begins or ends the period."""
    if not isinstance(when.value, When) or (_mark is None and when.value.kind != "day"):
        return None
    relation = "since" if "beginning" in edge.tags else "until"
    return [Term(edge.text, {relation: ""}, edge.glued), when]


_UNIT_DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30}


def _ordinal_unit(ordinal: Term, unit: Term, *rest: Term | None) -> Term | None:
    """`the first week of June`, `the last month of 2022`."""
    what = rest[-1]
    number, days = int(ordinal.tags["ordinal"]), _UNIT_DAYS.get(unit.tags["unit"])
    if what is None or days is None:
        return None
    when = what.value if isinstance(what.value, When) else When("year", _year(what))
    if when.kind == "day" or (days == 30 and when.kind == "month"):
        return None
    return _when(replace(when, part=f"{number} {days}"))


def _part_year(part: Term, _of: Term | None, year: Term) -> Term | None:
    name = next(name for name in ("beginning", "mid", "end") if name in part.tags)
    return _when(When("year", _year(year), part=name))


def _range(*terms: Term | None) -> Term | None:
    found = [term.value for term in terms if term is not None and isinstance(term.value, When)]
    return Term("", {"range": ""}, value=Range(found[0], found[1]))


def _number_range(_from: Term | None, number: Term, _to: Term, what: Term) -> Term | None:
    """`5 to 20 June`."""
    day, when = _day_number(number), what.value
    if not isinstance(when, When) or when.kind != "day" or day is None or day >= when.day:
        return None
    return Term("", {"range": ""}, value=Range(replace(when, day=day), when))


def _range_number(_from: Term | None, what: Term, _to: Term, number: Term) -> Term | None:
    """`June 5 to 20`."""
    day, when = _day_number(number), what.value
    if (
        not isinstance(when, When)
        or when.kind != "day"
        or day is None
        or day <= when.day
        or number.has("yearnumber")
    ):
        return None
    return Term("", {"range": ""}, value=Range(when, replace(when, day=day)))


def _year_alone(year: Term) -> Term | None:
    return _when(When("year", _year(year)))


def _figures_day(month: Term, day: Term, year: Term | None) -> Term | None:
    at = _day_number(month)
    return _dated(day, replace(month, tags={"month": str(at)}), (year,)) if at and at <= 12 else None


def _figures_month(month: Term, year: Term | None) -> Term | None:
    at = _day_number(month)
    return _when(When("month", _year(year), month=at)) if at and at <= 12 else None


def _season(season: Term, _of: Term | None, year: Term) -> Term | None:
    return _when(When("season", _year(year), index=int(season.tags["season"])))


def _holiday(month: int, day: int) -> Rule:
    return Rule(
        "newyear" if month == 1 else "christmas", lambda _: _when(When("day", None, month=month, day=day))
    )


_QUARTERS = (
    Rule("quarter number skip? yearnumber", _quarter),
    Rule("quarter number '''? number", lambda w, n, a, y: _quarter(w, n, y) if a is not None else None),
    Rule("quarter number", _quarter),
    Rule("ordinal|number quarterof yearnumber", _ordinal_quarter),
    Rule("ordinal '.'? quarter skip? skip? yearnumber", lambda o, d, q, s, t, y: _ordinal_quarter(o, q, y)),
    Rule("number '.' quarter skip? skip? yearnumber", lambda o, d, q, s, t, y: _ordinal_quarter(o, q, y)),
    Rule("number quarter skip? yearnumber", _ordinal_quarter),
    Rule("ordinal '.'? quarter", lambda o, d, q: _ordinal_quarter(o, q)),
    Rule("number '.' quarter", lambda o, d, q: _ordinal_quarter(o, q)),
    Rule("yearnumber '-'? quarter number", lambda y, d, q, n: _quarter(q, n, y)),
    Rule("unit number skip? yearnumber", _half_code),
    Rule("halfyear skip? yearnumber", _half_year),
    Rule("halfyear", lambda half: _half_year(half, None, None)),
    Rule("ordinal half skip? skip? yearnumber", _ordinal_half),
    Rule("season skip? yearnumber", _season),
    _holiday(1, 1),
    _holiday(12, 25),
)
_IDEOGRAPHIC = (  # 2023年6月1日, 6月
    Rule(
        "yearnumber yearmark number monthmark number daymark", lambda y, a, m, b, d, c: _figures_day(m, d, y)
    ),
    Rule("number monthmark number daymark", lambda m, b, d, c: _figures_day(m, d, None)),
    Rule("yearnumber yearmark number monthmark", lambda y, a, m, b: _figures_month(m, y)),
    Rule("number monthmark", lambda m, b: _figures_month(m, None)),
    Rule("yearnumber yearmark", lambda y, a: _year_alone(y)),
)
_DAYS = (
    Rule("number|ordinal daymark|'.' skip? month ','|skip? skip? yearnumber", _day_month),
    Rule("number|ordinal skip? skip? month ','|skip? skip? yearnumber", _day_month),
    Rule("month skip? number daymark? ','|skip? yearnumber", _month_day),
    Rule("number '.' skip? month", _day_month),
    Rule("number|ordinal daymark skip? month", _day_month),
    Rule("number|ordinal skip? skip? month", lambda d, s, t, m: _day_month(d, s, t, m)),
    Rule("month skip? ordinal", lambda m, s, d: _dated(d, m, ())),
    Rule("month skip? number daymark", lambda m, s, d, k: _dated(d, m, ())),
    Rule("month skip? number", lambda m, s, d: _dated(d, m, ())),
)
_MONTHS = (
    Rule("month skip? '''? number", lambda m, s, a, y: _month(m, y) if _year(y) else None),
    Rule("month ','|'/'|'-'|skip? skip? yearnumber", _month),
    Rule("yearnumber skip? '/'|'-'? month", lambda y, s, d, m: _month(m, y)),
    Rule("month", _month),
)
_PARTS = (
    Rule("ordinal half skip? skip? when", _ordinal_half),
    Rule("ordinal unit skip? skip? when|yearnumber", _ordinal_unit),
    Rule("beginning|end ':'|'='|'-'? when", _edge),
    Rule("beginning|mid|end skip|'-'? when", _part),
    Rule("beginning|mid|end skip? yearnumber", _part_year),
    Rule(
        "from|between|since skip? number|ordinal daymark? to|and|'-'|until skip? when",
        lambda f, s, n, d, t, u, w: _number_range(f, n, t, w),
    ),
    Rule("number daymark? to|'-' skip? when", lambda n, d, t, u, w: _number_range(None, n, t, w)),
    Rule("from|between|since? when to|and|'-' number", _range_number),
)
_RANGES = (
    Rule("from|between|since|period? skip? when '/'|'-'|to|until skip? skip? when", _range),
    Rule("between|from skip? when and skip? when", _range),
)  # fmt: skip
