"""What people want by default, what they have used, and what admins let them do."""

import re
from typing import Any

from bots import access, runs
from bots.asking import Asked
from bots.errors import Refusal
from bots.platform import Reply
from bots.text import clean, one_line
from bots.words import find_language, words_of
from storage import preferences, users
from storage.models import Grant

SAVED = ("coins", "horizon", "period", "costs", "budget", "language", "zone")
EVERYBODY = frozenset({"everybody", "everyone", "all", "alle", "jeder"})


def usage(asked: Asked) -> Reply:
    """What somebody has used and may use."""
    return Reply("\n".join(usage_lines(asked)))


def usage_lines(asked: Asked) -> tuple[str, ...]:
    """The same, line by line."""
    words, rights = asked.words, asked.rights
    tokens, cost = preferences.spent_this_month(asked.db, asked.user.id)
    today = preferences.runs_today(asked.db, asked.user.id)
    limits = [words("usage.unfinished", n=asked.limits.max_concurrent_sessions)]
    if rights.runs_a_day is not None:
        limits.append(words("usage.runs_a_day", n=rights.runs_a_day))
    if rights.usd_a_month is not None:
        limits.append(words("usage.usd_a_month", n=words.money(rights.usd_a_month)))
    used = words("usage.title", runs=today, tokens=words.count(tokens), cost=words.money(cost))
    return used, words("usage.limits", limits=", ".join(limits))


def defaults(asked: Asked, text: str) -> Reply:
    """Show, save or clear what somebody, or the channel they speak in, always wants. Raises Refusal."""
    parts = clean(text).split()
    for_channel = bool(parts) and parts[0].casefold() in ("channel", "kanal")
    if for_channel:
        parts = parts[1:]
    platform, place = asked.speaker.platform, asked.place
    of_channel = preferences.of_channel(asked.db, platform, place.workspace, place.channel)
    if not parts:
        return Reply(_shown(asked, of_channel))
    if for_channel and not asked.rights.may_edit:
        raise Refusal(asked.words("only_admins"))
    name, value = parts[0].casefold(), " ".join(parts[1:])
    saved = dict(of_channel if for_channel else asked.saved)
    if name in ("clear", "reset", "löschen"):
        saved, said = {}, asked.words("defaults.cleared")
    elif value:
        saved[_known(asked, name)] = _checked(asked, name, value)
        spoken = words_of(saved[name]) if name == "language" and not for_channel else asked.words
        said = spoken("defaults.saved", name=name, value=saved[name])
    else:
        saved.pop(_known(asked, name), None)
        said = asked.words("defaults.cleared")
    if for_channel:
        preferences.save_for_channel(asked.db, platform, place.workspace, place.channel, saved)
    else:
        preferences.save_for_person(asked.db, asked.user.id, saved)
    return Reply(said)


def _shown(asked: Asked, of_channel: dict[str, Any]) -> str:
    lines = [
        asked.words(key, options=", ".join(f"{name} {value}" for name, value in options.items()))
        for key, options in (("defaults.yours", asked.saved), ("defaults.channel", of_channel))
        if options
    ]
    return "\n".join(lines or [asked.words("defaults.none")])


def _known(asked: Asked, name: str) -> str:
    if name not in SAVED:
        raise Refusal(asked.words("defaults.unknown", name=one_line(name, 40), names=", ".join(SAVED)))
    return name


def _checked(asked: Asked, name: str, value: str) -> str:
    if name == "language":
        found = find_language(value)
        if found is None:
            raise Refusal(asked.words("defaults.language", text=one_line(value, 40)))
        return found
    if name == "zone":
        from zoneinfo import available_timezones

        zones = {zone.casefold(): zone for zone in available_timezones()}
        zone = zones.get(value.casefold())
        if zone is None:
            raise Refusal(asked.words("defaults.zone", text=one_line(value, 40)))
        return zone
    if name == "budget":
        return runs.check_budget(value, asked.words)
    if len(value) > runs.LONGEST_OPTION:
        raise Refusal(
            asked.words(
                "option_too_long", name=name, n=asked.words.count(len(value)), most=runs.LONGEST_OPTION
            )
        )
    return value


def roles(asked: Asked, text: str) -> Reply:
    """Show who may do what; admins change it. Raises Refusal."""
    words, speaker = asked.words, asked.speaker
    parts = clean(text).split()
    if not parts:
        rows = preferences.grants(asked.db, speaker.platform, speaker.workspace)
        lines = [
            words("roles.line", who=_called(asked, row.external_id), what=_granted(asked, row))
            for row in rows
        ]
        shown = [words("roles.list"), *lines] if lines else [words("roles.none")]
        return Reply("\n".join([*shown, words("roles.usage")] if asked.rights.role == "admin" else shown))
    if asked.rights.role != "admin":
        raise Refusal(words("only_admins"))
    who = _whom(asked, parts[0])
    if len(parts) < 2:
        raise Refusal(words("roles.usage"))
    changes = _change(asked, parts[1].casefold(), parts[2] if len(parts) > 2 else "")
    preferences.grant(asked.db, speaker.platform, speaker.workspace, who, **changes)
    asked.db.expire_all()
    row = preferences.grant_of(asked.db, speaker.platform, speaker.workspace, who)
    assert row is not None
    return Reply(words("roles.saved", who=_called(asked, who), what=_granted(asked, row)))


def _whom(asked: Asked, text: str) -> str:
    """The person that a mention names, however the platform writes it."""
    if text.casefold() in EVERYBODY:
        return preferences.EVERYBODY
    mention = re.fullmatch(r"<@!?([\w-]{2,40})(?:\|[^>]*)?>", text)
    if mention is None:
        raise Refusal(asked.words("roles.who"))
    return mention[1]


def _change(asked: Asked, what: str, value: str) -> dict[str, Any]:
    if what in access.ROLES:
        return {"role": what}
    column = {"runs": "runs_a_day", "budget": "usd_a_month"}.get(what)
    if column is None:
        raise Refusal(asked.words("roles.unknown", text=one_line(what, 40)))
    if value.casefold() in ("none", "unlimited", "off", "-"):
        return {column: None}
    if not re.fullmatch(r"\d{1,6}(\.\d{1,2})?" if what == "budget" else r"\d{1,6}", value):
        raise Refusal(asked.words("roles.number", text=one_line(value or what, 40)))
    return {column: float(value) if what == "budget" else int(value)}


def _called(asked: Asked, external_id: str) -> str:
    if not external_id:
        return asked.words("roles.everybody")
    speaker = asked.speaker
    return users.called(asked.db, speaker.platform, speaker.workspace, external_id) or external_id


def _granted(asked: Asked, row: Grant) -> str:
    words = asked.words
    parts = [words(f"role.{row.role}")] if row.role else []
    if row.runs_a_day is not None:
        parts.append(words("usage.runs_a_day", n=row.runs_a_day))
    if row.usd_a_month is not None:
        parts.append(words("usage.usd_a_month", n=words.money(row.usd_a_month)))
    return ", ".join(parts) or words("role.analyst")
