"""Slack as a platform: a Bolt app that hands on what it hears, over sockets or over HTTP.

Slack is told that something arrived once its rows are written (`process_before_response`), so that what was not
written is delivered again. Whatever takes longer is done after that.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError

from bots.errors import PlatformError, Rejected
from bots.platform import Conversation, Heard, Pace, Place, Press, Reply, Speaker, Typed
from bots.slack import hearing
from bots.slack.clients import People, Workspace, Workspaces, proxy_for
from bots.slack.failures import code_of
from bots.slack.posting import Posting
from bots.slack.readback import read_back
from bots.slack.rendering import blocks_of, escape, fallback, home_of, reply_blocks, view_of
from bots.slack.serving import serve
from bots.slack.settings import SlackSettings

REACTIONS = {"kept": "memo", "done": "white_check_mark", "refused": "x"}
THUMBS = {"+1": "thumbs_up", "thumbsup": "thumbs_up", "-1": "thumbs_down", "thumbsdown": "thumbs_down"}
LARGEST_DOWNLOAD = 200 * 1024 * 1024
ANYTHING = re.compile(".*", re.DOTALL)
Body = Mapping[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listening:
    """Where requests are taken in HTTP mode and for installations."""

    host: str = "0.0.0.0"
    port: int = 3000


class Slack(Posting):
    """The platform."""

    name = "slack"
    pace = Pace(post_seconds=1.0)  # about one a second in a channel

    def __init__(
        self,
        settings: SlackSettings,
        workspaces: Workspaces,
        listening: Listening | None = None,
    ) -> None:
        super().__init__(workspaces)
        self._settings = settings
        self._listening = listening or Listening()
        self.people = People(workspaces)
        self._tasks: set[asyncio.Task[None]] = set()
        self._reachable: set[tuple[str, str]] = set()
        self.ready = asyncio.Event()

    async def run(self, conversation: Conversation) -> None:
        """Listen until cancelled. Raises SlackApiError when Slack does not accept the tokens."""
        own = await self._workspaces.connect()
        app = self._build(conversation, own)
        reading = asyncio.create_task(read_back(self._workspaces, self.people, conversation))
        handler: AsyncSocketModeHandler | None = None
        try:
            async with contextlib.AsyncExitStack() as stack:
                if self._settings.mode == "http" or self._settings.installs:
                    await stack.enter_async_context(
                        serve(
                            app, self._settings, self._workspaces, self._listening.host, self._listening.port
                        )
                    )
                if self._settings.mode == "socket":
                    handler = AsyncSocketModeHandler(app, self._settings.slack_app_token)
                    handler.client.proxy = proxy_for(self._settings.api_base)
                    await handler.client.connect()  # type: ignore[no-untyped-call]
                self.ready.set()
                await asyncio.Event().wait()
        finally:
            reading.cancel()
            if handler is not None:
                await handler.client.close()  # type: ignore[no-untyped-call]
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)

    def _build(self, conversation: Conversation, own: Workspace | None) -> AsyncApp:
        """The Bolt app with its listeners."""

        async def authorize(team_id: str | None, **_: Any) -> Any:
            try:
                workspace = await self._workspaces.of(team_id or self._workspaces.own_team)
            except Rejected:
                return None
            return AuthorizeResult(
                enterprise_id=None,
                team_id=workspace.team,
                bot_token=workspace.once.token,
                bot_user_id=workspace.bot_user_id,
                bot_id=workspace.bot_user_id,
            )

        app = AsyncApp(
            authorize=authorize,
            client=own.patient if own else self._workspaces.anonymous(),
            signing_secret=self._settings.slack_signing_secret or "unused: sockets carry no signature",
            process_before_response=True,
            # Bolt would compare bot ids that `authorize` does not know; `hearing.is_typed` leaves bots out.
            ignoring_self_events_enabled=False,
        )

        @app.command("/omc")
        async def slash(ack: AsyncAck, body: Body) -> None:
            team, channel = str(body["team_id"]), str(body["channel_id"])
            speaker, out = await asyncio.gather(
                self._speaker(body, str(body["user_id"]), str(body.get("user_name") or "")),
                self._is_out(team, channel, str(body.get("channel_name") or "")),
            )
            said = hearing.command(body, speaker, unreachable=out)
            reply = await conversation.handle(said)
            if reply.form is not None:
                await self._open(said.place, str(body["trigger_id"]), reply)
                await ack()
                return
            await ack(text=escape(reply.plain()), blocks=_blocks(reply), response_type="ephemeral")
            if reply.later is not None:
                self._later(self._answer(said, Reply(later=reply.later)))

        @app.shortcut("omc_analyze")
        async def shortcut(ack: AsyncAck, body: Body) -> None:
            speaker = await self._speaker(body, str(body["user"]["id"]))
            said = hearing.message_shortcut(body, speaker)
            reply = await conversation.handle(said)
            if reply.form is not None:
                await self._open(said.place, str(body["trigger_id"]), reply)
            await ack()
            self._later(self._answer(said, reply))

        @app.action(ANYTHING)
        async def pressed(ack: AsyncAck, body: Body) -> None:
            said = hearing.press(body, await self._speaker(body, str(body["user"]["id"])))
            if said is None:
                await ack()
                return
            reply = await conversation.handle(said)
            if reply.form is not None:
                await self._open(said.place, str(body["trigger_id"]), reply)
            await ack()
            self._later(self._answer(said, reply))

        @app.view(ANYTHING)
        async def sent(ack: AsyncAck, body: Body) -> None:
            said = hearing.submitted(body, await self._speaker(body, str(body["user"]["id"])))
            reply = await conversation.handle(said)
            if not reply.ok:
                first = next(iter(said.values), "text")
                await ack(response_action="errors", errors={first: reply.plain()[:150]})
                return
            await ack()
            self._later(self._answer(said, reply))

        @app.event("app_home_opened")
        async def home(body: Body, event: Body) -> None:
            if event.get("tab") == "home":
                said = hearing.home_opened(await self._speaker(body, str(event["user"])))
                self._later(self._answer(said, await conversation.handle(said)))

        @app.event("app_mention")
        async def mentioned(body: Body, event: Body) -> None:
            await self._hear_message(conversation, body, event)

        @app.event("message")
        async def wrote(body: Body, event: Body) -> None:
            await self._hear_message(conversation, body, event)

        @app.event("reaction_added")
        async def reacted(body: Body, event: Body) -> None:
            action = THUMBS.get(str(event.get("reaction")).split("::")[0])
            item = event.get("item") or {}
            if action and item.get("type") == "message":
                speaker = await self._speaker(body, str(event["user"]))
                place = Place(speaker.workspace, str(item["channel"]))
                key = str(body.get("event_id") or "")
                await conversation.handle(Press(speaker, place, action, value=str(item["ts"]), key=key))

        @app.event("agent_session_stopped")
        async def stopped(body: Body, event: Body) -> None:
            speaker = await self._speaker(body, str(event.get("user") or event.get("user_id")))
            channel = str(event.get("channel") or event.get("channel_id"))
            place = Place(speaker.workspace, channel, str(event.get("thread_ts") or ""))
            said = Press(speaker, place, "stop", key=str(body.get("event_id") or ""))
            self._later(self._answer(said, await conversation.handle(said)))

        async def removed(body: Body) -> None:
            await self._workspaces.forget(hearing.team_of(body))

        app.event("app_uninstalled")(removed)
        app.event("tokens_revoked")(removed)
        return app

    async def _hear_message(self, conversation: Conversation, body: Body, event: Body) -> None:
        """A message that was written, edited or deleted. Both events of a mention come here; one counts."""
        workspace = await self._workspaces.of(hearing.team_of(body))
        bot = workspace.bot_user_id
        subtype = str(event.get("subtype") or "")
        if subtype in ("message_changed", "message_deleted"):
            author = str((event.get("previous_message") or event.get("message") or {}).get("user") or "")
            if author and author != bot:
                speaker = await self._speaker(body, author)
                changed = hearing.rewritten(event, speaker, bot)
                if changed is not None:
                    self._later(self._answer(changed, await conversation.handle(changed)))
            return
        if not hearing.is_typed(event) or event.get("user") == bot or not hearing.concerns_us(event, bot):
            return
        speaker = await self._speaker(body, str(event["user"]))
        said = hearing.typed(event, speaker, bot)
        if said.text or not event.get("files"):
            self._later(self._answer(said, await conversation.handle(said)))

        async def fetch(file: Body) -> bytes:
            return await self._download(workspace, file)

        for file in hearing.dropped(event, speaker, fetch):
            self._later(self._take_in(conversation, file))

    async def _take_in(self, conversation: Conversation, file: Heard) -> None:
        await self._answer(file, await conversation.handle(file))

    async def _download(self, workspace: Workspace, file: Body) -> bytes:
        """The bytes of a file, with the bot's right to read it. Raises Rejected."""
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        headers = {"Authorization": f"Bearer {workspace.once.token}"}
        try:
            timeout = aiohttp.ClientTimeout(total=120)
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.get(url, headers=headers) as response,
            ):
                if response.status != 200 or response.content_type == "text/html":
                    raise Rejected(f"Slack does not hand out {file.get('name')} ({response.status})")
                return await response.content.read(LARGEST_DOWNLOAD)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Rejected(f"{file.get('name')} could not be fetched from Slack: {error}") from error

    async def _speaker(self, body: Body, user: str, name: str = "") -> Speaker:
        return await self.people.speaker(hearing.team_of(body), user, name)

    async def _is_out(self, team: str, channel: str, name: str) -> bool:
        """Whether the bot cannot post in a channel: one that is private, and to which it was not invited."""
        if name not in ("privategroup", "directmessage") or (team, channel) in self._reachable:
            return False
        try:
            async with asyncio.timeout(1.0):
                workspace = await self._workspaces.of(team)
                await workspace.once.conversations_history(channel=channel, limit=1)
        except SlackApiError as error:
            return code_of(error) in ("channel_not_found", "not_in_channel")
        except (TimeoutError, aiohttp.ClientError, OSError, Rejected):
            return False
        self._reachable.add((team, channel))
        return False

    async def _open(self, place: Place, trigger_id: str, reply: Reply) -> None:
        """Open a form while the trigger is fresh."""
        assert reply.form is not None
        workspace = await self._workspaces.of(place.workspace)
        view = view_of(reply.form, hearing.metadata_of(place, reply.form.context))
        try:
            await workspace.once.views_open(trigger_id=trigger_id, view=view)
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            logger.warning("a form could not be opened: %s", error)

    async def _answer(self, said: Heard, reply: Reply) -> None:
        """Give a reply to whoever acted, in the way Slack has for it."""
        place = said.place or Place(said.speaker.workspace, "")
        try:
            workspace = await self._workspaces.of(place.workspace)
            if reply.home is not None:
                await workspace.patient.views_publish(
                    user_id=said.speaker.external_id, view=home_of(reply.home)
                )
            if reply.reaction and isinstance(said, Typed):
                await self._react(workspace, said, REACTIONS[reply.reaction])
            if reply.text or reply.message:
                await self._say(workspace, said.speaker, place, reply)
            if reply.later is not None:
                await self._answer(said, await reply.later())
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError, PlatformError) as error:
            logger.warning("a reply to %s was lost: %s", said.speaker.external_id, error)

    async def _react(self, workspace: Workspace, said: Typed, name: str) -> None:
        channel, _, ts = said.key.partition(":")
        try:
            await workspace.patient.reactions_add(channel=channel, timestamp=ts, name=name)
        except SlackApiError as error:
            if code_of(error) != "already_reacted":
                raise

    async def _say(self, workspace: Workspace, speaker: Speaker, place: Place, reply: Reply) -> None:
        """Words for one person: in private where they are, or as a direct message."""
        words: dict[str, Any] = {"text": _fallback(reply), "blocks": _blocks(reply)}
        if place.thread:
            words["thread_ts"] = place.thread
        if place.direct or reply.shared:
            await workspace.patient.chat_postMessage(channel=place.channel or speaker.external_id, **words)
            return
        try:
            if place.channel:
                await workspace.patient.chat_postEphemeral(
                    channel=place.channel, user=speaker.external_id, **words
                )
                return
        except SlackApiError as error:
            logger.info("%s cannot be told in %s: %s", speaker.external_id, place.channel, error)
        words.pop("thread_ts", None)
        await workspace.patient.chat_postMessage(channel=speaker.external_id, **words)

    def _later(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something once Slack has been told that its request arrived."""
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _blocks(reply: Reply) -> list[dict[str, Any]]:
    blocks = reply_blocks(reply.text, fixed=reply.fixed) if reply.text else []
    return [*blocks, *(blocks_of(reply.message, plain=True) if reply.message else ())]


def _fallback(reply: Reply) -> str:
    return fallback(reply.message) if reply.message else escape(reply.text)
