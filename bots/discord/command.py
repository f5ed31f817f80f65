"""`omc bot discord`: the process that speaks in Discord."""

import click


@click.command()
@click.option("--invite", is_flag=True, help="Print the link that lets the bot into a server.")
def discord(invite: bool) -> None:
    """Speak in Discord. Needs DISCORD_BOT_TOKEN."""
    from bots.discord.settings import DiscordSettings

    settings = DiscordSettings()
    settings.require()
    if invite:
        import asyncio

        from bots.discord.app import invitation

        click.echo(asyncio.run(invitation(settings)))
        return
    from bots.bot_process import run_bot
    from bots.composition import open_house
    from bots.discord.app import Discord

    with open_house(connections=8) as house:
        platform = Discord(settings)
        run_bot(house, platform, platform.ready, "Speaking in Discord; Ctrl-C stops.")
