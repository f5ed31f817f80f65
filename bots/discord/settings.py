"""How the bot reaches Discord."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from bots.errors import Refusal


class DiscordSettings(BaseSettings):
    """The bot's token, and where Discord is."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    discord_bot_token: str | None = Field(
        None, description="The token of the bot, from the developer portal."
    )
    discord_api_base: str = Field("https://discord.com/api/v10", description="Discord's API, version 10.")
    discord_gateway: str | None = Field(None, description="Discord's gateway; by default Discord's own.")

    @property
    def api_base(self) -> str:
        """The address that paths are put behind."""
        return self.discord_api_base.strip().rstrip("/")

    def require(self) -> str:
        """The token. Raises Refusal when it cannot be one, saying where to find it."""
        where = "In the developer portal, under Bot, press Reset Token and copy what it shows."
        token = (self.discord_bot_token or "").strip()
        if not token:
            raise Refusal(f"DISCORD_BOT_TOKEN is not set. {where}")
        if token.startswith("Bot "):
            raise Refusal("DISCORD_BOT_TOKEN begins with “Bot ”: leave that word out.")
        if token.count(".") != 2 or any(char.isspace() for char in token):
            raise Refusal(
                f"DISCORD_BOT_TOKEN is no bot token: those have three parts with dots between. {where}"
            )
        return token
