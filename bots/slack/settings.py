"""How the bot reaches Slack."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bots.errors import Refusal


class SlackSettings(BaseSettings):
    """Tokens and addresses. With an app-level token the bot dials out (Socket Mode); else Slack calls it."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    slack_bot_token: str | None = Field(None, description="xoxb-..., for one workspace.")
    slack_app_token: str | None = Field(None, description="xapp-..., for Socket Mode.")
    slack_signing_secret: str | None = Field(None, description="Checks that requests come from Slack.")
    slack_client_id: str | None = Field(None, description="With the secret: other workspaces can install.")
    slack_client_secret: str | None = Field(None, description="With the id: other workspaces can install.")
    slack_api_base: str = Field("https://slack.com/api/", description="Slack's Web API.")

    @property
    def mode(self) -> Literal["socket", "http"]:
        return "socket" if self.slack_app_token else "http"

    @property
    def api_base(self) -> str:
        """The address with the ending that the SDK relies on."""
        base = self.slack_api_base.rstrip("/")
        return f"{base}/" if base.endswith("/api") else f"{base}/api/"

    @property
    def installs(self) -> bool:
        """Whether other workspaces can install the app."""
        return bool(self.slack_client_id and self.slack_client_secret)

    def require(self) -> None:
        """Raise Refusal when the bot cannot work with what is set, naming what is missing."""
        if not self.slack_bot_token and not self.installs:
            raise Refusal(
                "SLACK_BOT_TOKEN is not set. Create the app from bots/slack/manifest.json, install it to your "
                "workspace and copy the Bot User OAuth Token (xoxb-...)."
            )
        if self.slack_bot_token and not self.slack_bot_token.startswith("xoxb-"):
            raise Refusal("SLACK_BOT_TOKEN is no bot token: those begin with xoxb-.")
        if self.slack_app_token and not self.slack_app_token.startswith("xapp-"):
            raise Refusal("SLACK_APP_TOKEN is no app-level token: those begin with xapp-.")
        if not self.slack_app_token and not self.slack_signing_secret:
            raise Refusal(
                "Neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set. Socket Mode is easier: "
                "under Basic Information create an app-level token with the scope connections:write (xapp-...)."
            )
        if self.installs and not self.slack_signing_secret:
            raise Refusal("SLACK_SIGNING_SECRET is needed beside SLACK_CLIENT_ID: installing goes over HTTP.")
