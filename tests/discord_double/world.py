"""What there is on the double's side: one server with a channel, people, messages, and the rules of both."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
EPOCH_MS = 1_420_070_400_000
EPHEMERAL, HAS_THREAD, SILENT, COMPONENTS_V2 = 1 << 6, 1 << 5, 1 << 12, 1 << 15
TEXT_CHANNEL, PRIVATE, THREAD = 0, 1, 11
# View, send, threads, history, files, reactions, links; what the invitation in the README asks for.
BOT_MAY = (1 << 10) | (1 << 11) | (1 << 14) | (1 << 15) | (1 << 16) | (1 << 6) | (1 << 35) | (1 << 38)
_MENTION = re.compile(r"(?<!\\)<@!?(\d+)>")
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


class ApiError(Exception):
    """A refusal, as Discord words it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


@dataclass
class Fault:
    """What goes wrong with the next request whose "METHOD /path" matches: before it is done, or after.

    With `status` None the connection breaks. `via` False makes a 429 the one that discord.py gives up on.
    """

    match: str
    status: int | None
    after: bool = False
    via: bool = True
    retry_after: float = 0.05
    html: bool = False


@dataclass
class Pending:
    """An interaction and what was answered to it."""

    id: str
    token: str
    kind: int
    user: str
    channel: str
    begun: float
    on_message: bool = False
    answered: int | None = None
    answered_at: float | None = None  # by the same clock as `begun`
    told_at: float | None = None  # when the words of the answer stood there
    original: str | None = None
    modal: Json | None = None
    choices: list[Json] | None = None


