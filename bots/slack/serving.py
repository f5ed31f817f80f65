"""The HTTP side: requests of Slack (their signature is checked by Bolt) and installations of other workspaces."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.clients import Workspaces, proxy_for
from bots.slack.settings import SlackSettings
from storage.errors import StorageError
from storage.installations import Installed
from storage.sealing import Seal, SealingSettings

MANIFEST = Path(__file__).with_name("manifest.json")
STATE_SECONDS = 600


@contextlib.asynccontextmanager
async def serve(
    app: AsyncApp, settings: SlackSettings, workspaces: Workspaces, host: str, port: int
) -> AsyncIterator[int]:
    """Serve until left; the port is that which was taken (0 asks for any)."""
    server = web.Application(client_max_size=4 * 1024 * 1024)

    async def healthy(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server.router.add_get("/healthz", healthy)
    if settings.mode == "http":
        server.router.add_post("/slack/events", events)
    if settings.installs:
        flow = installation_flow(settings, workspaces)

        async def install(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await flow.handle_installation(await to_bolt_request(request)))

        async def finish(request: web.Request) -> web.Response:
            return await to_aiohttp_response(await flow.handle_callback(await to_bolt_request(request)))

        server.router.add_get("/slack/install", install)
        server.router.add_get("/slack/oauth_redirect", finish)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
        yield port
    finally:
        await runner.cleanup()


def installation_flow(settings: SlackSettings, workspaces: Workspaces) -> AsyncOAuthFlow:
    """Slack's way of installing an app, with our store behind it."""
    client = AsyncWebClient(base_url=settings.api_base)
    client.proxy = proxy_for(settings.api_base)
    return AsyncOAuthFlow(
        client=client,
        settings=AsyncOAuthSettings(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret,
            scopes=scopes(),
            install_path="/slack/install",
            redirect_uri_path="/slack/oauth_redirect",
            installation_store=Store(workspaces),
            state_store=States(Seal(SealingSettings().omc_secret_key)),
            state_expiration_seconds=STATE_SECONDS,
        ),
    )


def scopes() -> list[str]:
    """What the app asks to be allowed, as its manifest says."""
    manifest = json.loads(MANIFEST.read_text())
    return list(manifest["oauth_config"]["scopes"]["bot"])


class Store(AsyncInstallationStore):
    """Installations as rows, their tokens sealed."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def async_save(self, installation: Installation) -> None:
        await self._workspaces.keep(
            Installed(
                workspace=str(installation.team_id or installation.enterprise_id),
                name=str(installation.team_name or ""),
                token=str(installation.bot_token),
                bot_id=str(installation.bot_id),
                bot_user_id=str(installation.bot_user_id),
                scopes=",".join(installation.bot_scopes or ()),
                installed_by=str(installation.user_id),
            )
        )


class States(AsyncOAuthStateStore):
    """The state of an installation on its way, sealed: no row is needed, and nobody else can make one."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        return self._seal.close(str(time.time())).decode()

    async def async_consume(self, state: str) -> bool:
        with contextlib.suppress(StorageError, ValueError):
            return time.time() - float(self._seal.open(state.encode())) < STATE_SECONDS
        return False
