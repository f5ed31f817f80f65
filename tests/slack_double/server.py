"""The server: the Web API, the sockets, uploads and response URLs of one workspace."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.slack_double import blocks as block_kit
from tests.slack_double.blocks import Refused

TEAM, BOT_USER, BOT_ID = "T1", "UBOT", "BBOT"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-1-test", "xapp-1-test", "shhh"
Body = dict[str, Any]


@dataclass
class Posted:
    """A message, with every form it has had."""

    ts: str
    channel: str
    thread_ts: str
    user: str
    forms: list[Body]
    metadata: Body | None = None
    files: list[Body] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    posted_at: float = 0.0

    @property
    def now(self) -> Body:
        return self.forms[-1]

    @property
    def text(self) -> str:
        """What a person reads: the blocks, or the text where there are none."""
        shown = self.now.get("blocks")
        return "".join(map(block_kit.read, shown)) if shown else str(self.now.get("text", ""))

    @property
    def buttons(self) -> dict[str, Any]:
        return dict(block_kit.buttons(self.now.get("blocks") or []))

    @property
    def calls(self) -> tuple[str, ...]:
        return block_kit.calls(str(self.now.get("text", "")), self.now.get("blocks") or [])


@dataclass
class Fault:
    """What goes wrong with calls of a method: before it has any effect, or after (the answer is lost)."""

    kind: str  # "429", "500", "cut" (the connection breaks), or an error code
    times: int = 1
    after: bool = False
    retry_after: float = 1


class SlackDouble:
    """One workspace with its channels, people and one app."""

    def __init__(self, *, native: bool = True, marketplace: bool = True) -> None:
        """Without `native` it refuses tables and charts; outside the marketplace history comes once a minute."""
        self.native = native
        self.marketplace = marketplace
        self.messages: dict[str, Posted] = {}
        self.private: set[str] = {"G-secret"}  # channels the bot is not in
        self.archived: set[str] = set()
        self.gone: set[str] = set()  # people who have left the workspace
        self.ephemeral: dict[str, list[Body]] = defaultdict(list)
        self.views: list[Body] = []
        self.homes: dict[str, Body] = {}
        self.uploads: dict[str, Body] = {}
        self.statuses: list[tuple[str, Body]] = []
        self.people: dict[str, Body] = {}
        self.calls: list[tuple[str, Body]] = []
        self.complaints: list[str] = []
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.broken: Counter[str] = Counter()  # what went wrong so far, by the kind of fault
        self.acks: dict[str, asyncio.Future[Body | None]] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.base = ""
        self.http_target = ""  # where requests go in HTTP mode; sockets otherwise
        self._count = 0
        self._started = time.time()
        self._looked_at = 0.0
        self._next_socket = 0
        self.last: tuple[str, Body] | None = None
        self.patience_seconds = 3.0

    # What the bot does -------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator["SlackDouble"]:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_post("/upload/{id}", self._upload)
        app.router.add_get("/file/{id}", self._download)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/response/{user}", self._response)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        server = site._server
        assert server is not None
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
        try:
            yield self
        finally:
            for socket in self.sockets:
                await socket.close()
            await runner.cleanup()

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        if request.content_type == "application/json":
            said: Body = await request.json()
        else:
            said = {
                **request.query,
                **{k: v for k, v in (await request.post()).items() if isinstance(v, str)},
            }
            for name in ("blocks", "view", "files", "metadata"):
                if isinstance(said.get(name), str):
                    said[name] = json.loads(said[name])
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.calls.append((method, said))
        fault = self._take_fault(method)
        if fault and not fault.after:
            return self._break(request, fault)
        try:
            answer = self._do(method, said, token)
        except Refused as error:
            answer = {"ok": False, "error": str(error)}
            if str(error) == "ratelimited":
                return web.json_response(answer, status=429, headers={"Retry-After": "1"})
        if fault:
            return self._break(request, fault)
        return web.json_response(answer)

    def _take_fault(self, method: str) -> Fault | None:
        waiting = self.faults.get(method)
        if not waiting:
            return None
        waiting[0].times -= 1
        fault = waiting[0]
        if fault.times <= 0:
            waiting.pop(0)
        return fault

    def _break(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        self.broken[fault.kind] += 1
        match fault.kind:
            case "429":
                headers = {"Retry-After": f"{fault.retry_after:g}"}
                return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
            case "500" | "503":
                return web.Response(status=int(fault.kind), text="<html>", content_type="text/html")
            case "cut":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case code:
                return web.json_response({"ok": False, "error": code})

    def _do(self, method: str, said: Body, token: str) -> Body:
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if token != wanted and method != "oauth.v2.access":
            raise Refused("invalid_auth")
        match method:
            case "auth.test":
                return {"ok": True, "team_id": TEAM, "team": "Acme", "user_id": BOT_USER, "bot_id": BOT_ID}
            case "oauth.v2.access":
                if said.get("code") != "c":
                    raise Refused("invalid_code")
                return {
                    "ok": True, "access_token": BOT_TOKEN, "token_type": "bot", "scope": "commands", "app_id": "A1",
                    "bot_user_id": BOT_USER, "team": {"id": TEAM, "name": "Acme"}, "enterprise": None,
                    "authed_user": {"id": "U-ann"}, "is_enterprise_install": False,
                }  # fmt: skip
            case "apps.connections.open":
                return {"ok": True, "url": f"{self.base.replace('http', 'ws')}/socket?ticket=1"}
            case "chat.postMessage":
                return self._post(said)
            case "chat.update":
                return self._update(said)
            case "chat.postEphemeral":
                self._channel(said)
                self._check_message(said, most_bytes=40_000)
                self.ephemeral[str(said["user"])].append(said)
                return {"ok": True, "message_ts": self._ts()}
            case "conversations.open":
                if not str(said.get("users")).startswith("U"):
                    raise Refused("user_not_found")
                if said["users"] in self.gone:
                    raise Refused("user_disabled")
                return {"ok": True, "channel": {"id": f"D-{said['users']}"}}
            case "conversations.replies" | "conversations.history":
                return self._history(method, said)
            case "users.info":
                return self._person(str(said["user"]))
            case "views.open":
                block_kit.check_view(said["view"])
                self._count += 1
                self.views.append({**said["view"], "id": f"V{self._count}", "hash": f"{self._count}.1"})
                return {"ok": True, "view": self.views[-1]}
            case "views.publish":
                block_kit.check_view(said["view"])
                self.homes[str(said["user_id"])] = said["view"]
                return {"ok": True}
            case "reactions.add":
                message = self._message(str(said["channel"]), str(said["timestamp"]))
                if said["name"] in message.reactions:
                    raise Refused("already_reacted")
                message.reactions.append(str(said["name"]))
                return {"ok": True}
            case "files.getUploadURLExternal":
                if (
                    not said.get("filename")
                    or int(said.get("length", 0)) <= 0
                    or len(said.get("alt_txt", "")) > 1000
                ):
                    raise Refused("invalid_arguments")
                self._count += 1
                file_id = f"F{self._count}"
                self.uploads[file_id] = {**said, "id": file_id, "name": said["filename"], "shares": {}}
                return {"ok": True, "upload_url": f"{self.base}/upload/{file_id}", "file_id": file_id}
            case "files.completeUploadExternal":
                return self._complete(said)
            case "files.info":
                if said["file"] not in self.uploads:
                    raise Refused("file_not_found")
                file = self.uploads[said["file"]]
                return {"ok": True, "file": {k: v for k, v in file.items() if k != "content"}}
            case "assistant.threads.setStatus":
                self.statuses.append((method, said))
                return {"ok": True}
            case "agents.sessions.setStatus":
                raise Refused("not_authorized")
            case _:
                self.complaints.append(f"{method} was called")
                raise Refused("unknown_method")

    def _post(self, said: Body) -> Body:
        channel = self._channel(said)
        self._check_message(said, most_bytes=40_000)
        thread = str(said.get("thread_ts") or "")
        if thread and thread not in self.messages:
            raise Refused("thread_not_found")
        metadata = said.get("metadata")
        key = ((metadata or {}).get("event_payload") or {}).get("key")
        if key and any(
            (m.metadata or {}).get("event_payload", {}).get("key") == key for m in self.messages.values()
        ):
            self.complaints.append(f"{key} was posted twice")
        ts = self._ts()
        self.messages[ts] = Posted(
            ts, channel, thread, BOT_USER, [said], metadata, posted_at=time.monotonic()
        )
        return {"ok": True, "ts": ts, "channel": channel}

    def _update(self, said: Body) -> Body:
        message = self._message(str(said["channel"]), str(said["ts"]))
        if message.user != BOT_USER:
            raise Refused("cant_update_message")
        if len(str(said.get("text", "")).encode()) > 4_000:
            raise Refused("msg_too_long")
        self._check_message(said, most_bytes=4_000)
        message.forms.append(said)
        return {"ok": True, "ts": message.ts}

    def _check_message(self, said: Body, *, most_bytes: int) -> None:
        text = str(said.get("text") or "")
        if not text and not said.get("blocks"):
            raise Refused("no_text")
        if len(text) > most_bytes:
            raise Refused("msg_too_long")
        if said.get("blocks") and not text.strip():
            self.complaints.append("blocks without a plain text")
        if said.get("blocks"):
            block_kit.check(said["blocks"], native=self.native)

    def _history(self, method: str, said: Body) -> Body:
        channel = self._channel(said, posting=False)
        if not self.marketplace:
            if time.monotonic() - self._looked_at < 60 and self._looked_at:
                raise Refused("ratelimited")
            self._looked_at = time.monotonic()
        oldest = float(said.get("oldest") or 0)
        thread = str(said.get("ts") or "")
        found = [m for m in self.messages.values() if m.channel == channel and float(m.ts) >= oldest]
        if method.endswith("replies"):
            if thread not in self.messages:
                raise Refused("thread_not_found")
            found = [m for m in found if thread in (m.ts, m.thread_ts)]
        else:
            found = [m for m in reversed(found) if not m.thread_ts]
        start = int(said.get("cursor") or 0)
        limit = int(said.get("limit") or 100)
        page = found[start : start + limit]
        shown = [
            {
                "type": "message",
                "user": m.user,
                "ts": m.ts,
                "text": m.now.get("text", ""),
                **({"thread_ts": m.thread_ts} if m.thread_ts else {}),
                **({"bot_id": BOT_ID} if m.user == BOT_USER else {}),
                **({"metadata": m.metadata} if m.metadata and said.get("include_all_metadata") else {}),
            }
            for m in page
        ]
        more = str(start + limit) if start + limit < len(found) else ""
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}}

    def _complete(self, said: Body) -> Body:
        channel = self._channel({"channel": said["channel_id"]})
        files = [self.uploads.get(str(file["id"])) for file in said["files"]]
        for file in files:
            if file is None or "content" not in file:
                raise Refused("file_not_found")
            if file["shares"]:
                self.complaints.append(f"{file['name']} was shared twice")
        ts = self._ts()
        shared = [file for file in files if file]
        for file in shared:
            file["shares"] = {"public": {channel: [{"ts": ts, "thread_ts": said.get("thread_ts")}]}}
        self.messages[ts] = Posted(ts, channel, str(said.get("thread_ts") or ""), BOT_USER, [{"text": ""}],
                                   files=shared)  # fmt: skip
        return {"ok": True, "files": [{"id": file["id"]} for file in shared]}

    def _person(self, user: str) -> Body:
        if not user.startswith("U"):
            raise Refused("user_not_found")
        known = {
            "id": user,
            "real_name": user.removeprefix("U-").capitalize(),
            "tz": "UTC",
            "is_admin": False,
        }
        return {"ok": True, "user": {**known, **self.people.get(user, {})}}

    def _channel(self, said: Body, *, posting: bool = True) -> str:
        channel = str(said.get("channel") or "")
        if channel in self.private or not channel:
            raise Refused("channel_not_found")
        if channel in self.archived and posting:
            raise Refused("is_archived")
        return f"D-{channel}" if channel.startswith("U") and posting else channel

    def _message(self, channel: str, ts: str) -> Posted:
        message = self.messages.get(ts)
        if message is None or message.channel != channel:
            raise Refused("message_not_found")
        return message

    def _ts(self) -> str:
        self._count += 1
        return f"{time.time():.0f}.{self._count:06d}"

    async def _upload(self, request: web.Request) -> web.Response:
        fault = self._take_fault("upload")
        if fault:
            return web.Response(status=500, text="no")
        file = self.uploads[request.match_info["id"]]
        content = await request.read()
        if len(content) != int(file["length"]):
            return web.Response(status=400, text="length")
        file["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<html>sign in</html>", content_type="text/html")
        return web.Response(body=self.uploads[request.match_info["id"]]["content"])

    async def _response(self, request: web.Request) -> web.Response:
        self.ephemeral[request.match_info["user"]].append(await request.json())
        return web.Response(text="ok")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}})
        self.sockets.append(socket)
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                said = json.loads(message.data)
                waiting = self.acks.get(str(said.get("envelope_id")))
                if waiting is not None and not waiting.done():
                    waiting.set_result(said.get("payload"))
        self.sockets.remove(socket)
        return socket

    # What people do ----------------------------------------------------------------------------------------

    async def send(self, kind: str, payload: Body) -> Body | None:
        """Deliver something to the app and wait for its acknowledgement; TimeoutError when none comes."""
        self.last = (kind, payload)
        if self.http_target:
            return await self._send_http(kind, payload)
        self._count += 1
        envelope = f"E{self._count}"
        waiting: asyncio.Future[Body | None] = asyncio.get_running_loop().create_future()
        self.acks[envelope] = waiting
        async with asyncio.timeout(self.patience_seconds):
            while not self.sockets:
                await asyncio.sleep(0.01)
            self._next_socket += 1
            socket = self.sockets[self._next_socket % len(self.sockets)]
            accepts = kind in ("slash_commands", "interactive")
            await socket.send_json(
                {
                    "envelope_id": envelope,
                    "type": kind,
                    "payload": payload,
                    "accepts_response_payload": accepts,
                }
            )
            answer = await waiting
        self.acks.pop(envelope, None)
        return answer

    async def _send_http(self, kind: str, payload: Body) -> Body | None:
        if kind == "events_api":
            body, media = json.dumps(payload), "application/json"
        else:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, media = urlencode(form), "application/x-www-form-urlencoded"
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.http_target, data=body, headers={**self.signature(body), "Content-Type": media}
            ) as response,
        ):
            if response.status != 200:
                raise ConnectionError(f"the bot answered {response.status}")
            text = await response.text()
            return json.loads(text) if text.startswith("{") else ({"text": text} if text else None)

    def signature(self, body: str, secret: str = SECRET) -> dict[str, str]:
        """The headers that prove a request is Slack's."""
        stamp = str(int(time.time()))
        digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def again(self) -> None:
        """Deliver the last thing once more."""
        assert self.last is not None
        await self.send(*self.last)

    async def slash(
        self, text: str, user: str = "U-ann", channel: str = "C1", name: str = "research"
    ) -> Body | None:
        """`/omc text`; what comes back with the acknowledgement is shown to that person."""
        self._count += 1
        payload = {
            "token": "x", "command": "/omc", "text": text, "team_id": TEAM, "team_domain": "acme", "user_id": user,
            "user_name": user.removeprefix("U-"), "channel_id": channel, "channel_name": name, "api_app_id": "A1",
            "trigger_id": f"{self._count}.trigger", "response_url": f"{self.base}/response/{user}",
        }  # fmt: skip
        answer = await self.send("slash_commands", payload)
        if answer:
            if answer.get("blocks"):
                block_kit.check(answer["blocks"])
            self.ephemeral[user].append(answer)
        return answer

    def write(
        self, text: str, user: str = "U-ann", channel: str = "C1", thread: str = "", **more: Any
    ) -> Body:
        """Somebody writes a message; returns the event that tells it (which is not sent yet)."""
        ts = self._ts()
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = escaped.replace(f"&lt;@{BOT_USER}&gt;", f"<@{BOT_USER}>")
        self.messages[ts] = Posted(ts, channel, thread, user, [{"text": escaped}])
        kind = "im" if channel.startswith("D") else "channel"
        event = {
            "type": "message",
            "user": user,
            "text": escaped,
            "ts": ts,
            "channel": channel,
            "channel_type": kind,
        }
        return {**event, **({"thread_ts": thread} if thread else {}), **more}

    async def event(self, event: Body) -> None:
        """Deliver an event; a message that mentions the bot comes as two."""
        await self._one_event(event)
        if event["type"] == "message" and f"<@{BOT_USER}>" in str(event.get("text")):
            await self._one_event({**event, "type": "app_mention"})

    async def _one_event(self, event: Body) -> None:
        self._count += 1
        await self.send(
            "events_api",
            {
                "token": "x", "team_id": TEAM, "api_app_id": "A1", "event": event, "type": "event_callback",
                "event_id": f"Ev{self._count}", "event_time": int(time.time()),
                "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            },
        )  # fmt: skip

    async def press(self, message: Posted, label: str, user: str = "U-ann") -> None:
        """Press a button of a message."""
        self._count += 1
        button = message.buttons[label]
        shown = {
            "ts": message.ts,
            "thread_ts": message.thread_ts,
            "user": BOT_USER,
            "text": message.now.get("text", ""),
        }
        await self.send(
            "interactive",
            {
                "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1",
                "token": "x", "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
                "trigger_id": f"{self._count}.trigger", "channel": {"id": message.channel, "name": "research"},
                "message": shown, "response_url": f"{self.base}/response/{user}",
                "actions": [{**button, "block_id": "b1", "action_ts": f"{time.time():.6f}"}],
            },
        )  # fmt: skip

    async def submit(self, values: Mapping[str, str], user: str = "U-ann") -> Body | None:
        """Fill in the newest modal and send it off; the errors it shows come back."""
        view = self.views.pop()
        state: Body = {}
        for block in view["blocks"]:
            element = block["element"]
            given = values.get(block["block_id"], element.get("initial_value", ""))
            if element["type"] == "static_select":
                chosen = next(
                    (o for o in element["options"] if o["value"] == given), element.get("initial_option")
                )
                state[block["block_id"]] = {
                    element["action_id"]: {"type": "static_select", "selected_option": chosen}
                }
            else:
                filled = {"type": "plain_text_input", "value": given or None}
                state[block["block_id"]] = {element["action_id"]: filled}
        return await self.send(
            "interactive",
            {
                "type": "view_submission", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "token": "x",
                "api_app_id": "A1", "trigger_id": "1.t", "view": {**view, "state": {"values": state}},
            },
        )  # fmt: skip

    def drop(
        self, name: str, content: bytes, user: str = "U-ann", channel: str = "C1", thread: str = ""
    ) -> Body:
        """Somebody shares a file; returns the event that tells it."""
        self._count += 1
        file_id = f"FU{self._count}"
        self.uploads[file_id] = {"name": name, "content": content, "length": len(content)}
        url = f"{self.base}/file/{file_id}"
        file = {
            "id": file_id,
            "name": name,
            "size": len(content),
            "mode": "hosted",
            "url_private_download": url,
        }
        return self.write("", user, channel, thread, subtype="file_share", files=[file])

    # What there is to see ----------------------------------------------------------------------------------

    def thread(self, ts: str) -> list[Posted]:
        """The messages of a thread, its root first."""
        return [m for m in self.messages.values() if ts in (m.ts, m.thread_ts)]

    def told(self, user: str) -> list[str]:
        """What was said to somebody alone."""
        said = ["".join(map(block_kit.read, b["blocks"])) if b.get("blocks") else str(b.get("text", "")) for b in
                self.ephemeral[user]]  # fmt: skip
        return [*said, *(m.text for m in self.messages.values() if m.channel == f"D-{user}")]
