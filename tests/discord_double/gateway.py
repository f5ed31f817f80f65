"""The gateway: sessions that are identified, resumed or thrown away, and events that go to all of them."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from tests.discord_double.world import PRIVATE, Json, World

MESSAGE_CONTENT = 1 << 15
CLOSE_BAD_TOKEN, CLOSE_INTENT = 4004, 4014


@dataclass
class Session:
    """One session, with everything that was sent in it."""

    session_id: str
    intents: int
    socket: web.WebSocketResponse | None
    sent: list[str] = field(default_factory=list)


class Gateway:
    """Everything a client does on the socket."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}
        self.identified = 0
        self.resumed = 0
        self._queue: asyncio.Queue[tuple[Session, str]] = asyncio.Queue()
        world.dispatch = self.dispatch

    def dispatch(self, name: str, data: Json) -> None:
        """Tell all sessions; those without a socket hear it when they resume."""
        for session in self.sessions.values():
            self._say(session, name, self._as_seen(session, name, data))

    async def drop(self, *, resumable: bool) -> None:
        """All connections break; without `resumable` Discord has forgotten the sessions as well."""
        sockets = [session.socket for session in self.sessions.values() if session.socket is not None]
        for session in self.sessions.values():
            session.socket = None
        if not resumable:
            self.sessions.clear()
        for socket in sockets:
            await socket.close(code=WSCloseCode.GOING_AWAY)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self.world.complaints.append(f"the gateway was opened with {request.query_string}")
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}, "s": None, "t": None})
        session: Session | None = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            match said["op"]:
                case 1:
                    await socket.send_json({"op": 11, "d": None, "s": None, "t": None})
                case 2:
                    session = await self._identify(socket, said["d"])
                case 6:
                    session = await self._resume(socket, said["d"])
                case other:
                    self.world.complaints.append(f"op {other} on the gateway")
        if session is not None and session.socket is socket:
            session.socket = None
        return socket

    async def deliver(self) -> None:
        """Send what is to be said, in order."""
        while True:
            session, text = await self._queue.get()
            if session.socket is not None and not session.socket.closed:
                try:
                    await session.socket.send_str(text)
                except ConnectionError:
                    session.socket = None

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        self.identified += 1
        if data["token"] != self.world.token:
            await socket.close(code=CLOSE_BAD_TOKEN)
            return None
        if data["intents"] & MESSAGE_CONTENT and not self.world.content_allowed:
            await socket.close(code=CLOSE_INTENT)
            return None
        session = Session(self.world.snowflake(), data["intents"], socket)
        self.sessions[session.session_id] = session
        address = self.world.origin.replace("http", "ws", 1) + "/gateway"
        ready = {
            "v": 10, "user": {**self.world.users[self.world.bot], "verified": True, "email": None, "mfa_enabled": False},
            "guilds": [{"id": self.world.guild_id, "unavailable": True}], "session_id": session.session_id,
            "resume_gateway_url": address, "session_type": "normal", "private_channels": [],
            "application": {"id": self.world.bot, "flags": application_flags(self.world)},
        }  # fmt: skip
        self._say(session, "READY", ready)
        self._say(session, "GUILD_CREATE", self.world.guild())
        return session

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        session = self.sessions.get(str(data["session_id"]))
        if session is None or not self.world.resumable:
            await socket.send_json({"op": 9, "d": False, "s": None, "t": None})
            return None
        self.resumed += 1
        session.socket = socket
        for text in session.sent[int(data["seq"] or 0) :]:
            self._queue.put_nowait((session, text))
        self._say(session, "RESUMED", {})
        return session

    def _say(self, session: Session, name: str, data: Any) -> None:
        text = json.dumps({"op": 0, "t": name, "s": len(session.sent) + 1, "d": data})
        session.sent.append(text)
        self._queue.put_nowait((session, text))

    def _as_seen(self, session: Session, name: str, data: Json) -> Json:
        """A message without what only the privileged intent shows."""
        if name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or session.intents & MESSAGE_CONTENT:
            return data
        ours = data["author"]["id"] == self.world.bot
        called = any(user["id"] == self.world.bot for user in data["mentions"])
        direct = self.world.channels[data["channel_id"]]["type"] == PRIVATE
        if ours or called or direct:
            return data
        return {**data, "content": "", "attachments": [], "embeds": [], "components": []}


def application_flags(world: World) -> int:
    """What the developer portal has switched on."""
    return 1 << 18 if world.content_allowed else 0
