"""What Slack delivers, as values of the contract."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bots.platform import (
    Command,
    Dropped,
    HomeOpened,
    Place,
    Press,
    Rewritten,
    Speaker,
    Submitted,
    Typed,
    unpack,
)

Payload = Mapping[str, Any]
# What people write; all other subtypes are Slack's own notices.
WRITTEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_UNESCAPED = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]+\|([^>]*)>")


def team_of(body: Payload) -> str:
    """The workspace a payload belongs to."""
    team = body.get("team")
    own = str(team.get("id") or "") if isinstance(team, Mapping) else ""
    authorized: Payload = next(iter(body.get("authorizations") or ()), {})
    user = body.get("user")
    return (
        own
        or str(body.get("team_id") or "")
        or str(authorized.get("team_id") or "")
        or (str(user.get("team_id") or "") if isinstance(user, Mapping) else "")
    )


def plain(text: str, bot_user_id: str = "") -> str:
    """What somebody wrote, without Slack's markup of links and the mention of the bot. Other mentions stay."""
    if bot_user_id:
        text = re.sub(rf"<@{re.escape(bot_user_id)}(?:\|[^>]*)?>[,:]?", " ", text)
    text = _LINK.sub(lambda found: found[2] or found[1], text)
    text = _CHANNEL.sub(lambda found: f"#{found[1]}", text)
    return re.sub(r"&(?:lt|gt|amp);", lambda found: _UNESCAPED[found[0]], text).strip()


def command(body: Payload, speaker: Speaker, *, unreachable: bool) -> Command:
    """A slash command."""
    channel = str(body["channel_id"])
    place = Place(speaker.workspace, channel, direct=is_direct(channel), unreachable=unreachable)
    return Command(
        speaker, place, "", plain(str(body.get("text") or "")), key=f"c{body.get('trigger_id', '')}"
    )


def message_shortcut(body: Payload, speaker: Speaker) -> Command:
    """The entry in a message's menu: the form, filled in with the message."""
    channel = str((body.get("channel") or {}).get("id") or "")
    text = plain(str((body.get("message") or {}).get("text") or ""))
    place = Place(speaker.workspace, channel, direct=is_direct(channel))
    return Command(speaker, place, "analyze", options={"goal": text[:3000]})


def is_typed(event: Payload) -> bool:
    """Whether a message event is something a person wrote."""
    if event.get("bot_id") or event.get("app_id") or not event.get("user"):
        return False
    return str(event.get("subtype") or "") in WRITTEN


def typed(event: Payload, speaker: Speaker, bot_user_id: str) -> Typed:
    """A message, whichever of the two events it came with: both have its time stamp as their key."""
    text = str(event.get("text") or "")
    mentioned = f"<@{bot_user_id}" in text
    return Typed(speaker, place_of(event, speaker), plain(text, bot_user_id), _message_key(event), mentioned)


def concerns_us(event: Payload, bot_user_id: str) -> bool:
    """Whether a message can mean the bot at all: it is in a thread, in private, or names the bot."""
    direct = event.get("channel_type") == "im" or is_direct(str(event.get("channel") or ""))
    return bool(event.get("thread_ts")) or direct or f"<@{bot_user_id}" in str(event.get("text") or "")


def place_of(event: Payload, speaker: Speaker) -> Place:
    """Where a message stands; what is said to the bot outside threads begins one under that message."""
    channel = str(event["channel"])
    direct = event.get("channel_type") == "im" or is_direct(channel)
    thread = str(event.get("thread_ts") or event["ts"])
    return Place(speaker.workspace, channel, thread, direct=direct)


def rewritten(event: Payload, speaker: Speaker, bot_user_id: str) -> Rewritten | None:
    """An edited or deleted message; None when its words are the same (a link that was unfurled)."""
    before = event.get("previous_message") or {}
    channel = str(event["channel"])
    if event["subtype"] == "message_deleted":
        text, ts = None, str(event.get("deleted_ts") or before.get("ts"))
    else:
        after = event.get("message") or {}
        if after.get("subtype") == "tombstone":
            text = None
        elif after.get("text") == before.get("text"):
            return None
        else:
            text = plain(str(after.get("text") or ""), bot_user_id)
        ts = str(after.get("ts") or before.get("ts"))
    thread = str(before.get("thread_ts") or "")
    place = Place(speaker.workspace, channel, thread, direct=is_direct(channel))
    return Rewritten(speaker, place, f"{channel}:{ts}", text)


def dropped(event: Payload, speaker: Speaker, fetch: Callable[[Payload], Awaitable[bytes]]) -> list[Dropped]:
    """The files of a message."""

    def fetcher(file: Payload) -> Callable[[], Awaitable[bytes]]:
        return lambda: fetch(file)

    place = place_of(event, speaker)
    return [
        Dropped(
            speaker,
            place,
            str(file.get("name") or file["id"]),
            int(file.get("size") or 0),
            fetcher(file),
            f"f{file['id']}",
        )
        for file in event.get("files") or ()
        if file.get("id") and file.get("mode") != "tombstone"
    ]


def press(body: Payload, speaker: Speaker) -> Press | None:
    """A button of ours that was pressed; None for any other element."""
    act: Payload = next(iter(body.get("actions") or ()), {})
    meant = unpack(str(act.get("action_id") or ""))
    if meant is None:
        return None
    message = body.get("message") or {}
    channel = str(
        (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id") or ""
    )
    thread = str(
        message.get("thread_ts") or (body.get("container") or {}).get("thread_ts") or message.get("ts") or ""
    )
    place = Place(speaker.workspace, channel, thread, direct=is_direct(channel))
    key = f"b{body.get('trigger_id') or act.get('action_ts') or ''}"
    return Press(speaker, place, *meant, key)


def submitted(body: Payload, speaker: Speaker) -> Submitted:
    """A modal that was sent off."""
    view = body["view"]
    kept = json.loads(view.get("private_metadata") or "{}")
    channel = str(kept.get("channel") or "")
    place = Place(speaker.workspace, channel, str(kept.get("thread") or ""), direct=is_direct(channel))
    values = {name: _value(next(iter(block.values()))) for name, block in view["state"]["values"].items()}
    name = str(view.get("callback_id") or "").removeprefix("omc:")
    key = f"v{view.get('id', '')}:{view.get('hash', '')}"
    return Submitted(speaker, place, name, values, str(kept.get("context") or ""), key)


def metadata_of(place: Place, context: str) -> str:
    """What a modal carries so that what is sent off can be put back where it was asked for."""
    return json.dumps({"channel": place.channel, "thread": place.thread, "context": context})


def home_opened(speaker: Speaker) -> HomeOpened:
    """The Home tab."""
    return HomeOpened(speaker, Place(speaker.workspace, "", direct=True))


def is_direct(channel: str) -> bool:
    """Whether a channel is a conversation with the bot alone."""
    return channel.startswith("D")


def _message_key(event: Payload) -> str:
    return f"{event['channel']}:{event['ts']}"


def _value(element: Payload) -> str:
    option = element.get("selected_option")
    return str((option or {}).get("value") or element.get("value") or "")
