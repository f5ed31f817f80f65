"""Days, months, quarters and years as people name them, and the spans between two of them."""

from calendar import monthrange
from dataclasses import replace

from engine.goals.date_figures import dated, read_figures
from engine.goals.lexicon import Term
from engine.goals.patterns import Rule, reduce
from engine.goals.when import Range, When


def read_dates(terms: list[Term], *, day_first: bool) -> list[Term]:
    """Join the terms of dates into `when` (a When) and `range` (a Range)."""
    for term in terms:
        if term.number is not None and "number" in term.tags and term.token is not None:
            text = term.token.text
            if len(text) == 4 and text.isdigit() and 1990 <= int(text) <= 2100:
                term.tags = {**term.tags, "yearnumber": text}
    made = read_figures(terms, day_first=day_first)
    for rules in (_QUARTERS, _IDEOGRAPHIC, _DAYS, _MONTHS, _PARTS, _RANGES):
        made = reduce(made, rules)
    return made


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
    return dated(When("quarter", _year(rest[-1]) if rest else None, index=int(number.number or 1)))


def _ordinal_quarter(ordinal: Term, _word: Term, *rest: Term | None) -> Term | None:
    index = int(ordinal.tags["ordinal"]) if "ordinal" in ordinal.tags else int(ordinal.number or 0)
    if index == -1 and rest and _year(rest[-1]):
        index = 4  # the last quarter of 2022
    if not 1 <= index <= 4:
        return None
    return dated(When("quarter", _year(rest[-1]) if rest else None, index=index))


def _ordinal_half(ordinal: Term, _half: Term, _of: Term | None, _the: Term | None, what: Term) -> Term | None:
    index = int(ordinal.tags.get("ordinal", 0))
    if index not in (1, 2):
        return None
    if isinstance(what.value, When):
        return dated(replace(what.value, part="first half" if index == 1 else "second half"))
    if "yearnumber" in what.tags:
        return dated(When("half", _year(what), index=index))
    if "month" in what.tags:
        return dated(
            When("month", None, month=int(what.tags["month"]), part=("first half", "second half")[index - 1])
        )
    return None


def _half_code(letter: Term, number: Term, _of: Term | None, year: Term) -> Term | None:
    if letter.text.lower() not in ("h", "s", "hj") or not number.glued or number.number not in (1, 2):
        return None
    return dated(When("half", _year(year), index=int(number.number or 1)))


def _half_year(half: Term, _of: Term | None, year: Term | None) -> Term | None:
    return dated(When("half", _year(year), index=int(half.tags["halfyear"])))


def _month(month: Term, *rest: Term | None) -> Term | None:
    """A month, unless `may` or `march` is a verb here."""
    year = _year(next((term for term in reversed(rest) if term is not None and _year(term)), None))
    if (
        year is None
        and month.text in ("may", "mar", "march", "mon", "dec", "set", "sep", "jan")
        and month.text.islower()
    ):
        month = replace(month, tags={**month.tags, "doubtful": ""})
        when = dated(When("month", None, month=int(month.tags["month"])))
        when.tags = {**month.tags, **when.tags}
        return when
    return dated(When("month", year, month=int(month.tags["month"])))


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
    return dated(When("day", year, month=at, day=number))


def _part(part: Term, _of: Term | None, what: Term) -> Term | None:
    if not isinstance(what.value, When) or what.value.kind == "day":
        return None
    name = next(name for name in ("beginning", "mid", "end") if name in part.tags)
    return dated(replace(what.value, part=name))


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
    return dated(replace(when, part=f"{number} {days}"))


def _week_of(unit: Term, _of: Term | None, _the: Term | None, day: Term) -> Term | None:
    """`the week of 7 August`."""
    if (
        unit.tags["unit"] != "week"
        or not isinstance(day.value, When)
        or day.value.kind != "day"
        or _of is None
    ):
        return None
    return dated(replace(day.value, kind="week"))


def _part_year(part: Term, _of: Term | None, year: Term) -> Term | None:
    name = next(name for name in ("beginning", "mid", "end") if name in part.tags)
    return dated(When("year", _year(year), part=name))


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
    return dated(When("year", _year(year)))


def _figures_day(month: Term, day: Term, year: Term | None) -> Term | None:
    at = _day_number(month)
    return _dated(day, replace(month, tags={"month": str(at)}), (year,)) if at and at <= 12 else None


def _figures_month(month: Term, year: Term | None) -> Term | None:
    at = _day_number(month)
    return dated(When("month", _year(year), month=at)) if at and at <= 12 else None


def _season(season: Term, _of: Term | None, year: Term) -> Term | None:
    return dated(When("season", _year(year), index=int(season.tags["season"])))


def _holiday(month: int, day: int) -> Rule:
    return Rule(
        "newyear" if month == 1 else "christmas", lambda _: dated(When("day", None, month=month, day=day))
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
    Rule("unit skip? skip? when", _week_of),
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
    Rule("when '.' '.' '.'? when", _range),
    Rule("when '-'|'=' '>' when", _range),
    Rule("when '→' when", _range),
)  # fmt: skip
