"""`omc bot`: the processes that speak in chats. Each imports its own platform when it is started."""

import importlib
from collections.abc import Mapping

import click

# platform -> (module:command, what the help says of it)
PLATFORMS: Mapping[str, tuple[str, str]] = {
    "slack": ("bots.slack.command:slack", "Speak in Slack."),
    "discord": ("bots.discord.command:discord", "Speak in Discord."),
}


class Bots(click.Group):
    """One command a platform, loaded when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(PLATFORMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in PLATFORMS:
            return None
        module, _, attribute = PLATFORMS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in PLATFORMS.items()])


@click.group(cls=Bots)
def bot() -> None:
    """Speak with people in a chat. Any number of processes may do it for one chat at once."""