@dataclass
class World:
    """One server, "acme", with the channel "research" and the people in it."""

    token: str = "MTAw.double.token"
    content_allowed: bool = True
    resumable: bool = True
    filesize_limit: int = 10 * 1024 * 1024
    bot_may: int = BOT_MAY
    seconds_to_answer: float = 3.0
    faults: list[Fault] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    channels: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, dict[str, Json]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    users: dict[str, Json] = field(default_factory=dict)
    commands: list[Json] = field(default_factory=list)
    interactions: dict[str, Pending] = field(default_factory=dict)
    nonces: dict[tuple[str, str], str] = field(default_factory=dict)
    posted_as: dict[str, str] = field(
        default_factory=dict
    )  # message -> the nonce it came with, kept for good
    private: list[Json] = field(default_factory=list)
    closed_to_bot: set[str] = field(default_factory=set)  # people who take no private messages
    requests: list[tuple[float, str, Any]] = field(default_factory=list)
    dispatch: Callable[[str, Json], None] = lambda name, data: None
    origin: str = ""
    _count: int = 0

    def __post_init__(self) -> None:
        self.bot = self.add_user("omc", bot=True)
        self.guild_id = self.snowflake()
        self.role_id = self.snowflake()
        self.channel_id = self.add_channel("research")

    def snowflake(self) -> str:
        """An id: the time, then a number that no other has."""
        self._count += 1
        return str((int(time.time() * 1000) - EPOCH_MS << 22) + self._count % (1 << 22))

    def add_user(self, name: str, *, bot: bool = False) -> str:
        user_id = self.snowflake()
        self.users[user_id] = {
            "id": user_id, "username": name, "global_name": None if bot else name.capitalize(), "discriminator": "0",
            "avatar": None, "public_flags": 0, "flags": 0, "primary_guild": None, **({"bot": True} if bot else {}),
        }  # fmt: skip
        return user_id

    def add_channel(self, name: str) -> str:
        channel_id = self.snowflake()
        self.channels[channel_id] = {
            "id": channel_id, "type": TEXT_CHANNEL, "flags": 0, "guild_id": self.guild_id, "name": name, "position": 0,
            "permission_overwrites": [], "nsfw": False, "parent_id": None, "topic": None, "rate_limit_per_user": 0,
            "last_message_id": None,
        }  # fmt: skip
        self.messages[channel_id] = {}
        return channel_id

    def private_channel(self, user_id: str) -> str:
        """The conversation of somebody with the bot."""
        for channel in self.channels.values():
            if channel["type"] == PRIVATE and channel["recipients"][0]["id"] == user_id:
                return str(channel["id"])
        channel_id = self.snowflake()
        self.channels[channel_id] = {
            "id": channel_id, "type": PRIVATE, "flags": 0, "last_message_id": None,
            "recipients": [self.users[user_id]],
        }  # fmt: skip
        self.messages[channel_id] = {}
        return channel_id

    def add_thread(self, channel_id: str, message_id: str, body: Json, owner: str) -> Json:
        message = self.message(channel_id, message_id)
        if message_id in self.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        if self.channels[channel_id]["type"] != TEXT_CHANNEL:
            raise ApiError(400, 50024, "Cannot execute action on this channel type")
        if body.get("auto_archive_duration", 60) not in (60, 1440, 4320, 10080):
            raise ApiError(400, 50035, "Invalid Form Body: auto_archive_duration")
        if not 1 <= len(body["name"]) <= 100:
            raise ApiError(400, 50035, "Invalid Form Body: name must be between 1 and 100 in length")
        thread = {
            "id": message_id, "type": THREAD, "flags": 0, "guild_id": self.guild_id, "name": body["name"],
            "parent_id": channel_id, "owner_id": owner, "message_count": 0, "member_count": 1,
            "total_message_sent": 0, "rate_limit_per_user": 0, "last_message_id": None,
            "thread_metadata": {
                "archived": False, "locked": False, "archive_timestamp": now(),
                "auto_archive_duration": body.get("auto_archive_duration", 1440), "create_timestamp": now(),
            },
        }  # fmt: skip
        self.channels[message_id] = thread
        self.messages[message_id] = {}
        message["flags"] |= HAS_THREAD
        self.dispatch("THREAD_CREATE", {**thread, "newly_created": True})
        return thread

    def channel(self, channel_id: str) -> Json:
        if channel_id not in self.channels:
            raise ApiError(404, 10003, "Unknown Channel")
        return self.channels[channel_id]

    def message(self, channel_id: str, message_id: str) -> Json:
        self.channel(channel_id)
        if message_id not in self.messages[channel_id]:
            raise ApiError(404, 10008, "Unknown Message")
        return self.messages[channel_id][message_id]

    def keep(self, channel_id: str, message: Json) -> Json:
        """Put a message into a channel and tell the gateway."""
        channel = self.channel(channel_id)
        metadata = channel.get("thread_metadata")
        if metadata and metadata["archived"]:
            if metadata["locked"]:
                raise ApiError(403, 50013, "Missing Permissions")
            metadata["archived"] = False  # a message opens it again
        self.messages[channel_id][message["id"]] = message
        channel["last_message_id"] = message["id"]
        self.dispatch("MESSAGE_CREATE", self.event_of(message))
        return message

    def new_message(self, channel_id: str, author: str, **parts: Any) -> Json:
        return {
            "id": self.snowflake(), "channel_id": channel_id, "type": 0, "content": "", "mentions": [],
            "mention_roles": [], "attachments": [], "embeds": [], "timestamp": now(), "edited_timestamp": None,
            "flags": 0, "components": [], "author": self.users[author], "pinned": False, "mention_everyone": False,
            "tts": False, **parts,
        }  # fmt: skip

    def event_of(self, message: Json) -> Json:
        """A message as the gateway tells it."""
        if self.channels[message["channel_id"]]["type"] == PRIVATE:
            return dict(message)
        return {
            **message,
            "guild_id": self.guild_id,
            "member": self.member(message["author"]["id"], user=False),
        }

    def member(self, user_id: str, *, user: bool = True, permissions: int | None = None) -> Json:
        member: Json = {
            "roles": [self.role_id] if user_id == self.bot else [], "joined_at": now(), "deaf": False, "mute": False,
            "flags": 0, "nick": None, "avatar": None, "premium_since": None, "pending": False,
            "communication_disabled_until": None,
        }  # fmt: skip
        if user:
            member["user"] = self.users[user_id]
        if permissions is not None:
            member["permissions"] = str(permissions)
        return member

    def guild(self) -> Json:
        """The server as the gateway tells it."""

        def role(role_id: str, name: str, permissions: int, **tags: Any) -> Json:
            return {
                "id": role_id, "name": name, "color": 0, "hoist": False, "position": 0, "managed": bool(tags),
                "permissions": str(permissions), "mentionable": False, "flags": 0, **({"tags": tags} if tags else {}),
            }  # fmt: skip

        live = [
            c for c in self.channels.values() if c["type"] == THREAD and not c["thread_metadata"]["archived"]
        ]
        return {
            "id": self.guild_id, "name": "acme", "icon": None, "owner_id": "1", "afk_timeout": 60,
            "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
            "roles": [
                role(self.guild_id, "@everyone", BOT_MAY), role(self.role_id, "omc", 0, bot_id=self.bot)
            ],
            "emojis": [], "features": [], "mfa_level": 0, "system_channel_id": None, "system_channel_flags": 0,
            "rules_channel_id": None, "premium_tier": 0, "preferred_locale": "en-US", "nsfw_level": 0, "stickers": [],
            "member_count": len(self.users), "large": False, "unavailable": False, "joined_at": now(),
            "channels": [c for c in self.channels.values() if c["type"] == TEXT_CHANNEL], "threads": live,
            "members": [self.member(self.bot)], "voice_states": [], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [],
        }  # fmt: skip

    def called(self, text: str, allowed: Json | None) -> list[Json]:
        """Who a text calls: those it mentions, of those that `allowed_mentions` lets it."""
        bare = _CODE.sub("", text)
        everyone = allowed is None or "everyone" in allowed.get("parse", ())
        if everyone and re.search(r"@(?:everyone|here)", bare):
            self.complaints.append("everybody was called")
        listed = None if allowed is None or "users" in allowed.get("parse", ()) else allowed.get("users", [])
        found = dict.fromkeys(_MENTION.findall(bare))
        named = [user for user in found if listed is None or user in map(str, listed)]
        return [self.users[user] for user in named if user in self.users]


def now() -> str:
    return datetime.now(UTC).isoformat()
