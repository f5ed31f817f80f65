"""Clients for each workspace the bot is installed in, and the people in them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bots.errors import Rejected
from bots.platform import Speaker
from bots.slack.failures import code_of
from storage import installations
from storage.database import Database
from storage.installations import Installed
from storage.sealing import Seal

KNOWN_SECONDS = 3600.0


@dataclass(frozen=True)
class Workspace:
    """One workspace: `once` does each request at most once, `patient` repeats those that may be repeated."""

    team: str
    once: AsyncWebClient
    patient: AsyncWebClient
    bot_user_id: str


class Workspaces:
    """The workspaces the bot speaks in: the one its token is for, and those where it was installed."""

    def __init__(self, base_url: str, token: str | None, database: Database, seal: Seal | None) -> None:
        self._base_url = base_url
        self._token = token
        self._database = database
        self._seal = seal
        self._known: dict[str, Workspace] = {}
        self.own_team = ""

    async def connect(self) -> Workspace | None:
        """The workspace of the bot's own token, checked with Slack. Raises SlackApiError."""
        if self._token is None:
            return None
        client = self._client(self._token, patient=True)
        said = await client.auth_test()
        self.own_team = str(said["team_id"])
        workspace = self._workspace(self.own_team, self._token, str(said["user_id"]))
        self._known[self.own_team] = workspace
        return workspace

    def anonymous(self) -> AsyncWebClient:
        """A client that speaks for no workspace yet."""
        return self._client(None, patient=True)

    async def of(self, team: str) -> Workspace:
        """The workspace. Raises Rejected when the bot is not installed there, SealError when its token is locked."""
        known = self._known.get(team)
        if known is not None:
            return known
        installed = await self.installed(team)
        if installed is None:
            raise Rejected(f"the bot is not installed in workspace {team}")
        self._known[team] = self._workspace(team, installed.token, installed.bot_user_id)
        return self._known[team]

    async def installed(self, team: str) -> Installed | None:
        """The stored installation of a workspace."""
        if self._seal is None:
            return None
        seal = self._seal

        def look() -> Installed | None:
            with self._database.begin() as db:
                return installations.find(db, seal, "slack", team)

        return await asyncio.to_thread(look)

    async def keep(self, installed: Installed) -> None:
        """Store an installation."""
        assert self._seal is not None
        await self._write(lambda db: installations.save(db, self._seal, "slack", installed))  # type: ignore[arg-type]
        self._known.pop(installed.workspace, None)

    async def forget(self, team: str) -> None:
        """The app was removed from a workspace."""
        self._known.pop(team, None)
        await self._write(lambda db: installations.forget(db, "slack", team))

    async def _write(self, change: Callable[..., None]) -> None:
        def write() -> None:
            with self._database.begin() as db:
                change(db)

        await asyncio.to_thread(write)

    def _workspace(self, team: str, token: str, bot_user_id: str) -> Workspace:
        once = self._client(token, patient=False)
        return Workspace(team, once, self._client(token, patient=True), bot_user_id)

    def _client(self, token: str | None, *, patient: bool) -> AsyncWebClient:
        # A post that is repeated by the SDK after a broken connection would stand there twice: those are looked up.
        handlers = (
            [
                AsyncConnectionErrorRetryHandler(max_retry_count=1),
                AsyncRateLimitErrorRetryHandler(max_retry_count=1),
                AsyncServerErrorRetryHandler(max_retry_count=2),
            ]
            if patient
            else []
        )
        client = AsyncWebClient(token, base_url=self._base_url, retry_handlers=handlers, timeout=14)
        client.proxy = proxy_for(self._base_url)
        return client


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for `url`; the SDK takes any there is and never looks at NO_PROXY."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("https") or proxies.get("http")


class People:
    """What Slack knows of people, asked once an hour and never waited for long."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces
        self._known: dict[tuple[str, str], tuple[float, Speaker]] = {}

    async def speaker(self, team: str, user: str, name: str = "", *, seconds: float = 0.7) -> Speaker:
        """Who that is; the bare id when Slack does not say in time (the acknowledgement must not wait)."""
        known = self._known.get((team, user))
        if known is not None and time.monotonic() - known[0] < KNOWN_SECONDS:
            return known[1]
        try:
            async with asyncio.timeout(seconds):
                workspace = await self._workspaces.of(team)
                said = (await workspace.once.users_info(user=user))["user"]
        except (TimeoutError, SlackApiError, OSError, Rejected) as error:
            if isinstance(error, SlackApiError) and code_of(error) == "user_not_found":
                self._known[team, user] = (time.monotonic(), Speaker("slack", team, user, name or user))
            return known[1] if known else Speaker("slack", team, user, name or user)
        profile = said.get("profile") or {}
        shown = profile.get("display_name") or said.get("real_name") or said.get("name") or name or user
        speaker = Speaker(
            "slack",
            team,
            user,
            str(shown),
            is_admin=bool(said.get("is_admin") or said.get("is_owner")),
            language=str(said.get("locale") or ""),
            zone=str(said.get("tz") or ""),
        )
        self._known[team, user] = (time.monotonic(), speaker)
        return speaker
