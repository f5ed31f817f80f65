"""Goals asked again at set times: `schedule daily at 8 GOAL`, `schedule every 6 hours GOAL`, the list, `schedule stop S-1`."""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select

from bots.asking import Asked
from bots.errors import Refusal
from bots.platform import Reply, Table
from bots.runs import check_goal, travelling
from bots.text import clean, one_line
from bots.words import Words
from storage import schedules
from storage.models import Schedule
from storage.schedules import Rhythm, Unit

MOST_SCHEDULES = 10
LONGEST_HOURS, LONGEST_DAYS = 24 * 31, 366
STOPS = frozenset({"stop", "end", "cancel", "delete", "remove", "stopp", "beende", "ende", "lösche"})
LISTS = frozenset({"list", "liste", "show", "zeige"})
_UNITS: Mapping[str, Unit] = {
    "h": "hours", "hour": "hours", "hours": "hours", "stunde": "hours", "stunden": "hours",
    "d": "days", "day": "days", "days": "days", "tag": "days", "tage": "days",
    "w": "weeks", "week": "weeks", "weeks": "weeks", "woche": "weeks", "wochen": "weeks",
}  # fmt: skip
_WEEKDAYS = (
    ("monday", "montag", "montags"), ("tuesday", "dienstag", "dienstags"), ("wednesday", "mittwoch", "mittwochs"),
    ("thursday", "donnerstag", "donnerstags"), ("friday", "freitag", "freitags"), ("saturday", "samstag", "samstags"),
    ("sunday", "sonntag", "sonntags"),
)  # fmt: skip
_WEEKDAY = {name: number for number, names in enumerate(_WEEKDAYS) for name in names}
_DAY_NAMES = "|".join(sorted(_WEEKDAY, key=len, reverse=True))
_TIME = r"(?:\s+(?:at|um)\s+(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>am|pm)?(?:\s*uhr)?)?"
_RHYTHMS = (
    (re.compile(r"(?:hourly|stündlich)\b", re.I), "hours"),
    (re.compile(rf"(?:daily|täglich|every day|each day|jeden tag)\b{_TIME}", re.I), "days"),
    (
        re.compile(
            rf"(?:(?:weekly|wöchentlich|every week|each week|jede woche)\b(?:\s+(?:on|am)\s+(?P<day>{_DAY_NAMES}))?{_TIME})",
            re.I,
        ),
        "weeks",
    ),
    (re.compile(rf"(?:(?:every|each|jeden|on|am)\s+)?(?P<day>{_DAY_NAMES})\b{_TIME}", re.I), "weeks"),
    (re.compile(rf"(?:every|each|alle)\s+(?P<n>\d{{1,4}})\s*(?P<unit>[^\W\d]+)\b{_TIME}", re.I), ""),
)


def schedule(asked: Asked, text: str, options: Mapping[str, str]) -> Reply:
    """Show a person's schedules, make one, or stop one. Raises Refusal."""
    said = clean(text).strip()
    first, _, rest = said.partition(" ")
    if not said or (first.casefold() in LISTS and not rest.strip()):
        return _shown(asked)
    if first.casefold() in STOPS:
        return _stop(asked, rest)
    return _make(asked, said, options)


def read_rhythm(text: str, words: Words) -> tuple[Rhythm, str]:
    """How often, and the goal behind it. Raises Refusal."""
    for pattern, unit in _RHYTHMS:
        found = pattern.match(text)
        if not found:
            continue
        given = found.groupdict()
        named = unit or _UNITS.get((given.get("unit") or "").casefold(), "")
        if not named:
            break
        every = int(given.get("n") or 1)
        if not 1 <= every <= (LONGEST_HOURS if named == "hours" else LONGEST_DAYS):
            raise Refusal(words("schedule.usage"))
        day = given.get("day")
        rhythm = Rhythm(
            unit=_UNITS[named],
            every=every,
            minute_of_day=_minute(given, words) if named != "hours" else None,
            weekday=_WEEKDAY[day.casefold()] if day else None,
        )
        return rhythm, text[found.end() :].lstrip(" ,:").strip('"“”„ ')
    raise Refusal(words("schedule.usage"))


