"""Pieces of the calendar and the spans they cover, half-open and in UTC."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
_SEASONS = {1: 12, 2: 3, 3: 6, 4: 9}  # season -> its first month, north of the equator


@dataclass(frozen=True)
class When:
    """A named piece of the calendar; `year` is None when nobody said it."""

    kind: str  # day | week | month | quarter | half | season | year | instant
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
        if self.kind in ("day", "week"):
            start = datetime(year, self.month, self.day, tzinfo=UTC)
            if self.kind == "day":
                return start, start + DAY
            monday = start - start.weekday() * DAY
            return monday, monday + 7 * DAY
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


def _whole_days(length: timedelta) -> timedelta:
    return timedelta(days=round(length / DAY))
