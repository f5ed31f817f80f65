"""`omc up`: every process that chats need under one supervisor: the bots that have tokens, workers, the sweeper."""

import click

from bots.errors import BotError


class EndedTooOften(BotError):
    """A process ended again and again as soon as it was started."""


@click.command()
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 32), help="How many runs work at once."
)
def up(workers: int) -> None:
    """Run the bots that have tokens, the workers and the sweeper until Ctrl-C or SIGTERM.

    What ends by accident is started again. At the end bots finish what they post, and the runs in hand go back into the
    queue; a second Ctrl-C ends everything at once.
    """
    from bots.composition import require_tables
    from bots.discord.settings import DiscordSettings
    from bots.slack.settings import SlackSettings
    from bots.supervising import Part, Supervisor
    from storage.embedded import connect

    slack, discord = SlackSettings(), DiscordSettings()
    parts = [
        Part(f"worker {number}" if workers > 1 else "worker", ("worker",)) for number in range(1, workers + 1)
    ]
    parts.append(Part("sweeper", ("sweeper",)))
    if slack.slack_bot_token or slack.installs:
        slack.require()
        parts.append(Part("slack", ("bot", "slack")))
    if discord.discord_bot_token:
        discord.require()
        parts.append(Part("discord", ("bot", "discord")))
    with connect() as services:
        require_tables(services)
        names = ", ".join(part.name for part in parts)
        click.echo(f"Up: {names}. Ctrl-C stops.", err=True)
        if not any(part.name in ("slack", "discord") for part in parts):
            click.echo("No chat: neither SLACK_BOT_TOKEN nor DISCORD_BOT_TOKEN is set.", err=True)
        worn_out = Supervisor(parts, lambda line: click.echo(line, err=True)).run()
    if worn_out is not None:
        raise EndedTooOften(
            f"{worn_out} ended again and again; what it said stands above. Everything else was stopped."
        )
    click.echo("Stopped.", err=True)
