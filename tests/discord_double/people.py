"""What a person can do in Discord."""

import time
from collections.abc import Mapping
from typing import Any

from tests.discord_double.checks import BUTTON, SELECT, walk
from tests.discord_double.interactions import COMMAND, COMPLETE, COMPONENT, SUBMIT
from tests.discord_double.server import DiscordDouble
from tests.discord_double.world import PRIVATE, Json, Pending, now

# What members of the server may do themselves, and what whoever manages it may do as well.
MEMBER, MANAGER = 1 << 11, 1 << 11 | 1 << 5


class Person:
    """One person with their own Discord."""

    def __init__(
        self, double: DiscordDouble, name: str, *, locale: str = "en-US", manages: bool = False
    ) -> None:
        self._double = double
        self._world = double.world
        self.id = self._world.add_user(name)
        self.locale = locale
        self.permissions = MANAGER if manages else MEMBER
        self.last: tuple[str, Json] | None = None

    def slash(self, channel: str, name: str, options: Mapping[str, str]) -> Pending:
        """Give a command; only what the bot has registered can be given."""
        return self._command(
            COMMAND, channel, name, [self._option(name, *given) for given in options.items()]
        )

    def complete(self, channel: str, name: str, option: str, typed: str) -> Pending:
        """Ask for completions while an option is typed."""
        given = {**self._option(name, option, typed), "focused": True}
        assert self._registered(name, option).get("autocomplete"), f"{option} completes nothing"
        return self._command(COMPLETE, channel, name, [given])

    def write(
        self, channel: str, text: str, files: Mapping[str, bytes] | None = None, *, reply_to: str = ""
    ) -> str:
        """Write a message; `reply_to` calls the author of that message."""
        world = self._world
        attachments = []
        for name, content in (files or {}).items():
            file_id = world.snowflake()
            world.files[file_id] = content
            url = f"{world.origin}/attachments/{file_id}/{name}"
            attachments.append(
                {"id": file_id, "filename": name, "size": len(content), "url": url, "proxy_url": url}
            )
        message = world.new_message(channel, self.id, content=text, attachments=attachments)
        message["mentions"] = world.called(text, None)
        if reply_to:
            replied = world.message(channel, reply_to)
            message |= {
                "type": 19,
                "message_reference": {"type": 0, "channel_id": channel, "message_id": reply_to},
            }
            message["mentions"].append(replied["author"])
        world.keep(channel, message)
        self.last = ("MESSAGE_CREATE", world.event_of(message))
        return str(message["id"])

    def rewrite(self, channel: str, message_id: str, text: str | None) -> None:
        """Edit a message, or delete it."""
        world = self._world
        if text is None:
            del world.messages[channel][message_id]
            gone = {"id": message_id, "channel_id": channel}
            if world.channels[channel]["type"] != PRIVATE:
                gone["guild_id"] = world.guild_id
            self._tell("MESSAGE_DELETE", gone)
            return
        message = world.message(channel, message_id)
        message |= {"content": text, "edited_timestamp": now(), "mentions": world.called(text, None)}
        self._tell("MESSAGE_UPDATE", world.event_of(message))

    def react(self, channel: str, message_id: str, emoji: str) -> None:
        """Put an emoji under a message."""
        author = self._world.message(channel, message_id)["author"]["id"]
        self._tell(
            "MESSAGE_REACTION_ADD",
            {
                "user_id": self.id, "channel_id": channel, "message_id": message_id, "guild_id": self._world.guild_id,
                "member": self._world.member(self.id), "emoji": {"id": None, "name": emoji}, "burst": False, "type": 0,
                "message_author_id": author,
            },
        )  # fmt: skip

    def press(self, message: Json, label: str) -> Pending:
        """Press a button, or choose from a list."""
        for part in walk(message["components"]):
            if part["type"] == BUTTON and part.get("label") == label:
                data = {"component_type": BUTTON, "custom_id": part["custom_id"], "id": part["id"]}
                return self._interact(COMPONENT, message["channel_id"], data, message)
            for option in part["options"] if part["type"] == SELECT else ():
                if option["label"] == label:
                    data = {"component_type": SELECT, "custom_id": part["custom_id"], "id": part["id"]}
                    data["values"] = [option["value"]]
                    return self._interact(COMPONENT, message["channel_id"], data, message)
        raise AssertionError(f"there is no {label!r} on the message")

    def submit(self, opened: Pending, values: Mapping[str, str]) -> Pending:
        """Fill in the form that answered an interaction, and send it off."""
        assert opened.modal is not None, "no form was opened"
        fields = []
        for label in opened.modal["components"]:
            inner = label["component"]
            given = {"type": inner["type"], "custom_id": inner["custom_id"], "id": 2}
            if inner["type"] == SELECT:
                chosen = next((option["value"] for option in inner["options"] if option.get("default")), None)
                chosen = values.get(inner["custom_id"], chosen)
                given["values"] = [chosen] if chosen is not None else []
            else:
                given["value"] = values.get(inner["custom_id"], inner.get("value") or "")
                assert given["value"] or not inner.get("required"), f"{inner['custom_id']} is required"
            fields.append({"type": 18, "id": 1, "component": given})
        data = {"custom_id": opened.modal["custom_id"], "components": fields, "resolved": {}}
        return self._interact(SUBMIT, opened.channel, data, None)

    def repeat(self) -> None:
        """The gateway delivers the last act once more."""
        assert self.last is not None
        self._world.dispatch(*self.last)

    def told(self) -> list[Json]:
        """What only this person sees."""
        mine = []
        for message in self._world.private:
            channel = self._world.channels[message["channel_id"]]
            direct = channel["type"] == PRIVATE and channel["recipients"][0]["id"] == self.id
            if message.get("to") == self.id or direct:
                mine.append(message)
        return mine

    def _registered(self, name: str, option: str | None = None) -> Json:
        command = next((c for c in self._world.commands if c["name"] == "omc"), None)
        assert command is not None, "/omc is not registered"
        sub = next((o for o in command["options"] if o["name"] == name), None)
        assert sub is not None, f"/omc {name} is not registered"
        if option is None:
            return dict(sub)
        found = next((o for o in sub.get("options", ()) if o["name"] == option), None)
        assert found is not None, f"/omc {name} has no option {option}"
        return dict(found)

    def _option(self, name: str, option: str, value: str) -> Json:
        return {"name": option, "type": self._registered(name, option)["type"], "value": value}

    def _command(self, kind: int, channel: str, name: str, options: list[Json]) -> Pending:
        given = {option["name"] for option in options}
        for option in self._registered(name).get("options", ()):
            assert kind == COMPLETE or not option.get("required") or option["name"] in given
        sub = {"name": name, "type": 1, "options": options}
        data = {"id": "77", "name": "omc", "type": 1, "options": [sub]}
        return self._interact(kind, channel, data, None)

    def _interact(self, kind: int, channel_id: str, data: Json, message: Json | None) -> Pending:
        world = self._world
        interaction_id, token = world.snowflake(), f"token-{world.snowflake()}"
        channel = world.channels[channel_id]
        private = channel["type"] == PRIVATE
        payload: dict[str, Any] = {
            "id": interaction_id, "application_id": world.bot, "type": kind, "data": data, "token": token, "version": 1,
            "channel": {**channel, "permissions": str(self.permissions)}, "channel_id": channel_id,
            "app_permissions": str(world.bot_may), "locale": self.locale, "entitlements": [],
            "attachment_size_limit": world.filesize_limit, "context": 1 if private else 0,
            "authorizing_integration_owners": {"0": "0" if private else world.guild_id},
        }  # fmt: skip
        if private:
            payload["user"] = world.users[self.id]
        else:
            payload["member"] = world.member(self.id, permissions=self.permissions)
            payload |= {
                "guild_id": world.guild_id,
                "guild_locale": "en-US",
                "guild": {"id": world.guild_id, "locale": "en-US", "features": []},
            }
        if message is not None:
            payload["message"] = {name: value for name, value in message.items() if name != "to"}
        pending = Pending(
            interaction_id, token, kind, self.id, channel_id, time.monotonic(), message is not None
        )
        world.interactions[token] = pending
        self._tell("INTERACTION_CREATE", payload)
        return pending

    def _tell(self, name: str, data: Json) -> None:
        self.last = (name, data)
        self._world.dispatch(name, data)
