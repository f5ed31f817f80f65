"""The HTTP side: routes by the names of Discord's description, each request and each answer held against it."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.discord_double import interactions
from tests.discord_double.checks import check_message, kept, text_of
from tests.discord_double.gateway import Gateway, application_flags
from tests.discord_double.schema import described
from tests.discord_double.world import COMPONENTS_V2, EPHEMERAL, PRIVATE, ApiError, Fault, Json, World, now

Handler = Callable[["DiscordDouble", Json, "Call"], Any]
BUCKET_SIZE = 5


class Call:
    """One request: the parts of its path, its query, its files."""

    def __init__(self, request: web.Request, files: dict[str, bytes]) -> None:
        self.parts = {name: str(value) for name, value in request.match_info.items()}
        self.query = request.query
        self.files = files
        self.status = 200

    def __getitem__(self, name: str) -> str:
        return self.parts[name]


class DiscordDouble:
    """Discord on a port of this machine."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.gateway = Gateway(self.world)
        self._description = described()
        self.broken: Counter[str] = Counter()  # what went wrong so far, by the kind of fault
        self._buckets: dict[str, tuple[float, int]] = {}
        self.bucket_seconds = 0.05  # five requests a route, then this long a wait; 1 to 5 s in Discord

    @property
    def api_base(self) -> str:
        return f"{self.world.origin}/api/v10"

    @property
    def gateway_url(self) -> str:
        return self.world.origin.replace("http", "ws", 1) + "/gateway"

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["DiscordDouble"]:
        """Serve until the end of the block."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/attachments/{file}/{name}", self._attachment)
        for (method, path), handler in ROUTES.items():
            app.router.add_route(method, "/api/v10" + path, self._serve(method, path, handler))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        self.world.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        delivering = asyncio.create_task(self.gateway.deliver())
        try:
            yield self
        finally:
            delivering.cancel()
            await self.gateway.drop(resumable=False)
            await runner.cleanup()

    def _serve(
        self, method: str, path: str, handler: Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body, files = await _read(request)
            called = f"{method} {request.path.removeprefix('/api/v10')}"
            self.world.requests.append((time.monotonic(), called, body))
            fault = self._fault(called)
            if fault is not None and not fault.after:
                return self._fail(request, fault)
            try:
                if not path.startswith(("/interactions", "/webhooks")):
                    self._check_token(request)
                self._check_described(self._request_fault(path, method, body))
                call = Call(request, files)
                answer = handler(self, body if body is not None else {}, call)
                status = call.status if answer is not None else 204
            except ApiError as error:
                return self._refuse(error)
            if self._description is not None:
                self._complain(self._description.answer(path, method, status, answer), f"answer to {called}")
            if fault is not None:
                return self._fail(request, fault)
            return self._answer(status, answer, self._headers(method, path, request))

        return serve

    async def _attachment(self, request: web.Request) -> web.Response:
        content = self.world.files.get(request.match_info["file"])
        return web.Response(body=content) if content is not None else web.Response(status=404)

    def _check_token(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bot {self.world.token}":
            raise ApiError(401, 0, "401: Unauthorized")

    def _request_fault(self, path: str, method: str, body: Any) -> str:
        return self._description.request(path, method, body) if self._description is not None else ""

    def _check_described(self, fault: str) -> None:
        if fault:
            self.world.complaints.append(fault)
            raise ApiError(400, 50035, f"Invalid Form Body: {fault}")

    def _complain(self, fault: str, where: str) -> None:
        if fault:
            self.world.complaints.append(f"{where}: {fault}")

    def _fault(self, called: str) -> Fault | None:
        for fault in self.world.faults:
            if re.search(fault.match, called):
                self.world.faults.remove(fault)
                return fault
        return None

    def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        self.broken[str(fault.status or "cut")] += 1
        if fault.status is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        headers = {"Retry-After": str(fault.retry_after)}
        if fault.status == 429 and fault.via:
            headers["Via"] = "1.1 google"
        if fault.html:
            return web.Response(status=fault.status, text="<html>trouble</html>", headers=headers)
        body = {
            "message": "The resource is being rate limited.",
            "retry_after": fault.retry_after,
            "global": False,
        }
        return self._answer(fault.status, body, headers)

    def _refuse(self, error: ApiError) -> web.Response:
        return self._answer(error.status, {"code": error.code, "message": error.message}, {})

    def _answer(self, status: int, body: Any, headers: dict[str, str]) -> web.Response:
        if body is None:
            return web.Response(status=204, headers=headers)
        # Exactly this content type: with a charset behind it discord.py would read text.
        headers = {**headers, "Content-Type": "application/json"}
        return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)

    def _headers(self, method: str, path: str, request: web.Request) -> dict[str, str]:
        """The rate limit of the route, as Discord tells it."""
        major = request.match_info.get("channel_id", "")
        bucket = f"{method}{path}"
        until, used = self._buckets.get(f"{bucket}:{major}", (0.0, 0))
        if time.monotonic() > until:
            until, used = time.monotonic() + self.bucket_seconds, 0
        self._buckets[f"{bucket}:{major}"] = (until, used + 1)
        left = max(until - time.monotonic(), 0.0)
        return {
            "X-RateLimit-Limit": str(BUCKET_SIZE),
            "X-RateLimit-Remaining": str(max(BUCKET_SIZE - used - 1, 0)),
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": re.sub(r"\W", "", bucket)[:40],
            "Via": "1.1 google",
        }


async def _read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    if request.content_type == "multipart/form-data":
        form = await request.post()
        body = json.loads(str(form["payload_json"]))
        files = {
            field.filename: field.file.read()
            for name, field in form.items()
            if isinstance(field, web.FileField) and name.startswith("files[")
        }
        return body, files
    raw = await request.read()
    return (json.loads(raw) if raw else None), {}


# The bot itself.


def _me(double: DiscordDouble, body: Json, call: Call) -> Json:
    return {**double.world.users[double.world.bot], "mfa_enabled": False, "locale": "en-US", "verified": True}


def _application(double: DiscordDouble, body: Json, call: Call) -> Json:
    world = double.world
    flags = application_flags(world)
    owner = {key: value for key, value in world.users[world.bot].items() if key != "bot"}
    return {
        "id": world.bot, "name": "omc", "icon": None, "description": "", "type": None, "verify_key": "0" * 64,
        "flags": flags, "flags_new": str(flags), "redirect_uris": [], "interactions_endpoint_url": None,
        "role_connections_verification_url": None, "owner": owner, "approximate_guild_count": 1,
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0, "explicit_content_filter": 0,
        "team": None, "eligible_oauth2_scopes": [], "bot_public": False, "bot_require_code_grant": False,
    }  # fmt: skip


def _commands(double: DiscordDouble, body: Any, call: Call) -> list[Json]:
    for command in body:
        for option in command.get("options", ()):
            if len(option.get("options", ())) > 25 or not re.fullmatch(r"[-_\w]{1,32}", option["name"]):
                raise ApiError(400, 50035, f"Invalid Form Body: {option['name']}")
        if len(command.get("options", ())) > 25:
            raise ApiError(400, 50035, "Invalid Form Body: more than 25 options")
    double.world.commands = body
    return [
        {
            "id": double.world.snowflake(), "application_id": double.world.bot, "version": double.world.snowflake(),
            "default_member_permissions": None, "type": 1, "name": command["name"],
            "description": command["description"],
        }
        for command in body
    ]  # fmt: skip


# Channels and threads.


def _channel(double: DiscordDouble, body: Json, call: Call) -> Json:
    return double.world.channel(call["channel_id"])


def _change_channel(double: DiscordDouble, body: Json, call: Call) -> Json:
    channel = double.world.channel(call["channel_id"])
    metadata = channel.get("thread_metadata")
    if metadata is None:
        raise ApiError(403, 50013, "Missing Permissions")
    metadata["archived"] = bool(body.get("archived", metadata["archived"]))
    return channel


def _start_thread(double: DiscordDouble, body: Json, call: Call) -> Json:
    call.status = 201
    return double.world.add_thread(call["channel_id"], call["message_id"], body, double.world.bot)


def _open_private(double: DiscordDouble, body: Json, call: Call) -> Json:
    return double.world.channels[double.world.private_channel(str(body["recipient_id"]))]


# Messages.


def _history(double: DiscordDouble, body: Json, call: Call) -> list[Json]:
    double.world.channel(call["channel_id"])
    limit = int(call.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise ApiError(400, 50035, "Invalid Form Body: limit")
    every = sorted(double.world.messages[call["channel_id"]].values(), key=lambda message: int(message["id"]))
    if "after" in call.query:
        found = [message for message in every if int(message["id"]) > int(call.query["after"])][:limit]
    else:
        before = int(call.query.get("before", 1 << 63))
        found = [message for message in every if int(message["id"]) < before][-limit:]
    return [dict(message) for message in reversed(found)]


def _create(double: DiscordDouble, body: Json, call: Call) -> Json:
    world, channel_id = double.world, call["channel_id"]
    channel = world.channel(channel_id)
    if channel["type"] == PRIVATE and channel["recipients"][0]["id"] in world.closed_to_bot:
        raise ApiError(403, 50007, "Cannot send messages to this user")
    nonce = str(body.get("nonce") or "")
    if nonce and body.get("enforce_nonce") and (channel_id, nonce) in world.nonces:
        return world.message(channel_id, world.nonces[channel_id, nonce])
    message = build(world, channel_id, body, call.files)
    world.keep(channel_id, message)
    if channel["type"] == PRIVATE:
        world.private.append(message)
    if nonce:
        world.nonces[channel_id, nonce] = message["id"]
        world.posted_as[message["id"]] = nonce
        message = {**message, "nonce": nonce}
    return message


def build(world: World, channel_id: str, body: Json, files: dict[str, bytes]) -> Json:
    """A message of the bot from what it sent. Raises ApiError."""
    check_message(world, body, files)
    attachments = {}
    described_by = {a.get("filename"): a.get("description") for a in body.get("attachments") or ()}
    for name, content in files.items():
        file_id = world.snowflake()
        world.files[file_id] = content
        url = f"{world.origin}/attachments/{file_id}/{name}"
        attachments[name] = {
            "id": file_id,
            "filename": name,
            "size": len(content),
            "url": url,
            "proxy_url": url,
        }
        if described_by.get(name):
            attachments[name]["description"] = described_by[name]
    components = kept(body.get("components") or [], attachments, world)
    message = world.new_message(
        channel_id,
        world.bot,
        content=body.get("content") or "",
        flags=body.get("flags") or 0,
        components=components,
        attachments=list(attachments.values()),
    )
    message["mentions"] = world.called(text_of(message), body.get("allowed_mentions"))
    reference = body.get("message_reference")
    if reference:
        replied = {name: str(value) for name, value in reference.items() if name.endswith("_id")}
        message |= {"type": 19, "message_reference": {"type": 0, "channel_id": channel_id, **replied}}
    return message


def _edit(double: DiscordDouble, body: Json, call: Call) -> Json:
    world = double.world
    message = world.message(call["channel_id"], call["message_id"])
    metadata = world.channel(call["channel_id"]).get("thread_metadata")
    if metadata and metadata["archived"]:
        raise ApiError(400, 50083, "Thread is archived")
    if message["author"]["id"] != world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    change(world, message, body)
    world.dispatch("MESSAGE_UPDATE", world.event_of(message))
    return message


def change(world: World, message: Json, body: Json) -> None:
    """Edit a message of the bot. Raises ApiError."""
    flags = message["flags"] | (body.get("flags") or 0)
    content = message["content"] if body.get("content") is None else body["content"]
    whole = {"content": content, "components": message["components"], **body, "flags": flags}
    check_message(world, whole, {})
    if "components" in body:
        message["components"] = kept(body["components"], {}, world)
    message["content"] = "" if flags & COMPONENTS_V2 else (whole["content"] or "")
    message["flags"] = flags
    message["edited_timestamp"] = now()
    message["mentions"] = world.called(text_of(message), body.get("allowed_mentions"))


def _react(double: DiscordDouble, body: Json, call: Call) -> None:
    message = double.world.message(call["channel_id"], call["message_id"])
    reactions = message.setdefault("reactions", [])
    if not any(reaction["emoji"]["name"] == call["emoji_name"] for reaction in reactions):
        reactions.append(
            {
                "emoji": {"id": None, "name": call["emoji_name"]}, "count": 1, "burst_colors": [], "me_burst": False,
                "count_details": {"burst": 0, "normal": 1}, "me": True,
            }
        )  # fmt: skip


# Interactions, which are answered with their own tokens.


def _callback(double: DiscordDouble, body: Json, call: Call) -> Json | None:
    world = double.world
    pending = interactions.find(world, call["interaction_token"])
    message = interactions.answer(
        world, pending, body, lambda data: build(world, pending.channel, data, call.files)
    )
    if "with_response" not in call.query:
        return None
    told: Json = {"id": pending.id, "type": pending.kind}
    resource: Json = {"type": body["type"]}
    if message is not None:
        told |= {
            "response_message_id": message["id"],
            "response_message_ephemeral": bool(message["flags"] & EPHEMERAL),
        }
        resource["message"] = message
    return {"interaction": told, **({"resource": resource} if message is not None else {})}


def _follow_up(double: DiscordDouble, body: Json, call: Call) -> Json:
    world = double.world
    pending = interactions.alive(world, call["webhook_token"])
    return interactions.say(world, pending, build(world, pending.channel, body, call.files))


def _change_original(double: DiscordDouble, body: Json, call: Call) -> Json:
    world = double.world
    pending = interactions.alive(world, call["webhook_token"])
    if pending.answered == interactions.DEFERRED and pending.original is None:
        data = {**body, "flags": (body.get("flags") or 0) | EPHEMERAL}
        return interactions.say(
            world, pending, build(world, pending.channel, data, call.files), original=True
        )
    message = interactions.original(world, pending)
    change(world, message, body)
    return message


def _delete_original(double: DiscordDouble, body: Json, call: Call) -> None:
    pending = interactions.alive(double.world, call["webhook_token"])
    if pending.answered is None:
        raise ApiError(404, 10015, "Unknown Webhook")
    double.world.private[:] = [said for said in double.world.private if said["id"] != pending.original]


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/users/@me"): _me,
    ("GET", "/oauth2/applications/@me"): _application,
    ("PUT", "/applications/{application_id}/commands"): _commands,
    ("GET", "/channels/{channel_id}"): _channel,
    ("PATCH", "/channels/{channel_id}"): _change_channel,
    ("POST", "/channels/{channel_id}/messages/{message_id}/threads"): _start_thread,
    ("POST", "/users/@me/channels"): _open_private,
    ("GET", "/channels/{channel_id}/messages"): _history,
    ("POST", "/channels/{channel_id}/messages"): _create,
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): _edit,
    ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me"): _react,
    ("POST", "/interactions/{interaction_id}/{interaction_token}/callback"): _callback,
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"): _follow_up,
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"): _change_original,
    ("DELETE", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"): _delete_original,
}