def _minute(given: Mapping[str, str | None], words: Words) -> int | None:
    if given.get("hour") is None:
        return None
    hour, minute = int(given["hour"] or 0), int(given.get("minute") or 0)
    half = (given.get("half") or "").casefold()
    if half and not 1 <= hour <= 12:
        hour = 99
    elif half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise Refusal(words("schedule.time"))
    return hour * 60 + minute


def _make(asked: Asked, said: str, options: Mapping[str, str]) -> Reply:
    words = asked.words
    rhythm, goal = read_rhythm(said, words)
    if not goal:
        raise Refusal(words("schedule.no_goal"))
    goal = check_goal(goal, words)
    if asked.rights.role == "viewer":
        raise Refusal(words("viewer"))
    if asked.place.unreachable:
        how = f"unreachable.{asked.speaker.platform}"
        raise Refusal(words(how if words.knows(how) else "unreachable", bot="omc"))
    if len(schedules.of_owner(asked.db, asked.user.id)) >= MOST_SCHEDULES:
        raise Refusal(words("schedule.too_many", most=MOST_SCHEDULES))
    now = asked.db.scalar(select(func.clock_timestamp()))
    assert isinstance(now, datetime)
    zone = asked.zone.key
    if rhythm.unit != "hours" and rhythm.minute_of_day is None:  # at this time of the day
        here = now.astimezone(asked.zone)
        rhythm = Rhythm(rhythm.unit, rhythm.every, here.hour * 60 + here.minute, rhythm.weekday)
    place = asked.place
    row = Schedule(
        owner_id=asked.user.id,
        workspace=place.workspace,
        platform=asked.speaker.platform,
        channel=place.channel,
        thread=place.thread,
        goal=goal,
        preferences=travelling(asked, options),
        unit=rhythm.unit,
        every=rhythm.every,
        minute_of_day=rhythm.minute_of_day,
        zone=zone,
        next_at=rhythm.first(now, zone),
    )
    asked.db.add(row)
    asked.db.flush()
    said = words(
        "schedule.made",
        name=f"S-{row.number}",
        rhythm=rhythm_words(row, words),
        first=f"{asked.time(row.next_at)} ({zone})",
        goal=one_line(goal, 200),
    )
    here_too = words("schedule.needs_worker") if asked.speaker.platform == "terminal" else ""
    return Reply("\n".join(part for part in (said, here_too) if part))


def _stop(asked: Asked, reference: str) -> Reply:
    named = re.fullmatch(r"(?:[sS]-?)?(\d{1,15})", reference.strip())
    if named is None:
        raise Refusal(asked.words("schedule.which"))
    row = schedules.find(asked.db, int(named[1]))
    mine = row is not None and (row.owner_id == asked.user.id or _may_stop(asked, row))
    if row is None or not mine:
        raise Refusal(asked.words("schedule.none_such", name=f"S-{named[1]}"))
    schedules.stop(asked.db, row)
    return Reply(asked.words("schedule.stopped", name=f"S-{row.number}"))


def _may_stop(asked: Asked, row: Schedule) -> bool:
    """Editors may stop what others let run in their workspace, as they may stop runs."""
    here = (row.platform, row.workspace) == (asked.speaker.platform, asked.speaker.workspace)
    return asked.rights.may_edit and (here or asked.speaker.platform == "terminal")


def _shown(asked: Asked) -> Reply:
    words, rows = asked.words, schedules.of_owner(asked.db, asked.user.id)
    if not rows:
        return Reply(words("schedule.nothing"))
    names = ("schedule", "rhythm", "next", "goal")
    table = Table(
        tuple(words(f"column.{name}") for name in names),
        (False,) * 4,
        tuple(
            (f"S-{row.number}", rhythm_words(row, words), asked.time(row.next_at), one_line(row.goal, 60))
            for row in rows
        ),
    )
    return Reply(f"{table.text()}\n{words('schedule.how_to_stop', name=f'S-{rows[0].number}')}", fixed=True)


def rhythm_words(row: Schedule, words: Words) -> str:
    """How often a schedule asks, in words: "daily at 08:00"."""
    key = f"rhythm.{row.unit}" if row.every == 1 else f"rhythm.{row.unit}.many"
    said = words(key, n=row.every)
    if row.minute_of_day is None:
        return said
    hour, minute = divmod(row.minute_of_day, 60)
    return words("rhythm.at", rhythm=said, time=f"{hour:02d}:{minute:02d}")
