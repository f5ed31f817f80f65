"""Slack's double as a chat that is measured, over sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.chat.chats import DELIVERIES, FILES, MOST_FAULTS, Acknowledged, Chat, Said
from tests.slack_double import SlackDouble
from tests.slack_double.server import APP_TOKEN, BOT_TOKEN, BOT_USER, TEAM, Fault, Posted


class SlackChat:
    """Slack, over sockets."""

    platform = "slack"

    def __init__(self, double: SlackDouble) -> None:
        self._double = double
        self._roots: dict[int, str] = {}

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            "SLACK_API_BASE": self._double.base,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
        }

    @property
    def listening(self) -> int:
        return len(self._double.sockets)

    @property
    def faults(self) -> Mapping[str, int]:
        return self._double.broken

    @property
    def messages(self) -> int:
        return len(self._double.messages)

    @property
    def complaints(self) -> list[str]:
        return self._double.complaints

    def prepare(self, channels: int) -> None:
        """Any channel is there."""

    async def command(self, channel: int, goal: str) -> Acknowledged:
        self._double.patience_seconds = 60.0  # late ones are measured as well
        at = time.perf_counter()
        await self._double.slash(goal, user=f"U-{channel}", channel=f"C{channel}")
        after = time.perf_counter() - at
        return Acknowledged(after, after)

    async def begin(self, channel: int, goal: str, begun: Callable[[], bool]) -> None:
        payload = {
            "token": "x", "command": "/omc", "text": goal, "team_id": TEAM, "user_id": f"U-{channel}",
            "user_name": f"U-{channel}", "channel_id": f"C{channel}", "channel_name": "research", "api_app_id": "A1",
            "trigger_id": f"begin-{channel}", "response_url": f"{self._double.base}/response/U-{channel}",
        }  # fmt: skip
        await self._deliver("slash_commands", payload)

    async def reply(self, channel: int, text: str) -> None:
        event = self._double.write(text, f"U-{channel}", f"C{channel}", self._root(channel))
        payload = {
            "token": "x", "team_id": TEAM, "api_app_id": "A1", "event": event, "type": "event_callback",
            "event_id": f"Ev-{event['ts']}", "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
        }  # fmt: skip
        await self._deliver("events_api", payload)

    def thread(self, channel: int) -> list[Said]:
        here = (m for m in self._double.messages.values() if m.channel == f"C{channel}")
        return [Said(FILES if m.files else _key_of(m), m.text) for m in here if m.user == BOT_USER]

    def storm(self) -> None:
        faults = self._double.faults
        made = {
            "chat.postMessage": (
                Fault("cut", after=True),
                Fault("429", times=5, retry_after=1),
                Fault("500", after=True),
                Fault("cut"),
            ),
            "chat.update": (Fault("429", times=5, retry_after=1), Fault("503")),
            "conversations.replies": (Fault("429", retry_after=1),),
            "files.completeUploadExternal": (Fault("cut", after=True), Fault("429", retry_after=1)),
        }
        for method, some in made.items():
            if len(faults[method]) < MOST_FAULTS:
                faults[method] += some

    def channel_id(self, channel: int) -> str:
        return f"C{channel}"

    async def _deliver(self, kind: str, payload: dict[str, Any]) -> None:
        """Slack sends an event again until it is acknowledged; here it is acknowledged three times."""
        acknowledged = 0
        while acknowledged < DELIVERIES:
            try:
                await self._double.send(kind, payload)
                acknowledged += 1
            except (TimeoutError, OSError):
                await asyncio.sleep(0.2)

    def _root(self, channel: int) -> str:
        if channel not in self._roots:
            here = (m for m in self._double.messages.values() if m.channel == f"C{channel}")
            self._roots[channel] = next(m.ts for m in here if not m.thread_ts)
        return self._roots[channel]


def _key_of(message: Posted) -> str:
    return str(((message.metadata or {}).get("event_payload") or {}).get("key", ""))


@asynccontextmanager
async def slack() -> AsyncIterator[Chat]:
    async with SlackDouble().serving() as double:
        yield SlackChat(double)
